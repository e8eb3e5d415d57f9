package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tminus/phases/check"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// ItemSigned occurs when somebody signs an item: by name, for all that the
// journal holds until then. Whoever changes a line before it changes Head.
type ItemSigned struct {
	Item string `json:"item"`
	Role string `json:"role"`
	Name string `json:"name"`
	By   string `json:"by"`   // the operator, before whom it was signed
	Seq  uint64 `json:"seq"`  // of the record that it is bound to: the one before it
	Head string `json:"head"` // that record's hash
}

// Kind implements Event.
func (ItemSigned) Kind() string { return "item_signed" }

func (ItemSigned) stirs(s *State) check.Fact { return s.courseStirs() }

// apply keeps a signature that is not bound to the record before it as what it
// is: its item is not done by it.
func (e ItemSigned) apply(s *State) error {
	it := s.itemState(e.Item)
	it.Ticked, it.Assumed, it.By, it.At = true, false, e.By, s.At
	it.Signed = &Signature{
		Item: e.Item, Role: e.Role, Name: e.Name, By: e.By, At: s.At, Record: s.Seq + 1, Seq: e.Seq, Head: e.Head,
		Loose: e.Seq != s.Seq || e.Head != s.Head,
	}
	return nil
}

func (e ItemSigned) words(s *State) (Level, string) {
	sig, level := &Signature{Seq: e.Seq, Head: e.Head}, LevelGood
	if now := s.Item(e.Item).Signed; now != nil && now.Loose {
		sig, level = now, LevelBad
	}
	return level, fmt.Sprintf("signed by %s, %s, %s: %s%s", e.Name, e.Role, sig.Bound(), s.itemText(e.Item), by(e.By))
}

// Signature is somebody's name under the records of a journal.
type Signature struct {
	Item   string
	Role   string // as whom, such as DBA
	Name   string
	By     string // the operator, before whom it was signed
	At     time.Time
	Record uint64 // its own
	Seq    uint64 // of the record that it is bound to
	Head   string // that record's hash
	Loose  bool   // it names another record than the one before it, or another hash: it holds for nothing
}

// Bound says what a signature is bound to: "bound to record 412, 3f9a0c11d2e4…".
func (g *Signature) Bound() string {
	text := fmt.Sprintf("bound to record %s, %.12s…", Digits(int64(g.Seq)), Clean(g.Head))
	if g.Loose {
		return "NOT " + text + ": the journal has another record there"
	}
	return text
}

// Sign signs an item, in the name of whoever does.
type Sign struct{ Item, Name string }

func (c Sign) can(s *State, now time.Time) error {
	it, err := s.Answerable(c.Item)
	switch {
	case err != nil:
		return err
	case it.Sign == "":
		return errors.New("nobody signs this item")
	case s.Item(c.Item).Signed != nil:
		return fmt.Errorf("it is signed by %s", s.Item(c.Item).Signed.Name)
	}
	for _, f := range it.Fields {
		if lacks := s.FieldLacks(f); lacks != "" {
			return errors.New("the item " + lacks)
		}
	}
	if err := needs("the name of who signs as "+it.Sign, Clean(c.Name)); err != nil {
		return err
	}
	_, err = ParseField(runbook.Field{Type: runbook.FieldText}, c.Name, now)
	return err
}

// Events implements Recorded. The state is that before the signature: whoever
// records it lets nothing come between.
func (c Sign) Events(s *State, by string, now time.Time) ([]Event, error) {
	name, err := ParseField(runbook.Field{Type: runbook.FieldText}, c.Name, now)
	if err != nil {
		return nil, err
	}
	it, _, _ := s.Runbook.Item(c.Item)
	return []Event{ItemSigned{Item: c.Item, Role: it.Sign, Name: Clean(name), By: by, Seq: s.Seq, Head: s.Head}}, nil
}

// Withdraw takes a signature back. It stays in the journal, with the reason why
// it counts no more.
type Withdraw struct{ Item, Reason string }

func (c Withdraw) can(s *State, _ time.Time) error {
	if _, err := s.Answerable(c.Item); err != nil {
		return err
	}
	if s.Item(c.Item).Signed == nil {
		return errors.New("it is not signed")
	}
	return needs("a reason", Clean(c.Reason))
}

// Events implements Recorded.
func (c Withdraw) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{ItemUnticked{Item: c.Item, By: by, Reason: "the signature is withdrawn: " + Clean(c.Reason)}}, nil
}

// Signatures are those that stand, in the order in which they were made.
func (s *State) Signatures() []Signature {
	var out []Signature
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			if sig := s.Item(it.ID).Signed; sig != nil {
				out = append(out, *sig)
			}
		}
	}
	slices.SortFunc(out, func(a, b Signature) int { return int(a.Record) - int(b.Record) })
	return out
}

// CheckSignatures holds every signature of a journal, also one that was
// withdrawn, against the record that it names. It gives how many there are; an
// error says which is bound to something else.
func CheckSignatures(recs []journal.Record) (int, error) {
	n := 0
	for i, rec := range recs {
		if rec.Kind != (ItemSigned{}).Kind() {
			continue
		}
		e, err := Decode(rec)
		if err != nil {
			return n, err
		}
		n++
		sig := e.(ItemSigned)
		switch {
		case i == 0 || sig.Seq != recs[i-1].Seq:
			return n, fmt.Errorf("line %d: the signature of %s names record %d, and is bound to the one before it alone: it is no signature of this journal", rec.Seq, Clean(sig.Name), sig.Seq)
		case sig.Head != recs[i-1].Hash:
			return n, fmt.Errorf("line %d: the signature of %s names the hash %.12s for record %d, which has %.12s: it was given for other records", rec.Seq, Clean(sig.Name), Clean(sig.Head), sig.Seq, recs[i-1].Hash)
		}
	}
	return n, nil
}

// Signed says in a few lines what a signature given now is for.
func (s *State) Signed() []string {
	done := 0
	var did Effect
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status.Done() {
			done++
			did = did.plus(p.Did())
		}
	}
	rows, truncated := "no row deleted or changed", s.truncatedWords()
	switch {
	case did != (Effect{}) && truncated != "":
		rows = did.String() + ", " + truncated
	case did != (Effect{}):
		rows = did.String()
	case truncated != "":
		rows = truncated
	}
	kept := s.keptAnswer()
	if !kept.Pass {
		kept.Value = "NOT known to be intact: " + kept.Value
	}
	return []string{
		fmt.Sprintf("%d of %s committed or passed on %s", done, Plural(int64(len(s.Phases)), "phase"), Clean(s.Target.Database)),
		rows,
		kept.Value,
		fmt.Sprintf("%s until now, head %.12s: the signature is bound to them", Plural(int64(s.Seq), "record"), s.Head),
	}
}
