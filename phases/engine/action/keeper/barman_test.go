package keeper_test

import (
	"slices"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine/action/keeper"
	"tminus/phases/runbook"
)

const (
	theNewest  = "20261129T234734" // of show.json
	theStarted = "20261129T235900" // of show-started.json
)

// barman is a stand-in for it, as version 3.4.0 answers; more replaces answers.
func barman(t *testing.T, more answers) (keeper.Asked, func() []string) {
	t.Helper()
	a := answers{
		"check main": {file: "check.json"}, "list-backups main": {file: "list.json"}, "show-backup main": {file: "no-backup.json", exit: 1},
		"show-backup main " + theNewest: {file: "show.json"}, "show-server main": {file: "show-server.json"}, "--version": {file: "version.txt"},
	}
	for word, s := range more {
		a[word] = s
	}
	program, asked := standIn(t, "barman-3.4.0", a)
	return keeper.Asked{Keeper: runbook.Keeper{Server: "main", Program: []string{program}, Config: "/etc/barman.conf"}, Server: server}, asked
}

func TestBarmanTellsTheBackup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]phases.Backup{
		"by its ID":    {ID: theNewest, At: at("23:47:34")},
		"by its start": {At: at("23:47:34")},
		"or earlier":   {At: at("23:47:00")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, asked := barman(t, nil)
			found, err := k.Find(t.Context(), want, now)
			told(t, found, err)
			if b := found.Backup; b.ID != theNewest || !b.At.Equal(at("23:47:34")) || b.Location != "barman server main" || found.Bytes != 26866135 || found.By != "barman 3.4.0" {
				t.Errorf("got %+v", found)
			}
			if want := "-c /etc/barman.conf -f json check main"; asked()[0] != want {
				t.Errorf("asked %q, want %q", asked()[0], want)
			}
			if !slices.Contains(found.Asked, "check") || !slices.Contains(found.Asked, "show-backup") {
				t.Errorf("asked %q", found.Asked)
			}
		})
	}
	// Later versions say of which server it is, and call its size otherwise.
	k, asked := barman(t, answers{"show-backup main " + theNewest: {file: "show.json", changes: []string{
		`"status": "DONE"`, `"status": "DONE", "system_id": "7713742752429200510"`, `"disk_usage_bytes": 26866135`, `"backup_size_bytes": 17`,
	}}})
	found, err := k.Find(t.Context(), phases.Backup{ID: theNewest, At: at("23:47:34")}, now)
	told(t, found, err)
	if found.Bytes != 17 || slices.ContainsFunc(asked(), func(line string) bool { return strings.Contains(line, "show-server") }) {
		t.Errorf("got %+v of %q", found, asked())
	}
}

func TestBarmanTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	newest := phases.Backup{ID: theNewest, At: at("23:47:34")}
	show := func(pairs ...string) answers {
		return answers{"show-backup main " + theNewest: {file: "show.json", changes: pairs}}
	}
	check := func(file string, pairs ...string) answers {
		return answers{"check main": {file: file, changes: pairs, exit: 1}}
	}
	status := func(s string) answers { // of one that has not ended
		return answers{"show-backup main " + theNewest: {file: "show-started.json", changes: []string{theStarted, theNewest, "STARTED", s}}}
	}
	for name, c := range map[string]struct {
		answers answers
		want    phases.Backup
		is      []string
	}{
		"no such ID":             {nil, phases.Backup{ID: "20200101T000000", At: at("23:47:34")}, []string{"barman has no backup 20200101T000000 of the server main: record one that it has"}},
		"another tomorrow":       {answers{"show-backup main latest": {file: "show.json"}}, phases.Backup{ID: "latest", At: at("23:47:34")}, []string{"barman has no backup latest of the server main"}},
		"the ID is none":         {nil, phases.Backup{ID: "$(reboot)", At: at("23:47:34")}, []string{`"$(reboot)" is no backup of barman's`}},
		"all are older":          {nil, phases.Backup{At: at("23:47:35")}, []string{"has no backup of the server main that began at 2026-11-29 23:47:35 UTC or later: its newest is " + theNewest}},
		"it began before":        {nil, phases.Backup{ID: theNewest, At: at("23:47:35")}, []string{"before the moment that is recorded"}},
		"it is under way":        {answers{"show-backup main " + theNewest: {file: "show-started.json", changes: []string{theStarted, theNewest}}}, newest, []string{"is still under way, barman says STARTED"}},
		"it failed":              {status(`FAILED", "error": "failure copying files`), newest, []string{"did not end well, barman says FAILED, failure copying files: take another one"}},
		"it is of no known kind": {status("SOMETHING"), newest, []string{"did not end well, barman says SOMETHING"}},
		"it waits for WAL":       {show("DONE", "WAITING_FOR_WALS"), newest, []string{"waits for the WAL that it needs: run barman switch-wal --force --archive main"}},
		"its WAL is not there":   {show(`"last_available": "00000001000000000000000F"`, `"last_available": "00000001000000000000000E"`), newest, []string{"needs the WAL file 00000001000000000000000F, and barman does not have it"}},
		"there is no WAL":        {show(`"last_available": "00000001000000000000000F"`, `"last_available": null`), newest, []string{"and barman does not have it"}},
		"no word of WAL":         {show(`"end_wal"`, `"wal"`), newest, []string{"does not say which WAL"}},
		"no word of its start":   {show(`"begin_time_timestamp"`, `"begin"`), newest, []string{"does not say when"}},
		"no word of its end":     {show(`"end_time_timestamp"`, `"end"`), newest, []string{"does not say when"}},
		"of another version":     {show("150018", "140002"), newest, []string{"is of PostgreSQL 14, and the run's server is of 15"}},
		"of another server":      {show(`"status"`, `"system_id": "12", "status"`), newest, []string{"is of another server, with the system identifier 12"}},
		"a server of no name": {
			answers{"show-server main": {file: "show-server.json", changes: []string{`"7713742752429200510"`, `null`}}},
			newest,
			[]string{"does not say of which server " + theNewest + " is"},
		},
		"connected to another": {
			answers{"show-server main": {file: "show-server.json", changes: []string{"7713742752429200510", "7713742752429200511"}}},
			newest,
			[]string{"is of another server, with the system identifier 7713742752429200511"},
		},
		"not known to be the same": {
			check("check.json", `"systemid_coherence": {"hint": ""`, `"systemid_coherence": {"hint": "no system Id stored on disk"`), newest,
			[]string{"does not say of which server"},
		},
		"a check fails": {
			check("check.json", `"hint": "have 2 backups, expected at least 1", "status": "OK"`, `"hint": "have 2 backups, expected at least 4", "status": "FAILED"`), newest,
			[]string{"barman check says FAILED of minimum redundancy requirements, have 2 backups, expected at least 4: mend it, and verify again"},
		},
		"the server is down": {check("check-down.json"), newest, []string{
			"FAILED of pg basebackup compatible", "FAILED of pg receivexlog compatible", "FAILED of postgresql: mend it", "FAILED of receive wal running", "does not say of which server",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, _ := barman(t, c.answers)
			found, err := k.Find(t.Context(), c.want, now)
			told(t, found, err, c.is...)
		})
	}
}

// A backup that is under way or failed stands before the one that counts.
func TestBarmanPassesOverWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status string
		after  string
		is     []string
	}{
		"another began since":          {"STARTED", "23:46:00", nil},
		"another failed since":         {"FAILED", "23:46:00", nil},
		"the one that counts is going": {"STARTED", "23:50:00", []string{"its newest is 20261129T234734 of 2026-11-29 23:47:34 UTC; record when that one began, or take another one; 20261129T235900 is still under way, barman says STARTED: wait for its end, and verify again; 20261129T235900 is under way"}},
		"the one that counts failed":   {"FAILED", "23:50:00", []string{"take another one; 20261129T235900 did not end well, barman says FAILED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := []string{"STARTED", c.status}
			if c.status == "STARTED" {
				change = nil
			}
			k, _ := barman(t, answers{
				"list-backups main": {file: "list-started.json", changes: change}, "show-backup main " + theStarted: {file: "show-started.json", changes: change},
			})
			found, err := k.Find(t.Context(), phases.Backup{At: at(c.after)}, now)
			told(t, found, err, c.is...)
			if c.is == nil && found.Backup.ID != "20261129T234734" {
				t.Errorf("got %+v", found)
			}
		})
	}
}

func TestBarmanReadsTheFiles(t *testing.T) {
	t.Parallel()
	newest := phases.Backup{ID: theNewest, At: at("23:47:34")}
	for name, c := range map[string]struct {
		verify says
		is     []string
	}{
		"all are whole":  {says{file: "verify.json"}, nil},
		"a damaged file": {says{file: "verify-damaged.json", exit: 1}, []string{`pg_verifybackup: error: checksum mismatch for file "base/5/1259"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, asked := barman(t, answers{"verify-backup main " + theNewest: c.verify})
			k.Files = true
			found, err := k.Find(t.Context(), newest, now)
			told(t, found, err, c.is...)
			if !slices.Contains(found.Asked, "verify-backup") {
				t.Errorf("asked %q: %q", found.Asked, asked())
			}
		})
	}
	k, _ := barman(t, answers{"verify-backup main " + theNewest: {file: "no-config.txt", exit: 2}})
	k.Files = true
	if _, err := k.Find(t.Context(), newest, now); err == nil || !strings.Contains(err.Error(), "for verify-backup: it ended with exit code 2") {
		t.Errorf("got %v", err)
	}
}

func TestANewBackupOfBarman(t *testing.T) {
	t.Parallel()
	k, _ := barman(t, nil)
	known, err := k.Known(t.Context())
	if err != nil || !slices.Equal(known, []string{theNewest, "20261129T234306"}) || len(known) == 0 {
		t.Logf("known %q, %v", known, err)
	}
	found, err := k.New(t.Context(), []string{"20261129T234306"}, now)
	told(t, found, err)
	if found.Backup.ID != theNewest {
		t.Errorf("got %+v", found)
	}
	k, _ = barman(t, answers{"show-backup main " + theNewest: {file: "show-started.json", changes: []string{theStarted, theNewest}}})
	found, err = k.New(t.Context(), []string{"20261129T234306"}, now)
	told(t, found, err, "is still under way")
}
