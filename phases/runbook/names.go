package runbook

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const idFix = "an id is lower-case letters, digits, - and _, begins with a letter, and has at most 64 characters"

// What an id, a name and a table are, in a form that Go and the JSON Schema
// both read. A name is one part of a name as the catalog has it: it is taken as
// it stands, and nothing is folded to lower case.
const (
	idPattern    = `^[a-z][a-z0-9_-]*$`
	namePart     = `[\p{L}_][\p{L}\p{Nd}_$]*`
	namePattern  = `^` + namePart + `$`
	tablePattern = `^` + namePart + `(\.` + namePart + `)?$`
)

var (
	idForm   = regexp.MustCompile(idPattern)
	nameForm = regexp.MustCompile(namePattern)
)

func goodID(s string) bool   { return len(s) <= maxID && idForm.MatchString(s) }
func goodName(s string) bool { return len(s) <= maxName && nameForm.MatchString(s) }

const (
	nameFix  = "a name as the catalog has it: letters, digits, _ and $, at most 63 bytes, without quotes"
	tableFix = "a table is written name or schema.name, as the catalog has it, without quotes"
)

func goodTable(s string) bool {
	schema, name, qualified := strings.Cut(s, ".")
	if !qualified {
		return goodName(s)
	}
	return goodName(schema) && goodName(name)
}

// nearest gives the name that a typing mistake away from word, or "".
func nearest(word string, names []string) string {
	best, bound := "", max(2, utf8.RuneCountInString(word)/3)+1
	word = strings.ToLower(word)
	if len(word) > maxID {
		return ""
	}
	for _, name := range names {
		if d := distance([]rune(word), []rune(strings.ToLower(name))); d < bound {
			best, bound = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove or replace.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
