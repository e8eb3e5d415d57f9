package capsule_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"tminus/db/capsule"
)

// rejected holds that a folder is not taken for what was written, and that no stream
// in it ends as if it were.
func rejected(t *testing.T, what, dir, file string, ids ...age.Identity) {
	t.Helper()
	c, err := capsule.Open(dir, ids...)
	if err == nil {
		err = c.Verify(t.Context(), nil)
	}
	if err == nil {
		t.Errorf("%s: it is taken for whole", what)
		return
	}
	if !errors.Is(err, capsule.ErrDamaged) && !errors.Is(err, capsule.ErrLater) || !strings.Contains(err.Error(), file) && file != "manifest.json" {
		t.Errorf("%s: %v, want something about %s", what, err, file)
	}
	if c == nil {
		return
	}
	for _, table := range c.Manifest().Tables {
		for part, s := range table.Streams {
			if s.File == file && ends(c, table, part) {
				t.Errorf("%s: the stream ends as if it were whole", what)
			}
		}
	}
}

// ends tells whether a stream can be read to io.EOF.
func ends(c *capsule.Capsule, table capsule.Table, part capsule.Part) bool {
	r, err := c.Read(table, part)
	if err != nil {
		return false
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	_, again := r.Read(make([]byte, 1)) // what is wrong stays so
	return err == nil || errors.Is(again, io.EOF)
}

func sha(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A bit anywhere, and an end anywhere, in each file.
func TestEachBitCounts(t *testing.T) {
	t.Parallel()
	recipient, key := pair(t)
	ids, err := capsule.Identities(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, recipients := range map[string][]string{"plain": nil, "encrypted": {recipient}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tables, parts := sample()
			dir, _ := write(t, blank(), tables, parts, recipients...)
			for _, name := range names(t, dir) {
				whole := read(t, dir, name)
				step := max(1, len(whole)/100) // each byte of a small stream
				for i := 0; i < len(whole); i += step {
					flipped := bytes.Clone(whole)
					flipped[i] ^= 1 << (i % 8)
					put(t, dir, name, flipped)
					rejected(t, name+" flipped", dir, name, ids...)
					put(t, dir, name, whole[:i])
					rejected(t, name+" cut", dir, name, ids...)
				}
				put(t, dir, name, whole)
			}
			if err := open(t, dir, ids...).Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEachFileCounts(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	whole, _ := write(t, blank(), tables, parts)
	for _, name := range names(t, whole) {
		dir, _ := write(t, blank(), tables, parts)
		path := filepath.Join(dir, name)
		elsewhere := filepath.Join(t.TempDir(), name)
		if err := os.Rename(path, elsewhere); err != nil {
			t.Fatal(err)
		}
		c, err := capsule.Open(dir)
		if name == "manifest.json" {
			if !errors.Is(err, capsule.ErrUnfinished) {
				t.Errorf("without %s: %v", name, err)
			}
		} else if err := c.Verify(t.Context(), nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "read "+name+" of the capsule "+dir+": it is damaged: it is missing") {
			t.Errorf("without %s: %v", name, err)
		}
		// What a link leads to can be changed from elsewhere; a pipe is waited for.
		if err := os.Symlink(elsewhere, path); err != nil {
			t.Fatal(err)
		}
		rejected(t, "a link for "+name, dir, name)
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		rejected(t, "a pipe for "+name, dir, name)
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		rejected(t, "a folder for "+name, dir, name)
	}
}

// packed is text as gzip.
func packed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Files that are streams, and others than were written.
func TestAnotherStreamIsNone(t *testing.T) {
	t.Parallel()
	tables, _ := sample()
	same := texts{capsule.Gone: "1\ta\n2\tb\n"}
	dir, _ := write(t, blank(), tables, []texts{same, {capsule.Gone: "1\tb\n2\ta\n"}})
	one, two := read(t, dir, "1.dat.gz"), read(t, dir, "2.dat.gz")
	for what, text := range map[string][]byte{
		"another table's":     two,
		"an empty file":       nil,
		"an empty stream":     packed(t, ""),
		"the same, anew":      packed(t, "1\ta\n2\tb\n"),
		"another order":       packed(t, "2\tb\n1\ta\n"),
		"fewer rows":          packed(t, "1\ta\n"),
		"no end":              packed(t, "1\ta\n2\tb"),
		"more rows":           packed(t, "1\ta\n2\tb\n3\tc\n"),
		"garbage behind":      append(bytes.Clone(one), "garbage"...),
		"zeros behind":        append(bytes.Clone(one), make([]byte, 512)...),
		"a member behind":     append(bytes.Clone(one), packed(t, "")...),
		"two members":         append(packed(t, "1\ta\n"), packed(t, "2\tb\n")...),
		"a great many":        packed(t, strings.Repeat("1\ta\n", 1<<20)),
		"not gzip":            []byte("1\ta\n2\tb\n"),
		"a header and no end": one[:10],
	} {
		put(t, dir, "1.dat.gz", text)
		rejected(t, what, dir, "1.dat.gz")
		// A manifest that fits the file's size and sum does not make it the rows.
		forged, _ := write(t, blank(), tables, []texts{same, {}})
		put(t, forged, "1.dat.gz", text)
		forge(t, forged, text)
		if c, err := capsule.Open(forged); err == nil && what != "the same, anew" && what != "another order" && ends(c, c.Manifest().Tables[0], capsule.Gone) {
			t.Errorf("%s, with a manifest that fits: it is taken for whole", what)
		}
	}
	put(t, dir, "1.dat.gz", two)
	put(t, dir, "2.dat.gz", one)
	err := open(t, dir).Verify(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "1.dat.gz") || !strings.Contains(err.Error(), "2.dat.gz") {
		t.Errorf("swapped: %v", err)
	}
}

// forge makes the manifest say a file's size and SHA-256.
func forge(t *testing.T, dir string, text []byte) {
	t.Helper()
	edit(t, dir, func(m map[string]any) {
		s := m["tables"].([]any)[0].(map[string]any)["streams"].(map[string]any)["gone"].(map[string]any)
		s["size"], s["sha256"] = len(text), sha(text)
	})
}

// edit changes a manifest.
func edit(t *testing.T, dir string, change func(map[string]any)) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(read(t, dir, "manifest.json"), &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "manifest.json", append(text, '\n'))
}

// What a manifest says is not trusted.
func TestAManifestThatIsNone(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	first := func(m map[string]any) map[string]any { return m["tables"].([]any)[0].(map[string]any) }
	gone := func(m map[string]any) map[string]any {
		return first(m)["streams"].(map[string]any)["gone"].(map[string]any)
	}
	for what, change := range map[string]func(map[string]any){
		"a later format":        func(m map[string]any) { m["format"] = 2 },
		"no format":             func(m map[string]any) { delete(m, "format") },
		"a field not known":     func(m map[string]any) { m["more"] = 1 },
		"a file above":          func(m map[string]any) { gone(m)["file"] = "../1.dat.gz" },
		"a file elsewhere":      func(m map[string]any) { gone(m)["file"] = "/etc/passwd" },
		"another part's name":   func(m map[string]any) { gone(m)["file"] = "1.old.gz" },
		"another's file":        func(m map[string]any) { gone(m)["file"] = "5.dat.gz" },
		"an encrypted file":     func(m map[string]any) { gone(m)["file"] = "1.dat.gz.age" },
		"a part not known":      func(m map[string]any) { first(m)["streams"].(map[string]any)["kept"] = gone(m) },
		"no rows":               func(m map[string]any) { gone(m)["rows"] = 0 },
		"fewer bytes than rows": func(m map[string]any) { gone(m)["bytes"] = 1 },
		"a negative size":       func(m map[string]any) { gone(m)["size"] = -1 },
		"a short sum":           func(m map[string]any) { gone(m)["sum"] = "ff" },
		"capitals in a sum":     func(m map[string]any) { gone(m)["sum"] = "FFFFFFFFFFFFFFFF" },
		"new without old":       func(m map[string]any) { delete(first(m)["streams"].(map[string]any), "old") },
		"no key for old":        func(m map[string]any) { delete(first(m), "key") },
		"another key":           func(m map[string]any) { first(m)["key"] = []any{"none"} },
		"a table twice":         func(m map[string]any) { m["tables"] = append(m["tables"].([]any), m["tables"].([]any)[0]) },
		"a table without name":  func(m map[string]any) { first(m)["name"] = "" },
		"an encoding with SQL":  func(m map[string]any) { m["encoding"] = "UTF8'; --" },
		"another file beside":   func(m map[string]any) { m["others"].([]any)[0].(map[string]any)["name"] = "../x" },
		"a NUL in a name":       func(m map[string]any) { first(m)["schema"] = "a\x00b" },
	} {
		dir, _ := write(t, blank(), tables, parts)
		edit(t, dir, change)
		_, err := capsule.Open(dir)
		if !errors.Is(err, capsule.ErrDamaged) && !errors.Is(err, capsule.ErrLater) {
			t.Errorf("%s: %v", what, err)
		}
		if what == "a later format" && !strings.Contains(err.Error(), "it is of format 2, and this version reads 1: use the tminus that took it") {
			t.Error(err)
		}
	}
	dir, _ := write(t, blank(), tables, parts)
	text := read(t, dir, "manifest.json")
	for what, text := range map[string][]byte{
		"more behind":    append(bytes.Clone(text), "{}"...),
		"Latin-1":        bytes.Replace(text, []byte("Bookings"), []byte("B\xf6kings"), 1),
		"nothing":        nil,
		"another object": []byte("[]"),
	} {
		put(t, dir, "manifest.json", text)
		if _, err := capsule.Open(dir); !errors.Is(err, capsule.ErrDamaged) && !errors.Is(err, capsule.ErrLater) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A manifest that would fill the memory is not read.
func TestAManifestWithoutEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "manifest.json", nil)
	if err := os.Truncate(filepath.Join(dir, "manifest.json"), 1<<40); err != nil {
		t.Skipf("no file with a hole: %v", err)
	}
	if _, err := capsule.Open(dir); !errors.Is(err, capsule.ErrDamaged) {
		t.Error(err)
	}
}

func TestAFolderThatIsNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "file", nil)
	for path, want := range map[string]error{
		dir:                          capsule.ErrUnfinished,
		filepath.Join(dir, "none"):   os.ErrNotExist,
		filepath.Join(dir, "file"):   nil,
		filepath.Join(dir, "file/x"): nil,
	} {
		if _, err := capsule.Open(path); err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), "open the capsule "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A name that a caller makes up leads nowhere.
	tables, parts := sample()
	whole, _ := write(t, blank(), tables, parts)
	c := open(t, whole)
	table := c.Manifest().Tables[0]
	table.Streams = map[capsule.Part]capsule.Stream{capsule.Gone: {File: "../../x"}}
	if _, err := c.Read(table, capsule.Gone); err == nil || !strings.Contains(err.Error(), "no stream's name") {
		t.Error(err)
	}
}
