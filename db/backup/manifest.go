package backup

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tminus/phases"
)

// The names in a backup's directory.
const (
	manifestName = "tminus.json"
	dumpName     = "dump"
	lockName     = "tminus.lock"
)

// format is the manifest's version.
const format = 1

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 64 << 20

// Manifest is what a backup should hold, as its snapshot had it.
type Manifest struct {
	Format     int       `json:"format"`
	ID         string    `json:"id"`
	At         time.Time `json:"at"` // of the snapshot, in whole seconds
	Database   string    `json:"database"`
	System     string    `json:"system_identifier,omitempty"` // of the server; empty when the role may not read it
	VersionNum int       `json:"server_version_num"`
	Encoding   string    `json:"encoding"`
	Locale     Locale    `json:"locale,omitzero"`
	Dumped     string    `json:"dumped_by"` // version of pg_dump
	Bytes      int64     `json:"tables_bytes"`
	Tables     int       `json:"tables"` // that have rows of their own
	Held       []Held    `json:"held"`   // of the tables that the run is about

	Schema *phases.SchemaPrint `json:"schema,omitempty"` // what the tables that the runbook concerns were like; nil in older ones
	Named  []string            `json:"named,omitempty"`  // the tables that it named

	// Of the run that took it; empty in manifests of older versions.
	Environment phases.Environment `json:"environment,omitempty"`
	RunID       string             `json:"run_id,omitempty"`
	// Off are the triggers that the run had switched off by then, as they were
	// before; the dump has them switched off.
	Off []phases.Trigger `json:"triggers_off,omitempty"`
	// Roles are those that must be there for the dump to be restored: policies and
	// user mappings name them.
	Roles []string `json:"roles,omitempty"`
}

// Locale is by which rules a database compares text, and tells what is a letter:
// checks, keys and generated columns rest on it. The zero value is that of a
// manifest of an older version, which did not note it.
type Locale struct {
	Provider string `json:"provider,omitempty"` // pg_database.datlocprovider: c, i or b; empty before PostgreSQL 15
	Collate  string `json:"collate"`
	Ctype    string `json:"ctype"`
	Name     string `json:"name,omitempty"`  // ICU's, or the builtin one's
	Rules    string `json:"rules,omitempty"` // ICU's
}

// String is what a sentence calls it.
func (l Locale) String() string { return cmp.Or(l.Name, l.Ctype) }

// Held is what one table held.
type Held struct {
	Table string `json:"table"` // as the runbook calls it
	Rows  int64  `json:"rows"`
	Hash  string `json:"hash,omitempty"` // its content, of a protected table; empty otherwise
	Parts []Part `json:"parts"`          // where its rows are: itself, or its partitions and heirs
}

// Part is a table with rows of its own.
type Part struct {
	OID    uint32 `json:"oid"`
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// ErrNoManifest says that a directory has no manifest: it is none of tminus's, or
// not whole.
var ErrNoManifest = errors.New(manifestName + " is missing")

// ReadManifest reads that of a backup.
func ReadManifest(location string) (Manifest, error) {
	var m Manifest
	path := filepath.Join(location, manifestName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("there is no backup of tminus's at %s: %w; look at the recorded location", location, ErrNoManifest)
	}
	if err != nil {
		return m, fmt.Errorf("read the backup's manifest: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return m, fmt.Errorf("read the backup's manifest: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the backup's manifest %s: it is damaged; take another backup", path)
	}
	if m.Format != format {
		return m, fmt.Errorf("read the backup's manifest %s: it is of format %d, and this version reads %d: use the tminus that took it", path, m.Format, format)
	}
	return m, nil
}

// write puts the manifest on disk.
func (m Manifest) write(dir string) error {
	m.Format = format
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the backup's manifest: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, manifestName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the backup's manifest: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the backup's manifest: %w", err)
	}
	return nil
}
