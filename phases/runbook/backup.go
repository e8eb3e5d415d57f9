package runbook

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tminus/phases/check"
)

// Backup says what undoing would take.
type Backup struct {
	MaxAge        time.Duration // at the gate and at the point of no return; default 15m
	Restore       string        // the command to restore with, shown when it is needed; {{backup_id}} and other recorded fields are filled in
	RestoreTime   time.Duration // how long a restore is expected to take; 0 when unknown
	TookField     string        // id of the field (type duration) that records how long a tried restore took; may be empty
	IDField       string        // id of the field that records the backup's ID; may be empty
	TimeField     string        // id of the field (type time) that records the backup's snapshot time; may be empty
	LocationField string        // id of the field that records where the backup is; may be empty
	Take          Take          // how the action backup.take takes one
	Verify        Verify        // how the action backup.verify reads one
	Try           Try           // how the action backup.try restores one
}

// Take says how a backup is taken: by pg_dump into a directory, or by a
// command. The zero value takes none.
type Take struct {
	Directory string        // where each backup gets a directory of its own
	Jobs      int           // tables dumped at the same time; default 2
	Command   []string      // argv instead; no shell
	Keeper    Keeper        // what the command has take it, and knows of it then; may be none
	Limit     time.Duration // over it, it is cancelled; default 6h
}

// Verify says how a backup is read through. The zero value reads what pg_dump
// wrote for Take.
type Verify struct {
	Command []string      // argv instead; no shell
	Keeper  Keeper        // asked instead what it knows of it; where the file names none, that of Take
	Files   bool          // the keeper reads the backup's files as well
	Limit   time.Duration // over it, it is cancelled; default 6h
}

// Try says how a restore is tried. The zero value restores what pg_dump wrote
// for Take into a throwaway server on this machine.
type Try struct {
	Database  string        // restore into this database of the run's own server instead
	Directory string        // where the throwaway server has its files; empty: where temporary files are
	Jobs      int           // tables restored at the same time; default 2
	Command   []string      // argv instead; no shell
	Limit     time.Duration // over it, it is cancelled; default 6h
}

// What a backup may take where the runbook does not say.
const (
	backupJobs  = 2
	backupLimit = 6 * time.Hour
	maxJobs     = 64
)

func backupObject() object {
	return object{name: "backup", keys: []key{
		{"max_age", false, ofLength(time.Second, MaxDuration), "how old the backup may be at the gate and at the point of no return; default `15m`"},
		{"restore", false, of(aText), "the command to restore with, as a shell takes it, of one or more lines; `{{field}}` stands for a recorded field, in quotes where its value needs them"},
		{"restore_time", false, ofLength(time.Second, MaxDuration), "how long a restore is expected to take"},
		{"id_field", false, of(aFieldID), "the field that records the backup's ID"},
		{"time_field", false, of(aFieldID), "the field, of type time, that records the moment of the backup's snapshot"},
		{"location_field", false, of(aFieldID), "the field that records where the backup is"},
		{"took_field", false, of(aFieldID), "the field, of type duration, that records how long a tried restore took; it is shown in the place of `restore_time`"},
		{"take", false, ofObject("take"), "how the action `backup.take` takes one, and records the fields above"},
		{"verify", false, ofObject("verify"), "how the action `backup.verify` reads one; default: all that pg_dump wrote into the directory of `take`"},
		{"try", false, ofObject("try"), "how the action `backup.try` restores one; default: into a throwaway server on this machine, which is removed afterwards"},
	}}
}

func limitKey() key {
	return key{"limit", false, ofLength(time.Second, MaxDuration), "over it, it is cancelled; default `" + FormatDuration(backupLimit) + "`"}
}

func jobsKey(doc string) key {
	return key{"jobs", false, ofCount(1, maxJobs), doc + "; default `2`"}
}

func takeObject() object {
	return object{
		name: "take",
		keys: slices.Concat([]key{
			{"directory", false, of(aLine), "an absolute path: pg_dump writes each backup into a new directory below it"},
			jobsKey("directory: how many tables are dumped at the same time"),
			{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments instead, no shell; exit code 0 means taken. A last line of output that is JSON may give `id`, `time` (RFC 3339), `location` and `bytes`, its size; without a time, the backup is as old as the command's start"},
		}, keeperKeys(
			"command: the stanza of pgBackRest that it adds a backup to; the backup's label, start and size are then what `pgbackrest info` says of the one that is new",
			"command: the same of barman, by the name that it has for the server",
		), []key{limitKey()}),
		one:   []string{"directory", "command"},
		apart: keepersApart,
		parts: []part{
			{beside: []string{"directory"}, keys: []string{"jobs"}},
			{beside: []string{"command"}, keys: keepers},
			besideKeeper,
		},
	}
}

func verifyObject() object {
	return object{name: "verify", apart: keepersApart, parts: []part{besideKeeper}, keys: slices.Concat([]key{
		{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments, no shell; exit code 0 means that the backup can be read. It finds `TMINUS_BACKUP_ID`, `TMINUS_BACKUP_TIME` and `TMINUS_BACKUP_LOCATION` in its environment"},
	}, keeperKeys(
		"a stanza of pgBackRest, which is asked for the backup instead (`pgbackrest info`); default that of `take`",
		"a server of barman's, which is asked for the backup instead (`barman check`, `barman show-backup`); default that of `take`",
	), []key{
		{"files", false, of(aFlag), "pgbackrest, barman: have the backup's files read as well, which takes as long as it takes (`pgbackrest verify`, of all that the stanza has in that repository; `barman verify-backup`); default `false`"},
		limitKey(),
	})}
}

func tryObject() object {
	return object{name: "try", keys: []key{
		{"database", false, of(aName), "restore into this database of the run's server: it is made and dropped, or has to be empty, and is then left as it is"},
		{"directory", false, of(aLine), "an absolute path: where the throwaway server has its files; default where temporary files are"},
		jobsKey("how many tables are restored at the same time"),
		{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments instead, no shell; exit code 0 means that a restore went well, and how long it took is how long a restore takes. Its environment is as for `verify`"},
		limitKey(),
	}}
}

func (f fields) backup() Backup {
	b := Backup{MaxAge: 15 * time.Minute, Verify: Verify{Limit: backupLimit}, Try: Try{Jobs: backupJobs, Limit: backupLimit}}
	if n := f.node.value("backup"); n != nil {
		v := f.object(n, "backup")
		b.MaxAge = v.length("max_age", b.MaxAge, 1)
		b.Restore, b.RestoreTime = v.block("restore"), v.length("restore_time", 0, 1)
		b.IDField, b.TimeField, b.TookField = v.text("id_field"), v.text("time_field"), v.text("took_field")
		b.LocationField = v.text("location_field")
		if n := v.node.value("take"); n != nil {
			t := f.object(n, "take")
			b.Take = Take{Directory: t.line("directory"), Jobs: t.jobs(), Command: t.lines("command"), Keeper: t.keeper(), Limit: t.length("limit", backupLimit, 1)}
		}
		if n := v.node.value("verify"); n != nil {
			t := f.object(n, "verify")
			b.Verify = Verify{Command: t.lines("command"), Keeper: t.keeper(), Files: t.flag("files", false), Limit: t.length("limit", backupLimit, 1)}
		}
		if len(b.Verify.Command) == 0 && !b.Verify.Keeper.Some() {
			b.Verify.Keeper = b.Take.Keeper
		}
		if n := v.node.value("try"); n != nil {
			t := f.object(n, "try")
			b.Try = Try{
				Database: unquoted(t.line("database")), Directory: t.line("directory"), Jobs: t.jobs(),
				Command: t.lines("command"), Limit: t.length("limit", backupLimit, 1),
			}
		}
	}
	return b
}

func (f fields) jobs() int {
	if n, ok := f.count("jobs", maxJobs); ok && n > 0 {
		return int(n)
	}
	return backupJobs
}

// backup holds what the file says of the backup against its fields.
func (c *checker) backup(m *checked) {
	var text FieldType // any will do for what a human writes down
	if m.has("take") {
		text = FieldText
	}
	c.fieldRef(m, "id_field", text)
	c.fieldRef(m, "time_field", FieldTime)
	c.fieldRef(m, "location_field", text)
	c.fieldRef(m, "took_field", FieldDuration)
	if n := m.good.value("restore"); n != nil {
		c.placeholders(n)
	}
	var take Keeper
	for _, t := range m.inner["take"] {
		take = c.values(t).keeper()
		switch {
		case t.has("directory") && t.has("command"):
			c.fault(t.place("command", t.node), "take with both directory and command", "keep one of them: pg_dump into a directory, or a command")
		case !t.has("directory") && !t.has("command"):
			c.fault(t.node, "take that says not how", "add directory, for pg_dump, or command")
		case t.has("command") && t.has("jobs"):
			c.fault(t.place("jobs", t.node), "jobs does not belong to take with command", "leave it out")
		}
		c.absolute(t, "directory")
		c.keeper(t, "take", "directory")
	}
	for _, t := range m.inner["verify"] {
		c.verifyKeeper(t, take)
	}
	for _, t := range m.inner["try"] {
		c.absolute(t, "directory")
		kind := ""
		for _, k := range []string{"database", "directory", "command"} {
			switch {
			case !t.has(k):
			case kind == "":
				kind = k
			default:
				c.fault(t.place(k, t.node), fmt.Sprintf("try with both %s and %s", kind, k), "keep one of them: a database of the run's server, a throwaway server's directory, or a command")
			}
		}
	}
}

func (c *checker) absolute(m *checked, key string) {
	if n := m.good.value(key); n != nil && !filepath.IsAbs(n.text) {
		c.fault(n, key+" is "+clean(quote(n.text)), "a path from the root on: it must not depend on where tminus is started")
	}
}

// proofs are the actions whose results checks of the backup rest on.
var proofs = map[string]string{check.BackupReadable: VerifyBackup, check.BackupRestored: TryBackup, check.BackupSize: TakeBackup}

// backupProof holds that some item does what a check of the backup rests on.
func (c *checker) backupProof(n *node, name string) {
	if does := proofs[name]; does != "" && !c.actions[does] {
		c.fault(n, name+", but no item has the action "+does, "give one of the checklist this action")
	}
}

// backupAction holds that the file says how an action on the backup is done.
func (c *checker) backupAction(n *node, name string, in asking) {
	if in.where == inAfter {
		c.fault(n, name+" after the last COMMIT", "put it into the checklist, or into a phase's confirm")
	}
	if take := in.backup.Take; name == TakeBackup && take.Directory == "" && len(take.Command) == 0 {
		c.fault(n, "backup.take, but backup says not how", "add `take:` to backup")
	}
	if name == VerifyBackup && in.backup.Take.Directory == "" && len(in.backup.Verify.Command) == 0 && !in.backup.Verify.Keeper.Some() {
		c.fault(n, "backup.verify, but nothing says how", "add `verify:` with pgbackrest, barman or a command to backup: only what `take:` wrote into a directory is read without")
	}
	if name == TryBackup && in.backup.Take.Directory == "" && len(in.backup.Try.Command) == 0 {
		c.fault(n, "backup.try, but nothing says how", "add `try:` with a command to backup: only what `take:` wrote into a directory is restored without")
	}
	if in.backup.TimeField == "" {
		c.fault(n, name+", but no field records the backup's time", "add `time_field:` to backup, with the id of a field of type time")
	}
}
