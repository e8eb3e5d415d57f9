package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tminus/phases"
)

// WriteText writes the execution log as text, 80 columns wide. Errors are w's.
func (r *Report) WriteText(w io.Writer) error {
	p := newPage(w)
	t := r.layout(p)
	for _, part := range parts() {
		if !part.drawn {
			part.lay(t)
		}
	}
	if err := p.flush(); err != nil {
		return fmt.Errorf("write report as text: %w", err)
	}
	return nil
}

// part is one part of the report, in every format.
type part struct {
	lay   func(*layout)
	drawn bool // in documents alone: what a table in text would only say again
	last  bool // long, and for few: where order is free, it stands at the end
}

// parts are all parts in their order.
func parts() []part {
	return []part{
		{lay: (*layout).summary, drawn: true},
		{lay: (*layout).timeline, drawn: true},
		{lay: (*layout).progress, drawn: true},
		{lay: (*layout).sums, drawn: true},
		{lay: (*layout).head},
		{lay: (*layout).checklist},
		{lay: (*layout).proof},
		{lay: (*layout).undo},
		{lay: (*layout).gate},
		{lay: (*layout).phases},
		{lay: (*layout).protected},
		{lay: (*layout).fingerprints, drawn: true},
		{lay: (*layout).after},
		{lay: (*layout).fences},
		{lay: (*layout).messages},
		{lay: (*layout).totals},
		{lay: (*layout).deviations},
		{lay: (*layout).notes},
		{lay: (*layout).log, last: true},
		{lay: (*layout).signOff},
		{lay: (*layout).journal},
		{lay: (*layout).verifying, drawn: true},
	}
}

// layout says what stands in each part, to whatever form.
type layout struct {
	form
	r    *Report
	zone *time.Location
}

func (r *Report) layout(f form) *layout {
	t := &layout{form: f, r: r, zone: time.UTC}
	if r.Zone != nil {
		t.zone = r.Zone
	}
	return t
}

func (t *layout) stamp(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.In(t.zone).Format("2006-01-02 15:04:05")
}

func (t *layout) clock(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.In(t.zone).Format("15:04:05")
}

func (t *layout) head() {
	r := t.r
	t.section("Execution log", r.Title)
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

func (t *layout) checklist() {
	t.section("Pre-execution checklist")
	t.groups(t.r.Checklist)
}

func (t *layout) after() {
	t.section("Post-execution actions")
	t.groups(t.r.After)
}

func (t *layout) groups(groups []Group) {
	if len(groups) == 0 {
		t.line("none")
	}
	for i, g := range groups {
		if i > 0 {
			t.line("")
		}
		t.group(t, g)
	}
}

// itemLines are what is known of an item beside its text and its state.
func (t *layout) itemLines(it Item) []string {
	var out []string
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
		out = append(out, text)
	}
	out = append(out, acts(it)...)
	for _, f := range it.Fields {
		out = append(out, f.Label+": "+t.value(f))
	}
	if g := it.signed; g != nil {
		out = append(out, "signed as "+g.Role+" by "+g.Name+", "+g.bound())
	}
	if it.Lacks != "" && it.Lacks != "not ticked" && it.State != ItemFailed {
		out = append(out, it.Lacks)
	}
	return out
}

func (t *layout) value(f Field) string {
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

func (t *layout) gate() {
	g := t.r.Gate
	t.section("GO/NO-GO decision")
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

func (t *layout) protected() {
	if len(t.r.Protected) == 0 {
		return
	}
	t.section("Protected tables")
	g := grid{caption: "Each protected table at the baseline, and when it was compared last", head: []string{"table", "baseline", "left", "intact", "phase"}}
	for _, p := range t.r.Protected {
		intact := "not seen"
		level := phases.LevelWarn
		if p.Intact != nil {
			intact, level = yesNo(*p.Intact), levelOf(*p.Intact)
		}
		row := g.add(p.Name, number(p.Baseline), number(p.Remaining), intact, p.VerifiedIn)
		row.note, row.level = p.Detail, level
	}
	t.grid(g)
}

// levelOf is how something is to be marked that holds, or does not.
func levelOf(holds bool) phases.Level {
	if holds {
		return phases.LevelGood
	}
	return phases.LevelBad
}

func yesNo(yes bool) string {
	if yes {
		return "YES"
	}
	return "NO"
}

func (t *layout) totals() {
	r := t.r
	t.section("Total execution time", span(r.Seconds))
	t.pair("T-0", t.stamp(r.T0)+", planned "+t.stamp(r.PlannedT0))
	window := span(r.PlannedSeconds) + " planned, abort limit " + span(r.AbortSeconds)
	if r.ExtendedSeconds > 0 {
		window += ", extended by " + span(r.ExtendedSeconds)
	}
	t.pair("Window", window)
	t.pair("Rows deleted", phases.Digits(r.DeletedRows)+" in committed phases, cascades included")
	if all := r.truncated(); all != nil {
		t.pair("Tables truncated", strings.Join(all, ", ")+": their rows were not counted, and are not among the deleted")
	}
	if r.UpdatedRows > 0 {
		t.pair("Rows updated", phases.Digits(r.UpdatedRows)+" in committed phases")
	}
	if r.InsertedRows > 0 {
		t.pair("Rows inserted", phases.Digits(r.InsertedRows)+" in committed phases")
	}
	t.pair("Overall status", r.Status)
	t.waysBack()
}

func (t *layout) deviations() { t.lines("Deviations from the plan", t.r.Deviations) }

func (t *layout) notes() { t.lines("Notes / incidents", t.r.Notes) }

func (t *layout) log() { t.lines("Events", t.r.Log) }

func (t *layout) lines(what string, lines []Line) {
	t.section(what)
	if len(lines) == 0 {
		t.line("none")
		return
	}
	t.events(t, "", lines)
}

// tClock is seconds from T-0 as a T-clock.
func tClock(sec float64) string { return phases.TClock(time.Duration(sec * float64(time.Second))) }

// tClock is a line's: of a run that came to no T-0, what was past the planned one
// was due.
func (t *layout) tClock(l Line) string {
	if t.r.T0 == nil && l.Clock >= 1 {
		return "due+" + phases.Minutes(time.Duration(l.Clock*float64(time.Second)))
	}
	return tClock(l.Clock)
}

func (t *layout) journal() {
	r := t.r
	t.section("Journal")
	closed := "closed"
	if !r.Journal.Closed {
		closed = "not closed: the run goes on, was interrupted, or lines were cut off its end"
	}
	t.pair("Records", fmt.Sprintf("%s, %s", phases.Digits(int64(r.Journal.Records)), closed))
	t.pair("Head", r.Journal.Head)
}
