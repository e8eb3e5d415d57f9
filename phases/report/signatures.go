package report

import (
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Signature is somebody's name under the journal as it was then.
type Signature struct {
	Item    string     `json:"item"`
	Text    string     `json:"text"` // the item's: what was signed
	Role    string     `json:"role"`
	Name    string     `json:"name"`
	By      string     `json:"by"` // the operator, before whom it was signed
	At      *time.Time `json:"at"`
	Record  uint64     `json:"record"`  // that it is bound to
	Head    string     `json:"head"`    // that record's hash
	Follow  uint64     `json:"follow"`  // records after its own
	Holds   bool       `json:"holds"`   // the journal has that hash there
	Missing bool       `json:"missing"` // nobody has signed: the item waits for it
	Assumed bool       `json:"assumed"` // nobody has signed, and the run was unattended
}

// signatures are those of all items that want one, in the runbook's order.
func (b *builder) signatures() {
	b.report.Signatures = []Signature{}
	for _, g := range b.state.Runbook.Groups() {
		for _, it := range g.Items {
			st := b.state.Item(it.ID)
			switch {
			case it.Sign == "":
			case st.Signed != nil:
				b.report.Signatures = append(b.report.Signatures, *b.signature(it, st.Signed))
			default:
				b.report.Signatures = append(b.report.Signatures, Signature{Item: it.ID, Text: phases.Clean(it.Text), Role: phases.Clean(it.Sign), Missing: true, Assumed: st.Assumed})
			}
		}
	}
}

func (b *builder) signature(it runbook.Item, s *phases.Signature) *Signature {
	return &Signature{
		Item: it.ID, Text: phases.Clean(it.Text), Role: phases.Clean(s.Role), Name: phases.Clean(s.Name), By: phases.Clean(s.By), At: moment(s.At),
		Record: s.Seq, Head: phases.Clean(s.Head), Follow: b.state.Seq - s.Record, Holds: !s.Loose,
	}
}

// bound says what a signature is worth.
func (g Signature) bound() string {
	if !g.Holds {
		return fmt.Sprintf("NOT bound: the journal has another record %s than the one it names", phases.Digits(int64(g.Record)))
	}
	return fmt.Sprintf("bound to record %s, %.12s…, which the journal has; %s since", phases.Digits(int64(g.Record)), g.Head, followed(g.Follow))
}

func followed(n uint64) string {
	switch n {
	case 0:
		return "no record"
	case 1:
		return "1 record more"
	}
	return phases.Digits(int64(n)) + " records more"
}

// signer are the blanks of a run whose runbook asks for no signatures.
func signers() []string { return []string{"DBA", "Manager", "Client"} }

func (t *layout) signOff() {
	t.section("Sign-off")
	if len(t.r.Signatures) == 0 {
		for _, who := range signers() {
			t.blank(who)
		}
		return
	}
	for _, g := range t.r.Signatures {
		switch {
		case g.Assumed:
			t.pair(g.Role, "ASSUMED, nobody signed: "+g.Text)
		case g.Missing:
			t.blank(g.Role)
		default:
			t.pair(g.Role, g.Name+" at "+t.stamp(g.At)+": "+g.Text+"; "+g.bound())
		}
	}
}
