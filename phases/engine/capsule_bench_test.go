package engine_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
)

// BenchmarkCapsule runs the guide's reset with its capsule and without, in turn,
// each on a fresh copy of the same gym.
func BenchmarkCapsule(b *testing.B) {
	for _, users := range []int{20_000, 100_000} {
		b.Run(fmt.Sprintf("%d users", users), func(b *testing.B) {
			server := sandbox.ForTest(b)
			first := server.NewDatabase(b)
			if err := gym.Load(b.Context(), first, gym.Options{Users: users}); err != nil {
				b.Fatal(err)
			}
			source := guideByHand(b)
			var without, with []float64
			for i := range 3 {
				without = append(without, tookAll(unattended(b, copyOf(b, first, fmt.Sprintf("without%d_%d", users, i)), source)).Seconds())
				folder := filepath.Join(b.TempDir(), "capsule")
				s := unattended(b, copyOf(b, first, fmt.Sprintf("with%d_%d", users, i)), source, func(o *phases.RunOpened) { o.Capsule = &phases.CapsulePlace{Folder: folder} })
				with = append(with, tookAll(s).Seconds())
				if i == 0 {
					b.Log("\n" + keptWords(s))
				}
			}
			slices.Sort(with)
			slices.Sort(without)
			b.Logf("without %.2v s, with %.2v s", without, with)
			b.ReportMetric(with[1]/without[1], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
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
			out += fmt.Sprintf("%s: %s of %d tables, %s, %.3f s of %.3f s\n", s.Phases[i].Plan.ID, phases.Rows(c.Rows()), len(c.Tables), phases.Bytes(c.Bytes), c.Took.Seconds(), s.Phases[i].Took.Seconds())
		}
	}
	return out
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
