package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/testdata/house"
	"tminus/testdata/script"
	"tminus/testdata/terminal"
)

// suite ends the shared server after the tests.
type suite struct{ m *testing.M }

func (s suite) Run() int { return sandbox.Main(s.m) }

// TestMain puts this very program on the PATH, as tminus.
func TestMain(m *testing.M) { testscript.Main(suite{m}, map[string]func(){"tminus": main}) }

// The arrows of design.md, and the house's other rules.
func TestTheHouseHoldsItsRules(t *testing.T) {
	mistakes, err := house.Mistakes(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		t.Error(m)
	}
}

// The scripts drive the program against a server that they share.
func TestScripts(t *testing.T) { script.Run(t, sandbox.ForTest(t), "testdata/script") }

// environment is a program's own: nothing of the machine's but its PATH.
func environment(t *testing.T, more ...string) []string {
	home := t.TempDir()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_STATE_HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8"}, more...)
}

// demo starts a demo in a terminal, and gives the path of its journal.
func demo(t *testing.T, w, h int, env ...string) (*terminal.Terminal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "J")
	cmd := exec.Command("tminus", "demo", "--users", "300", "--journal", path)
	cmd.Env = environment(t, env...)
	return terminal.Start(t, cmd, w, h), path
}

// A person who knows nothing but what the screen says gets through the whole
// demo, whatever they do to their window on the way, and nothing is left behind.
func TestTheDemoByTheKeysOnScreen(t *testing.T) {
	term, path := demo(t, 80, 24)
	term.Shows("Checklist")
	if !term.Alternate() {
		t.Error("the screen is not the alternate one")
	}
	robot := &terminal.Robot{Terminal: term, Name: "Robot"}
	for step := 0; !term.Ended(); step++ {
		switch step {
		case 10:
			term.Resize(120, 40)
		case 30:
			term.Resize(200, 60)
		case 50:
			term.Resize(20, 5)
			term.Shows("too small")
			term.Resize(80, 24)
			term.Shows("DEMO")
		}
		if step > 600 {
			t.Fatalf("no end is reached by then; the last keys: %q; the screen:\n%s", robot.Keys[max(0, len(robot.Keys)-20):], term.Text())
		}
		robot.Step()
	}
	if code := term.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if term.Alternate() {
		t.Error("the alternate screen was not left")
	}
	if text := term.Text(); !strings.Contains(text, "run completed") {
		t.Errorf("the end is not told on the main screen:\n%s", text)
	}
	nothingLeft(t, path)
}

// nothingLeft fails when a journal's throwaway server has left anything.
func nothingLeft(t *testing.T, path string) {
	t.Helper()
	dir := folded(t, path).Target.Host
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server's directory %s is still there: %v", dir, err)
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), dir) {
			t.Errorf("still running: %s", strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
}

// folded is the state that a journal folds to.
func folded(t *testing.T, path string) *phases.State {
	t.Helper()
	recs, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	state, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	return state
}
