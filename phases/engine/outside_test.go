package engine_test

import (
	"net"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

const outsideBook = `
tminus: 1
title: outside
checklist:
  - id: before
    title: Before
    items:
      - id: reached
        text: The server can be reached
        check: {outside: ssh.reachable, host: 127.0.0.1, port: PORT, every: 50ms, remedy: Ask the network team.}
phases:
  - {id: clear, title: Clear, risk: high, planned: 1m, steps: [{delete: parent}]}
`

// A check outside of the database is asked anew like any other: what has gone
// since closes the gate again.
func TestAChangeOutsideClosesTheGate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("SSH-2.0-shop\r\n"))
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, smallSchema, strings.ReplaceAll(outsideBook, "PORT", port))
	r.open(engine.Settings{})
	r.untilReady()
	r.until("the server is reached", func(s *phases.State) bool {
		c := s.Item("reached").Check
		return c != nil && c.Pass && c.Value == "SSH-2.0-shop"
	})
	r.do(phases.PassGate{Approver: "x", Typed: r.opened.Target.Database})
	l.Close()
	r.until("the gate closes", func(s *phases.State) bool { return s.Gate.Decision == "" && s.Gate.Closed != nil })
	if c := r.state().Item("reached").Check; c.Pass || c.Error != "ssh.reachable: nobody listens at 127.0.0.1:"+port {
		t.Errorf("%+v", c)
	}
	r.refused(phases.StartPhase{Phase: "clear"}, "gate has not been passed")
}
