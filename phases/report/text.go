package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"tminus/phases"
)

// WriteText writes the execution log as text, 80 columns wide. Errors are w's.
func (r *Report) WriteText(w io.Writer) error {
	t := &textWriter{page: newPage(w), r: r, zone: time.UTC}
	if r.Zone != nil {
		t.zone = r.Zone
	}
	t.head()
	t.section("PRE-EXECUTION CHECKLIST")
	t.groups(r.Checklist)
	t.proof()
	t.undo()
	t.gate()
	for i := range r.Phases {
		t.phase(i)
	}
	t.protected()
	t.section("POST-EXECUTION ACTIONS")
	t.groups(r.After)
	t.fences()
	t.totals()
	t.lines("DEVIATIONS FROM THE PLAN", r.Deviations)
	t.lines("NOTES / INCIDENTS", r.Notes)
	t.lines("EVENTS", r.Log)
	t.signOff()
	if err := t.flush(); err != nil {
		return fmt.Errorf("write report as text: %w", err)
	}
	return nil
}

type textWriter struct {
	*page
	r    *Report
	zone *time.Location
}

func (t *textWriter) stamp(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.In(t.zone).Format("2006-01-02 15:04:05")
}

func (t *textWriter) clock(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.In(t.zone).Format("15:04:05")
}

func (t *textWriter) head() {
	r := t.r
	t.section("EXECUTION LOG: " + r.Title)
	t.pair("Overall status", r.Status)
	if r.Reason != "" {
		t.pair("Reason", r.Reason+byWhom(r.EndedBy))
	}
	t.pair("Environment", strings.ToUpper(string(r.Environment))+attended(r.Unattended))
	if r.OpenedAt != nil {
		t.pair("Date", r.OpenedAt.In(t.zone).Format("2006-01-02")+", times are "+t.zone.String())
	}
	for i, o := range r.Operators {
		label, value := "DBA", o.Name+"@"+o.Host
		if i > 0 {
			label, value = "DBA, resumed", value+" at "+t.stamp(o.At)
		}
		t.pair(label, value)
	}
	t.pair("Approver", r.approver())
	t.pair("Backup ID", r.Backup.ID)
	backup := t.stamp(r.Backup.At)
	if age := r.Backup.AgeAtT0Seconds; age != nil {
		backup += fmt.Sprintf(", %s old at T-0, at most %s", span(*age), span(r.Backup.MaxAgeSeconds))
	}
	t.pair("Backup time", backup)
	if r.Backup.note != "" {
		t.pair("Backup's triggers", r.Backup.note)
	}
	d := r.Database
	t.pair("Database", fmt.Sprintf("%s at %s:%d as %s, PostgreSQL %s", d.Name, d.Host, d.Port, d.User, d.ServerVersion))
	t.pair("Runbook", r.Run.Runbook)
	t.pair("Runbook's SHA-256", r.Run.RunbookSHA256)
	t.pair("Run", r.Run.ID+", tminus "+r.Run.Version)
	t.rehearsal()
}

func (r *Report) approver() string {
	if r.Gate.Assumed {
		return "ASSUMED, nobody approved"
	}
	return r.Gate.Approver
}

func attended(un bool) string {
	if un {
		return ", unattended: what a human answers was assumed"
	}
	return ""
}

func byWhom(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}

func span(sec float64) string { return phases.Span(time.Duration(sec * float64(time.Second))) }

func (t *textWriter) groups(groups []Group) {
	if len(groups) == 0 {
		t.line("none")
	}
	for i, g := range groups {
		if i > 0 {
			t.line("")
		}
		t.group(g)
	}
}

func (t *textWriter) group(g Group) {
	t.hang("", fmt.Sprintf("%s: %d of %d done", g.Title, g.Done, len(g.Items)))
	for _, it := range g.Items {
		t.item(it)
	}
}

func (t *textWriter) item(it Item) {
	const under = "           "
	t.hang("  "+pad(strings.ToUpper(it.State), 8)+" ", it.Text)
	if it.At != nil {
		how := "at "
		switch it.State {
		case ItemPassed, ItemFailed:
			how = "since "
		}
		text := how + t.clock(it.At) + byWhom(it.By)
		if it.Found != "" {
			text += ": " + it.Found
		}
		t.hang(under, text)
	}
	for _, f := range it.Fields {
		t.hang(under, f.Label+": "+t.value(f))
	}
	if it.Lacks != "" && it.Lacks != "not ticked" && it.State != ItemFailed {
		t.hang(under, it.Lacks)
	}
}

func (t *textWriter) value(f Field) string {
	text := f.Value
	if text == "" {
		text = "_______________"
	}
	if at, err := time.Parse(time.RFC3339, f.Value); err == nil {
		text = t.stamp(&at)
	}
	if f.Assumed {
		text += " (assumed)"
	}
	return text
}

func (t *textWriter) gate() {
	g := t.r.Gate
	t.section("GO/NO-GO DECISION")
	switch g.Decision {
	case phases.Go:
		t.pair("Decision", "GO at "+t.stamp(g.At))
		t.pair("Approver", t.r.approver())
	case phases.NoGoDecision:
		t.pair("Decision", "NO-GO at "+t.stamp(g.At)+byWhom(t.r.EndedBy))
		t.pair("Reason", t.r.Reason)
	default:
		t.pair("Decision", "none")
	}
	for _, hold := range g.Closed {
		t.pair("Closed again", hold)
	}
	t.schedule()
}

func (t *textWriter) protected() {
	if len(t.r.Protected) == 0 {
		return
	}
	t.section("PROTECTED TABLES")
	t.columns("table", "baseline", "left", "intact", "phase")
	for _, p := range t.r.Protected {
		intact := "not seen"
		if p.Intact != nil {
			intact = yesNo(*p.Intact)
		}
		t.columns(p.Name, number(p.Baseline), number(p.Remaining), intact, p.VerifiedIn)
		if p.Detail != "" {
			t.hang("    ", p.Detail)
		}
	}
}

func yesNo(yes bool) string {
	if yes {
		return "YES"
	}
	return "NO"
}

func (t *textWriter) totals() {
	r := t.r
	t.section("TOTAL EXECUTION TIME: " + span(r.Seconds))
	t.pair("T-0", t.stamp(r.T0)+", planned "+t.stamp(r.PlannedT0))
	window := span(r.PlannedSeconds) + " planned, abort limit " + span(r.AbortSeconds)
	if r.ExtendedSeconds > 0 {
		window += ", extended by " + span(r.ExtendedSeconds)
	}
	t.pair("Window", window)
	t.pair("Rows deleted", phases.Digits(r.DeletedRows)+" in committed phases, cascades included")
	if r.UpdatedRows > 0 {
		t.pair("Rows updated", phases.Digits(r.UpdatedRows)+" in committed phases")
	}
	if r.InsertedRows > 0 {
		t.pair("Rows inserted", phases.Digits(r.InsertedRows)+" in committed phases")
	}
	t.pair("Overall status", r.Status)
	t.waysBack()
}

func (t *textWriter) lines(title string, lines []Line) {
	t.section(title)
	if len(lines) == 0 {
		t.line("none")
	}
	for _, l := range lines {
		t.eventLine(l)
	}
}

func (t *textWriter) eventLine(l Line) {
	level := ""
	if l.Level == phases.LevelWarn || l.Level == phases.LevelBad {
		level = string(l.Level)
	}
	t.hang(fmt.Sprintf("%s %s %s ", t.clock(l.At), pad(tClock(l.Clock), 9), pad(level, 4)), l.Text)
}

// tClock is seconds from T-0 as a T-clock: T-12:30, T+00:05, T+1:02:03. Before
// T-0 the second that has begun counts.
func tClock(sec float64) string {
	sign := "+"
	if sec < 0 {
		sign, sec = "-", math.Ceil(-sec)
	}
	s := int64(sec)
	if s >= 3600 {
		return fmt.Sprintf("T%s%d:%02d:%02d", sign, s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("T%s%02d:%02d", sign, s/60, s%60)
}

func (t *textWriter) signOff() {
	r := t.r
	t.section("SIGN-OFF")
	for _, who := range []string{"DBA", "Manager", "Client"} {
		t.line("")
		t.line(pad(who, 9) + strings.Repeat("_", 40) + "  Date " + strings.Repeat("_", 20))
	}
	t.section("JOURNAL")
	closed := "closed"
	if !r.Journal.Closed {
		closed = "not closed: the run goes on, was interrupted, or lines were cut off its end"
	}
	t.pair("Records", fmt.Sprintf("%s, %s", phases.Digits(int64(r.Journal.Records)), closed))
	t.pair("Head", r.Journal.Head)
}
