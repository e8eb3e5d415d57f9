package runbook

import (
	"strings"
	"time"
)

// Capsule says how a run keeps what its phases take away. The zero value keeps
// it beside the journal, in plain, until somebody destroys it.
type Capsule struct {
	Off        bool          // `capsule: off`: it keeps nothing
	Directory  string        // an absolute path, in which each run gets a folder of its own; empty: beside the journal
	Recipients []string      // keys of age and of SSH that it is encrypted for; none: it is not
	Keep       time.Duration // how long after the phase it may be destroyed; 0: nobody says
}

const (
	maxRecipients = 20
	keepPattern   = `^[1-9][0-9]{0,3}d$`
	day           = 24 * time.Hour
)

func capsuleObject() object {
	return object{name: "capsule", keys: []key{
		{"directory", false, of(aLine), "an absolute path, where each run gets a folder of its own, named after its journal and not there yet; default beside the run's journal, in a folder of its name with `.capsule`"},
		{"recipients", false, listOf(of(aLine), maxRecipients), "encrypt it for these keys: public keys of age (`age1…`) or of SSH (`ssh-ed25519 …`, `ssh-rsa …`)"},
		{"keep", false, of(aPeriod), "how long it is kept: from then on `tminus capsule expire` destroys it; without, that wants `--now`"},
	}}
}

func (f fields) capsule() Capsule {
	n := f.node.value("capsule")
	switch {
	case n == nil:
		return Capsule{}
	case n.scalar():
		return Capsule{Off: f.word("capsule", "off")}
	}
	v := f.object(n, "capsule")
	return Capsule{Directory: v.line("directory"), Recipients: v.lines("recipients"), Keep: v.period("keep")}
}

// period gives a number of days, and 0 where there is none.
func (f fields) period(key string) time.Duration {
	s := f.block(key)
	if s == "" {
		return 0
	}
	n, ok := digits(strings.TrimSuffix(s, "d"))
	if !ok || !strings.HasSuffix(s, "d") || n > 9999 {
		f.pass(f.node.value(key).line, key)
		return 0
	}
	return time.Duration(n) * day
}

// capsule holds where it goes, and for whom.
func (c *checker) capsule(m *checked) {
	c.absolute(m, "directory")
	n := m.good.value("recipients")
	if n == nil {
		return
	}
	for _, item := range n.items {
		text := strings.TrimSpace(item.text)
		if !strings.HasPrefix(text, "age1") && !strings.HasPrefix(text, "ssh-ed25519 ") && !strings.HasPrefix(text, "ssh-rsa ") {
			c.fault(item, "recipient "+clean(quote(text)), "a public key of age, age1…, or of SSH: ssh-ed25519 … or ssh-rsa …")
		}
	}
}

// Keeps reports whether the run keeps what a phase takes away.
func (r *Runbook) Keeps(p *Phase) bool { return p.Writes() && !r.Capsule.Off && !p.NoCapsule }
