package lint

import (
	"fmt"

	"tminus/phases"
)

var (
	serverPooler = &Code{
		Name: "server-pooler", Severity: phases.SeverityError,
		Means: "The connection goes through a pooler in transaction or statement mode, which gives each transaction any of its sessions: settings and locks do not hold there, and a run does not begin.",
		Do:    "connect to the server itself, or to a pool in session mode",
	}
	sessionsFew = &Code{
		Name: "sessions-few", Severity: phases.SeverityError,
		Means: "A run needs more sessions at the same time than the role, the database or the server ever grants: it does not begin.",
		Do:    "raise the limit",
	}
	sessionsTaken = &Code{
		Name: "sessions-taken", Severity: phases.SeverityWarning,
		Means: "A run needs more sessions at the same time than are free now: as long as others hold them, it does not begin.",
		Do:    "stop what holds them before the run is started, or raise the limit",
	}
)

var sessions = rule{[]*Code{serverPooler, sessionsFew, sessionsTaken}, func(v *View) []phases.Finding {
	var out []phases.Finding
	s := v.Schema.Server
	if s.Pooled {
		out = append(out, serverPooler.at("", "", "a pooler that shares sessions stands before the server", ""))
	}
	for _, l := range s.Limits {
		switch {
		case l.Most < s.Sessions:
			out = append(out, sessionsFew.at("", "", fmt.Sprintf("the run needs %d sessions at its widest, and %d are granted at most", s.Sessions, l.Most), l.Raise))
		case l.Most-l.Others < s.Sessions:
			out = append(out, sessionsTaken.at("", "", fmt.Sprintf("the run needs %d sessions at its widest, and of %d others hold %d", s.Sessions, l.Most, l.Others), l.Raise))
		}
	}
	return out
}}
