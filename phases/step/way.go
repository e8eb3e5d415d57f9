package step

import "slices"

// May is what a phase may do to a table. The zero value is nothing at all.
type May struct {
	Delete, Update, Insert bool
	Truncate               bool // give it another file: TRUNCATE, or a rewrite
	Lock                   bool // against all others
	Toggle                 bool // alter what belongs to it, and put that back as it was
}

// Anything is what a free statement may do to the tables that it names.
var Anything = May{Delete: true, Update: true, Insert: true, Truncate: true, Lock: true}

// PutBack is what putting a capsule back may do to the tables whose rows come back.
var PutBack = May{Delete: true, Update: true, Insert: true, Lock: true, Toggle: true}

// ByTriggers is what the triggers of a delete may do to the tables that it names.
var ByTriggers = May{Delete: true, Update: true, Insert: true}

// Or is what either of two allows.
func (m May) Or(o May) May {
	return May{
		Delete: m.Delete || o.Delete, Update: m.Update || o.Update, Insert: m.Insert || o.Insert,
		Truncate: m.Truncate || o.Truncate, Lock: m.Lock || o.Lock, Toggle: m.Toggle || o.Toggle,
	}
}

// Way is how a delete step takes its rows.
type Way struct {
	Name    string // as a runbook writes it
	Means   string // for the reference page
	Command string // the server's word for it
	Own     May    // what it may do to its own table
	Ranges  bool   // rows go by ranges of blocks, where that ends alike
	Sweeps  bool   // it may take the rows of several tables by one TRUNCATE
	Proves  bool   // where that is not proven to end as deletes would, the phase is rolled back
}

// Truncated is the server's word for what a way that sweeps may do instead.
const Truncated = "TRUNCATE TABLE"

// Ways are all there are. The first is what a step without one takes.
var Ways = []Way{
	{
		Name: "delete", Command: "DELETE", Own: May{Delete: true, Lock: true}, Ranges: true,
		Means: "by ranges of the table's blocks, with the share done, where that gives the same result as one DELETE; else by one",
	},
	{
		Name: "statement", Command: "DELETE", Own: May{Delete: true, Lock: true},
		Means: "by one DELETE, which shows no share",
	},
	{
		Name: "truncate", Command: Truncated, Own: May{Delete: true, Truncate: true, Lock: true}, Sweeps: true, Proves: true,
		Means: "by one TRUNCATE, together with the steps beside it and with what their deletes would reach, where that is proven to end as the deletes would; else the phase is rolled back",
	},
	{
		Name: "auto", Command: "DELETE", Own: May{Delete: true, Truncate: true, Lock: true}, Ranges: true, Sweeps: true,
		Means: "as `truncate` where that is proven and nobody else is connected, else as `delete`; the log says which, and why",
	},
}

// FindWay gives a way by its name; no name is the first.
func FindWay(name string) (Way, bool) {
	if name == "" {
		return Ways[0], true
	}
	i := slices.IndexFunc(Ways, func(w Way) bool { return w.Name == name })
	if i < 0 {
		return Way{}, false
	}
	return Ways[i], true
}
