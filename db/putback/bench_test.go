package putback_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tminus/db/capsule"
	"tminus/db/gym"
	"tminus/db/putback"
	"tminus/db/sandbox"
)

// BenchmarkPutBack deletes from the gym as a reset does, a transaction a phase,
// and puts all of it back, the last phase first. It reports the time of both, and
// the one as a part of the other. TMINUS_BENCH_USERS is how many users the gym has.
func BenchmarkPutBack(b *testing.B) {
	users := gym.DefaultUsers
	if n, err := strconv.Atoi(os.Getenv("TMINUS_BENCH_USERS")); err == nil {
		users = n
	}
	for b.Loop() {
		b.StopTimer()
		dsn := sandbox.ForTest(b).NewDatabase(b)
		if err := gym.Load(limited(b), dsn, gym.Options{Users: users}); err != nil {
			b.Fatal(err)
		}
		s := connect(b, dsn, "")
		for _, sql := range list(b, s, `SELECT format('ALTER TABLE public.%I DISABLE TRIGGER %I', c.relname, t.tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = ANY ('{`+strings.Join(gym.Triggers(), ",")+`}')`) {
			exec(b, s, sql)
		}
		before := prints(b, dsn)
		var deletes, back, proof, deletesCPU, backCPU time.Duration
		var rows int64
		var capsules []*capsule.Capsule
		for _, tables := range gym.Deletes() {
			began, used := time.Now(), processorTime(s)
			exec(b, s, "BEGIN")
			for _, table := range tables {
				exec(b, s, "DELETE FROM public."+table)
			}
			deletes += time.Since(began)
			deletesCPU += processorTime(s) - used
			capsules = append(capsules, capture(b, dsn, s))
			began = time.Now()
			exec(b, s, "COMMIT")
			deletes += time.Since(began)
		}
		b.StartTimer()
		slices.Reverse(capsules)
		for _, c := range capsules {
			began := time.Now()
			one := connect(b, dsn, "")
			exec(b, one, "BEGIN")
			r, err := putback.Run(limited(b), one, c, putback.Options{})
			if err != nil {
				b.Fatal(err)
			}
			exec(b, one, "COMMIT")
			took := time.Since(began)
			back += took
			backCPU += processorTime(one)
			one.Close(limited(b))
			proof += r.Proof
			for _, d := range r.Tables {
				rows += d.Inserted + d.Updated
				b.Logf("%8d rows %6d ms straight=%v %s", d.Inserted+d.Updated, d.Took.Milliseconds(), d.Straight, d.Name)
			}
			b.Logf("in %d ms, of which proof %d ms; %d keys in %d ms", took.Milliseconds(), r.Proof.Milliseconds(), r.Keys, r.Checked.Milliseconds())
		}
		b.StopTimer()
		same(b, dsn, before)
		b.ReportMetric(deletes.Seconds(), "delete-s")
		b.ReportMetric(back.Seconds(), "back-s")
		b.ReportMetric(back.Seconds()/deletes.Seconds(), "back/delete")
		if deletesCPU > 0 {
			b.ReportMetric(backCPU.Seconds()/deletesCPU.Seconds(), "back/delete-cpu")
		}
		b.ReportMetric(proof.Seconds()/back.Seconds(), "proof/back")
		b.ReportMetric(float64(rows), "rows")
		s.Close(limited(b))
		b.StartTimer()
	}
}

// processorTime is what the server's process of a session has used; 0 where that
// cannot be read.
func processorTime(s session) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PgConn().PID()))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	var ticks int
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
