package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
)

// benchUsers is how many users the gym of the capsule's figures has: some 2.6
// million rows.
const benchUsers = 100_000

// BenchmarkCapsule runs the guide's reset with its capsule and without, in turn,
// each on a fresh copy of the same gym. A run with one is a rehearsal, which puts
// all of it back at its end and compares.
func BenchmarkCapsule(b *testing.B) {
	first := benchGym(b, benchUsers)
	source := guideByHand(b)
	var without, with, back []float64
	for i := range 3 {
		s := unattended(b, copyOf(b, first, fmt.Sprintf("without_%d", i)), source)
		without = append(without, tookAll(s).Seconds())
		s = unattended(b, copyOf(b, first, fmt.Sprintf("with_%d", i)), source, keeping(b))
		with, back = append(with, tookAll(s).Seconds()), append(back, undone(b, s).Seconds())
		if i == 0 {
			b.Log("\n" + keptWords(s))
			b.ReportMetric(float64(keptBytes(s))/float64(dumpSize(b, first, s)), "of-pg_dump")
		}
	}
	b.Logf("without %.2f s, with %.2f s, put back in %.2f s", without, with, back)
	b.ReportMetric(middle(with)/middle(without), "of-a-run-without")
	b.ReportMetric(middle(back)/middle(without), "undo-of-deletes")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkUndoAgainstRestore clears a gym that is a tenth of its database, puts
// it back, and restores the whole database beside that.
func BenchmarkUndoAgainstRestore(b *testing.B) {
	dsn := benchGym(b, benchUsers)
	script(b, dsn, archive)
	dump := filepath.Join(b.TempDir(), "dump")
	runTool(b, "pg_dump", "-Fd", "-j2", "-f", dump, dsn)
	server := sandbox.ForTest(b)
	if err := server.CreateDatabase(b.Context(), "restored", ""); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	runTool(b, "pg_restore", "-j2", "-d", server.DSN("restored"), dump)
	restore := time.Since(began)
	undo := undone(b, unattended(b, dsn, guideByHand(b), keeping(b)))
	b.Logf("restored in %.1f s, put back in %.1f s", restore.Seconds(), undo.Seconds())
	b.ReportMetric(undo.Seconds()/restore.Seconds(), "of-pg_restore-j2")
	b.ReportMetric(0, "ns/op")
}

// archive is nine times as many rows as the gym has, with a key and an index each.
const archive = `DO $$ DECLARE i int; BEGIN FOR i IN 1..9 LOOP
	EXECUTE format('CREATE TABLE archive_%s (id int, user_id int, lesson_id int, lesson_date date, status text, created_at timestamptz)', i);
	EXECUTE format('INSERT INTO archive_%s SELECT g, g %% 100000, g %% 500, date ''2020-01-01'' + g %% 1500, ''booked'', now() FROM generate_series(1, 2600000) g', i);
	EXECUTE format('ALTER TABLE archive_%s ADD PRIMARY KEY (id)', i);
	EXECUTE format('CREATE INDEX ON archive_%s (user_id)', i);
END LOOP; END $$`

// BenchmarkCapsuleMemory runs the real program on gyms of several sizes, and on
// rows of 20 MB, and tells the most memory that it had.
func BenchmarkCapsuleMemory(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tminus")
	runTool(b, "go", "build", "-o", binary, "tminus")
	for name, dsn := range map[string]string{"5,000 users": benchGym(b, 5_000), "100,000 users": benchGym(b, benchUsers), "rows of 20 MB": largeRows(b)} {
		b.Run(name, func(b *testing.B) {
			book := filepath.Join(b.TempDir(), "book.yaml")
			source := guideByHand(b)
			if name == "rows of 20 MB" {
				source = "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, risk: high, planned: 5m, delete: [large]}\n"
			}
			if err := os.WriteFile(book, []byte(source), 0o600); err != nil {
				b.Fatal(err)
			}
			cmd := exec.CommandContext(b.Context(), binary, "rehearse", book, "--dsn", dsn, "--unattended", "--plain", "--journal", filepath.Join(b.TempDir(), "run.journal"))
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			b.ReportMetric(float64(usage.Maxrss)/1024, "MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func largeRows(b *testing.B) string {
	dsn := sandbox.ForTest(b).NewDatabase(b)
	script(b, dsn, `CREATE TABLE large (id int PRIMARY KEY, v bytea); ALTER TABLE large ALTER v SET STORAGE EXTERNAL;
		INSERT INTO large SELECT g, decode(repeat(md5(g::text), 1250000), 'hex') FROM generate_series(1, 10) g`)
	return dsn
}

func benchGym(b *testing.B, users int) string {
	b.Helper()
	dsn := sandbox.ForTest(b).NewDatabase(b)
	if err := gym.Load(b.Context(), dsn, gym.Options{Users: users}); err != nil {
		b.Fatal(err)
	}
	return dsn
}

// keeping has a run keep what it takes, and put it back at its end.
func keeping(b *testing.B) func(*phases.RunOpened) {
	folder := filepath.Join(b.TempDir(), "capsule")
	return func(o *phases.RunOpened) {
		o.Environment, o.Capsule, o.TryUndo = phases.Rehearsal, &phases.CapsulePlace{Folder: folder}, true
	}
}

// undone is how long a rehearsal's undo took; it has to be proven.
func undone(b *testing.B, s *phases.State) time.Duration {
	b.Helper()
	if t := s.UndoTrial; t == nil || t.Result == nil || t.Result.Lacks() != "" {
		b.Fatalf("the undo is not proven: %+v", t)
	}
	return s.UndoTrial.Result.Took
}

// tookAll is how long a run's phases worked together.
func tookAll(s *phases.State) (sum time.Duration) {
	for i := range s.Phases {
		sum += s.Phases[i].Worked()
	}
	return sum
}

func keptWords(s *phases.State) (out string) {
	for i := range s.Phases {
		if c := s.Phases[i].Capsule; c != nil {
			out += fmt.Sprintf("%s: %s of %d tables, %s, the end of it %.3f s of %.3f s\n", s.Phases[i].Plan.ID, phases.Rows(c.Rows()), len(c.Tables), phases.Bytes(c.Bytes), c.Took.Seconds(), s.Phases[i].Took.Seconds())
		}
	}
	for _, p := range s.UndoTrial.Result.Phases {
		out += fmt.Sprintf("%s put back in %.3f s\n", p.Phase, p.Took.Seconds())
	}
	return out
}

func keptBytes(s *phases.State) (sum int64) {
	for i := range s.Phases {
		if c := s.Phases[i].Capsule; c != nil {
			sum += c.Bytes
		}
	}
	return sum
}

// dumpSize is the size of what pg_dump writes of the tables whose rows a run took.
func dumpSize(b *testing.B, dsn string, s *phases.State) int64 {
	b.Helper()
	file := filepath.Join(b.TempDir(), "dump")
	args := []string{"-Fc", "-a", "-f", file}
	seen := map[string]bool{}
	for i := range s.Phases {
		if c := s.Phases[i].Capsule; c != nil {
			for _, t := range c.Tables {
				if t.Gone > 0 && !seen[t.Table] {
					seen[t.Table] = true
					args = append(args, "-t", "public."+t.Table)
				}
			}
		}
	}
	runTool(b, "pg_dump", append(args, dsn)...)
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

func runTool(b *testing.B, name string, args ...string) {
	b.Helper()
	if out, err := exec.CommandContext(b.Context(), name, args...).CombinedOutput(); err != nil {
		b.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// copyOf makes a database like another one, to which nobody is connected.
func copyOf(b *testing.B, dsn, name string) string {
	b.Helper()
	from, err := pgx.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	server := sandbox.ForTest(b)
	if err := server.CreateDatabase(b.Context(), name, from.Database); err != nil {
		b.Fatal(err)
	}
	return server.DSN(name)
}
