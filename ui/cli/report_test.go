package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

const frozenDemo = "../../testdata/journals/v1-demo.journal"

// copied is a journal of its own, cut to its first part of some bytes.
func copied(t *testing.T, cut int) string {
	t.Helper()
	text, err := os.ReadFile(frozenDemo)
	if err != nil {
		t.Fatal(err)
	}
	if cut > 0 {
		text = text[:cut]
	}
	path := filepath.Join(t.TempDir(), "run.journal")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReportFormats(t *testing.T) {
	a, read := recording(t)
	path := copied(t, 0)
	for format, begins := range map[string]string{"": "====", "text": "====", "md": "# Gym data reset\n", "html": "<!DOCTYPE html>", "json": "{\n"} {
		if err := a.report(path, reportFlags{Format: format}); err != nil {
			t.Fatal(err)
		}
		if out, _ := read(); !strings.HasPrefix(out, begins) {
			t.Errorf("%s begins %.40q", format, out)
		}
	}
	for ending, begins := range map[string]string{"log": "====", "htm": "<!DOCTYPE", "md": "# Gym", "HTML": "<!DOCTYPE", "json": "{"} {
		file := filepath.Join(t.TempDir(), "report."+ending)
		if err := a.report(path, reportFlags{Output: file}); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), begins) {
			t.Errorf("%s: %v, %.40q", ending, err, text)
		}
	}
	err := a.report(path, reportFlags{Format: "docx"})
	var exit *Exit
	if !errors.As(err, &exit) || exit.Code != Usage || !strings.Contains(err.Error(), "one of text, md, html, json") {
		t.Errorf("docx: %v", err)
	}
	if err := a.report(path, reportFlags{Output: filepath.Join(t.TempDir(), "r.pdf")}); !errors.As(err, &exit) || exit.Code != Usage || !strings.Contains(err.Error(), "r.html, and print it") {
		t.Errorf("a PDF: %v", err)
	}
	if err := a.report(path, reportFlags{Force: true}); !errors.As(err, &exit) || exit.Code != Usage {
		t.Errorf("--force alone: %v", err)
	}
}

// What is there stays unless somebody says otherwise, and a journal stays anyway.
func TestReportReplacesNothingUnasked(t *testing.T) {
	a, _ := recording(t)
	path := copied(t, 0)
	dir := t.TempDir()
	there := filepath.Join(dir, "r.md")
	if err := os.WriteFile(there, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	holds := func(file, want string) {
		t.Helper()
		if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s has %.40q, %v", file, text, err)
		}
	}
	if err := a.report(path, reportFlags{Output: there}); err == nil || !strings.Contains(err.Error(), "r.md exists: --force replaces it") {
		t.Errorf("unasked: %v", err)
	}
	holds(there, "mine")
	if err := a.report(path, reportFlags{Output: there, Force: true}); err != nil {
		t.Fatal(err)
	}
	holds(there, "# Gym")
	if err := a.report(path, reportFlags{Output: filepath.Join(dir, "new.md"), Force: true}); err != nil {
		t.Fatal(err)
	}

	other, damaged, link := copied(t, 0), copied(t, 200), filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ file, because string }{
		"itself":            {path, "is the journal itself"},
		"itself by a link":  {link, "is the journal itself"},
		"another journal":   {other, "is a journal, and nothing replaces that"},
		"a damaged journal": {damaged, "is a journal, and nothing replaces that"},
		"a folder":          {dir, "is no ordinary file"},
		"a device":          {"/dev/null", "is no ordinary file"},
	} {
		if err := a.report(path, reportFlags{Output: c.file, Force: true}); err == nil || !strings.Contains(err.Error(), c.because) {
			t.Errorf("%s: %v", what, err)
		}
	}
	holds(path, `{"seq":1`)
	holds(other, `{"seq":1`)
	if err := a.report(path, reportFlags{Output: filepath.Join(dir, "no", "where.md")}); err == nil {
		t.Error("a folder that is not there is written to")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("%d files are left: %v, %v", len(left), left, err)
	}
}

// A run that goes on is writing its next line: the report is of what stands.
func TestReportOfARunThatGoesOn(t *testing.T) {
	a, read := recording(t)
	text, err := os.ReadFile(frozenDemo)
	if err != nil {
		t.Fatal(err)
	}
	half := bytes.LastIndexByte(text[:len(text)/2], '\n') + 30
	for _, format := range []string{"text", "md", "html", "json"} {
		if err := a.report(copied(t, half), reportFlags{Format: format}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if out, _ := read(); !strings.Contains(out, "UNFINISHED") {
			t.Errorf("%s does not say that the run goes on", format)
		}
	}
}

// The flag's values are completed, each with what it is.
func TestReportFormatsAreCompleted(t *testing.T) {
	a, _ := recording(t)
	root := commands(a)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs([]string{"__complete", "report", "J", "--format", ""})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"text\t", "md\t", "html\tone file to hand on", "json\t"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not offered:\n%s", want, out.String())
		}
	}
}

// verify recomputes what each signature is bound to.
func TestVerifyLooksAtSignatures(t *testing.T) {
	const book = `tminus: 1
title: Signed
phases: [{id: p, title: P, planned: 1m, count: [t]}]
after: [{id: g, title: G, items: [{id: s, text: S, sign: DBA}]}]
`
	write := func(signatures int, change func(*phases.ItemSigned), closed bool) string {
		path := filepath.Join(t.TempDir(), "run.journal")
		w, err := journal.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		add := func(e phases.Event) {
			if _, err := w.Append(time.Now(), e.Kind(), e, journal.Buffered); err != nil {
				t.Fatal(err)
			}
		}
		add(phases.RunOpened{Source: book})
		for range signatures {
			e := phases.ItemSigned{Item: "s", Role: "DBA", Name: "Ada"}
			e.Seq, e.Head = w.Head()
			change(&e)
			add(e)
		}
		if closed {
			add(phases.RunClosed{Outcome: phases.Completed})
		}
		return path
	}
	right := func(*phases.ItemSigned) {}
	a, read := recording(t)
	for signatures, want := range map[int]string{1: "; 1 signature, bound to the record before it\n", 2: "; 2 signatures, each bound to the record before it\n"} {
		if err := a.verify(write(signatures, right, true)); err != nil {
			t.Fatal(err)
		}
		if out, _ := read(); !strings.HasSuffix(out, want) {
			t.Errorf("verify says %q", out)
		}
	}
	var exit *Exit
	if err := a.verify(write(1, right, false)); !errors.As(err, &exit) || exit.Code != Unfinished || !strings.Contains(err.Error(), "1 signature") {
		t.Errorf("unfinished: %v", err)
	}
	err := a.verify(write(1, func(e *phases.ItemSigned) { e.Head = strings.Repeat("0", 64) }, true))
	if !errors.As(err, &exit) || exit.Code != Error || !strings.Contains(err.Error(), "line 2: the signature of Ada names the hash 000000000000") {
		t.Errorf("another hash: %v", err)
	}
}
