package engine_test

import (
	"fmt"
	"testing"
	"time"

	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/runbook"
)

// indexes are the states in which a gym's foreign keys are priced.
var indexes = map[string]string{
	"as it is": ``,
	"every key indexed": `DO $$ DECLARE k record; BEGIN FOR k IN SELECT conrelid::regclass AS t, (SELECT string_agg(quote_ident(attname), ', ')
		FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS c FROM pg_constraint WHERE contype = 'f'
		LOOP EXECUTE format('CREATE INDEX ON %s (%s)', k.t, k.c); END LOOP; END $$`,
	"no key indexed": `DO $$ DECLARE i record; BEGIN FOR i IN SELECT indexrelid::regclass AS name FROM pg_index
		WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND NOT indisunique
		LOOP EXECUTE format('DROP INDEX %s', i.name); END LOOP; END $$`,
}

// BenchmarkPrice runs the guide's reset, and shows what each phase was said to
// take beside what it took.
func BenchmarkPrice(b *testing.B) {
	for _, c := range []struct {
		users int
		state string
	}{{5_000, "every key indexed"}, {5_000, "as it is"}, {5_000, "no key indexed"}, {100_000, "every key indexed"}, {100_000, "as it is"}} {
		b.Run(fmt.Sprintf("%d users, %s", c.users, c.state), func(b *testing.B) {
			dsn := sandbox.ForTest(b).NewDatabase(b)
			if err := gym.Load(b.Context(), dsn, gym.Options{Users: c.users}); err != nil {
				b.Fatal(err)
			}
			script(b, dsn, indexes[c.state])
			priced(b, dsn)
		})
	}
}

// priced runs the guide's reset on a gym, and shows both.
func priced(b *testing.B, dsn string) {
	s := unattended(b, dsn, guideByHand(b))
	out := ""
	for _, p := range s.Phases {
		price := s.Survey.Price(p.Plan.ID)
		out += fmt.Sprintf("%s: reckoned %.3f s, took %.3f s, ratio %.2f; WAL reckoned %s, written %s; rows reckoned %d, %d\n", p.Plan.ID, price.Takes.Seconds(), p.Took.Seconds(),
			p.Took.Seconds()/price.Takes.Seconds(), price.WALWords(), phases.Bytes(p.WAL), price.Rows, p.Did().Gone()+p.Did().Updated)
	}
	b.Log("\n" + out)
}

// guideByHand is the guide's runbook where somebody else takes the backup.
func guideByHand(b *testing.B) string {
	site, err := gym.MakeSite(b.Context(), b.TempDir(), backup.Major(sandbox.ForTest(b).Version()))
	if err != nil {
		b.Fatal(err)
	}
	around := application(b)
	site.ByHand, site.Services, site.Log, site.Measure = true, around.URL(), around.Log(), time.Second
	return string(runbook.Guide(site))
}
