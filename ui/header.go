package ui

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// silentAfter is the time without an event from which a reader is told so: a
// running engine asks its checks more often than that.
const silentAfter = 30 * time.Second

// headerLines are the two lines at the top: what runs where, and what the clock says.
func (v *Viewer) headerLines(now time.Time) []string {
	st, s := v.styles, v.state
	if s == nil || s.Runbook == nil {
		return []string{between(" "+paint(st.Title, "tminus"), v.readOnly(now)+" ", v.width), ""}
	}
	env := " " + strings.ToUpper(sanitize(string(s.Opened.Environment))) + " "
	left := paint(st.Env(s.Opened.Environment), env) + " " + paint(st.Title, sanitize(s.Runbook.Title))
	where := fmt.Sprintf("%s@%s", s.Target.Database, s.Target.Host)
	if s.Opened.Unattended {
		where = "unattended  " + where
	}
	first := between(left, paint(st.Text, clip(sanitize(where), v.width/2))+"  "+v.clockText(now)+" ", v.width)
	return []string{first, v.secondLine(now)}
}

// clockText is the T-clock; it stands still when the run has ended.
func (v *Viewer) clockText(now time.Time) string {
	s := v.state
	if s.Outcome != "" {
		now = s.At
	}
	return paint(v.styles.Title, clock(s.Clock(now)))
}

func (v *Viewer) secondLine(now time.Time) string {
	st, s := v.styles, v.state
	var parts []string
	if r := v.readOnly(now); r != "" {
		parts = append(parts, r)
	}
	parts = append(parts, paint(st.Dim, "operator ")+paint(st.Text, sanitize(s.Operator.String())))
	if w := watchers(s.Observers, max(12, v.width/4)); w != "" {
		parts = append(parts, paint(st.Dim, w))
	}
	if v.opts.Note != "" {
		parts = append(parts, paint(st.Dim, sanitize(v.opts.Note)))
	}
	return between(" "+strings.Join(parts, paint(st.Dim, " · ")), v.limits(now)+" ", v.width)
}

// readOnly is a reader's mark, with how old what it sees may be.
func (v *Viewer) readOnly(now time.Time) string {
	if v.opts.ReadOnly == "" {
		return ""
	}
	st := v.styles
	out := paint(st.Warn, v.opts.ReadOnly)
	if s := v.state; s != nil && s.Outcome == "" {
		age := now.Sub(s.At)
		style := st.Dim
		if age >= silentAfter {
			style = st.Warn
		}
		out += paint(style, " last event "+ago(age))
	}
	return out
}

// watchers says who looks at the mirror, in at most n cells.
func watchers(obs []phases.Observer, n int) string {
	if len(obs) == 0 {
		return ""
	}
	names := make([]string, 0, len(obs))
	seen := map[string]bool{}
	for _, o := range obs {
		if name := sanitize(nameOr(o.Name, "unnamed key")); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return clip(fmt.Sprintf("%d watching: %s", len(obs), strings.Join(names, ", ")), n)
}

// limits are the countdowns, and what is out of the ordinary.
func (v *Viewer) limits(now time.Time) string {
	st, s := v.styles, v.state
	switch {
	case v.fault != nil:
		return paint(st.Bad, "JOURNAL STOPPED")
	case s.Outcome != "":
		return paint(st.levelStyle(outcomeLevel(s.Outcome)), strings.ToUpper(s.Outcome.Word()))
	case s.Interrupted != "":
		return paint(st.Bad, "INTERRUPTED")
	}
	if p := s.OpenPhase(); p != nil {
		switch p.Status {
		case phases.PhaseHolding:
			return paint(st.Warn, "ROLLBACK in "+countdown(p.HoldUntil.Sub(now)))
		case phases.PhaseInDoubt:
			return paint(st.Bad, "COMMIT IN DOUBT")
		}
	}
	return v.windowLimit(now)
}

func (v *Viewer) windowLimit(now time.Time) string {
	st, s := v.styles, v.state
	at := s.AbortAt()
	switch {
	case at.IsZero() && s.Gate.Decision != phases.Go:
		due := s.Opened.PlannedT0.Add(-s.Runbook.Window.Gate).Sub(now)
		if due <= 0 {
			return paint(st.Warn, "gate due since "+duration(-due))
		}
		return paint(st.Dim, "gate due in ") + paint(st.Text, countdown(due))
	case at.IsZero():
		return paint(st.Dim, "abort limit T+") + paint(st.Text, minutes(s.Runbook.Window.Abort+s.Extra))
	case s.Current() < 0:
		return paint(st.Good, "all phases are done")
	}
	left := at.Sub(now)
	switch {
	case left <= 0:
		return paint(st.Bad, "WINDOW OVER since "+duration(-left))
	case left < 5*time.Minute:
		return paint(st.Warn, "abort limit in "+countdown(left))
	}
	return paint(st.Dim, "abort limit in ") + paint(st.Text, countdown(left))
}
