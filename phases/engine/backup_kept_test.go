package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

// withPgBackRest puts a stand-in for pgBackRest into a directory: it answers
// info with the file that is there for the moment, and backup puts the next one
// into its place.
func withPgBackRest(t *testing.T) (dir, program string) {
	t.Helper()
	dir = t.TempDir()
	program = filepath.Join(dir, "pgbackrest")
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in
*info) cat %[1]s/now;;
*version) echo pgBackRest 2.45;;
*backup) test -f %[1]s/next && mv %[1]s/next %[1]s/now;;
*) echo "not asked for: $*"; exit 9;;
esac
`, dir)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, program
}

// stanza is what pgBackRest says of backups of the run's server, each of which
// began a second after the one before.
func (r *rig) stanza(file string, labels ...string) {
	r.t.Helper()
	var system, version string
	var now int64
	err := r.conn.QueryRow(r.t.Context(), `SELECT system_identifier::text, current_setting('server_version_num')::int / 10000 || '', extract(epoch FROM now())::bigint FROM pg_control_system()`).Scan(&system, &version, &now)
	if err != nil {
		r.t.Fatal(err)
	}
	var backups []string
	for i, label := range labels {
		backups = append(backups, fmt.Sprintf(`{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000003"},"database":{"id":1,"repo-key":1},"error":false,`+
			`"info":{"repository":{"size":3460529},"size":26621629},"label":%q,"reference":null,"timestamp":{"start":%d,"stop":%d}}`, label, now-60+int64(i), now-50))
	}
	text := fmt.Sprintf(`[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000003","min":"000000010000000000000001"}],"backup":[%s],`+
		`"db":[{"id":1,"repo-key":1,"system-id":%s,"version":%q}],"name":"shop","repo":[{"key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]`,
		strings.Join(backups, ","), system, version)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func TestBackupThatAKeeperTells(t *testing.T) {
	dir, program := withPgBackRest(t)
	r := newRig(t, smallSchema, backupBook(fmt.Sprintf("  take: {command: [%q, backup], pgbackrest: shop, program: [%q]}", program, program), readable))
	r.open(engine.Settings{})
	r.untilReady()
	now, next := filepath.Join(dir, "now"), filepath.Join(dir, "next")

	if got := r.acts("taken"); !strings.Contains(got, "take the backup: ask "+program+" for info: it ended with exit code 1") {
		t.Errorf("got %q", got)
	}
	r.stanza(now, "A")
	r.stanza(next, "A")
	if got := r.acts("taken"); !strings.Contains(got, "pgBackRest has no new backup of the stanza shop") {
		t.Errorf("got %q", got)
	}
	if s := r.state(); s.Taken != nil || !s.BackupTime().IsZero() {
		t.Errorf("taken %+v, recorded %+v", s.Taken, s.Fields)
	}

	r.stanza(next, "A", "B")
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	s := r.state()
	if b := s.Taken; b.Backup.ID != "B" || b.How != "pgbackrest 2.45" || b.Bytes != 3460529 || s.Fields["backup_id"].Value != "B" || s.Fields["backup_place"].Value != "stanza shop, repo 1" || !s.BackupTime().Equal(b.Backup.At) {
		t.Errorf("taken %+v, recorded %+v", s.Taken, s.Fields)
	}
	if got := r.acts("readable"); got != "" {
		t.Fatal(got)
	}
	r.answers("readable", true, "by pgbackrest 2.45 (info)")

	// One that is recorded by hand is another, whatever is known of the first.
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "C"})
	r.answers("readable", false, "not proven: C of ")
	if got := r.acts("readable"); !strings.Contains(got, "pgBackRest has no backup C of the stanza shop: record one that it has") {
		t.Errorf("got %q", got)
	}
	r.answers("readable", false, "pgBackRest has no backup C")
	if v := r.state().Verified; len(v.Problems) == 0 || v.Backup.ID != "C" {
		t.Errorf("verified %+v", v)
	}
}

func TestBackupWhoseLabelNobodyRecorded(t *testing.T) {
	dir, program := withPgBackRest(t)
	book := strings.Replace(backupBook(fmt.Sprintf("  verify: {pgbackrest: shop, program: [%q]}", program), readable), "        action: {name: backup.take}\n", "", 1)
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.untilReady()
	r.stanza(filepath.Join(dir, "now"), "A", "B")
	r.do(phases.Record{Item: "taken", Field: "backup_time", Value: "now"})
	if got := r.acts("readable"); !strings.Contains(got, "or later: its newest is B of ") {
		t.Errorf("got %q", got)
	}
	r.answers("readable", false, "its newest is B")
	r.do(phases.Record{Item: "taken", Field: "backup_time", Value: "2026-01-01 00:00:00"})
	if got := r.acts("readable"); got != "" {
		t.Fatal(got)
	}
	r.answers("readable", true, ": B of 2026-01-01 00:00:00 UTC")
	// It was B that was verified.
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "A"})
	r.answers("readable", false, "not proven: A of ")
}

func TestSizeOfABackupByACommand(t *testing.T) {
	for said, want := range map[string]string{
		`{"id": "B", "bytes": 26621629}`: "", `{"id": "B"}`: "",
		`{"bytes": -1}`: "gives a negative number of bytes", `{"bytes": "26 MB"}`: "cannot be read as such", `{"bytes": 1.5}`: "cannot be read as such",
	} {
		r := newRig(t, smallSchema, backupBook(fmt.Sprintf("  take: {command: [echo, '%s']}", said)))
		r.open(engine.Settings{})
		r.untilReady()
		got := r.acts("taken")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q", said, got)
		}
		if s := r.state(); want == "" && (s.Taken == nil || (s.Taken.Bytes != 0) != strings.Contains(said, "bytes") || s.Taken.Bytes%26621629 != 0) {
			t.Errorf("%s: taken %+v", said, s.Taken)
		}
	}
}
