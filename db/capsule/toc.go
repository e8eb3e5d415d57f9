package capsule

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// What pg_backup_archiver.h calls them. Version 1.14 is what pg_dump 13 writes, and
// what pg_restore has read ever since.
const (
	tocMagic    = "PGDMP"
	tocTar      = 3 // pg_dump's directory format calls itself so
	sectionPre  = 2
	sectionData = 3
)

// toc writes a table of contents as WriteHead and WriteToc of pg_dump do.
type toc struct{ bytes.Buffer }

// number is an integer: its sign, then four bytes.
func (t *toc) number(n int) {
	sign := byte(0)
	if n < 0 {
		sign, n = 1, -n
	}
	t.WriteByte(sign)
	t.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func (t *toc) text(s string) {
	t.number(len(s))
	t.WriteString(s)
}

// none is a NULL in place of each of n texts.
func (t *toc) none(n int) {
	for range n {
		t.number(-1)
	}
}

// entry is a thing that can be restored; name and description, definition, and the
// statement that its rows follow.
func (t *toc) entry(id int, name, what, definition string) {
	t.number(id)
	t.number(0) // no rows
	t.text("0") // of no catalog
	t.text("0") // OID
	t.text(name)
	t.text(what)
	t.number(sectionPre)
	t.text(definition)
	t.none(6)       // drop, copy, schema, tablespace, access method, owner
	t.text("false") // WITH OIDS
	t.none(1)       // depends on nothing
	t.text("")      // file
}

// rows is an entry with the rows of a table. Each waits for the one before, also when
// pg_restore has several jobs: parents come before their children.
func (t *toc) rows(id, after int, table Table, encoding string) {
	t.number(id)
	t.number(1)
	t.text("0")
	t.text("0")
	t.text(table.Name)
	t.text("TABLE DATA")
	t.number(sectionData)
	t.none(2) // definition, drop
	t.text("COPY " + table.quoted() + table.list() + " FROM stdin" + encodingOf(encoding) + ";\n")
	t.text(table.Schema)
	t.none(2) // tablespace, access method
	t.text("")
	t.text("false")
	if after > 0 {
		t.text(strconv.Itoa(after))
	}
	t.none(1)
	// pg_restore looks for the name with .gz behind it by itself.
	t.text(strings.TrimSuffix(plainName(table.Streams[Gone].File), ".gz"))
}

// tableOfContents is the file that lets pg_restore read the rows that are gone.
func tableOfContents(m Manifest) []byte {
	var t toc
	t.WriteString(tocMagic)
	t.Write([]byte{1, 14, 0, 4, 8, tocTar}) // version; bytes of an int and an offset
	t.number(-1)                            // compressed at some level
	at := m.Taken.Local()                   // read back as local time, wherever that is
	for _, n := range []int{at.Second(), at.Minute(), at.Hour(), at.Day(), int(at.Month()) - 1, at.Year() - 1900, 0} {
		t.number(n)
	}
	t.text(m.Database)
	t.text(fmt.Sprintf("%d.%d", m.Server/10000, m.Server%10000))
	t.text("tminus " + m.Version)

	var gone []Table
	for _, table := range m.Tables {
		if table.Streams[Gone].Rows > 0 {
			gone = append(gone, table)
		}
	}
	t.number(3 + len(gone))
	// Names are UTF-8 here; the rows say their own encoding.
	t.entry(1, "ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n")
	t.entry(2, "STDSTRINGS", "STDSTRINGS", "SET standard_conforming_strings = 'on';\n")
	t.entry(3, "SEARCHPATH", "SEARCHPATH", "SELECT pg_catalog.set_config('search_path', '', false);\n")
	after := 0
	for i, table := range gone {
		t.rows(4+i, after, table, m.Encoding)
		after = 4 + i
	}
	return t.Bytes()
}

// plainName is a stream's name when it is decrypted.
func plainName(file string) string { return strings.TrimSuffix(file, lockedSuffix) }

// identifier quotes a name for SQL.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes text for SQL, where standard_conforming_strings is on.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoted is the table's name for SQL.
func (t Table) quoted() string { return identifier(t.Schema) + "." + identifier(t.Name) }

// names are the columns' for SQL, with a prefix each.
func (t Table) names(prefix string) string {
	out := make([]string, 0, len(t.Columns))
	for _, c := range t.Columns {
		out = append(out, prefix+identifier(c.Name))
	}
	return strings.Join(out, ", ")
}

// list is the columns as COPY takes them: a table may have none.
func (t Table) list() string {
	if len(t.Columns) == 0 {
		return ""
	}
	return " (" + t.names("") + ")"
}

// encodingOf says how COPY text is written, where it is not as the names are.
func encodingOf(encoding string) string {
	if encoding == "UTF8" {
		return ""
	}
	return " WITH (ENCODING " + literal(encoding) + ")"
}
