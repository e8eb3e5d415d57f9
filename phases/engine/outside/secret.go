package outside

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Secrets are values of variables of the program's own environment that were
// asked for: they go out, and Mask takes them out of what comes back. The zero
// value knows none.
type Secrets struct{ values []string }

// variable is how a text asks for one: ${NAME}.
var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Variables are the names that a text asks for, as ${NAME}, each once.
func Variables(text string) []string {
	var out []string
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// Value is a variable's value. One that is not set, or empty, is an error.
func (s *Secrets) Value(name string) (string, error) {
	v := os.Getenv(name)
	if strings.TrimSpace(v) == "" {
		return "", fmt.Errorf("the variable %s is not set in tminus's own environment: set it before tminus is started, and take the run up again", name)
	}
	s.Keep(v)
	return v, nil
}

// Keep takes in a value that is known already. A blank one is no secret.
func (s *Secrets) Keep(value string) {
	if strings.TrimSpace(value) != "" && !slices.Contains(s.values, value) {
		s.values = append(s.values, value)
	}
}

// maskedError is an error whose text has no secret in it.
type maskedError struct {
	text string
	err  error
}

// Error implements error.
func (e *maskedError) Error() string { return e.text }

// Unwrap gives the error itself: its causes hold no output.
func (e *maskedError) Unwrap() error { return e.err }

// Masked is err with a text that Mask has gone over.
func (s *Secrets) Masked(err error) error {
	if err == nil || s.Mask(err.Error()) == err.Error() {
		return err
	}
	return &maskedError{s.Mask(err.Error()), err}
}

// Expand puts the values in for each ${NAME} of a text. encode, where it is not
// nil, makes a value such that it can stand where it is put in.
func (s *Secrets) Expand(text string, encode func(string) string) (string, error) {
	var missing error
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		v, err := s.Value(m[2 : len(m)-1])
		missing = cmp.Or(missing, err)
		if encode != nil {
			v = encode(v)
		}
		return v
	})
	if missing != nil {
		return "", missing
	}
	return out, nil
}

// Mask puts *** for each secret of a text, as it is and as it is usually
// written down: in JSON, in a URL, in base64, line by line.
func (s *Secrets) Mask(text string) string {
	var forms []string
	for _, v := range s.values {
		forms = append(forms, formsOf(v)...)
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, f := range forms {
		text = strings.ReplaceAll(text, f, "***")
	}
	return text
}

// leastLine is how long a line of a secret of several lines has to be to be
// masked alone.
const leastLine = 8

func formsOf(v string) []string {
	trimmed := strings.TrimSpace(v)
	inJSON, _ := json.Marshal(trimmed) // a string always can
	out := []string{
		v, trimmed, strings.Trim(string(inJSON), `"`), url.QueryEscape(trimmed), url.PathEscape(trimmed),
		base64.StdEncoding.EncodeToString([]byte(trimmed)), base64.URLEncoding.EncodeToString([]byte(trimmed)),
	}
	for line := range strings.Lines(trimmed) {
		if line = strings.TrimSpace(line); len(line) >= leastLine {
			out = append(out, line)
		}
	}
	return out
}
