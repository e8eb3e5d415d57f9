package capsule

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"tminus/phases"
)

// format is the manifest's version.
const format = 1

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 64 << 20

// Part is what became of the rows of a stream.
type Part string

// The parts of a table, in the order in which they are listed.
const (
	Gone  Part = "gone"  // deleted, by the phase or on its behalf
	Old   Part = "old"   // updated, as they were
	New   Part = "new"   // the same rows, in the same order, as the phase left them
	Added Part = "added" // inserted
)

// Parts are all there are.
func Parts() []Part { return []Part{Gone, Old, New, Added} }

// Manifest says what a capsule holds, and of what it is. It has no row's content.
type Manifest struct {
	Format     int        `json:"format"`
	Version    string     `json:"version"` // of the tminus that took it
	RunID      string     `json:"run_id"`
	Phase      string     `json:"phase"`
	Attempt    int        `json:"attempt"`
	Xid        string     `json:"xid"`                // of the phase's transaction
	LastXid    string     `json:"last_xid,omitempty"` // the greatest that rows of it bear; empty: Xid
	Taken      time.Time  `json:"taken"`
	Database   string     `json:"database"`
	SystemID   string     `json:"system_identifier,omitempty"` // of the server; empty when the role may not read it
	Server     int        `json:"server_version_num"`
	Encoding   string     `json:"encoding"` // of the COPY text: the database's own
	Tables     []Table    `json:"tables"`   // parents before their children
	Sequences  []Sequence `json:"sequences,omitempty"`
	Recipients []string   `json:"recipients,omitempty"` // of the encryption; none: the streams are plain
	KeepUntil  time.Time  `json:"keep_until,omitzero"`  // zero: for ever
	Others     []File     `json:"others,omitempty"`     // the files beside the streams; Close writes it
}

// Table is what a phase took from, and put into, one table with rows of its own.
type Table struct {
	Schema  string          `json:"schema"`
	Name    string          `json:"name"`
	Called  string          `json:"called,omitempty"` // as the runbook calls its table: the root of partitions
	Columns []Column        `json:"columns"`          // of the streams, in order
	Key     []string        `json:"key,omitempty"`    // the columns that pair old with new; none: no row is paired
	Streams map[Part]Stream `json:"streams,omitempty"`
}

// Column is one of a table's that are not generated.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as format_type gives it
}

// Stream is a file with rows.
type Stream struct {
	File   string `json:"file"`   // its name in the folder
	Rows   int64  `json:"rows"`   // that it holds
	Bytes  int64  `json:"bytes"`  // of COPY text
	Size   int64  `json:"size"`   // of the file
	SHA256 string `json:"sha256"` // of the file
	Sum    string `json:"sum"`    // of the rows, whatever their order: see the package's comment
}

// File is one without rows.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Sequence is where a sequence stood; nothing puts it back.
type Sequence struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"`
}

// Errors that callers tell apart.
var (
	// ErrUnfinished says that a folder has no manifest: its capsule was never finished, or it is none.
	ErrUnfinished = errors.New(manifestName + " is missing: it was not finished, or is no capsule")
	// ErrDamaged says that files are not what was written.
	ErrDamaged = errors.New("it is damaged")
	// ErrLater says that a capsule is of a format that this version does not know.
	ErrLater = errors.New("its format is another")
)

// streams are all of its files with rows, in the order of tables and parts.
func (m Manifest) streams() []Stream {
	var out []Stream
	for _, t := range m.Tables {
		for _, part := range Parts() {
			if s, ok := t.Streams[part]; ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// Rows are all that it holds, each once: one that was changed is there as it was,
// and as it was left.
func (m Manifest) Rows() int64 {
	var out int64
	for _, t := range m.Tables {
		out += t.Streams[Gone].Rows + t.Streams[Old].Rows + t.Streams[Added].Rows
	}
	return out
}

// Size is that of its files with rows.
func (m Manifest) Size() int64 {
	var out int64
	for _, s := range m.streams() {
		out += s.Size
	}
	return out
}

// encode is the manifest's file.
func (m Manifest) encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if len(text) >= maxManifest {
		return nil, fmt.Errorf("it has %d bytes, and %d are read", len(text), maxManifest)
	}
	return append(text, '\n'), nil
}

// decode reads a manifest's file, and trusts none of it.
func decode(text []byte) (Manifest, error) {
	var m Manifest
	var first struct{ Format int }
	if err := json.Unmarshal(text, &first); err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if first.Format != format {
		return m, fmt.Errorf("%w: it is of format %d, and this version reads %d: use the tminus that took it", ErrLater, first.Format, format)
	}
	if !utf8.Valid(text) { // json would put another letter in its place
		return m, fmt.Errorf("%w: it is not UTF-8", ErrDamaged)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // a letter changed in a field's name is damage, too
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, nil
}

// check tells what does not hold together.
func (m Manifest) check() error {
	files := map[string]bool{}
	tables := map[[2]string]bool{}
	for _, t := range m.Tables {
		id := [2]string{t.Schema, t.Name}
		switch {
		case t.Schema == "" || t.Name == "":
			return errors.New("a table has no name")
		case tables[id]:
			return fmt.Errorf("the table %s is there twice", t)
		}
		tables[id] = true
		if err := t.check(len(m.Recipients) > 0, files); err != nil {
			return fmt.Errorf("table %s: %w", t, err)
		}
	}
	for _, f := range m.Others {
		if !slices.Contains(others, f.Name) || files[f.Name] || f.Size < 0 || !isHex(f.SHA256, 32) {
			return fmt.Errorf("the file %s is not described as it should be", phases.Clean(f.Name))
		}
		files[f.Name] = true
	}
	if !encodingName.MatchString(m.Encoding) {
		return fmt.Errorf("%q is no encoding", phases.Clean(m.Encoding))
	}
	for _, name := range append(m.names(), m.Recipients...) {
		if !utf8.ValidString(name) || bytes.IndexByte([]byte(name), 0) >= 0 {
			return fmt.Errorf("the name %s is not UTF-8", phases.Clean(name))
		}
	}
	return nil
}

// names are all that come from the database.
func (m Manifest) names() []string {
	out := []string{m.Database}
	for _, t := range m.Tables {
		out = append(out, t.Schema, t.Name, t.Called)
		for _, c := range t.Columns {
			out = append(out, c.Name, c.Type)
		}
	}
	for _, s := range m.Sequences {
		out = append(out, s.Schema, s.Name)
	}
	return out
}

// String is the table's name, for sentences.
func (t Table) String() string { return phases.Clean(t.Schema + "." + t.Name) }

func (t Table) check(locked bool, files map[string]bool) error {
	columns := map[string]bool{}
	for _, c := range t.Columns {
		if c.Name == "" || columns[c.Name] {
			return errors.New("a column has no name, or another's")
		}
		columns[c.Name] = true
	}
	for _, k := range t.Key {
		if !columns[k] {
			return fmt.Errorf("the key's column %s is none of its columns", phases.Clean(k))
		}
	}
	for part, s := range t.Streams {
		if !slices.Contains(Parts(), part) {
			return fmt.Errorf("%q is no part", phases.Clean(string(part)))
		}
		if s.File == "" || files[s.File] {
			return fmt.Errorf("%s: its file has no name, or another's", part)
		}
		files[s.File] = true
		if err := s.check(part, locked); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	if t.Streams[Old].Rows != t.Streams[New].Rows {
		return fmt.Errorf("%d rows as they were, %d as they were left", t.Streams[Old].Rows, t.Streams[New].Rows)
	}
	if t.Streams[Old].Rows > 0 && len(t.Key) == 0 {
		return errors.New("changed rows without a key that pairs them")
	}
	return nil
}

func (s Stream) check(part Part, locked bool) error {
	switch name := streamName.FindStringSubmatch(s.File); {
	case name == nil || name[1] != suffix(part) || (name[2] != "") != locked:
		return fmt.Errorf("%s is no name for its file", phases.Clean(s.File))
	case s.Rows <= 0 || s.Bytes < s.Rows || s.Size <= 0:
		return fmt.Errorf("%d rows in %d bytes, %d as a file", s.Rows, s.Bytes, s.Size)
	case !isHex(s.SHA256, 32) || !isHex(s.Sum, 8):
		return errors.New("its sums are none")
	}
	return nil
}

// isHex tells whether text is n bytes in hexadecimal, as it is written here.
func isHex(text string, n int) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == n && hex.EncodeToString(b) == text
}

var (
	streamName   = regexp.MustCompile(`^[1-9][0-9]{0,9}\.(dat|old|new|added)\.gz(\.age)?$`)
	encodingName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
)

// suffix ends a stream's name: pg_restore looks for what is gone in .dat.
func suffix(part Part) string {
	if part == Gone {
		return "dat"
	}
	return string(part)
}
