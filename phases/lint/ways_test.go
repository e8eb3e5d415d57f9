package lint_test

import (
	"slices"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// able lets the role do to every table what a way may need.
func able(s *schema.Schema) {
	for i := range s.Relations {
		r := &s.Relations[i]
		r.Method, r.Indexable, r.Vacuums, r.Owns, r.Owner = "heap", true, true, true, "me"
		r.Rights = schema.Rights{Usage: true, Select: true, Insert: true, Update: true, Delete: true, Truncate: true}
		r.OwnerRights = r.Rights
	}
}

func viewed(t *testing.T, s *schema.Schema, head, phases string) *lint.View {
	t.Helper()
	book, err := runbook.Parse("t.yaml", []byte("tminus: 1\ntitle: T\n"+head+"phases:\n"+phases))
	if err != nil {
		t.Fatal(err)
	}
	return lint.New(book, s)
}

func codesOf(v *lint.View) []string {
	var out []string
	for _, f := range v.Findings() {
		if slices.Contains([]string{"index-made", "index-before", "key-slow", "truncate-chosen", "truncate-passed", "truncate-refused", "vacuum-follows"}, f.Code) {
			out = append(out, f.Code)
		}
	}
	return out
}

// An index is made where it spares more than it takes, and may be made; else the
// key is as slow as it is.
func TestAnIndexIsWorthMaking(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		head   string
		change func(*schema.Schema)
		want   []string
	}{
		"a key without an index":         {"", nil, []string{"index-made"}},
		"made before":                    {"indexes: before\n", nil, []string{"index-before"}},
		"made before, and not the owner": {"indexes: keep\n", func(s *schema.Schema) { s.Relations[1].Indexable = false }, []string{"key-slow"}},
		"switched off":                   {"indexes: off\n", nil, []string{"key-slow"}},
		"not the owner":                  {"", func(s *schema.Schema) { s.Relations[1].Indexable = false }, []string{"key-slow"}},
		"another access method":          {"", func(s *schema.Schema) { s.Relations[1].Method = "columnar" }, []string{"key-slow"}},
		"an event trigger on it":         {"", func(s *schema.Schema) { s.Watches = []schema.Watch{{Name: "w", Event: "ddl_command_end"}} }, []string{"key-slow"}},
		"a key with an index":            {"", func(s *schema.Schema) { s.Keys[0].Indexed = true }, nil},
		"few rows":                       {"", func(s *schema.Schema) { s.Relations[1].Rows, s.Relations[1].Heap = 100, 8192 }, nil},
		"a large table's VACUUM": {"indexes: off\n", func(s *schema.Schema) {
			s.Keys[0].Indexed, s.Relations[1].Rows, s.Relations[0].Rows = true, 200_000, 200_000
		}, []string{"vacuum-follows"}},
		"a VACUUM switched off": {"vacuum: off\n", func(s *schema.Schema) { s.Keys[0].Indexed, s.Relations[0].Rows = true, 200_000 }, nil},
		"a VACUUM that he may not": {"", func(s *schema.Schema) {
			s.Keys[0].Indexed, s.Relations[0].Rows, s.Relations[0].Vacuums = true, 200_000, false
		}, nil},
	} {
		s := gym(func(s *schema.Schema) {
			able(s)
			unindexed(s)
			if c.change != nil {
				c.change(s)
			}
		})
		if got := codesOf(viewed(t, s, c.head, users)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The price reckons with what is made, and with a TRUNCATE that stands for deletes.
func TestThePriceReckonsWithTheWays(t *testing.T) {
	t.Parallel()
	s := gym(func(s *schema.Schema) { able(s); unindexed(s) })
	slow := viewed(t, s, "indexes: off\n", users).Prices()[0]
	made := viewed(t, s, "", users).Prices()[0]
	swept := viewed(t, s, "way: auto\n", users).Prices()[0]
	before := viewed(t, s, "indexes: before\n", users).Prices()[0]
	if before.Takes >= made.Takes {
		t.Errorf("made before %s, made by the phase %s", before, made)
	}
	if made.Takes*20 > slow.Takes || swept.Takes*2 > made.Takes || made.Rows != 20_000 || swept.Rows != 20_000 {
		t.Errorf("without an index %s, with one %s, truncated %s", slow, made, swept)
	}
}

// Each step's way is told before the window, and why not another.
func TestWaysAreToldBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		way, want string
		change    func(*schema.Schema)
	}{
		"auto":             {"auto", "truncate-chosen: one TRUNCATE takes users, and with them bookings; where no other session is connected", nil},
		"truncate":         {"truncate", "truncate-chosen: one TRUNCATE takes users, and with them bookings", nil},
		"delete":           {"delete", "", nil},
		"auto, a trigger":  {"auto", "truncate-passed: rows of users are deleted, not truncated: trigger t of bookings is enabled", fires},
		"truncate, so too": {"truncate", "truncate-refused: no TRUNCATE of users is proven to end as deletes would: trigger t of bookings is enabled", fires},
		"a key that sets": {"truncate", "truncate-chosen: one TRUNCATE takes users; taken out for it and put back: booked; set to NULL before: the references of bookings", func(s *schema.Schema) {
			s.Keys[0].Action = schema.SetNull
		}},
		"a key that is not valid": {"truncate", "truncate-refused: no TRUNCATE of users is proven to end as deletes would: foreign key booked of bookings is not valid: what refers by it may stay as it is", func(s *schema.Schema) {
			s.Keys[0].NotValid = true
		}},
		"a key that is off": {"auto", "truncate-passed: rows of users are deleted, not truncated: foreign key booked of bookings has triggers that are off: what refers by it may stay as it is", func(s *schema.Schema) {
			s.Keys[0].Off = true
		}},
		"a slot": {"auto", "truncate-passed: rows of users are deleted, not truncated: replication slot s decodes this database", func(s *schema.Schema) {
			s.Server.Database, s.Replication.Slots = "d", []schema.Slot{{Name: "s", Database: "d", Active: true}}
		}},
		"what cannot be read": {"auto", "truncate-passed: rows of users are deleted, not truncated: the publications could not be read: no", func(s *schema.Schema) {
			s.Unread = []schema.Unread{{What: "the publications", Why: "no"}}
		}},
	} {
		v := viewed(t, gym(func(s *schema.Schema) {
			able(s)
			if c.change != nil {
				c.change(s)
			}
		}), "way: "+c.way+"\n", users)
		var got []string
		for _, f := range v.Findings() {
			if strings.HasPrefix(f.Code, "truncate-") {
				got = append(got, f.Code+": "+f.Text)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A table whose key is taken out, and that a later step may change, is left alone as
// long as a capsule is kept.
func TestWhatComesAfterATruncate(t *testing.T) {
	t.Parallel()
	for capsule, want := range map[string]string{
		"":                 "a later step may change rows of bookings, which the capsule cannot read once foreign key booked of bookings is taken out",
		", capsule: 'off'": "",
	} {
		v := viewed(t, gym(func(s *schema.Schema) { able(s); s.Keys[0].Action = schema.SetNull }), "",
			"  - {id: users, title: U, risk: high, planned: 1m"+capsule+", steps: [{delete: users, way: auto}, {delete: bookings, where: id < 9}]}\n")
		if got := v.Ways()[0].Sweeps[0].Why; got != want {
			t.Errorf("%q: %q, want %q", capsule, got, want)
		}
	}
}

func fires(s *schema.Schema) {
	s.Triggers = []schema.Trigger{{OID: 5, Relation: 2, Name: "t", Enabled: "O", Event: schema.OnDelete | schema.ForEachRow, Function: "f"}}
}

// Before a phase starts it is said what its ways keep from others.
func TestWaysSayWhatTheyKeepFromOthers(t *testing.T) {
	t.Parallel()
	v := viewed(t, gym(func(s *schema.Schema) { able(s); unindexed(s) }), "way: auto\n", users)
	survey := phases.Survey{PhaseWays: v.Ways()}
	want := []string{
		"A TRUNCATE stands for deletes, where nobody else is connected: nobody reads its tables from then to the phase's end.",
		"Where rows are deleted, it makes an index for bookings, and drops what it made before COMMIT.",
	}
	if got := survey.Ways("users").Words(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := survey.Ways("users").Locks(); !slices.Equal(got, []string{"bookings"}) {
		t.Errorf("it locks %q", got)
	}
	if survey.IndexFor(phases.Reach{Table: "bookings", Constraint: "booked"}) == nil || survey.IndexFor(phases.Reach{Table: "users", Constraint: "booked"}) != nil {
		t.Error("which index is made is not told")
	}
	if got := (*phases.Survey)(nil).Ways("users"); got.Words() != nil || got.Locks() != nil || got.Sweep(0) != nil {
		t.Errorf("no survey, and %+v", got)
	}
}

// What stands against one of several steps leaves the others to a TRUNCATE.
func TestStepsGoTogetherAsFarAsTheyCan(t *testing.T) {
	t.Parallel()
	s := gym(func(s *schema.Schema) {
		able(s)
		s.Keys = nil
		s.Relations = append(s.Relations, s.Relations[0], s.Relations[0])
		s.Relations[2].OID, s.Relations[2].Name = 3, "third"
		s.Relations[3].OID, s.Relations[3].Name = 4, "fourth"
		fires(s)
	})
	v := viewed(t, s, "way: auto\n", "  - {id: all, title: All, risk: high, planned: 1m, delete: [users, third, bookings, fourth]}\n")
	var got []phases.Sweep
	for _, w := range v.Ways() {
		got = append(got, w.Sweeps...)
	}
	want := []phases.Sweep{
		{Step: 0, Steps: 2, Apart: true}, {Step: 2, Steps: 1, Apart: true, Why: "trigger t of bookings is enabled"}, {Step: 3, Steps: 1, Apart: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].Step != want[i].Step || got[i].Steps != want[i].Steps || got[i].Why != want[i].Why || !got[i].Apart {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

// What is made before the gate is told with its time, its size, and what becomes of it.
func TestWhatIsMadeBeforeIsTold(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]string{"before": "dropped after the run", "keep": "kept"} {
		v := viewed(t, gym(func(s *schema.Schema) { able(s); unindexed(s) }), "indexes: "+way+"\n", users)
		for _, f := range v.Findings() {
			if f.Code == "index-before" && !(strings.HasPrefix(f.Text, "an index on bookings (user_id) for the foreign key booked is made before the gate, by CREATE INDEX CONCURRENTLY, in ") &&
				strings.Contains(f.Text, " kB, and "+want+": the phase's queries of it take ")) {
				t.Errorf("%s: %s", way, f.Text)
			}
		}
		i := v.Ways()[0].Indexes[0]
		if !i.Before || i.Keep != (way == "keep") || i.Bytes < 100_000 || i.Build <= 0 {
			t.Errorf("%s: %+v", way, i)
		}
	}
}

// What refers to rows that go is deleted before them where that spares something and
// cannot be told afterwards; the price reckons with it.
func TestChildrenGoFirst(t *testing.T) {
	t.Parallel()
	many := func(s *schema.Schema) {
		able(s)
		s.Keys[0].Indexed, s.Relations[0].Rows, s.Relations[1].Rows = true, 20_000, 200_000
	}
	for name, c := range map[string]struct {
		change func(*schema.Schema)
		want   bool
	}{
		"many rows":             {nil, true},
		"few":                   {func(s *schema.Schema) { s.Relations[1].Rows = 5_000 }, false},
		"few that refer":        {func(s *schema.Schema) { s.Keys[0].Nulls = 0.99 }, false},
		"a trigger":             {fires, false},
		"no right to delete":    {func(s *schema.Schema) { s.Relations[1].Rights.Delete = false }, false},
		"rows that are hidden":  {func(s *schema.Schema) { s.Relations[1].Filtered = true }, false},
		"a key that sets":       {func(s *schema.Schema) { s.Keys[0].Action = schema.SetNull }, false},
		"one that is not valid": {func(s *schema.Schema) { s.Keys[0].NotValid = true }, false},
		"another that refuses": {func(s *schema.Schema) {
			other := s.Keys[0]
			other.OID, other.Name, other.Action = 99, "refunded", schema.NoAction
			s.Keys = append(s.Keys, other)
		}, false},
	} {
		v := viewed(t, gym(func(s *schema.Schema) {
			many(s)
			if c.change != nil {
				c.change(s)
			}
		}), "", users)
		told := slices.ContainsFunc(v.Findings(), func(f phases.Finding) bool {
			return f.Code == "children-first" && f.Text == "before the rows of users go those that refer to them: of bookings"
		})
		survey := phases.Survey{PhaseWays: v.Ways()}
		if planned := len(survey.Ways("users").AheadOf(0)) > 0; told != c.want || planned != c.want {
			t.Errorf("%s: told %t, planned %t, want %t", name, told, planned, c.want)
		}
	}
	first, not := viewed(t, gym(many), "", users).Prices()[0], viewed(t, gym(func(s *schema.Schema) { many(s); s.Relations[1].Filtered = true }), "", users).Prices()[0]
	if first.Takes*3 > not.Takes*2 || first.Rows != not.Rows {
		t.Errorf("it is reckoned to take %s for %d rows, and %s for %d otherwise", first.Takes, first.Rows, not.Takes, not.Rows)
	}
}
