package runbook

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sqlToken is one word, mark or literal of a statement.
type sqlToken struct {
	text   string // words in lower case; quoted names without their quotes
	kind   sqlKind
	offset int // in bytes
}

type sqlKind int

const (
	sqlWord   sqlKind = iota // a key word or an unquoted name
	sqlName                  // a name in double quotes
	sqlString                // any literal in quotes, or a number
	sqlMark                  // one other character
)

// sqlFault is what is wrong with a statement, and where.
type sqlFault struct {
	offset  int
	problem string
	fix     string
}

// sqlScanner cuts a statement into tokens as PostgreSQL does with
// standard_conforming_strings on: quotes, E”, dollar quotes, nested comments.
// It knows no grammar.
type sqlScanner struct {
	src     string
	pos     int
	tokens  []sqlToken
	comment int // where the first comment begins; -1 without one
}

func scanSQL(src string) (*sqlScanner, *sqlFault) {
	s := &sqlScanner{src: src, comment: -1}
	for s.pos < len(src) {
		if fault := s.next(); fault != nil {
			return s, fault
		}
	}
	return s, nil
}

func (s *sqlScanner) next() *sqlFault {
	rest, start := s.src[s.pos:], s.pos
	c, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(c):
		s.pos += size
	case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
		return s.skipComment(rest)
	case c == '\'':
		return s.quoted('\'', false, sqlString)
	case c == '"':
		return s.quoted('"', false, sqlName)
	case c == '$':
		return s.dollar(rest)
	case wordStart(c):
		end := len(rest)
		if i := strings.IndexFunc(rest, func(c rune) bool { return !wordPart(c) }); i >= 0 {
			end = i
		}
		word := strings.ToLower(rest[:end])
		s.pos += end
		if s.pos < len(s.src) && s.src[s.pos] == '\'' && slices.Contains([]string{"e", "b", "x", "n"}, word) {
			return s.quoted('\'', word == "e", sqlString)
		}
		s.tokens = append(s.tokens, sqlToken{word, sqlWord, start})
	case c >= '0' && c <= '9':
		end := len(rest)
		if i := strings.IndexFunc(rest, func(c rune) bool { return !wordPart(c) && c != '.' }); i >= 0 {
			end = i
		}
		s.pos += end
		s.tokens = append(s.tokens, sqlToken{rest[:end], sqlString, start})
	case c == '\\':
		return &sqlFault{start, "a backslash outside quotes", "psql's own commands do not work here: write the SQL they stand for"}
	default:
		s.pos += size
		s.tokens = append(s.tokens, sqlToken{rest[:size], sqlMark, start})
	}
	return nil
}

func wordStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }
func wordPart(c rune) bool  { return wordStart(c) || c == '$' || unicode.IsDigit(c) }

func (s *sqlScanner) skipComment(rest string) *sqlFault {
	if s.comment < 0 {
		s.comment = s.pos
	}
	if rest[0] == '-' {
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			s.pos += i
		} else {
			s.pos = len(s.src)
		}
		return nil
	}
	depth := 0
	for i := 0; i < len(rest); i++ {
		switch {
		case strings.HasPrefix(rest[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(rest[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				s.pos += i + 1
				return nil
			}
		}
	}
	return &sqlFault{s.pos, "a comment that does not end", "close it with */"}
}

// quoted reads what stands between two quotes; the quote doubled is itself.
func (s *sqlScanner) quoted(quote byte, escapes bool, kind sqlKind) *sqlFault {
	start := s.pos
	for i := start + 1; i < len(s.src); i++ {
		switch {
		case escapes && s.src[i] == '\\':
			i++
		case s.src[i] == quote && i+1 < len(s.src) && s.src[i+1] == quote:
			i++
		case s.src[i] == quote:
			s.pos = i + 1
			text := strings.ReplaceAll(s.src[start+1:i], string([]byte{quote, quote}), string(quote))
			s.tokens = append(s.tokens, sqlToken{text, kind, start})
			return nil
		}
	}
	return &sqlFault{start, fmt.Sprintf("a %c that is not closed", quote), "close it; inside quotes, write the quote twice"}
}

// dollar reads $$text$$ and $tag$text$tag$.
func (s *sqlScanner) dollar(rest string) *sqlFault {
	end := strings.IndexByte(rest[1:], '$')
	if end < 0 || !goodTag(rest[1:1+end]) {
		return &sqlFault{s.pos, "a $ outside quotes", "parameters such as $1 have no value here: write the value"}
	}
	tag := rest[:end+2]
	length := strings.Index(rest[len(tag):], tag)
	if length < 0 {
		return &sqlFault{s.pos, "a dollar quote that is not closed", "close it with " + tag}
	}
	s.tokens = append(s.tokens, sqlToken{rest[len(tag) : len(tag)+length], sqlString, s.pos})
	s.pos += 2*len(tag) + length
	return nil
}

func goodTag(s string) bool {
	for i, c := range s {
		if !wordStart(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return true
}

// balanced reports the first parenthesis or bracket that has no partner.
func balanced(tokens []sqlToken) *sqlFault {
	var open []sqlToken
	for _, t := range tokens {
		if t.kind != sqlMark {
			continue
		}
		switch t.text {
		case "(", "[":
			open = append(open, t)
		case ")", "]":
			partner := map[string]string{")": "(", "]": "["}[t.text]
			if len(open) == 0 || open[len(open)-1].text != partner {
				return &sqlFault{t.offset, "a " + t.text + " that nothing opens", "take it out, or open it"}
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t := open[len(open)-1]
		return &sqlFault{t.offset, "a " + t.text + " that is not closed", "close it"}
	}
	return nil
}

// statement cuts src into the tokens of its one statement, without a
// semicolon at its end.
func statement(src string) ([]sqlToken, *sqlFault) {
	s, fault := scanSQL(src)
	if fault != nil {
		return nil, fault
	}
	tokens := s.tokens
	for len(tokens) > 0 && tokens[len(tokens)-1].isMark(";") {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return nil, &sqlFault{0, "no statement", "write one SQL statement"}
	}
	for _, t := range tokens {
		if t.isMark(";") {
			return nil, &sqlFault{t.offset, "more than one statement", "one statement a step: give each a step of its own"}
		}
	}
	return tokens, balanced(tokens)
}

func (t sqlToken) isMark(mark string) bool { return t.kind == sqlMark && t.text == mark }
func (t sqlToken) isWord(word ...string) bool {
	return t.kind == sqlWord && slices.Contains(word, t.text)
}
