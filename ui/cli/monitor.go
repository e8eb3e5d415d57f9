package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tminus/phases/engine"
	"tminus/ui/monitor"
)

const metricsFlag = "--metrics"

func monitorFlags(c *cobra.Command, f *Flags) {
	c.Flags().StringVar(&f.Metrics, "metrics", "", "serve metrics for Prometheus on this address; :9765 and 9765 are loopback's (without an address: "+monitor.DefaultAddress+")")
	c.Flags().Lookup("metrics").NoOptDefVal = monitor.DefaultAddress
	c.Flags().StringVar(&f.StatusFile, "status-file", "", "keep this JSON file up to date with how the run stands")
}

// joined makes one word of --metrics and an address behind it: a flag that may
// stand alone takes its value by an equals sign only.
func joined(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		if args[i] == metricsFlag && i+1 < len(args) && likeAddress(args[i+1]) {
			out = append(out, metricsFlag+"="+args[i+1])
			i++
			continue
		}
		out = append(out, args[i])
	}
	return out
}

// likeAddress tells an address, also one that is none, from a file.
func likeAddress(word string) bool {
	_, err := strconv.Atoi(word)
	return err == nil || strings.Contains(word, ":") && !strings.ContainsAny(word, `/\`) && !strings.HasSuffix(word, ".yaml")
}

// told does a command's work while other programs are told of its run. What they
// lack at the end changes nothing about how it ended.
func (a *app) told(f Flags, do func(Flags) error) error {
	status, err := absolute(f.StatusFile)
	if journal, journalErr := absolute(f.Journal); err == nil && journalErr == nil && status != "" && status == journal {
		return &Exit{Code: Usage, Err: fmt.Errorf("--status-file %s: that is the journal, which nothing overwrites; name another file", f.StatusFile)}
	}
	opts := monitor.Options{Metrics: f.Metrics, Status: f.StatusFile, Environ: os.Environ(), Version: engine.Version()}
	return a.tell(opts, func(m *monitor.Monitor) error {
		f.monitor = m
		return do(f)
	})
}

// toldOf does the work of a command that only reads a journal, while other
// programs are told of it. Traces are the operator's program's to send.
func (a *app) toldOf(path string, f Flags, do func() error) error {
	return a.tell(monitor.Options{Metrics: f.Metrics, Status: f.StatusFile}, func(m *monitor.Monitor) error {
		if err := m.Follow(path); err != nil {
			return Failed(err)
		}
		return do()
	})
}

func (a *app) tell(opts monitor.Options, do func(*monitor.Monitor) error) error {
	if opts.Metrics != "" {
		if _, err := monitor.ParseAddress(opts.Metrics); err != nil {
			return &Exit{Code: Usage, Err: err}
		}
	}
	m, err := monitor.New(opts)
	if err != nil {
		return Failed(err)
	}
	for _, note := range m.Notes() {
		fmt.Fprintln(a.stderr, note)
	}
	defer func() {
		if err := m.Close(); err != nil {
			fmt.Fprintf(a.stderr, "tminus: %v\n", err)
		}
	}()
	return do(m)
}
