package keeper_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine/action/keeper"
	"tminus/phases/runbook"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

// kept is a server of its own, whose WAL goes to a keeper of its own.
type kept struct {
	t      *testing.T
	dir    string // of the keeper
	server *sandbox.Server
	conn   *pgx.Conn
	uid    int      // the server's user, who alone may read its files
	as     []string // what runs a program as that one
}

// keeps starts the server, or skips the test where a program is not there.
// archive is its archive_command, in which DIR is the keeper's directory.
func keeps(t *testing.T, program, archive string) *kept {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not on this machine", program)
	}
	dir, err := os.MkdirTemp("", "tminus-keeper-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.MkdirAll(filepath.Join(dir, "incoming"), 0o777); err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.Start(t.Context(), sandbox.Options{Settings: map[string]string{
		"archive_mode": "on", "archive_command": strings.ReplaceAll(archive, "DIR", dir), "wal_level": "replica", "max_wal_senders": "10", "max_replication_slots": "10",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	k := &kept{t: t, dir: dir, server: s, uid: os.Getuid()}
	if os.Getuid() == 0 {
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip("setpriv is not on this machine, which runs the keeper as the server's user")
		}
		info, err := os.Stat(filepath.Join(s.Dir(), "data"))
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		for _, d := range []string{dir, filepath.Join(dir, "incoming")} {
			if err := os.Chown(d, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		k.uid = int(owner.Uid)
		k.as = []string{"setpriv", fmt.Sprintf("--reuid=%d", owner.Uid), fmt.Sprintf("--regid=%d", owner.Gid), "--clear-groups"}
	}
	k.conn, err = pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.conn.Close(context.Background()) })
	return k
}

// runs runs a program as the server's user.
func (k *kept) runs(argv ...string) {
	k.t.Helper()
	argv = append(append([]string{}, k.as...), argv...)
	cmd := exec.CommandContext(k.t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "HOME="+k.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Fatalf("%q: %v: %s", argv, err, out)
	}
}

func (k *kept) configure(text string) (file string) {
	k.t.Helper()
	c := k.conn.Config()
	account, err := user.LookupId(strconv.Itoa(k.uid))
	if err != nil {
		k.t.Skipf("the server's user has no name: %v", err)
	}
	file = filepath.Join(k.dir, "keeper.conf")
	write(k.t, file, strings.NewReplacer(
		"DIR", k.dir, "DATA", filepath.Join(k.server.Dir(), "data"), "HOST", c.Host, "PORT", fmt.Sprint(c.Port), "USER", c.User, "BIN", k.server.BinDir(), "ACCOUNT", account.Username,
	).Replace(text), 0o644)
	return file
}

func (k *kept) identity() phases.Identity {
	k.t.Helper()
	var id phases.Identity
	if err := k.conn.QueryRow(k.t.Context(), `SELECT system_identifier::text, current_setting('server_version_num')::int FROM pg_control_system()`).Scan(&id.SystemIdentifier, &id.VersionNum); err != nil {
		k.t.Fatal(err)
	}
	return id
}

// takes has a backup taken and asks for it, as the two actions do.
func (k *kept) takes(a keeper.Asked, argv ...string) (label string) {
	t := k.t
	t.Helper()
	known, err := a.Known(t.Context())
	if err != nil || len(known) != 0 {
		t.Fatalf("known before the first: %q, %v", known, err)
	}
	before := time.Now().Truncate(time.Second)
	k.runs(argv...)
	taken, err := a.New(t.Context(), known, time.Now())
	told(t, taken, err)
	if b := taken.Backup; b.ID == "" || b.At.Before(before) || b.At.After(time.Now()) || taken.Bytes == 0 {
		t.Errorf("taken %+v", taken)
	}
	found, err := a.Find(t.Context(), phases.Backup{At: time.Now().Add(time.Hour)}, time.Now())
	told(t, found, err, "or later: its newest is "+taken.Backup.ID)
	a.Files = true
	found, err = a.Find(t.Context(), phases.Backup{At: before}, time.Now())
	told(t, found, err)
	if found.Backup != taken.Backup || found.Bytes != taken.Bytes {
		t.Errorf("took %+v, found %+v", taken, found)
	}
	a.Server.SystemIdentifier = "1"
	found, err = a.Find(t.Context(), phases.Backup{ID: taken.Backup.ID, At: time.Now().Add(time.Hour)}, time.Now())
	told(t, found, err, "before the moment that is recorded", "is of another server")
	return taken.Backup.ID
}

// damage changes the middle of the largest file that a pattern names.
func (k *kept) damage(pattern string) {
	k.t.Helper()
	files, err := filepath.Glob(filepath.Join(k.dir, pattern))
	if err != nil || len(files) == 0 {
		k.t.Fatalf("no file of %s, %v", pattern, err)
	}
	var largest string
	var size int64
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() > size {
			largest, size = f, info.Size()
		}
	}
	f, err := os.OpenFile(largest, os.O_WRONLY, 0)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damaged"), size/2); err != nil {
		k.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		k.t.Fatal(err)
	}
}

func TestTheRealPgBackRest(t *testing.T) {
	k := keeps(t, "pgbackrest", "pgbackrest --config=DIR/keeper.conf --stanza=shop archive-push %p")
	config := k.configure(`[global]
repo1-path=DIR/repo
log-path=DIR
lock-path=DIR/lock
spool-path=DIR/spool
log-level-console=info
start-fast=y
[shop]
pg1-path=DATA
pg1-socket-path=HOST
pg1-port=PORT
pg1-user=USER
`)
	a := keeper.Asked{Keeper: runbook.Keeper{Stanza: "shop", Config: config, Program: append(k.as, "pgbackrest")}, Server: k.identity()}
	found, err := a.Find(t.Context(), phases.Backup{At: time.Now()}, time.Now())
	told(t, found, err, "the stanza shop is not in order, as pgBackRest says: missing stanza path (code 1)", "has no whole backup of the stanza shop")
	pgBackRest := []string{"pgbackrest", "--config=" + config, "--stanza=shop"}
	k.runs(append(pgBackRest, "stanza-create")...)
	label := k.takes(a, append(pgBackRest, "--type=full", "backup")...)
	k.damage("repo/backup/shop/" + label + "/pg_data/base/*/*.gz")
	found, err = a.Find(t.Context(), phases.Backup{ID: label}, time.Now())
	told(t, found, err) // which info does not see
	a.Files = true
	found, err = a.Find(t.Context(), phases.Backup{ID: label}, time.Now())
	told(t, found, err, "pgbackrest verify finds "+label+" invalid (checksum invalid: 1)")
}

func TestTheRealBarman(t *testing.T) {
	k := keeps(t, "barman", "cp %p DIR/incoming/%f")
	for _, name := range []string{"pg_basebackup", "pg_verifybackup"} {
		if _, err := os.Stat(filepath.Join(k.server.BinDir(), name)); err != nil {
			t.Skipf("%s is not beside the server's programs, and barman runs it", name)
		}
	}
	config := k.configure(`[barman]
barman_user = ACCOUNT
barman_home = DIR/home
barman_lock_directory = DIR
log_file = DIR/barman.log
[shop]
description = "shop"
conninfo = host=HOST port=PORT user=USER dbname=postgres
streaming_conninfo = host=HOST port=PORT user=USER
backup_method = postgres
archiver = on
incoming_wals_directory = DIR/incoming
immediate_checkpoint = true
path_prefix = BIN
`)
	barman := []string{"barman", "-c", config}
	a := keeper.Asked{Keeper: runbook.Keeper{Server: "shop", Config: config, Program: append(k.as, "barman")}, Server: k.identity()}
	k.runs(append(barman, "switch-wal", "--force", "--archive", "shop")...)
	label := k.takes(a, append(barman, "backup", "--wait", "shop")...)
	k.damage("home/shop/base/" + label + "/data/base/*/*")
	a.Files = true
	found, err := a.Find(t.Context(), phases.Backup{ID: label}, time.Now())
	told(t, found, err, "checksum mismatch for file")
}
