package runbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkStep says what is wrong with a step's statement. It allows what changes
// rows or sequences and can be undone by ROLLBACK; all else is refused.
func checkStep(src string) (tokens []sqlToken, fault *sqlFault) {
	tokens, fault = statement(src)
	if fault != nil {
		return nil, fault
	}
	first := tokens[0]
	second := sqlToken{}
	if len(tokens) > 1 {
		second = tokens[1]
	}
	word := strings.ToUpper(first.text)
	switch {
	case first.isWord("insert", "update", "delete", "merge", "with", "select"):
	case first.isWord("alter") && second.isWord("sequence"):
	case first.isWord("refresh"):
		if i := slices.IndexFunc(tokens, func(t sqlToken) bool { return t.isWord("concurrently") }); i >= 0 {
			return nil, &sqlFault{tokens[i].offset, "CONCURRENTLY in a transaction", "leave it out"}
		}
	case first.isWord("truncate"):
		for _, t := range tokens {
			if t.isWord("cascade") {
				return nil, &sqlFault{t.offset, "TRUNCATE … CASCADE empties every table that refers to it, whatever ON DELETE says", "name each table in a delete step, children first"}
			}
		}
	case first.isWord("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"):
		return nil, &sqlFault{first.offset, word + " in a step", "a phase is one transaction, and tminus begins and ends it: leave the statement out"}
	case first.isWord("set", "reset", "discard"):
		return nil, &sqlFault{first.offset, word + " in a step", "tminus keeps the session's settings as they must be: leave the statement out"}
	default:
		return nil, &sqlFault{first.offset, fmt.Sprintf("a step may not begin with %s", clean(quote(first.text))), "INSERT, UPDATE, DELETE, MERGE, WITH, SELECT, TRUNCATE, ALTER SEQUENCE and REFRESH MATERIALIZED VIEW are possible"}
	}
	return tokens, setsConfig(tokens)
}

func setsConfig(tokens []sqlToken) *sqlFault {
	for _, t := range tokens {
		if (t.kind == sqlWord || t.kind == sqlName) && t.text == "set_config" {
			return &sqlFault{t.offset, "set_config in a statement", "tminus keeps the session's settings as they must be: leave it out"}
		}
	}
	return nil
}

// changes reports whether the statement may change rows of a table.
func changes(tokens []sqlToken) bool {
	if tokens[0].isWord("insert", "update", "delete", "merge", "truncate") {
		return true
	}
	return tokens[0].isWord("with") && slices.ContainsFunc(tokens, func(t sqlToken) bool {
		return t.isWord("insert", "update", "delete", "merge")
	})
}

// removes reports whether the statement may remove rows.
func removes(tokens []sqlToken) bool {
	if tokens[0].isWord("select", "alter", "refresh") {
		return false
	}
	for i, t := range tokens {
		afterOn := i > 0 && tokens[i-1].isWord("on")
		if t.isWord("delete", "truncate") && !afterOn {
			return true
		}
	}
	return false
}

// Rewrites is the materialized view or sequence that the step's own statement
// gives another file, as written; empty when it gives none.
func (s Step) Rewrites() string {
	tokens, fault := statement(s.SQL)
	if fault != nil || len(tokens) == 0 {
		return ""
	}
	at := 2
	switch {
	case tokens[0].isWord("refresh") && next(tokens, 1).isWord("materialized") && next(tokens, 2).isWord("view"):
		at = 3
	case tokens[0].isWord("alter") && next(tokens, 1).isWord("sequence"):
		if next(tokens, 2).isWord("if") && next(tokens, 3).isWord("exists") {
			at = 4
		}
	default:
		return ""
	}
	name, _ := tableAtToken(tokens, at)
	return name.text
}

// Truncates reports whether the step's own statement is a TRUNCATE.
func (s Step) Truncates() bool {
	tokens, fault := statement(s.SQL)
	return fault == nil && next(tokens, 0).isWord("truncate")
}

// tableAtToken is the name at a place, as a runbook writes it, and the place
// after it.
func tableAtToken(tokens []sqlToken, at int) (sqlToken, int) {
	name := next(tokens, at)
	at++
	if name.text == "" {
		return name, at
	}
	name.text = asWritten(name.text)
	if next(tokens, at).isMark(".") {
		name.text += "." + asWritten(next(tokens, at+1).text)
		at += 2
	}
	return name, at
}

// targets gives the tables that the statement says it changes, where that can
// be told without a grammar, each as written: name or schema.name.
func targets(tokens []sqlToken) []sqlToken {
	var out []sqlToken
	for i := range tokens {
		out = append(out, targetsAt(tokens, i)...)
	}
	return out
}

// targetsAt are those of the word at a place.
func targetsAt(tokens []sqlToken, i int) (out []sqlToken) {
	switch t := tokens[i]; {
	case t.isWord("insert", "merge") && next(tokens, i+1).isWord("into"),
		t.isWord("delete") && next(tokens, i+1).isWord("from"):
		out, _ = target(tokens, i+2, nil)
	case t.isWord("update") && (i == 0 || tokens[i-1].isMark("(") || tokens[i-1].isMark(")")):
		out, _ = target(tokens, i+1, nil)
	case t.isWord("truncate") && i == 0:
		at := i + 1
		if next(tokens, at).isWord("table") {
			at++
		}
		for out, at = target(tokens, at, nil); next(tokens, at).isMark(","); {
			out, at = target(tokens, at+1, out)
		}
	}
	return out
}

// Rights are the rights that the step's own statement takes on tables which it
// names, by table, as written; where a table is not there, nobody knows. MERGE
// takes what its branches say, and is left out.
func (s Step) Rights() map[string][]string {
	tokens, fault := statement(s.SQL)
	if fault != nil {
		return nil
	}
	out := map[string][]string{}
	for i, t := range tokens {
		for _, name := range targetsAt(tokens, i) {
			out[name.text] = append(out[name.text], strings.ToUpper(t.text))
			if t.isWord("insert") && updatesOnConflict(tokens[i:]) {
				out[name.text] = append(out[name.text], "UPDATE")
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, words []string) bool { return slices.Contains(words, "MERGE") })
	return out
}

func updatesOnConflict(tokens []sqlToken) bool {
	conflict := slices.ContainsFunc(tokens, func(t sqlToken) bool { return t.isWord("conflict") })
	for i, t := range tokens {
		if conflict && t.isWord("do") && next(tokens, i+1).isWord("update") {
			return true
		}
	}
	return false
}

// target adds the table that is named at a place, and gives the place after it.
func target(tokens []sqlToken, at int, out []sqlToken) ([]sqlToken, int) {
	if next(tokens, at).isWord("only") {
		at++
	}
	name, at := tableAtToken(tokens, at)
	if goodTable(name.text) {
		out = append(out, name)
	}
	return out, at
}

func next(tokens []sqlToken, i int) sqlToken {
	if i < len(tokens) {
		return tokens[i]
	}
	return sqlToken{kind: sqlMark}
}

// checkQuery says what is wrong with a check's query.
func checkQuery(src string) *sqlFault {
	tokens, fault := statement(src)
	if fault != nil {
		return fault
	}
	if !tokens[0].isWord("select", "with", "values", "table", "show") {
		return &sqlFault{tokens[0].offset, fmt.Sprintf("a check may not begin with %s", clean(quote(tokens[0].text))), "a check only reads: SELECT, WITH, VALUES, TABLE or SHOW"}
	}
	return setsConfig(tokens)
}

// checkCondition says what is wrong with a delete's condition. It ends up in
// parentheses inside a statement of tminus's own, and must not leave them.
func checkCondition(src string) *sqlFault {
	s, fault := scanSQL(src)
	if fault != nil {
		return fault
	}
	if s.comment >= 0 {
		return &sqlFault{s.comment, "a comment in a condition", "write it as a YAML comment, after #"}
	}
	for _, t := range s.tokens {
		if t.isMark(";") {
			return &sqlFault{t.offset, "a semicolon in a condition", "a condition is what may stand after WHERE, without a semicolon"}
		}
	}
	if len(s.tokens) > 0 && s.tokens[0].isWord("where") {
		return &sqlFault{s.tokens[0].offset, "the word WHERE in a condition", "leave it out"}
	}
	if fault := balanced(s.tokens); fault != nil {
		return fault
	}
	return setsConfig(s.tokens)
}
