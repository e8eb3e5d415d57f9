package fence_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/phases"
)

// What goes off by and by is off when its state stays, and not at the first that is
// another.
func TestCommandsThatGoOffByAndBy(t *testing.T) {
	dir := programs(t, map[string]string{
		"off": `echo 2 >is`, "on": `echo 3 >is`,
		"state": `cat is; [ "$(cat is)" = 2 ] && echo 0 >is; :`, // the first that looks is told of 2, and the next of 0
	})
	if err := os.WriteFile(filepath.Join(dir, "is"), []byte("3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "commands: {off: [off], on: [on], state: [state], limit: 1s}")
	r.must(r.take())
	if f := r.state.Fence("f"); f.Taken.Text != "0" || r.word() != "off" {
		t.Errorf("taken as %q, it is %s", f.Taken.Text, r.word())
	}
	r.must(r.lift())
}

// What this run has begun, either way, is its own to go on with.
func TestACommandCutOffHalfWayBack(t *testing.T) {
	dir := programs(t, map[string]string{
		"state": `cat is`, "off": `echo off >is`,
		"on": `if [ -e mended ]; then echo on >is; else echo half >is; exit 1; fi`,
	})
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string) {
		t.Helper()
		if text, err := os.ReadFile(filepath.Join(dir, "is")); err != nil || strings.TrimSpace(string(text)) != want {
			t.Errorf("it is %s, want %s (%v)", text, want, err)
		}
	}
	write("is", "on")
	r := newRig(t, "commands: {off: [off], on: [on], state: [state], limit: 1s}")
	r.must(r.take())
	r.fails(r.lift(), "exit code 1; now: half")
	if word := r.word(); word != "partly off" {
		t.Errorf("it is %s", word)
	}
	r.must(r.take()) // off again
	is("off")
	r.fails(r.lift(), "exit code 1; now: half")
	write("mended", "")
	r.must(r.lift())
	is("on")
	// The program ended while it was being switched off once more, or back on.
	r.must(r.take())
	for _, cut := range []phases.Event{phases.FenceRecorded{Fence: "f", Mark: *r.state.Fence("f").Recorded}, phases.FenceLiftStarted{Fence: "f"}} {
		r.must(r.record(cut))
		write("is", "half")
		if word := r.word(); word != "partly off" {
			t.Errorf("cut off at %s, it is %s", cut.Kind(), word)
		}
		r.must(r.take())
		is("off")
	}
	r.must(r.lift())
	is("on")
	// Once it is back, another state is somebody else's doing.
	write("is", "half")
	if word := r.word(); word != "changed by somebody else" {
		t.Errorf("it is %s", word)
	}
}
