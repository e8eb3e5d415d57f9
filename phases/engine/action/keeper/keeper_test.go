package keeper_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine/action/keeper"
	"tminus/phases/runbook"
)

// answers are what a stand-in prints, by what stands among its arguments: a
// recorded answer's file below testdata, and what is changed in it.
type answers map[string]says

// says is one of them. The zero value of file prints nothing.
type says struct {
	file    string
	changes []string // pairs, as strings.NewReplacer takes them
	exit    int
}

// standIn writes a program that answers as recorded, and notes what it is asked.
func standIn(t *testing.T, recorded string, a answers) (program string, asked func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "asked")
	var script strings.Builder
	fmt.Fprintf(&script, "#!/bin/sh\necho \"$*\" >>%s\ncase \" $* \" in\n", log)
	var words []string
	for word := range a {
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // "show-backup X" before "show-backup"
	for i, word := range words {
		text := ""
		if a[word].file != "" {
			src, err := os.ReadFile(filepath.Join("testdata", recorded, a[word].file))
			if err != nil {
				t.Fatal(err)
			}
			text = strings.NewReplacer(a[word].changes...).Replace(string(src))
			if len(a[word].changes) > 0 && text == string(src) {
				t.Fatalf("%q changes nothing in %s", a[word].changes, a[word].file)
			}
		}
		file := filepath.Join(dir, fmt.Sprint(i))
		write(t, file, text, 0o600)
		fmt.Fprintf(&script, "*\" %s \"*) cat %s; exit %d;;\n", word, file, a[word].exit)
	}
	script.WriteString("*) echo \"not asked for in this test: $*\"; exit 99;;\nesac\n")
	program = filepath.Join(dir, "program")
	write(t, program, script.String(), 0o700)
	return program, func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// server is the one that the recorded backups are of, and now is after them.
var (
	server = phases.Identity{SystemIdentifier: "7713742752429200510", VersionNum: 150018, User: "dba"}
	now    = time.Date(2026, 11, 30, 0, 10, 0, 0, time.UTC)
)

func at(clock string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-11-29 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

// told holds what was found against what should have been.
func told(t *testing.T, found keeper.Found, err error, problems ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Problems) != len(problems) {
		t.Errorf("got  %q\nwant %q", found.Problems, problems)
		return
	}
	for i, want := range problems {
		if !strings.Contains(found.Problems[i], want) {
			t.Errorf("got  %q\nwant %q", found.Problems[i], want)
		}
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	const stanza, brm = "pgbackrest-2.45", "barman-3.4.0"
	for name, c := range map[string]struct {
		recorded string
		answers  answers
		want     string
	}{
		"pgbackrest says nothing":      {stanza, answers{"info": {}}, "its answer is not the JSON that this tminus reads: it says nothing"},
		"pgbackrest says half":         {stanza, answers{"info": {file: "info.json", changes: []string{"}]", ""}}}, "its answer is not the JSON"},
		"pgbackrest says it otherwise": {stanza, answers{"info": {file: "info.json", changes: []string{`"type":"full"`, `"type":7`}}}, "its answer is not the JSON"},
		"pgbackrest on another stanza": {stanza, answers{"info": {file: "no-stanza.json"}}, "it says nothing of the stanza main"},
		"pgbackrest without a status":  {stanza, answers{"info": {file: "info.json", changes: []string{`"status"`, `"state"`}}}, "it says nothing of the stanza main"},
		"pgbackrest fails":             {stanza, answers{"info": {file: "no-config.txt", exit: 55}}, "it ended with exit code 55: ERROR: [055]: unable to open missing file"},
		"barman says nothing":          {brm, answers{"check": {}}, "its answer is not the JSON"},
		"barman has no configuration":  {brm, answers{"check": {file: "no-config.txt", exit: 1}}, "it ended with exit code 1: Configuration file '/x' does not exist"},
		"barman knows no such server":  {brm, answers{"check": {file: "no-server.json", exit: 1}}, "ask barman for check of the server main: Unknown server 'other'"},
		"barman on another server":     {brm, answers{"check": {file: "check.json", changes: []string{`"main"`, `"other"`}}}, "it says nothing of the server main"},
		"barman fails later":           {brm, answers{"check": {file: "check.json"}, "list-backups": {file: "no-config.txt", exit: 3}}, "it ended with exit code 3"},
		"barman says it otherwise":     {brm, answers{"check": {file: "check.json"}, "list-backups": {file: "check.json"}}, "what it says of the server main is not what this tminus reads"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, _ := standIn(t, c.recorded, c.answers)
			k := runbook.Keeper{Stanza: "main", Program: []string{program}}
			if c.recorded == brm {
				k = runbook.Keeper{Server: "main", Program: []string{program}}
			}
			found, err := keeper.Asked{Keeper: k, Server: server}.Find(t.Context(), phases.Backup{At: at("23:41:33")}, now)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v and %+v\nwant %s", err, found, c.want)
			}
		})
	}
}

func TestAKeeperThatIsNotThere(t *testing.T) {
	for _, k := range []runbook.Keeper{{Stanza: "main"}, {Server: "main"}} {
		t.Setenv("PATH", t.TempDir())
		_, err := keeper.Asked{Keeper: k, Server: server}.Known(t.Context())
		if want := fmt.Sprintf("there is no command %q: look at PATH, or write its whole path", strings.ToLower(k.Name())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAnAnswerWithoutAnEnd(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	write(t, program, "#!/bin/sh\nexec yes [\n", 0o700)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("the operator cancelled it"))
	_, err := keeper.Asked{Keeper: runbook.Keeper{Stanza: "main", Program: []string{program}}}.Known(ctx)
	if err == nil || !strings.Contains(err.Error(), "the operator cancelled it") {
		t.Errorf("got %v", err)
	}
	write(t, program, "#!/bin/sh\nhead -c 20000000 /dev/zero\n", 0o700)
	_, err = keeper.Asked{Keeper: runbook.Keeper{Stanza: "main", Program: []string{program}}}.Known(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it answers with more than 16 MB") {
		t.Errorf("got %v", err)
	}
}
