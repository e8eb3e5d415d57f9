package ui

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// silentAfter is the time without an event from which a reader is told so: a
// running engine asks its checks more often than that.
const silentAfter = 30 * time.Second

// headerLines are the two lines at the top: what runs where, and what the clock says.
func (v *Viewer) headerLines(now time.Time) []string {
	st, s := v.styles, v.state
	if s == nil || s.Runbook == nil {
		return []string{look.Between(" "+look.Paint(st.Title, "tminus"), v.readOnly(now)+" ", v.width), ""}
	}
	env := " " + strings.ToUpper(look.Sanitize(string(s.Opened.Environment))) + " "
	left := look.Paint(st.Env(s.Opened.Environment), env) + " " + look.Paint(st.Title, look.Sanitize(s.Runbook.Title))
	where := fmt.Sprintf("%s@%s", s.Target.Database, s.Target.Host)
	if s.Opened.Unattended {
		where = "unattended  " + where
	}
	first := look.Between(left, look.Paint(st.Text, look.Middle(look.Sanitize(where), v.width/2))+"  "+v.clockText(now)+" ", v.width)
	return []string{first, v.secondLine(now)}
}

// clockText is the T-clock; it stands still when the run has ended.
func (v *Viewer) clockText(now time.Time) string {
	s := v.state
	if s.Outcome != "" {
		now = s.At
	}
	return look.Paint(v.styles.Title, s.ClockWords(now))
}

func (v *Viewer) secondLine(now time.Time) string {
	st, right := v.styles, v.limits(now)
	left := v.secondLeft(now, "times are UTC")
	if more := v.restoreLimit(); more != "" {
		more = right + look.Paint(st.Dim, "; "+more)
		for _, fits := range []string{left, v.secondLeft(now, "UTC")} {
			if look.Width(fits+more)+3 <= v.width {
				left, right = fits, more
				break
			}
		}
	}
	return look.Between(left, right+" ", v.width)
}

// secondLeft is who is there, and the zone of the screen's times of day; where there is
// no room for all, who watches gives way.
func (v *Viewer) secondLeft(now time.Time, zone string) string {
	st, s := v.styles, v.state
	var parts []string
	if r := v.readOnly(now); r != "" {
		parts = append(parts, r)
	}
	parts = append(parts, look.Paint(st.Dim, "operator ")+look.Paint(st.Text, look.Sanitize(s.Operator.String())), look.Paint(st.Dim, zone))
	if w := watchers(s.Observers, max(12, v.width/4)); w != "" {
		parts = append(parts, look.Paint(st.Dim, w))
	}
	if v.opts.Note != "" && !v.announced() {
		parts = append(parts, look.Paint(st.Dim, look.Sanitize(v.opts.Note)))
	}
	return " " + strings.Join(parts, look.Paint(st.Dim, " · "))
}

// restoreLimit is what a restore from the abort limit on would mean, where the
// limit is shown.
func (v *Viewer) restoreLimit() string {
	s := v.state
	if v.fault != nil || s.Outcome != "" || s.Interrupted != "" || s.Gate.Decision != phases.Go && s.T0.IsZero() || s.Current() < 0 {
		return ""
	}
	if p := s.OpenPhase(); p != nil && (p.Status == phases.PhaseHolding || p.Status == phases.PhaseInDoubt) {
		return ""
	}
	return look.RestoredBy(s)
}

// readOnly is a reader's mark, with how old what it sees may be.
func (v *Viewer) readOnly(now time.Time) string {
	if v.opts.ReadOnly == "" {
		return ""
	}
	st := v.styles
	out := look.Paint(st.Warn, v.opts.ReadOnly)
	if s := v.state; s != nil && s.Outcome == "" {
		age := now.Sub(s.At)
		style := st.Dim
		if age >= silentAfter {
			style = st.Warn
		}
		out += look.Paint(style, " last event "+look.Ago(age))
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
		if name := look.Sanitize(look.NameOr(o.Name, "unnamed key")); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return look.Clip(fmt.Sprintf("%d watching: %s", len(obs), strings.Join(names, ", ")), n)
}

// limits are the countdowns, and what is out of the ordinary.
func (v *Viewer) limits(now time.Time) string {
	st, s := v.styles, v.state
	switch {
	case v.fault != nil:
		return look.Paint(st.Bad, "JOURNAL STOPPED")
	case s.Outcome != "":
		return look.Paint(st.LevelStyle(look.OutcomeLevel(s.Outcome)), strings.ToUpper(s.Outcome.Word()))
	case s.Interrupted != "":
		return look.Paint(st.Bad, "INTERRUPTED")
	}
	if p := s.OpenPhase(); p != nil {
		switch p.Status {
		case phases.PhaseHolding:
			return look.Paint(st.Warn, "ROLLBACK in "+look.Countdown(p.HoldUntil.Sub(now)))
		case phases.PhaseInDoubt:
			return look.Paint(st.Bad, "COMMIT IN DOUBT")
		}
	}
	for i := range s.Phases {
		switch s.Phases[i].Status {
		case phases.PhaseUnknown:
			return look.Paint(st.Bad, "OUTCOME UNKNOWN")
		case phases.PhaseIsUndone:
			return look.Paint(st.Bad, "NO LONGER HELD")
		}
	}
	return v.windowLimit(now)
}

func (v *Viewer) windowLimit(now time.Time) string {
	st, s := v.styles, v.state
	at := s.AbortAt()
	switch {
	case at.IsZero() && s.Gate.Decision != phases.Go:
		sched := s.Schedule()
		due := sched.Gate.Sub(now)
		switch {
		case s.OffSchedule(now) == phases.Late:
			return look.Paint(st.Bad, "LATE: T-0 was "+look.Duration(now.Sub(sched.T0))+" ago")
		case s.OffSchedule(now) == phases.Early:
			return look.Paint(st.Dim, "gate opens in ") + look.Paint(st.Text, look.Countdown(due))
		case due <= 0:
			return look.Paint(st.Warn, "gate due "+look.Duration(-due)+" ago")
		}
		return look.Paint(st.Dim, "gate due in ") + look.Paint(st.Text, look.Countdown(due))
	case at.IsZero() && s.Schedule().Kept && s.OffSchedule(now) != "":
		if left := s.Schedule().T0.Sub(now); left > 0 {
			return look.Paint(st.Dim, "T-0 in ") + look.Paint(st.Text, look.Countdown(left))
		}
		return look.Paint(st.Bad, "LATE: T-0 was "+look.Duration(now.Sub(s.Schedule().T0))+" ago")
	case at.IsZero():
		return look.Paint(st.Dim, "abort limit ") + look.Paint(st.Text, look.Clock(s.Runbook.Window.Abort+s.Extra))
	case s.Current() < 0:
		return look.Paint(st.Good, "all phases are done")
	}
	left := at.Sub(now)
	switch {
	case left <= 0:
		return look.Paint(st.Bad, "WINDOW OVER since "+look.Duration(-left))
	case left < 5*time.Minute:
		return look.Paint(st.Warn, "abort limit in "+look.Countdown(left))
	}
	return look.Paint(st.Dim, "abort limit in ") + look.Paint(st.Text, look.Countdown(left))
}

// bannerLines say what is off for the run, on a line of its own for as long as
// anything is: on every screen, and after the run's end. Before it stands how to
// come to the mirror, while nobody is there.
func (v *Viewer) bannerLines() []string {
	if v.state == nil || v.state.Runbook == nil {
		return nil
	}
	out := v.announceLines()
	if line := v.state.OffLine(); line != "" {
		out = append(out, strings.Split(v.message(phases.LevelWarn, line), "\n")...)
	}
	return out
}
