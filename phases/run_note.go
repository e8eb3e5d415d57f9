package phases

import (
	"strings"
	"time"
)

// RunNote is what a database knows of a run in it, so that whoever begins another
// one there is told of it, wherever its journal lies. What it says is as of when
// it was written: the journal, where it can be read, says more.
type RunNote struct {
	RunID       string
	Journal     string // its absolute path
	Host        string // on which it is
	Operator    string // who drives the run, "name@host"
	Title       string
	Environment Environment
	SHA256      string   // of the runbook's text
	Target      Identity // of which only what Same compares is noted
	OpenedAt    time.Time
	Outcome     Outcome // empty: the run had not ended
	StillOff    string  // what it had left switched off; empty: nothing
}

// Note is what the run's database should know of it. path is its journal's.
func (s *State) Note(path string) RunNote {
	var off []string
	for _, f := range s.FencesOff() {
		off = append(off, f.Plan.Title)
	}
	if s.TriggersOff && !s.triggersFenced() {
		off = append(off, Plural(int64(len(s.Triggers)), "trigger"))
	}
	return RunNote{
		RunID: s.Opened.RunID, Journal: path, Host: s.Operator.Host, Operator: s.Operator.String(), Title: s.Runbook.Title,
		Environment: s.Opened.Environment, SHA256: s.Opened.SHA256, Target: s.Target, OpenedAt: s.OpenedAt, Outcome: s.Outcome,
		StillOff: Clean(strings.Join(off, ", ")),
	}
}

// LeftOff is what an earlier run in the same database has left switched off.
type LeftOff struct {
	What    string `json:"what"`
	Journal string `json:"journal"` // of that run, an absolute path
	Host    string `json:"host"`    // on which it is
}

// words say what is off, and by which run's journal it comes back. here is the
// host of whoever reads it.
func (l LeftOff) words(here string) string {
	text := "off since an earlier run: " + l.What + "; it comes back by " + ShellCommand("", "restore", l.Journal)
	if l.Host != here {
		text += " on " + l.Host
	}
	return Clean(text)
}
