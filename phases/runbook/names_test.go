package runbook

import (
	"slices"
	"strings"
	"testing"
)

// One table has one name, however the file writes it: what a phase did is
// compared by it.
func TestATableHasOneName(t *testing.T) {
	for written, want := range map[string]string{
		`t2`:                                `t2`,
		`public.t2`:                         `t2`,
		`"public"."t2"`:                     `t2`,
		`"t2"`:                              `t2`,
		`m.t1`:                              `m.t1`,
		`Users`:                             `Users`,
		`"Users"`:                           `Users`,
		`"App"."Users"`:                     `App.Users`,
		`"order lines"`:                     `"order lines"`,
		`public."order lines"`:              `"order lines"`,
		`"my app"."a.b"`:                    `"my app"."a.b"`,
		`"say ""hi"""`:                      `"say ""hi"""`,
		`"a-b".c`:                           `"a-b".c`,
		`Übung.日本語`:                         `Übung.日本語`,
		`"` + strings.Repeat("x", 63) + `"`: strings.Repeat("x", 63),
	} {
		if !goodTable(written) {
			t.Errorf("%s is not taken for a table", written)
			continue
		}
		book := &Runbook{Schema: "public"}
		got := book.TableName(book.SplitTable(written))
		if got != want {
			t.Errorf("%s is called %s, want %s", written, got, want)
		}
		if again := book.TableName(book.SplitTable(got)); again != got {
			t.Errorf("%s is called %s the second time", got, again)
		}
	}
	for _, bad := range []string{``, `.`, `a.`, `.a`, `a.b.c`, `a b`, `a-b`, `"a`, `a"`, `""`, `"".a`, `a.""`, `"a"b`, `"a""`, strings.Repeat("x", 64), `"` + strings.Repeat("é", 32) + `"`} {
		if goodTable(bad) {
			t.Errorf("%q is taken for a table", bad)
		}
	}
}

func TestNamesAreReadEverywhere(t *testing.T) {
	book, err := Parse("names.yaml", []byte(`tminus: 1
title: Names
schema: '"my app"'
protected: ['"my app".keep', '"public"."Kept here"']
checklist:
  - id: g
    title: G
    items:
      - id: off
        text: Off
        action: {name: triggers.disable, triggers: ['"guard it"', plain]}
        check: {database: triggers.disabled, remedy: Look}
      - {id: empty, text: Empty, check: {database: tables.zero, tables: ['"my app"."a.b"'], remedy: Look}}
phases:
  - id: one
    title: One
    risk: high
    planned: 1m
    count: ['"my app".t1']
    zero: [public.z]
    steps:
      - {delete: '"my app"."a.b"', where: id > 5}
      - {sql: 'UPDATE "my app"."T 2" SET a = 1', rows: any, touch: ['"my app"."T 2"']}
after:
  - id: h
    title: H
    items:
      - {id: back, text: Back, action: {name: triggers.restore}, check: {database: triggers.restored, remedy: Look}}
`))
	if err != nil {
		t.Fatal(err)
	}
	p := book.Phases[0]
	for what, c := range map[string][2][]string{
		"schema":    {{book.Schema}, {"my app"}},
		"protected": {book.Protected, {"keep", `public."Kept here"`}},
		"triggers":  {book.Checklist[0].Items[0].Action.Triggers, {"guard it", "plain"}},
		"check":     {book.Checklist[0].Items[1].Check.Tables, {`"a.b"`}},
		"count":     {p.Count, {"t1"}},
		"zero":      {p.Zero, {"public.z"}},
		"steps":     {{p.Steps[0].Delete, p.Steps[1].Touch[0]}, {`"a.b"`, `"T 2"`}},
	} {
		if !slices.Equal(c[0], c[1]) {
			t.Errorf("%s: %q, want %q", what, c[0], c[1])
		}
	}
}

// What people write first is told how it is written.
func TestAQuotedNameWithoutQuotesAroundIsExplained(t *testing.T) {
	_, err := Parse("q.yaml", []byte("tminus: 1\ntitle: T\nphases:\n  - {id: a, title: A, risk: high, planned: 1m, delete: [\"App\".\"Users\"]}\n"))
	if err == nil || !strings.Contains(err.Error(), `'"App"."Users"'`) {
		t.Errorf("%v", err)
	}
}
