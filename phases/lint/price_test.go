package lint_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// gym is a schema of 10,000 users with 10,000 bookings that refer to them.
func gym(change func(*schema.Schema)) *schema.Schema {
	s := &schema.Schema{
		Relations: []schema.Relation{
			{OID: 1, Schema: "public", Name: "users", Kind: schema.Ordinary, Rows: 10_000, Heap: 100 * 8192, Bytes: 200 * 8192, Width: 100, Indexes: 1},
			{OID: 2, Schema: "public", Name: "bookings", Kind: schema.Ordinary, Rows: 10_000, Heap: 100 * 8192, Bytes: 200 * 8192, Width: 100, Indexes: 2},
		},
		Keys:  []schema.Key{{OID: 9, Name: "booked", From: 2, To: 1, Action: schema.Cascade, Indexed: true, Referring: []string{"user_id"}}},
		Costs: schema.Costs{Row: 50, Query: 2000, Exchange: 100_000, Measured: true, Block: 8192, FullPages: true},
	}
	if change != nil {
		change(s)
	}
	s.Index()
	return s
}

func prices(t *testing.T, s *schema.Schema, phases string) []phases.Price {
	t.Helper()
	book, err := runbook.Parse("t.yaml", []byte("tminus: 1\ntitle: T\nphases:\n"+phases))
	if err != nil {
		t.Fatal(err)
	}
	return lint.New(book, s).Prices()
}

const (
	users    = "  - {id: users, title: Users, risk: high, planned: 1m, delete: [users]}\n"
	bookings = "  - {id: bookings, title: Bookings, risk: high, planned: 1m, delete: [bookings]}\n"
	both     = "  - {id: both, title: Both, risk: high, planned: 1m, delete: [bookings, users]}\n"
)

func unindexed(s *schema.Schema) { s.Keys[0].Indexed = false }

// What a key costs depends on its index, on what it does, and on whether its
// table was emptied before: in the same transaction, that spares nothing.
func TestThePriceFollowsTheOrder(t *testing.T) {
	t.Parallel()
	pairs := time.Duration(10_000 * 10_000 * 50 / 2) // what all the scans take at least
	for name, c := range map[string]struct {
		change      func(*schema.Schema)
		phases      string
		least, most time.Duration
		rows        int64
	}{
		"by an index, with the cascade":        {nil, users, 40 * time.Millisecond, 150 * time.Millisecond, 20_000},
		"without an index":                     {unindexed, users, pairs, 2 * pairs, 20_000},
		"emptied in the same transaction":      {unindexed, both, pairs, 2 * pairs, 20_000},
		"emptied in a phase before":            {unindexed, bookings + users, 40 * time.Millisecond, 250 * time.Millisecond, 10_000},
		"set to null, by an index":             {func(s *schema.Schema) { s.Keys[0].Action = schema.SetNull }, users, 80 * time.Millisecond, 300 * time.Millisecond, 20_000},
		"set to null where few refer":          {func(s *schema.Schema) { s.Keys[0].Action, s.Keys[0].Nulls = schema.SetNull, 0.99 }, users, 40 * time.Millisecond, 90 * time.Millisecond, 10_100},
		"a referring table that is empty":      {func(s *schema.Schema) { unindexed(s); s.Relations[1].Rows, s.Relations[1].Heap = 0, 0 }, users, 40 * time.Millisecond, 90 * time.Millisecond, 10_000},
		"never analyzed, reckoned by its size": {func(s *schema.Schema) { unindexed(s); s.Relations[1].Rows = -1 }, users, pairs * 3 / 4, 2 * pairs, 18_192},
	} {
		got := prices(t, gym(c.change), c.phases)
		p := got[len(got)-1]
		if p.Takes < c.least || p.Takes > c.most || p.Rows != c.rows {
			t.Errorf("%s: %s and %d rows, want %s to %s and %d", name, p.Takes, p.Rows, c.least, c.most, c.rows)
		}
		if p.Least >= p.Takes || p.Most <= p.Takes {
			t.Errorf("%s: the range of %s is %s to %s", name, p.Takes, p.Least, p.Most)
		}
	}
}

// A condition takes the share that the planner gave; where nobody asked, all of
// the table, as a guess.
func TestThePriceOfACondition(t *testing.T) {
	t.Parallel()
	some := "  - {id: some, title: Some, risk: high, planned: 1m, steps: [{delete: users, where: id < 9}]}\n"
	if p := prices(t, gym(nil), some)[0]; p.Rows != 20_000 || !p.Guessed {
		t.Errorf("unasked: %d rows, guessed %v", p.Rows, p.Guessed)
	}
	asked := func(s *schema.Schema) { s.Estimates = []schema.Estimate{{Relation: 1, Where: "id < 9", Rows: 100}} }
	if p := prices(t, gym(asked), some)[0]; p.Rows != 200 || p.Guessed {
		t.Errorf("asked: %d rows, guessed %v", p.Rows, p.Guessed)
	}
}

// Keys that cascade round in a circle come to an end.
func TestThePriceOfACircle(t *testing.T) {
	t.Parallel()
	p := prices(t, gym(func(s *schema.Schema) {
		s.Keys = append(s.Keys,
			schema.Key{OID: 10, Name: "back", From: 1, To: 2, Action: schema.Cascade, Indexed: true},
			schema.Key{OID: 11, Name: "self", From: 2, To: 2, Action: schema.Cascade, Indexed: true})
		s.Estimates = []schema.Estimate{{Relation: 1, Where: "id < 9", Rows: 5000}}
	}), "  - {id: some, title: Some, risk: high, planned: 1m, steps: [{delete: users, where: id < 9}]}\n")[0]
	if p.Rows < 10_000 || p.Rows > 20_000 {
		t.Errorf("%d rows go round, of 20,000", p.Rows)
	}
}

// WAL is at least a record a row, and at most each page besides; without
// full_page_writes there are no pages.
func TestThePriceInWAL(t *testing.T) {
	t.Parallel()
	p := prices(t, gym(nil), bookings)[0]
	if p.WAL < 10_000*50 || p.WAL > 10_000*100 || p.MostWAL < p.WAL+100*8192 || p.MostWAL > 2*p.WAL+200*8192 {
		t.Errorf("%d to %d bytes of WAL", p.WAL, p.MostWAL)
	}
	if p.Locks != 3 || p.Bytes != 100*8192 {
		t.Errorf("%d locks, %d bytes, want those of a table with two indexes", p.Locks, p.Bytes)
	}
	if p := prices(t, gym(func(s *schema.Schema) { s.Costs.FullPages = false }), bookings)[0]; p.MostWAL > p.WAL*3/2 {
		t.Errorf("%d to %d bytes of WAL without full pages", p.WAL, p.MostWAL)
	}
}

// What only looks at a table locks it, against nobody.
func TestCountingTakesLocksToo(t *testing.T) {
	t.Parallel()
	book, err := runbook.Parse("t.yaml", []byte("tminus: 1\ntitle: T\nphases: [{id: one, title: One, risk: none, planned: 1m, count: [bookings]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p := lint.New(book, gym(func(*schema.Schema) {})).Prices()[0]; p.Locks != 3 {
		t.Errorf("%d locks, want those of a table with two indexes", p.Locks)
	}
}

// A phase that takes more locks than the server has room for is found before it
// takes them.
func TestMoreLocksThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	for room, want := range map[int64]bool{0: false, 4: true, 5: false} { // two tables, three indexes
		book, err := runbook.Parse("t.yaml", []byte("tminus: 1\ntitle: T\nphases:\n"+both))
		if err != nil {
			t.Fatal(err)
		}
		s := gym(func(s *schema.Schema) { s.Costs.LockSlots = room })
		got := slices.ContainsFunc(lint.New(book, s).Findings(), func(f phases.Finding) bool { return f.Code == "locks-many" })
		if got != want {
			t.Errorf("with room for %d: found %v", room, got)
		}
	}
}

// Once a key is set to NULL by the statement that a draft writes, its rows refer
// to nothing: nothing refuses, and nothing about it is a guess.
func TestADetachedKeyRefusesNothing(t *testing.T) {
	t.Parallel()
	s := gym(func(s *schema.Schema) {
		s.Keys[0].Action, s.Keys[0].Columns = schema.NoAction, []schema.Column{{Name: "user_id"}}
	})
	for sql, want := range map[string]string{s.Nullify(&s.Keys[0]): "", "UPDATE bookings SET user_id = NULL WHERE id > 5": "key-may-refuse"} {
		book, err := runbook.Parse("t.yaml", []byte("tminus: 1\ntitle: T\nphases:\n  - id: detach\n    title: Detach\n    risk: high\n    planned: 1m\n    steps:\n      - {sql: '"+sql+"', touch: [bookings], rows: any}\n"+users))
		if err != nil {
			t.Fatal(err)
		}
		v := lint.New(book, s)
		got := ""
		for _, f := range v.Findings() {
			if strings.HasPrefix(f.Code, "key-") {
				got = f.Code
			}
		}
		if p := v.Prices()[0]; got != want || p.Guessed != (want != "") || p.Rows != 10_000 {
			t.Errorf("%s: found %q, guessed %v, %d rows", sql, got, p.Guessed, p.Rows)
		}
	}
}
