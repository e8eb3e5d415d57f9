package mirror

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"tminus/db"
	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/gym/services"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

const benchViewers = 50

// BenchmarkMirror runs the guide's reset without viewers and with fifty of them,
// one stalled, in turn and on the same data, and gives the medians. The viewers
// are a process of their own, of low priority: they would be on other hosts.
// MIRROR_BENCH_USERS says how many users the gym has, BENCH_ROUNDS how often it
// is run each way.
func BenchmarkMirror(b *testing.B) {
	users, rounds := benchNumber(b, "MIRROR_BENCH_USERS", gym.DefaultUsers), benchNumber(b, "BENCH_ROUNDS", 5)
	server := sandbox.ForTest(b)
	if err := server.CreateDatabase(b.Context(), "mirror_bench", ""); err != nil {
		b.Fatal(err)
	}
	if err := gym.Load(b.Context(), server.DSN("mirror_bench"), gym.Options{Users: users}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var without, with, ratios []float64
		peak := 0
		for round := range rounds {
			before := cpuTime(b)
			alone, _ := benchRun(b, server, 0)
			between := cpuTime(b)
			watched, mib := benchRun(b, server, benchViewers)
			after := cpuTime(b)
			b.Logf("round %d: %.3f s (%.2f s of CPU) without viewers, %.3f s (%.2f s of CPU) with %d, %d MiB", round+1,
				alone.Seconds(), (between - before).Seconds(), watched.Seconds(), (after - between).Seconds(), benchViewers, mib)
			without, with = append(without, alone.Seconds()), append(with, watched.Seconds())
			ratios = append(ratios, watched.Seconds()/alone.Seconds())
			peak = max(peak, mib)
		}
		b.ReportMetric(median(without), "s-without")
		b.ReportMetric(median(with), "s-with")
		b.ReportMetric(median(with)/median(without), "ratio")
		b.ReportMetric(median(ratios), "median-ratio")
		b.ReportMetric(float64(peak), "peak-MiB")
	}
}

func benchNumber(b *testing.B, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// benchRun is one unattended run; it gives the time that its phases took, and
// the most memory that this process had.
func benchRun(b *testing.B, server *sandbox.Server, viewers int) (took time.Duration, mib int) {
	dsn := server.CloneDatabase(b, "mirror_bench")
	site, err := gym.MakeSite(b.Context(), b.TempDir(), backup.Major(server.Version()))
	if err != nil {
		b.Fatal(err)
	}
	site.ByHand = true
	around, err := services.Start(b.TempDir(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer around.Close()
	site.Services, site.Log, site.Measure = around.URL(), around.Log(), time.Second
	source := string(runbook.Guide(site))
	book, err := runbook.Parse("gym-reset.yaml", []byte(source))
	if err != nil {
		b.Fatal(err)
	}
	opened := openedEvent()
	opened.Source, opened.SHA256 = source, engine.SHA256([]byte(source))
	opened.Unattended, opened.PlannedT0 = true, time.Now()
	target, err := db.Open(b.Context(), db.Config{DSN: dsn, Operator: opened.Operator, Runbook: book})
	if err != nil {
		b.Fatal(err)
	}
	defer target.Close()
	if opened.Target, err = target.Identity(b.Context()); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	engine, err := engine.Open(target, w, opened, engine.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // starts the peak anew where that exists
	if viewers > 0 {
		stop := benchMirror(b, path, viewers)
		defer stop()
	}
	if err := engine.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	engine.View(func(s *phases.State) {
		if s.Outcome != phases.Completed {
			b.Fatalf("the run ended %q: %s", s.Outcome, s.Reason)
		}
		for _, p := range s.Phases {
			took += p.Took
		}
	})
	return took, peakMiB(b)
}

// benchMirror serves a mirror to a process with many viewers, one of them
// stalled, and returns when all have a frame.
func benchMirror(b *testing.B, path string, viewers int) (stop func()) {
	r := &rig{t: b, dir: b.TempDir()}
	r.authorize(r.newKey("key"), "ann@ops")
	m, err := New(Options{Journal: path, Listen: "127.0.0.1:0", AuthorizedKeys: r.keysPath(), HostKey: filepath.Join(r.dir, "host_key"), PerKey: viewers, MaxSessions: viewers})
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- m.Serve(context.Background()) }() // ends with stop
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(r.dir, "mirror-viewers") // under this name the binary is the viewers
	if err := os.Symlink(self, program); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, m.Addr().String(), filepath.Join(r.dir, "key"), strconv.Itoa(viewers))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		b.Fatalf("viewers: %q, %v", line, err)
	}
	return func() {
		if n := m.Watching(); n < viewers-1 {
			b.Errorf("%d viewers of %d are left", n, viewers)
		}
		in.Close()
		_ = cmd.Wait()
		if err := m.Close(context.Background()); err != nil {
			b.Error(err)
		}
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
}

// mirrorViewers is a process of many viewers: ADDRESS KEY NUMBER. Every one has
// a size of 120 x 40; the first takes nothing after its first frame. It ends
// with its standard input.
func mirrorViewers() {
	if err := viewAll(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "viewers:", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func viewAll(addr, keyFile, number string) error {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) // as if on another host
	raw, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := gossh.ParsePrivateKey(raw)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	for i := range n {
		if err := viewOne(addr, key, i == 0); err != nil {
			return err
		}
	}
	return nil
}

func viewOne(addr string, key gossh.Signer, stalls bool) error {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	conn := &stallConn{Conn: raw}
	c, chans, reqs, err := gossh.NewClientConn(conn, addr, &gossh.ClientConfig{
		User: "viewer", Auth: []gossh.AuthMethod{gossh.PublicKeys(key)},
		HostKeyCallback: gossh.InsecureIgnoreHostKey(), // it is this benchmark's own
	})
	if err != nil {
		return err
	}
	sess, err := gossh.NewClient(c, chans, reqs).NewSession()
	if err != nil {
		return err
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		return err
	}
	if err := sess.RequestPty("xterm-256color", 40, 120, nil); err != nil {
		return err
	}
	if err := sess.Shell(); err != nil {
		return err
	}
	if _, err := io.ReadFull(out, make([]byte, 1000)); err != nil {
		return fmt.Errorf("first frame: %w", err)
	}
	if stalls {
		conn.stop()
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return nil
}

// cpuTime is what this process has used of the processors, viewers and database
// not among it.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// peakMiB is the most memory that this process had; 0 where nobody says.
func peakMiB(b *testing.B) int {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kib >> 10
		}
	}
	return 0
}
