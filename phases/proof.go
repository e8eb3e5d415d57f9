package phases

import (
	"fmt"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// Proof is what is known of the backup that is recorded, at a moment.
type Proof struct {
	Backup   Backup          // its zero value: none is recorded
	Age      time.Duration   // of its snapshot
	Taken    *BackupTaken    // nil where it was recorded by hand
	Verified *BackupVerified // the last look through it; nil before one
	Restored *BackupProven   // the last restore of it that was tried, whatever came of that; nil before one
	Until    time.Time       // to when that counts; zero before one
	Lacks    string          // why it is not proven, a sentence's part; empty where it is
	Asked    bool            // an item asks whether the tables are defined as they were
}

// Proof gives it. Proven is a backup that was restored, and held what it should,
// not too long ago, and of which no check has found since that the tables have
// changed.
func (s *State) Proof(now time.Time) Proof {
	b := s.RecordedBackup()
	out := Proof{Backup: b, Age: now.Sub(b.At)}
	if s.Taken != nil && s.Taken.Backup.SameCopy(b) {
		out.Taken = s.Taken
	}
	if s.Verified != nil && s.Verified.Backup.SameCopy(b) {
		out.Verified = s.Verified
	}
	limit := s.Runbook.Backup.MaxAge
	found := ""
	for _, it := range s.restoredItems() {
		own := backupLimit(it.Check, s.Runbook.Backup.MaxAge)
		if !out.Asked || own < limit {
			limit = own
		}
		out.Asked = true
		if c := s.Item(it.ID).Check; c != nil && s.Proven != nil && !c.At.Before(s.Proven.At) && (!c.Pass || c.Error != "") {
			found = firstOf(c.Error, c.Value)
		}
	}
	if s.Proven != nil && s.Proven.Backup.SameCopy(b) {
		out.Restored = s.Proven
		out.Until = s.Proven.At.Add(limit + s.Extra)
	}
	out.Lacks = s.unproven(out, found, now)
	return out
}

// unproven says why a backup is not proven; found is what a check has against it.
func (s *State) unproven(p Proof, found string, now time.Time) string {
	hand := ""
	if p.Taken == nil {
		hand = "it was recorded by hand, and "
	}
	switch r := p.Restored; {
	case s.Runbook.Backup.TimeField == "":
		return "the runbook records no backup"
	case p.Backup.At.IsZero():
		return "no backup is recorded"
	case s.Proven == nil:
		return hand + "nobody has restored it"
	case r == nil:
		if s.Proven.Backup.Same(p.Backup) {
			return hand + "nobody has restored it from there: the one at " + s.Proven.Backup.Location + " was tried"
		}
		return hand + "nobody has restored it: " + s.Proven.Backup.String() + " was tried, which is another one"
	case len(r.Differences) > 0:
		return "it did not come back as it was: " + allOf(r.Differences)
	case now.Before(r.At.Add(-clockSlack)):
		return clockSetBack
	case now.After(p.Until):
		return fmt.Sprintf("it was restored at %s, and that counted until %s", utc(r.At), utc(p.Until))
	}
	return found
}

// restoredItems are those that ask whether the backup was restored.
func (s *State) restoredItems() []runbook.Item {
	var out []runbook.Item
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			if it.Check != nil && it.Check.Name == check.BackupRestored {
				out = append(out, it)
			}
		}
	}
	return out
}

// ProofLine is one thing that is known of a backup, or is not.
type ProofLine struct {
	What  string // "recorded", "taken", "verified" or "restored"
	Level Level
	Text  string
}

// Lines say all of it, one beneath the other. A backup that is not recorded has
// the last alone.
func (p Proof) Lines() []ProofLine {
	restored := ProofLine{"restored", LevelGood, ""}
	if p.Lacks != "" {
		restored.Level, restored.Text = LevelBad, "NOT PROVEN: "+p.Lacks
	} else {
		restored.Text = p.Restored.proof() + ", counts until " + utc(p.Until)
		if !p.Asked {
			restored.Text += "; no check asks whether the tables are still defined as they were then"
		}
	}
	if p.Backup.At.IsZero() {
		return []ProofLine{restored}
	}
	recorded := p.Backup.String()
	if p.Age > 0 {
		recorded += ", " + Span(p.Age.Round(time.Second)) + " old"
	}
	if p.Backup.Location != "" {
		recorded += ", at " + p.Backup.Location
	}
	lines := []ProofLine{{"recorded", LevelInfo, recorded}, p.takenLine(), p.verifiedLine(), restored}
	for i := range lines {
		lines[i].Text = Clean(lines[i].Text)
	}
	return lines
}

func (p Proof) takenLine() ProofLine {
	t := p.Taken
	if t == nil {
		return ProofLine{"taken", LevelWarn, "not by this run: nobody knows how, nor its size"}
	}
	text := fmt.Sprintf("by %s in %s", t.How, Span(t.Took))
	if t.Tables > 0 {
		text += ", " + Plural(int64(t.Tables), "table")
	}
	if size := t.size(); size != "" {
		text += ", " + size
	}
	return ProofLine{"taken", LevelInfo, text}
}

func (p Proof) verifiedLine() ProofLine {
	v := p.Verified
	switch {
	case v == nil:
		return ProofLine{"verified", LevelWarn, "not verified: nobody has read it through"}
	case len(v.Problems) > 0:
		return ProofLine{"verified", LevelBad, "it cannot be relied on: " + allOf(v.Problems)}
	}
	text := fmt.Sprintf("at %s by %s", utc(v.At), v.How)
	if v.Tables > 0 {
		text += ": " + v.read()
	}
	return ProofLine{"verified", LevelGood, text}
}

// proof is what was restored into what, when, and what came of it.
func (e BackupProven) proof() string {
	text := fmt.Sprintf("into %s in %s at %s, by %s", e.Into, Span(e.Restore), utc(e.At), e.How)
	if e.From != "" {
		text += " from a server of version " + e.From
	}
	if e.Counted == 0 {
		return text + ", who does not say what was compared"
	}
	return text + e.same()
}

// RestoredAfter is when a restore would be done, from T-0 on, that begins at the
// abort limit; 0 where nobody knows how long one takes.
func (s *State) RestoredAfter() time.Duration {
	d, _ := s.RestoreTime()
	if d <= 0 {
		return 0
	}
	return s.Runbook.Window.Abort + s.Extra + d
}

func utc(t time.Time) string { return t.UTC().Format(time.TimeOnly) + " UTC" }

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
