// Command run measures the program beside psql, prints the table, and writes it
// into docs/benchmarks.md. It is started in the folder of go.mod.
//
//	go run ./testdata/bench/run                              # all, half an hour on a quiet machine
//	BENCH_ROUNDS=1 BENCH_USERS=5000 go run ./testdata/bench/run   # to try it: the page stays
//	go run ./testdata/bench/run reset silence                # some rows: the page stays
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"tminus/testdata/bench"
)

// What is measured for the page.
const (
	fullUsers  = 100_000
	fullRounds = 5
)

func main() {
	if err := measure(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(only []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	users, err := number("BENCH_USERS", fullUsers)
	if err != nil {
		return err
	}
	rounds, err := number("BENCH_ROUNDS", fullRounds)
	if err != nil {
		return err
	}
	got, failed := bench.Run(ctx, bench.Options{Users: users, Rounds: rounds, Only: only, Say: os.Stderr})
	fmt.Print("\n" + got.Table())
	if page := os.Getenv("BENCH_PAGE"); page != "" || users == fullUsers && rounds >= fullRounds && len(only) == 0 && failed == nil {
		if page == "" {
			page = "docs/benchmarks.md"
		}
		if err := got.Write(page); err != nil {
			return err
		}
		fmt.Println("\nwritten into " + page)
	}
	return failed
}

func number(name string, otherwise int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %q: give a number from 1 on", name, text)
	}
	return n, nil
}
