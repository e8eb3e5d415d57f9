package draft

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// made is a schema of ordinary tables, by "name rows", and keys, by "from to
// action" with a question mark where the key takes NULL.
func made(tables []string, keys ...string) *schema.Schema {
	s := &schema.Schema{}
	oid := map[string]uint32{}
	for i, text := range tables {
		r := schema.Relation{OID: uint32(i + 1), Schema: "public", Kind: schema.Ordinary, Bytes: 8192, Heap: 8192}
		if _, err := fmt.Sscan(text, &r.Name, &r.Rows); err != nil {
			panic(err)
		}
		oid[r.Name] = r.OID
		s.Relations = append(s.Relations, r)
	}
	for i, text := range keys {
		var from, to, action string
		if _, err := fmt.Sscan(text, &from, &to, &action); err != nil {
			panic(err)
		}
		only, null := strings.CutSuffix(action, "?")
		column := schema.Column{Name: to, NotNull: !null}
		s.Keys = append(s.Keys, schema.Key{
			OID: uint32(1000 + i), Name: from + "_" + to, From: oid[from], To: oid[to], Action: schema.Action(only),
			Referring: []string{to}, Columns: []schema.Column{column},
		})
	}
	s.Index()
	return s
}

func find(c *Choices, name string) *Candidate {
	for _, t := range c.Tables {
		if t.Relation.Name == name {
			return t
		}
	}
	return nil
}

// proposals are those of each kind, in the order of their names.
func proposals(c *Choices) (clear, protect string) {
	var of [3][]string
	for _, t := range c.Tables {
		of[t.Proposal] = append(of[t.Proposal], t.Relation.Name)
		if (t.Why == "") != (t.Proposal == NoProposal) {
			panic("a proposal without a reason, or the other way about: " + t.Relation.Name)
		}
	}
	slices.Sort(of[ProposeClear])
	slices.Sort(of[ProposeProtect])
	return strings.Join(of[ProposeClear], " "), strings.Join(of[ProposeProtect], " ")
}

// A shop whose keys all refuse, as an application's framework makes them: what
// much hangs on is told from the lists that much hangs on too.
func TestProposalsGoByShape(t *testing.T) {
	tables := []string{
		"people 20000", "buys 90000", "lines 400000", "notes 3000", "logins 70000", "lands 200", "kinds 7", "kind_words 21",
		"flags 12", "empty 0", "log 900000", "never -1",
	}
	keys := []string{
		"people lands a", "buys people a", "lines buys a", "notes people c", "logins people a?", "lines kinds a", "kind_words kinds c", "buys lands a",
	}
	for i, c := range []struct {
		more           []string
		clear, protect string
	}{
		{nil, "people", "flags kind_words kinds lands never"},
		{[]string{"people log a"}, "people", "flags kind_words kinds lands never"},
		// A list that loses a reference when people go is none to protect.
		{[]string{"flags people n?"}, "people", "kind_words kinds lands never"},
		// Nor is one that goes with them, or one that only such a one refers to.
		{[]string{"kinds people c"}, "people", "flags lands never"},
	} {
		if clear, protect := proposals(Propose(made(tables, append(slices.Clone(keys), c.more...)...))); clear != c.clear || protect != c.protect {
			t.Errorf("%d: proposed to clear %q and to protect %q, want %q and %q", i, clear, protect, c.clear, c.protect)
		}
	}
}

// The same shape under other names gives the same proposals.
func TestProposalsGoByNoName(t *testing.T) {
	tables := []string{"users 20000", "orders 90000", "items 400000", "notes 3000", "logins 70000", "settings 12", "countries 200"}
	keys := []string{"orders users c", "items orders c", "notes users c", "logins users c", "users countries a"}
	other := strings.NewReplacer("users", "settings", "settings", "log_users", "countries", "orders", "orders", "customers")
	clear, protect := proposals(Propose(made(tables, keys...)))
	for i := range tables {
		tables[i] = other.Replace(tables[i])
	}
	for i := range keys {
		keys[i] = other.Replace(keys[i])
	}
	clear2, protect2 := proposals(Propose(made(tables, keys...)))
	if clear != "users" || clear2 != "settings" || protect != "countries settings" || protect2 != "log_users orders" {
		t.Errorf("proposed %q and %q, under other names %q and %q", clear, protect, clear2, protect2)
	}
}

// A hub that goes with a greater one is not proposed beside it.
func TestTheGreatestHubIsProposedAlone(t *testing.T) {
	c := Propose(made([]string{"a 5000", "b 6000", "c 7000", "d 8000", "e 9000", "f 100"},
		"b a c", "c b c", "d b c", "e b c", "c a c", "d a c", "f b a?"))
	if clear, _ := proposals(c); clear != "a" {
		t.Errorf("proposed %q", clear)
	}
	a := find(c, "a")
	if c.Tables[0] != a || a.Along != (Amount{Tables: 4, Rows: 30000, Bytes: 4 * 8192}) || a.In != 3 || a.Out != 0 {
		t.Errorf("a is %+v, the first %s", a, c.Tables[0].Relation.Name)
	}
}

// Two tables that refer to one make no hub, nor do many that hold next to
// nothing of the whole.
func TestWhatIsNoHub(t *testing.T) {
	for _, s := range []*schema.Schema{
		made([]string{"a 5000", "b 6000", "c 7000", "d 1"}, "b a c", "c a c", "d b c"),
		made([]string{"a 50", "b 60", "c 70", "d 80", "big 9000"}, "b a c", "c a c", "d a c"),
		made([]string{"a 0", "b 60", "c 70", "d 80"}, "b a c", "c a c", "d a c"),
	} {
		if clear, _ := proposals(Propose(s)); clear != "" {
			t.Errorf("proposed to clear %q", clear)
		}
	}
}

// In a small database all tables are small: that makes no configuration of them.
func TestASmallDatabaseIsNoConfiguration(t *testing.T) {
	c := Propose(made([]string{"kinds 2", "tenants 30", "members 90", "alone 100"}, "tenants kinds a", "members tenants a"))
	if clear, protect := proposals(c); clear != "" || protect != "kinds" {
		t.Errorf("proposed to clear %q and to protect %q", clear, protect)
	}
}

// Rows that nobody counted are told as such.
func TestUnknownRowsAreNotNone(t *testing.T) {
	c := Propose(made([]string{"a 5", "b -1", "c 7"}, "b a c", "c b c"))
	if along := find(c, "a").Along; along.Unknown != 1 || along.Rows != 7 || along.Words() != "at least 7 rows" {
		t.Errorf("along with a go %+v", along)
	}
}

// Partitions are in their table, and tables that inherit go with what they
// inherit from, as no tables of their own.
func TestPartsAreInTheirTables(t *testing.T) {
	s := made([]string{"log 0", "log_1 10", "log_2 20", "owner 5", "base 3", "heir 4", "held 6"}, "log_1 owner c", "held heir c")
	s.Relations[0].Kind = schema.Partitioned
	for i := 1; i <= 2; i++ {
		s.Relations[i].Partition, s.Relations[i].Parents = true, []uint32{1}
		s.Relations[0].Children = append(s.Relations[0].Children, s.Relations[i].OID)
	}
	s.Relations[5].Parents, s.Relations[4].Children = []uint32{5}, []uint32{6}
	s.Index()
	c := Propose(s)
	if len(c.Tables) != 5 || find(c, "log_1") != nil {
		t.Fatalf("%d tables, a partition among them", len(c.Tables))
	}
	if log := find(c, "log"); log.Rows != 30 || log.Out != 1 {
		t.Errorf("log is %+v", log)
	}
	if along := find(c, "owner").Along; along.Tables != 1 || along.Rows != 30 {
		t.Errorf("along with owner go %+v", along)
	}
	if base := find(c, "base"); base.Rows != 7 || base.Along.Tables != 1 || base.Along.Rows != 6 {
		t.Errorf("base is %+v", base)
	}
	agree(t, s)
}

// What Follow says is what New plans: on many schemas, for each table and for two.
func TestFollowIsWhatNewPlans(t *testing.T) {
	actions := []string{"a", "a?", "r", "c", "c?", "n?", "n", "d?"}
	planned := 0
	for seed := range 300 {
		dice := rand.New(rand.NewSource(int64(seed)))
		var tables, keys []string
		for i := range 2 + dice.Intn(9) {
			tables = append(tables, fmt.Sprintf("t%d %d", i, dice.Intn(1000)-1))
		}
		for range dice.Intn(3 * len(tables)) {
			keys = append(keys, fmt.Sprintf("t%d t%d %s", dice.Intn(len(tables)), dice.Intn(len(tables)), actions[dice.Intn(len(actions))]))
		}
		planned += agree(t, made(tables, keys...))
		if t.Failed() {
			t.Fatalf("seed %d: tables %q, keys %q", seed, tables, keys)
		}
	}
	if planned < 1000 {
		t.Errorf("only %d wishes could be planned", planned)
	}
}

// agree compares Follow and New, and tells how many wishes could be planned.
func agree(t *testing.T, s *schema.Schema) (planned int) {
	t.Helper()
	c := Propose(s)
	for i, one := range c.Tables {
		for _, two := range c.Tables[i:] {
			wished := []*schema.Relation{one.Relation, two.Relation}
			d, err := New(s, Wish{Clear: []string{one.Relation.Name, two.Relation.Name}})
			if err != nil {
				continue // a cycle that nothing cuts
			}
			planned++
			fates, amount := c.Follow(wished)
			if amount != d.Amount() {
				t.Errorf("%s, %s: %+v go, and %+v are planned", one.Relation.Name, two.Relation.Name, amount, d.Amount())
			}
			loses := map[uint32]bool{}
			for _, k := range append(d.Losing(), d.Nullify...) {
				loses[whole(s, s.Relation(k.From)).OID] = true
			}
			for _, other := range c.Tables {
				oid, want := other.Relation.OID, Stays
				if d.emptied[oid] != nil {
					want = Goes
				} else if loses[oid] {
					want = Loses
				}
				if fates[oid] != want {
					t.Errorf("%s, %s: the fate of %s is %d, and %d is planned", one.Relation.Name, two.Relation.Name, other.Relation.Name, fates[oid], want)
				}
			}
		}
	}
	return planned
}

// What is protected and reached is told with the way to it.
func TestTheWayToWhatIsProtected(t *testing.T) {
	s := made([]string{"a 1", "b 1", "c 1", "d 1"}, "b a c", "c b a", "d c n?")
	for protect, want := range map[string]string{
		"b": "b is protected, and would go: its key b_a refers to a, ON DELETE CASCADE",
		"c": "c is protected, and would go: its key c_b refers to b, ON DELETE NO ACTION, and takes no NULL; the way there: a, b, c",
		"d": "d is protected, and its rows would change: its key d_c refers to c, ON DELETE SET NULL; the way there: a, b, c, d",
	} {
		if _, err := New(s, Wish{Clear: []string{"a"}, Protect: []string{protect}}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", protect, err, want)
		}
	}
}

// All that stands against a wish is told at once, but for what only follows from
// a part of it.
func TestAllThatStandsAgainstAWish(t *testing.T) {
	s := made([]string{"a 1", "b 1", "c 1", "d 1", "e 1"}, "b a c", "c b c", "d c c", "e a c", "d a n?")
	_, err := New(s, Wish{Clear: []string{"a"}, Protect: []string{"c", "d", "e"}})
	want := "d is protected, and its rows would change: its key d_a refers to a, ON DELETE SET NULL\n" +
		"e is protected, and would go: its key e_a refers to a, ON DELETE CASCADE\n" +
		"c is protected, and would go: its key c_b refers to b, ON DELETE CASCADE; the way there: a, b, c"
	lines := strings.Split(fmt.Sprint(err), "\n")
	expected := strings.Split(want, "\n")
	slices.Sort(lines)
	slices.Sort(expected)
	if !slices.Equal(lines, expected) {
		t.Errorf("%v, want %s", err, want)
	}
}

// What goes along by cascade may be refused too: the order waits for who refers to
// it, and where that goes round, takes its reference away.
func TestTheOrderLooksThroughCascades(t *testing.T) {
	for want, keys := range map[string][]string{
		"c b a |":    {"b a c", "b c n?", "c b r?"},
		"b a c |c_b": {"b a c", "c b a?", "a c a"},
		"a b |":      {"b a c", "a b a"},
	} {
		d, err := New(made([]string{"a 1", "b 1", "c 1"}, keys...), Wish{Clear: strings.Split(strings.Trim(want[:5], " |"), " ")})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range d.Clear {
			got += r.Name + " "
		}
		got += "|"
		for _, k := range d.Nullify {
			got += k.Name
		}
		if got != want {
			t.Errorf("%q: %s, want %s", keys, got, want)
		}
	}
}

// Keys that partitions have alike are one line, by the name that was protected.
func TestWhatStandsAgainstAWishOnce(t *testing.T) {
	for want, action := range map[string]string{
		"all is protected, and would go: its key one_a refers to a, ON DELETE NO ACTION, and takes no NULL":                                                                                "a",
		"all is protected, and its rows would change: its key one_a refers to a, ON DELETE SET NULL":                                                                                       "n?",
		"all is protected, and its rows refuse the delete: its key one_a refers to a, ON DELETE RESTRICT; decide whether they may lose their reference, then it is not protected as it is": "r?",
	} {
		s := made([]string{"a 1", "all 1", "one 1", "two 1"}, "one a "+action, "two a "+action)
		s.Relations[1].Kind, s.Relations[1].Children = schema.Partitioned, []uint32{3, 4}
		for i := 2; i < 4; i++ {
			s.Relations[i].Partition, s.Relations[i].Parents = true, []uint32{2}
		}
		_, err := New(s, Wish{Clear: []string{"a"}, Protect: []string{"all"}})
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Where keys go round that nothing cuts, those are named that help: RESTRICT is
// asked at once, however it is declared.
func TestCyclesThatNothingCuts(t *testing.T) {
	for want, keys := range map[string][]string{
		"b, a refer to each other by keys that refuse and take no NULL: make one of them INITIALLY DEFERRED (b_a), or decide how to clear them by statements of your own":                                     {"a b r", "b a a"},
		"b, a refer to each other by keys that refuse and take no NULL: make one of them NO ACTION and INITIALLY DEFERRED: RESTRICT is never deferred, or decide how to clear them by statements of your own": {"a b r", "b a r"},
	} {
		s := made([]string{"a 1", "b 1", "c 1"}, append(keys, "c a a")...)
		if _, err := New(s, Wish{Clear: []string{"a"}}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Where the keys by which a table goes along would leave rows of it, that is said.
func TestMoreThanTheKeysTake(t *testing.T) {
	for want, keys := range map[int][]string{
		0: {"b a c"}, 1: {"b a c?"}, 2: {"b a c?", "c b c?"},
	} {
		s := made([]string{"a 1", "b 1", "c 1"}, append(keys, "b c n?")...)
		d, err := New(s, Wish{Clear: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		source, err := d.Source("It")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(source, "refer to nothing cleared"); got != want {
			t.Errorf("%q: said %d times, want %d\n%s", keys, got, want, source)
		}
	}
}

// What inherits from a table goes with it: that is said where the table is deleted,
// and not where it is counted.
func TestHeirsAreNamed(t *testing.T) {
	s := made([]string{"papers 1", "letters 1", "leaves 1"})
	s.Relations[0].Children, s.Relations[1].Parents = []uint32{2}, []uint32{1}
	d, err := New(s, Wish{Clear: []string{"papers", "leaves"}})
	if err != nil {
		t.Fatal(err)
	}
	source, err := d.Source("It")
	if err != nil {
		t.Fatal(err)
	}
	if want := "      - papers\n      # DECIDE: with it go the rows of what inherits from it: letters\n"; strings.Count(source, "inherits") != 1 || !strings.Contains(source, want) {
		t.Errorf("%q is not said once in\n%s", want, source)
	}
}

// A table whose name no runbook takes is said, and not written. The name of a key
// stands in comments alone.
func TestNamesThatNoRunbookTakes(t *testing.T) {
	s := made([]string{"a 1", "b 1", "c 1"}, "b a c", "c a n?")
	s.Keys[0].Name = "key\x1b[2J\nof b"
	d, err := New(s, Wish{Clear: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Source("It"); err != nil {
		t.Error(err)
	}
	s.Relations[1].Name, s.Relations[2].Name = "b\x1b[2J", "line\nfeed"
	s.Index()
	want := `"b" has the character U+001B in its name, which no runbook takes: rename it first` + "\n" +
		`"line feed" has the character U+000A in its name, which no runbook takes: rename it first`
	if _, err := New(s, Wish{Clear: []string{"a"}}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestKnownNames(t *testing.T) {
	s := made([]string{"plans 1"})
	if err := Known(s, Wish{Protect: []string{"plans"}}); err != nil {
		t.Error(err)
	}
	if err := Known(s, Wish{Protect: []string{"plan"}}); err == nil || !strings.Contains(err.Error(), "plans does") {
		t.Error(err)
	}
	if err := Known(s, Wish{Protect: []string{"a b"}}); err == nil {
		t.Error("a b is taken for a table's name")
	}
}

// A draft is a runbook also where its deletes would take for ever: keys without an
// index between tables of ten, and of a thousand, million rows.
func TestADraftThatTakesForEver(t *testing.T) {
	for _, rows := range []string{"10000000", "1000000000", "900000000000"} {
		s := made([]string{"users " + rows, "orders " + rows, "lines " + rows}, "orders users c", "lines orders c")
		d, err := New(s, Wish{Clear: []string{"users"}})
		if err != nil {
			t.Fatal(err)
		}
		source, err := d.Source("All")
		if err != nil {
			t.Fatal(err)
		}
		book, err := runbook.Parse("draft", []byte(source))
		if err != nil {
			t.Fatalf("%s rows: %v\n%s", rows, err, source)
		}
		slow := 0
		v := lint.New(book, s)
		for _, f := range v.Findings() {
			if f.Code == "key-slow" && !strings.Contains(f.Text, "-") {
				slow++
			}
		}
		for _, p := range v.Prices() {
			if p.Least < 0 || p.Takes < p.Least || p.Most < p.Takes {
				t.Errorf("%s rows: %s takes %s, %s to %s", rows, p.Phase, p.Takes, p.Least, p.Most)
			}
		}
		if slow != 2 {
			t.Errorf("%s rows: %d slow keys are found, want 2", rows, slow)
		}
	}
}
