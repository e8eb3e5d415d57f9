package lint

import (
	"fmt"
	"strings"

	"tminus/phases"
)

var (
	serverRecovery = &Code{
		Name: "server-recovery", Severity: phases.SeverityError,
		Means: "The server is in recovery: nothing can be written here.",
		Do:    "connect to the primary",
	}
	serverReadOnly = &Code{
		Name: "server-read-only", Severity: phases.SeverityError,
		Means: "Transactions are read-only by default for this role, database or server: no phase can begin.",
		Do:    "set default_transaction_read_only off for the role",
	}
	serverUncounted = &Code{
		Name: "server-uncounted", Severity: phases.SeverityError, Stops: true,
		Means: "track_counts is off, so what a phase touches cannot be verified.",
		Do:    "set track_counts on",
	}
	serverBlind = &Code{
		Name: "server-blind", Severity: phases.SeverityWarning,
		Means: "The role may not see what other users do: checks of their connections and transactions cannot pass.",
		Do:    "grant pg_read_all_stats to the role",
	}
	serverForgetful = &Code{
		Name: "server-forgetful", Severity: phases.SeverityWarning,
		Means: "The server runs with fsync off: a crash of its host can lose what was committed.",
		Do:    "set fsync on before the window",
	}
	serverStyles = &Code{
		Name: "server-styles", Severity: phases.SeverityNote,
		Means: "Statements and conditions run with the role's own TimeZone, DateStyle and IntervalStyle in this database, as in psql: by them a condition on a time ends at another hour than in UTC, and '01/02/2024' may be another day.",
		Do:    "nothing, if they are meant; else write the time zone into the condition, and dates as 2024-02-01",
	}
	serverOld = &Code{
		Name: "server-old", Severity: phases.SeverityNote,
		Means: "The server is older than PostgreSQL 14: deletes show rows and time, but no share done.",
		Do:    "nothing: it works",
	}
)

// rangesFrom is the first version with scans of ranges of a table's blocks.
const rangesFrom = 140000

var server = rule{[]*Code{serverRecovery, serverReadOnly, serverUncounted, serverBlind, serverForgetful, serverStyles, serverOld}, func(v *View) []phases.Finding {
	var out []phases.Finding
	s := v.Schema.Server
	for _, c := range []struct {
		code   *Code
		is     bool
		text   string
		remedy string
	}{
		{serverRecovery, s.InRecovery, "the server is in recovery", ""},
		{serverReadOnly, s.ReadOnly, "default_transaction_read_only is on for " + s.Role, ""},
		{serverUncounted, !s.TrackCounts, "track_counts is off", ""},
		{serverBlind, !s.SeesOthers, s.Role + " may not see what other users do", v.join("pg_read_all_stats")},
		{serverForgetful, !s.Fsync, "fsync is off", ""},
		{serverStyles, len(s.Styles) > 0, "statements run with " + strings.Join(s.Styles, ", "), ""},
		{serverOld, s.Version < rangesFrom, fmt.Sprintf("the server is PostgreSQL %d", s.Version/10000), ""},
	} {
		if c.is {
			out = append(out, c.code.at("", "", c.text, c.remedy))
		}
	}
	return out
}}
