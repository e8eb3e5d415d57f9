package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tminus/phases"
	"tminus/phases/journal"
)

// traces makes a run's spans: one for the run, one for each attempt of a phase.
// It belongs to the reader's goroutine, but for close.
//
// A span is sent when it ends. A program that takes a run up reads what others
// have sent before it: what ended before its own beginning is not sent again.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	watched  *watchedExporter

	run     string // the run's id
	ctx     context.Context
	root    trace.Span
	open    map[string]*attempt // by phase
	waiting []func()            // spans that have ended, as long as it is not known who is to send them
	alive   bool                // all that is read now is this program's
	ended   int                 // spans handed on
}

// attempt is a phase that has started.
type attempt struct {
	started time.Time
	number  int
	events  []happening
}

// happening is an event of a span.
type happening struct {
	name  string
	at    time.Time
	attrs []attribute.KeyValue
}

// live says that what the journal held at the start has been read.
func (t *traces) live() {
	if t == nil {
		return
	}
	for _, end := range t.waiting {
		end()
	}
	t.waiting, t.alive = nil, true
}

// take moves the spans on by a record, given the state after it.
func (t *traces) take(rec journal.Record, e phases.Event, s *phases.State) {
	if t == nil {
		return
	}
	switch e := e.(type) {
	case phases.RunOpened:
		t.begin(e, s)
		return
	case phases.RunResumed:
		t.waiting = nil // the program before has sent them
	case phases.PhaseStarted:
		t.open[e.Phase] = &attempt{started: rec.At, number: e.Attempt}
		return
	case phases.RunClosed:
		t.end(s)
		return
	}
	var of struct {
		Phase string `json:"phase"`
	}
	if json.Unmarshal(rec.Data, &of) != nil {
		return // it was decoded before: it has no phase
	}
	a := t.open[of.Phase]
	switch e.(type) {
	case phases.PhaseCommitted, phases.PhaseRolledBack, phases.PhasePassed, phases.PhaseFailed, phases.OutcomeUnknown:
		if a != nil {
			delete(t.open, of.Phase)
			t.finish(a, *s.Phase(of.Phase), s.At)
			return
		}
	}
	if name := rec.Kind; tells(name) {
		text := ""
		if n := len(s.Log); n > 0 && s.Log[n-1].Seq == rec.Seq {
			text = s.Log[n-1].Text
		}
		if text == "" {
			return
		}
		if a != nil {
			a.events = append(a.events, happening{name, rec.At, []attribute.KeyValue{attribute.String(attrText, text)}})
		} else if t.root != nil {
			t.root.AddEvent(name, trace.WithTimestamp(rec.At), trace.WithAttributes(attribute.String(attrText, text)))
		}
	}
}

// tells reports whether a kind of event is worth one of a span's.
func tells(kind string) bool {
	return slices.Contains([]string{
		"run_resumed", "run_interrupted", "run_aborted", "gate_passed", "gate_closed", "no_go_declared", "schedule_left", "window_extended", "condition_raised",
		"backup_taken", "backup_verified", "backup_proven", "lock_waited", "tables_locked", "phase_verified", "capsule_kept", "hold_opened", "commit_intended",
		"commit_doubted", "doubt_examined", "backend_ended", "phase_committed", "phase_rolled_back", "outcome_unknown", "phase_undone", "undone_accepted",
		"maintenance_ended", "undo_tried",
	}, kind)
}

// The attributes. docs/watching.md has them all.
const (
	attrText        = "tminus.text"
	attrRun         = "tminus.run.id"
	attrTitle       = "tminus.run.title"
	attrEnvironment = "tminus.run.environment"
	attrSHA256      = "tminus.runbook.sha256"
	attrOperator    = "tminus.operator"
	attrOutcome     = "tminus.run.outcome"
	attrPhase       = "tminus.phase.id"
	attrPhaseTitle  = "tminus.phase.title"
	attrAttempt     = "tminus.phase.attempt"
	attrPlanned     = "tminus.phase.planned_seconds"
	attrStatus      = "tminus.phase.status"
	attrSettled     = "tminus.phase.settled"
	attrBy          = "tminus.phase.by"
	attrXid         = "tminus.transaction.xid"
	attrPID         = "tminus.transaction.pid"
	attrTable       = "tminus.table"
	attrExpected    = "tminus.rows.expected"
	attrDeleted     = "tminus.rows.deleted"
	attrCascaded    = "tminus.rows.cascaded"
	attrUpdated     = "tminus.rows.updated"
	attrInserted    = "tminus.rows.inserted"
	attrUndone      = "tminus.rows.undone"
	attrSystem      = "db.system.name"
	attrDatabase    = "db.namespace"
	attrServer      = "server.address"
	tableEvent      = "table"
)

// begin opens the run's span. It is sent by the program that sees the run's end:
// until then the spans of phases name a parent that is yet to come.
func (t *traces) begin(e phases.RunOpened, s *phases.State) {
	t.run = e.RunID
	clean := phases.Clean
	t.ctx, t.root = t.tracer.Start(with(context.Background(), seed{run: t.run}), "run", trace.WithNewRoot(), trace.WithTimestamp(s.OpenedAt), trace.WithAttributes(
		attribute.String(attrRun, clean(e.RunID)), attribute.String(attrTitle, clean(s.Runbook.Title)), attribute.String(attrEnvironment, clean(string(e.Environment))),
		attribute.String(attrSHA256, clean(e.SHA256)), attribute.String(attrOperator, clean(e.Operator.String())),
		attribute.String(attrSystem, "postgresql"), attribute.String(attrDatabase, clean(e.Target.Database)), attribute.String(attrServer, clean(e.Target.Host)),
	))
}

// end sends the run's span.
func (t *traces) end(s *phases.State) {
	if t.root == nil {
		return
	}
	root, at := t.root, s.At
	root.SetAttributes(attribute.String(attrOutcome, string(s.Outcome)))
	if s.Outcome == phases.Completed {
		root.SetStatus(codes.Ok, "")
	} else {
		root.SetStatus(codes.Error, phases.Clean(s.Outcome.Word()+": "+s.Reason))
	}
	t.send(func() { root.End(trace.WithTimestamp(at)) })
}

// finish sends the span of a phase that has ended.
func (t *traces) finish(a *attempt, p phases.PhaseState, at time.Time) {
	p.Tables = slices.Clone(p.Tables)
	t.send(func() {
		ctx := with(t.ctx, seed{t.run, fmt.Sprintf("%s\x00%d", p.Plan.ID, a.number)})
		_, span := t.tracer.Start(ctx, "phase "+phases.Clean(p.Plan.ID), trace.WithTimestamp(a.started), trace.WithAttributes(phaseAttributes(a, p)...))
		for _, h := range append(a.events, tableEvents(p, at)...) {
			span.AddEvent(h.name, trace.WithTimestamp(h.at), trace.WithAttributes(h.attrs...))
		}
		switch p.Status {
		case phases.PhaseIsCommitted, phases.PhaseIsPassed:
			span.SetStatus(codes.Ok, "")
		default:
			span.SetStatus(codes.Error, phases.Clean(p.Reason))
		}
		span.End(trace.WithTimestamp(at))
	})
}

// send ends a span now, or once it is known that it is this program's.
func (t *traces) send(end func()) {
	counted := func() {
		t.ended++
		end()
	}
	if t.alive {
		counted()
		return
	}
	t.waiting = append(t.waiting, counted)
}

func phaseAttributes(a *attempt, p phases.PhaseState) []attribute.KeyValue {
	did := p.Did()
	out := []attribute.KeyValue{
		attribute.String(attrPhase, phases.Clean(p.Plan.ID)), attribute.String(attrPhaseTitle, phases.Clean(p.Plan.Title)),
		attribute.Int(attrAttempt, a.number), attribute.Float64(attrPlanned, p.Plan.Planned.Seconds()),
		attribute.String(attrStatus, string(p.Status)), attribute.Bool(attrSettled, p.Settled), attribute.String(attrBy, phases.Clean(p.By)),
	}
	if p.Tx.Xid != "" {
		out = append(out, attribute.String(attrXid, phases.Clean(p.Tx.Xid)))
	}
	if p.Tx.PID != 0 {
		out = append(out, attribute.Int64(attrPID, int64(p.Tx.PID)))
	}
	return append(out, effect(did)...)
}

func effect(e phases.Effect) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int64(attrDeleted, e.Deleted), attribute.Int64(attrCascaded, e.Cascaded),
		attribute.Int64(attrUpdated, e.Updated), attribute.Int64(attrInserted, e.Inserted),
	}
}

// tableEvents are what was done to each table. Of a phase that was rolled back
// they tell what was done and is undone.
func tableEvents(p phases.PhaseState, at time.Time) (out []happening) {
	for _, t := range p.Tables {
		did, undone := t.Effect(), false
		if did == (phases.Effect{}) {
			did, undone = t.Undone, t.Undone != (phases.Effect{})
		}
		if did == (phases.Effect{}) || t.Role == phases.RoleSQL || len(out) == maxTables {
			continue
		}
		when := at
		if !t.EndedAt.IsZero() {
			when = t.EndedAt
		}
		attrs := append([]attribute.KeyValue{attribute.String(attrTable, phases.Clean(t.Name)), attribute.Bool(attrUndone, undone)}, effect(did)...)
		if t.Expected >= 0 {
			attrs = append(attrs, attribute.Int64(attrExpected, t.Expected))
		}
		out = append(out, happening{tableEvent, when, attrs})
	}
	return out
}
