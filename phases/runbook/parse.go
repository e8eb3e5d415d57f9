package runbook

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// MaxSize is the largest runbook that is read, in bytes.
const MaxSize = 1 << 20

// maxLineBytes is the longest line of a file. Each mistake looks at its whole
// line, and a file may hold hundreds of them.
const maxLineBytes = 20_000

// Load reads the runbook at path. It also gives the file's bytes, which a
// journal keeps. Mistakes in the file are returned as Mistakes.
func Load(path string) (*Runbook, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open runbook: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read runbook %s: %w", path, err)
	}
	if info.IsDir() {
		return nil, nil, fmt.Errorf("read runbook %s: it is a directory; name a file in it", path)
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read runbook %s: %w", path, err)
	}
	book, err := Parse(filepath.Base(path), src)
	if err != nil {
		return nil, src, err
	}
	return book, src, nil
}

// Parse reads a runbook from src. file is the name that mistakes carry; it is
// not opened. Every mistake is reported at once, as Mistakes.
func Parse(file string, src []byte) (*Runbook, error) {
	r := &report{file: clean(file)}
	text, ok := readable(src, r)
	if !ok {
		return nil, r.err()
	}
	root := readYAML(text, r, false)
	if root == nil {
		return nil, r.err()
	}
	checkFile(root, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return fromYAML(root), nil
}

// readable gives src as text with plain line ends, and fills the report's
// lines. It refuses what no editor should have written.
func readable(src []byte, r *report) (string, bool) {
	switch {
	case len(src) > MaxSize:
		r.at(1, 1, fmt.Sprintf("the file is larger than %d bytes", MaxSize), "a runbook is a text that people read: split it")
		return "", false
	case bytes.HasPrefix(src, []byte("\xEF\xBB\xBF")):
		r.at(1, 1, "the file begins with a byte order mark", "save it as UTF-8 without one")
		return "", false
	case bytes.HasPrefix(src, []byte("\xFF\xFE")), bytes.HasPrefix(src, []byte("\xFE\xFF")):
		r.at(1, 1, "the file is UTF-16", "save it as UTF-8")
		return "", false
	case len(bytes.TrimSpace(src)) == 0:
		r.at(1, 1, "the file is empty", "a runbook begins with the line `tminus: 1`")
		return "", false
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	r.lines = strings.Split(text, "\n")
	for i, line := range r.lines {
		if len(line) > maxLineBytes {
			r.lines[i] = line[:maxShownLine]
			r.at(i+1, 1, fmt.Sprintf("a line of %d bytes", len(line)), fmt.Sprintf("at most %d", maxLineBytes))
			continue
		}
		column := 0
		for at, c := range line {
			column++
			if c == '\t' || printable(c) {
				continue
			}
			if _, size := utf8.DecodeRuneInString(line[at:]); c == utf8.RuneError && size == 1 {
				r.at(i+1, column, fmt.Sprintf("the byte 0x%02X is not UTF-8", line[at]), "save the file as UTF-8")
			} else {
				r.at(i+1, column, fmt.Sprintf("the character %U", c), "control characters and characters that hide or reorder text are not allowed: take it out")
			}
			break
		}
	}
	return text, len(r.mistakes) == 0
}
