package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// Activity is the pane's name.
const Activity ID = "activity"

func activityPane() Kind {
	return Kind{
		ID: Activity, Title: "Activity", content: Pane.activityContent, Edge: Pane.activityEdge,
		there: func(s *phases.State) bool { return s.Activity != nil || s.OpenPhase() != nil },
	}
}

// activityEdge is how old what is shown is.
func (p Pane) activityEdge() string {
	switch a := p.State.Activity; {
	case a == nil || a.At.IsZero():
		return ""
	case a.Error != "":
		return "NOT SEEN SINCE " + p.at(a.At)
	default:
		return "as of " + p.age(a.At)
	}
}

// activityContent is who is in the database and who waits for whom, as it was seen
// last. What was seen is of a moment: the pane says of which.
func (p Pane) activityContent() content {
	if !p.Ready() {
		return p.empty("Who is in the database appears while a phase runs.")
	}
	st, a := p.Styles, p.State.Activity
	open := p.State.OpenPhase()
	switch {
	case a == nil && open == nil:
		return p.empty("Who is in the database is looked at while a phase runs.")
	case a == nil:
		return content{body: append(p.activityWaits(nil, open), look.Row(&st.Dim, "The first look at the sessions has not come back yet."))}
	}
	head := p.activityHead(a, open)
	var body []look.Line
	if waits := p.activityWaits(a, open); len(waits) > 0 {
		body = append(append(body, waits...), look.Line{})
	}
	return content{head: head, body: append(body, p.sessionGrid(a)...)}
}

// activityHead is what the look found, in a sentence, and what keeps it from being
// the whole truth.
func (p Pane) activityHead(a *phases.ActivityState, open *phases.PhaseState) []look.Line {
	st := p.Styles
	var out []look.Line
	if a.Error != "" {
		text := "The last look, " + p.age(a.LookedAt) + ", found nothing out: " + a.Error
		if !a.At.IsZero() {
			text += ". Below is what was seen " + p.age(a.At)
		}
		out = append(out, p.paragraph(st.Mark.NoReturn+" ", &st.Warn, text+".")...)
		if a.At.IsZero() {
			return out
		}
	}
	total := len(a.Sessions) + a.More
	text := look.Plural(total, "session", "sessions") + " as of " + p.age(a.At)
	if open == nil || open.Plan.ID != a.Phase {
		text += ", while " + p.phaseTitle(a.Phase) + " was open"
	}
	style := &st.Text
	switch {
	case a.Waiting > 0:
		text += ": " + look.Plural(a.Waiting, "waits", "wait") + " for a lock"
		style = &st.Warn
	default:
		text += ": none waits for a lock"
	}
	out = append(out, p.paragraph("", style, text+".")...)
	if a.Masked > 0 {
		out = append(out, p.paragraph(st.Mark.NoReturn+" ", &st.Warn, "Of "+look.Plural(a.Masked, "session", "sessions")+" this role may not see what they do: grant pg_read_all_stats to it.")...)
	}
	return append(out, look.Line{})
}

func (p Pane) phaseTitle(id string) string {
	if ph := p.State.Phase(id); ph != nil {
		return ph.Plan.Title
	}
	return "a phase"
}

// activityWaits are who waits for whom. Between two attempts at a lock nothing waits
// on the server: then it is what the phase itself saw last.
func (p Pane) activityWaits(a *phases.ActivityState, open *phases.PhaseState) []look.Line {
	var out []look.Line
	own := false
	if a != nil {
		for _, s := range a.Sessions {
			if s.Waits() {
				own = own || s.Own
				out = append(out, joined(p.waitLines(a, s))...)
			}
		}
	}
	if !own && p.State.Blocked() {
		lines := []look.Line{look.Row(&p.Styles.Warn, p.Styles.Mark.Waiting+" ").Add(&p.Styles.Title, "the phase").Add(&p.Styles.Warn, " tries for its lock on "+valueOr(open.Lock.Table, "a table"))}
		for _, b := range open.Lock.Blockers {
			lines = append(lines, p.paragraph("    blocked by ", &p.Styles.Text, b.String())...)
		}
		out = append(joined(lines), out...)
	}
	if len(out) > 0 {
		out = append([]look.Line{look.Row(&p.Styles.Title, "Who waits for whom")}, out...)
	}
	return out
}

// waitLines are one session that waits, and beneath it who holds what it waits for.
func (p Pane) waitLines(a *phases.ActivityState, s phases.Session) []look.Line {
	st := p.Styles
	out := p.paragraph(st.Mark.Waiting+" ", &st.Warn, sessionName(s)+" waits for "+valueOr(s.Wants, "a lock"))
	for _, pid := range s.BlockedBy {
		b, named := a.Session(pid)
		switch {
		case !named && pid == 0:
			out = append(out, p.paragraph("    ", &st.Text, "blocked by a prepared transaction")...)
			continue
		case !named:
			out = append(out, p.paragraph("    ", &st.Text, fmt.Sprintf("blocked by session %d, of which nothing is seen here", pid))...)
			continue
		}
		text := "blocked by " + sessionName(b) + ", " + valueOr(b.State, "state not visible")
		if !b.Since.IsZero() {
			text += ", open " + look.Seconds(p.activityMoment(a).Sub(b.Since))
		}
		if b.Holds != "" {
			text += ", holds " + b.Holds
		}
		out = append(out, p.paragraph("    ", &st.Text, text)...)
	}
	return out
}

// activityMoment is until when a transaction that was seen open counts: as the phase
// pane does, to now, as long as it is looked after. Else what was seen last stands.
func (p Pane) activityMoment(a *phases.ActivityState) time.Time {
	if open := p.State.OpenPhase(); a.Error != "" || open == nil || open.Plan.ID != a.Phase {
		return a.At
	}
	return p.Now
}

// sessionName is a session by its number and whose it is.
func sessionName(s phases.Session) string {
	switch {
	case s.Own:
		return fmt.Sprintf("the phase (%d)", s.PID)
	case s.PID == 0:
		return valueOr(s.Application, "a prepared transaction")
	}
	who := strings.Trim(s.User+", "+s.Application, ", ")
	if who == "" {
		return fmt.Sprintf("session %d", s.PID)
	}
	return fmt.Sprintf("session %d (%s)", s.PID, who)
}

// sessionGrid are all that are named, a line each.
func (p Pane) sessionGrid(a *phases.ActivityState) []look.Line {
	st := p.Styles
	if len(a.Sessions) == 0 {
		return []look.Line{look.Row(&st.Good, "Nobody else is connected to the database.")}
	}
	rows := make([]look.GridRow, 0, len(a.Sessions))
	for _, s := range a.Sessions {
		mark, style := p.sessionMark(a, s)
		pid, application := fmt.Sprint(s.PID), s.Application
		if s.PID == 0 {
			pid = "–"
		}
		if s.Own {
			application = "the phase"
		}
		since := "–"
		if !s.Since.IsZero() {
			since = look.Minutes(p.activityMoment(a).Sub(s.Since))
		}
		rows = append(rows, look.GridRow{Fields: []look.Field{
			{{Text: mark + " ", Style: style}, {Text: pid, Style: &st.Text}},
			look.One(&st.Text, valueOr(application, "–")), look.One(&st.Dim, valueOr(s.User, "–")),
			look.One(style, valueOr(s.State, "not visible")), look.One(&st.Text, since), look.One(&st.Dim, p.sessionLock(s)),
		}})
	}
	columns := []look.Column{{Head: "session"}, {Head: "application", Flex: 12}, {Head: "user", Flex: 8, Rank: 1}, {Head: "state", Flex: 12}, {Head: "open for", Right: true}, {Head: "lock, or wait", Flex: 16, Rank: 2}}
	out := look.Grid(columns, rows, p.Width, &st.Dim)
	if a.More > 0 {
		out = append(out, look.Row(&st.Dim, "and "+look.Plural(a.More, "session", "sessions")+" more"))
	}
	return out
}

// sessionLock is what a session wants, holds against others, or waits for inside of
// the server. The table comes first: what is cut off is how.
func (p Pane) sessionLock(s phases.Session) string {
	switch {
	case s.Wants != "":
		return "wants " + tableFirst(s.Wants)
	case s.Holds != "":
		return "holds " + tableFirst(s.Holds)
	}
	return s.Wait
}

// tableFirst turns "ShareLock on orders" into "orders, ShareLock".
func tableFirst(lock string) string {
	if mode, table, ok := strings.Cut(lock, " on "); ok {
		return table + ", " + mode
	}
	return lock
}

// sessionMark says in a cell how a session stands to the others.
func (p Pane) sessionMark(a *phases.ActivityState, s phases.Session) (string, *lipgloss.Style) {
	st := p.Styles
	switch {
	case s.Waits():
		return st.Mark.Waiting, &st.Warn
	case blocks(a, s.PID):
		return st.Mark.Failed, &st.Bad
	case s.State == "":
		return st.Mark.Unknown, &st.Warn
	case s.Own:
		return st.Mark.Running, &st.Accent
	case s.State == "active", !s.Since.IsZero():
		return st.Mark.Running, &st.Text
	}
	return st.Mark.Todo, &st.Dim
}

func blocks(a *phases.ActivityState, pid uint32) bool {
	return slices.ContainsFunc(a.Sessions, func(s phases.Session) bool { return slices.Contains(s.BlockedBy, pid) })
}
