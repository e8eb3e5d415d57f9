package pick

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases/draft"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

func TestKeysAreUnique(t *testing.T) {
	seen, ids := map[string]string{}, map[string]bool{}
	for _, b := range bindings() {
		for _, k := range b.keys {
			if seen[k] != "" {
				t.Errorf("%s is %s and %s", k, seen[k], b.id)
			}
			seen[k] = b.id
		}
		if ids[b.id] || b.label == "" || b.name == "" || b.help == "" || b.group == "" || b.do == nil {
			t.Errorf("binding %s is not complete, or there twice", b.id)
		}
		ids[b.id] = true
	}
}

// Every key can be read on the help page, on the smallest screen too.
func TestHelpListsEveryKey(t *testing.T) {
	s := screen(t, shop(), minWidth, minHeight)
	press(s, "?")
	seen := ""
	for range 60 {
		seen += ansi.Strip(text(s))
		press(s, "down")
	}
	for _, b := range s.keys {
		if !strings.Contains(seen, "  "+look.KeyNames(b.keys)+" ") || !strings.Contains(seen, b.help[:min(len(b.help), 30)]) {
			t.Errorf("help does not list %s", b.id)
		}
	}
	if press(s, "esc"); s.help {
		t.Error("esc does not close the help page")
	}
}

// Proposals are no choice: without a key nothing is ticked, whatever is looked at.
func TestNothingIsChosenWithoutAKey(t *testing.T) {
	s := screen(t, shop(), 120, 40)
	press(s, "j", "n", "tab", "down", "tab", "s", "/", "a", "enter", "esc", "?", "esc", "G", "enter")
	if w := s.wish(); len(w.Clear)+len(w.Protect) > 0 || s.gen != 0 {
		t.Errorf("chosen is %+v", w)
	}
}

// Whatever key is pressed, the screen changes or says why not.
func TestAKeyThatDoesNothingSaysWhy(t *testing.T) {
	for name, before := range map[string][]string{"begin": nil, "ticked": {"y", "Y"}, "none found": {"/", "x", "x", "x", "enter"}} {
		for _, key := range []string{"space", "p", "y", "Y", "enter", "n", "x", "ctrl+z", "1"} {
			s := screen(t, shop(), 120, 40)
			press(s, before...)
			shown := text(s)
			if press(s, key); text(s) == shown {
				t.Errorf("%s: %s changes nothing, and nothing is said", name, key)
			}
		}
	}
	for _, c := range []struct{ keys, says string }{
		{"enter", "nothing is ticked: space ticks the table under the cursor"},
		{"y p", "users is ticked: space takes that back"},
		{"p space", "users is protected: p takes that back"},
		{"y y", "that is decided"},
		{"Y Y", "no table is left that is proposed to protect"},
		{"x", "x does nothing here: ? shows the keys"},
		{"/ x x enter space", "no table is in sight: esc takes the filter back"},
	} {
		s := screen(t, shop(), 120, 40)
		press(s, strings.Fields(c.keys)...)
		if !strings.Contains(s.said, c.says) {
			t.Errorf("%s: it says %q, want %q", c.keys, s.said, c.says)
		}
	}
}

// One key each takes a proposal, and takes it back.
func TestProposalsAreTakenWithOneKeyEach(t *testing.T) {
	s := screen(t, shop(), 120, 40)
	press(s, "y")
	if got := s.wish().Clear; !slices.Equal(got, []string{"users"}) {
		t.Errorf("to clear: %q", got)
	}
	press(s, "n", "y")
	if got := s.wish().Protect; len(got) != 1 {
		t.Errorf("protected: %q", got)
	}
	press(s, "Y")
	want := []string{"countries", "plans", "plan_words", "flags", `"say ""hi"""`, "טבלה"}
	got := s.wish().Protect
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("protected: %q, want %q", got, want)
	}
	to(t, s, "flags")
	press(s, "p")
	to(t, s, "users")
	press(s, "space")
	if w := s.wish(); len(w.Clear) != 0 || len(w.Protect) != len(want)-1 {
		t.Errorf("taken back, it is %+v", w)
	}
}

// enter goes on only where there is a draft, and says what has to be decided.
func TestEnterGoesOnOnlyWithADraft(t *testing.T) {
	s := screen(t, shop(), 80, 24)
	press(s, "y")
	to(t, s, "imports")
	press(s, "p", "enter")
	if s.dialog != nil || !strings.Contains(s.said, "imports is protected, and would go") {
		t.Errorf("dialog %v, said %q", s.dialog, s.said)
	}
	if all := strings.Join(plain(s.text), " "); !strings.Contains(all, "the way there: users, orders, imports") {
		t.Errorf("what follows does not say the way:\n%s", all)
	}
	press(s, "p", "enter")
	if s.dialog == nil {
		t.Errorf("it does not go on: %q", s.said)
	}
}

func plain(lines []look.Line) (out []string) {
	for _, l := range lines {
		var b strings.Builder
		look.Draw(&b, l.Spans, nil)
		out = append(out, strings.TrimSpace(ansi.Strip(b.String())))
	}
	return out
}

// A cycle that nothing cuts is said, and can be left.
func TestACycleThatCannotBeCut(t *testing.T) {
	s := screen(t, made(map[string]float64{"a": 5, "b": 5}, []string{"a", "b"}, "a|b|a", "b|a|r"), 80, 24)
	press(s, "space", "enter")
	if s.dialog != nil || !strings.Contains(s.said, "b, a refer to each other") {
		t.Errorf("it says %q", s.said)
	}
	if press(s, "space"); len(s.wish().Clear) > 0 || s.worked.err != nil {
		t.Errorf("taken back, %v still stands against it", s.worked.err)
	}
}

// What is written is what was seen: only after a yes that was meant, and again
// where it could not be written.
func TestWritingIsConfirmed(t *testing.T) {
	s := screen(t, shop(), 80, 24)
	var wrote []string
	fails := errors.New("shop.yaml exists: take another name, or --force, which overwrites it")
	s.opts.Write = func(d *draft.Draft, w draft.Wish, file string) error {
		wrote = append(wrote, file+" "+strings.Join(w.Clear, ",")+" "+d.Why[s.opts.Schema.Find("public", "imports").OID])
		return fails
	}
	press(s, "y", "enter", "enter")
	if len(wrote) > 0 {
		t.Fatal("a second enter writes at once")
	}
	later(s, dialog.ArmAfter)
	press(s, "enter")
	if s.dialog == nil || !strings.Contains(text(s), "take another name, or --force") {
		t.Errorf("a failure is not shown:\n%s", text(s))
	}
	fails = nil
	press(s, "2")
	later(s, dialog.ArmAfter)
	if !press(s, "enter") || !s.written {
		t.Error("it does not end once it has written")
	}
	const why = " users its key imports_orders_fkey refers to orders, ON DELETE CASCADE"
	if want := []string{"shop.yaml" + why, "shop.yaml2" + why}; !slices.Equal(wrote, want) {
		t.Errorf("wrote %q, want %q", wrote, want)
	}
}

func TestNoAndEscGoBackToTheList(t *testing.T) {
	for _, keys := range [][]string{{"esc"}, {"tab", "enter"}, {"tab", "n"}} {
		s := screen(t, shop(), 80, 24)
		press(s, "y", "enter")
		later(s, dialog.ArmAfter)
		if press(s, keys...) || s.dialog != nil || len(s.wish().Clear) != 1 {
			t.Errorf("%v: the dialog is %v, the choice %v", keys, s.dialog, s.wish())
		}
	}
}

// esc goes back a step at a time, and leaves from the list alone.
func TestLeaving(t *testing.T) {
	s := screen(t, shop(), 80, 24)
	press(s, "/", "o", "enter", "tab", "?")
	for i, want := range []bool{false, false, false, true} {
		if got := press(s, "esc"); got != want {
			t.Errorf("esc %d leaves: %v", i+1, got)
		}
	}
	for _, size := range [][2]int{{80, 24}, {20, 5}} {
		s.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		if !press(s, "q") || !press(s, "ctrl+c") {
			t.Errorf("at %v q or ctrl+c does not leave", size)
		}
	}
	if press(s, "space"); len(s.wish().Clear) != 0 {
		t.Error("a key ticks what nobody can read")
	}
}

// What comes late, of a choice that has changed since, is not shown, and what
// follows from the choice as it stands is worked out next.
func TestALateAnswerIsNotShown(t *testing.T) {
	s := screen(t, shop(), 80, 24)
	_, first := s.Update(keyNamed("y"))
	if first == nil || s.settled() {
		t.Fatal("a tick sets nothing off")
	}
	if _, more := s.Update(keyNamed("p")); more != nil {
		t.Error("two are worked out at once")
	}
	to(t, s, "imports")
	if _, more := s.Update(keyNamed("p")); more != nil {
		t.Error("two are worked out at once")
	}
	press(s, "enter")
	if s.dialog != nil {
		t.Error("it goes on before anything is known")
	}
	_, second := s.Update(first())
	if second == nil || s.settled() || strings.Contains(text(s), "phases") {
		t.Errorf("the late answer counts:\n%s", text(s))
	}
	run(s, second)
	if !s.settled() || s.worked.err == nil || s.dialog != nil || !strings.Contains(s.said, "imports is protected") {
		t.Errorf("settled %v, %v, said %q", s.settled(), s.worked.err, s.said)
	}
}

// Names come back as a runbook writes them, whatever they are.
func TestNamesComeBackAsARunbookWritesThem(t *testing.T) {
	of := shop()
	s := screen(t, of, 80, 24)
	for range s.rows {
		press(s, "space", "down")
	}
	w := s.wish()
	if len(w.Clear) != len(of.Relations) {
		t.Fatalf("ticked are %d of %d", len(w.Clear), len(of.Relations))
	}
	d, err := draft.New(of, w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Source("All"); err != nil {
		t.Error(err)
	}
	if !slices.Contains(w.Clear, `"say ""hi"""`) || !slices.Contains(w.Clear, wideName) || !slices.Contains(w.Clear, `"Order Notes"`) {
		t.Errorf("the names are %q", w.Clear)
	}
	// In another schema they have their own.
	s = New(Options{Schema: of, Wish: draft.Wish{Schema: "sales", Protect: []string{"public.flags"}}}, colourless)
	if w := s.wish(); !slices.Equal(w.Protect, []string{"public.flags"}) {
		t.Errorf("the names are %q", w.Protect)
	}
}

// What is protected from the beginning stays so, a partition too, which has no
// row of its own.
func TestProtectedFromTheBeginning(t *testing.T) {
	of := large(3)
	of.Relations[2].Partition, of.Relations[2].Parents = true, []uint32{2}
	of.Relations[1].Children, of.Relations[1].Kind = []uint32{3}, "p"
	of.Index()
	s := New(Options{Schema: of, Wish: draft.Wish{Protect: []string{"table_0000", "table_0002"}}}, colourless)
	if w := s.wish(); !slices.Equal(w.Protect, []string{"table_0002", "table_0000"}) || len(s.rows) != 2 {
		t.Errorf("protected are %q, of %d rows", w.Protect, len(s.rows))
	}
}

func TestThePhasesAreThoseThatAreWritten(t *testing.T) {
	for _, keys := range [][]string{{"y"}, {"G", "space"}, {"y", "Y"}} {
		s := screen(t, shop(), 80, 24)
		press(s, keys...)
		d := s.worked.draft
		source, err := d.Source("It")
		if err != nil {
			t.Fatal(err)
		}
		book, err := runbook.Parse("draft", []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if d.Phases() != len(book.Phases) {
			t.Errorf("%v: %d phases are said, and %d written", keys, d.Phases(), len(book.Phases))
		}
	}
}

// A whole program: it leaves on q, gives the terminal back, and says that
// nothing was written. Without a table it does not begin.
func TestRun(t *testing.T) {
	in, keys := io.Pipe()
	out := &strings.Builder{}
	ended := make(chan error, 1)
	opts, on := Options{Schema: shop()}, ui.Options{Input: in, Output: out}
	go func() { ended <- Run(context.Background(), opts, on) }() // ends with q
	if _, err := io.WriteString(keys, "q"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrLeft) {
		t.Errorf("leaving gives %v", err)
	}
	if s := out.String(); !strings.Contains(s, "\x1b[?1049h") || strings.LastIndex(s, "\x1b[?1049l") < strings.LastIndex(s, "\x1b[?1049h") {
		t.Error("the terminal is left in the alternate screen")
	}
	if err := Run(context.Background(), Options{Schema: made(nil, nil)}, on); !errors.Is(err, ErrEmpty) {
		t.Errorf("without tables: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("the terminal is gone")
	cancel(gone)
	if err := Run(ctx, opts, on); !errors.Is(err, gone) {
		t.Errorf("with its context's end: %v", err)
	}
}
