package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases"
)

// Whom an item's check found in the way is ended by the first key, one by one: it asks
// first, and waits for the check before it asks for the next.
func TestTheFirstKeyEndsWhoIsInTheWay(t *testing.T) {
	o, s := scripted(t, 80, 24)
	s.record(phases.SurveyTaken{})
	s.checks()
	start := s.now.Add(-time.Hour)
	app := phases.Blocker{PID: 4711, User: "app", Application: "web", State: "active", Since: s.now.Add(-4 * time.Minute), BackendStart: start}
	psql := phases.Blocker{PID: 4712, User: "ann", Application: "psql", State: "idle", BackendStart: start}
	super := phases.Blocker{PID: 4713, User: "postgres", Application: "cron", State: "idle", BackendStart: start, Needs: "a superuser"}
	found := func(all ...phases.Blocker) {
		t.Helper()
		s.now = s.now.Add(time.Second)
		s.record(phases.CheckAnswered{Item: "no_connections", Value: "connections", InTheWay: all})
		feed(t, o, s)
	}
	shows := func(parts ...string) {
		t.Helper()
		text := strings.Join(strings.Fields(trimmed(frameText(o))), " ")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in\n%s", part, trimmed(frameText(o)))
			}
		}
	}
	found(super, app, psql)
	o.nav.cursor, o.nav.chosen = "no_connections", true
	if key := firstHint(t, o); key != "t" {
		t.Fatalf("the first key is %s:\n%s", key, frameText(o))
	}
	shows("In the way: session 4713 of postgres (cron), idle, connected 1 h ago; a superuser can end it, this role cannot",
		"In the way: session 4711 of app (web), active, its transaction begun 4 min", "t cancel or end session 4711")
	run(o, keyNamed("t"))
	shows("End session 4711?", "Session 4711: app, web, active, transaction open for 4 min", "Cancel its statement is pg_cancel_backend", "is pg_terminate_backend: its connection is closed")
	if len(s.asked) > 0 {
		t.Fatalf("it does not ask first: %v", s.asked)
	}
	run(o, keyNamed("right"))
	run(o, keyNamed("right"))
	s.now = s.now.Add(time.Second)
	run(o, keyNamed("enter"))
	if want := (phases.EndBackend{PID: 4711, BackendStart: start, Terminate: true}); len(s.asked) != 1 || s.asked[0] != want {
		t.Fatalf("asked for is %v, want %v", s.asked, want)
	}
	feed(t, o, s)
	if key := firstHint(t, o); key == "t" || o.nav.cursor != "no_connections" {
		t.Errorf("it would end the next before anybody has looked:\n%s", frameText(o))
	}
	run(o, keyNamed("t"))
	shows("one was ended: the check is asked again")
	found(super, psql)
	run(o, keyNamed("t"))
	shows("End session 4712?", "Session 4712: ann, psql, idle, connected for 1 h")
	found(super) // it has left by itself
	o.nav.cursor, o.nav.chosen = "no_connections", true
	shows("End session 4712: closed, session 4712 is in the way of no phase and of no check")
	if key := firstHint(t, o); key == "t" {
		t.Errorf("a key ends what it cannot:\n%s", frameText(o))
	}
	s.now = s.now.Add(time.Minute)
	run(o, keyNamed("t"))
	shows("session 4713 of postgres can be ended by a superuser, and not by this role")
	s.record(phases.CheckAnswered{Item: "no_connections", Error: "1 sessions of this database are masked: grant pg_read_all_stats to the role"})
	feed(t, o, s)
	run(o, keyNamed("t"))
	shows("who is in the way is unknown: 1 sessions of this database are masked: grant pg_read_all_stats")
}

// Behind the page of keys nobody sees whose session it is about.
func TestNoSessionIsEndedBehindThePageOfKeys(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	o.state.Items["quiet"].Check.InTheWay = []phases.Blocker{{PID: 4711, State: "idle"}}
	o.nav.cursor = "quiet"
	run(o, keyNamed("?"))
	run(o, keyNamed("t"))
	if o.dialog != nil || o.nav.help || !strings.Contains(o.said.text, "read that, then press t again") {
		t.Errorf("it says %q:\n%s", o.said.text, frameText(o))
	}
}

// In lines who is in the way is named beneath the remedy, with what ends them.
func TestPlainNamesWhoIsInTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		start := time.Now().Add(-time.Hour)
		e.add(phases.CheckAnswered{Item: "connects", Value: "2 connections", InTheWay: []phases.Blocker{
			{PID: 4711, User: "app", Application: "web", State: "idle", BackendStart: start},
			{PID: 4713, User: "postgres", State: "idle", BackendStart: start, Needs: "a superuser"},
		}})
		r.settle()
		r.enter("b-1", "", "terminate 4713", "terminate 4712")
		r.wants("  in the way: session 4711 of app (web), idle: terminate 4711, or cancel 4711",
			"  in the way: session 4713 of postgres, idle; a superuser can end it, this role cannot",
			"refused: session 4713 of postgres can be ended by a superuser", "refused: session 4712 is in the way of no phase and of no check")
	})
}
