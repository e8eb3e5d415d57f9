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
	aFull = "20261129-234133F"
	anInc = "20261129-234133F_20261129-234137I"
)

// rest is a stand-in for pgBackRest, as version 2.45 answers.
func rest(t *testing.T, a answers) (keeper.Asked, func() []string) {
	t.Helper()
	if _, ok := a["version"]; !ok {
		a["version"] = says{file: "version.txt"}
	}
	program, asked := standIn(t, "pgbackrest-2.45", a)
	return keeper.Asked{Keeper: runbook.Keeper{Stanza: "main", Program: []string{program}, Config: "/etc/pgbackrest.conf"}, Server: server}, asked
}

func TestPgBackRestTellsTheBackup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want phases.Backup
		is   string
	}{
		"by its label":             {phases.Backup{ID: aFull, At: at("23:41:33")}, aFull},
		"recorded a little early":  {phases.Backup{ID: aFull, At: at("23:41:00")}, aFull},
		"by its moment alone":      {phases.Backup{At: at("23:41:37")}, "20261129-234408F"},
		"an incremental one":       {phases.Backup{ID: anInc, At: at("23:41:37")}, anInc},
		"the newest is not asked":  {phases.Backup{ID: anInc, At: at("23:41:00")}, anInc},
		"the newest by its moment": {phases.Backup{At: at("23:44:08")}, "20261129-234408F"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, asked := rest(t, answers{"info": {file: "info.json"}})
			found, err := k.Find(t.Context(), c.want, now)
			told(t, found, err)
			if found.Backup.ID != c.is || found.Backup.Location != "stanza main, repo 1" || found.Bytes == 0 || found.By != "pgbackrest 2.45" {
				t.Errorf("got %+v", found)
			}
			if want := "--stanza=main --log-level-console=off --log-level-stderr=error --config=/etc/pgbackrest.conf --output=json info"; asked()[0] != want {
				t.Errorf("asked %q, want %q", asked()[0], want)
			}
		})
	}
	k, _ := rest(t, answers{"info": {file: "info.json"}})
	found, err := k.Find(t.Context(), phases.Backup{ID: aFull, At: at("23:41:33")}, now)
	told(t, found, err)
	if found.Bytes != 3460529 || !found.Backup.At.Equal(at("23:41:33")) || !slices.Equal(found.Asked, []string{"info"}) {
		t.Errorf("got %+v", found)
	}
}

// One problem each, in a recorded answer in which one thing is another.
func TestPgBackRestTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	info := func(pairs ...string) answers { return answers{"info": {file: "info.json", changes: pairs}} }
	file := func(name string) answers { return answers{"info": {file: name}} }
	full := phases.Backup{ID: aFull, At: at("23:41:33")}
	for name, c := range map[string]struct {
		answers answers
		want    phases.Backup
		is      []string
	}{
		"no such label":            {info(), phases.Backup{ID: "20260101-000000F", At: at("23:41:33")}, []string{"pgBackRest has no backup 20260101-000000F of the stanza main: record one that it has"}},
		"one is under way":         {info(`"held":false`, `"held":true`), phases.Backup{ID: "20260101-000000F", At: at("23:41:33")}, []string{"a backup or an expire is under way, look again when it has ended"}},
		"the label is none":        {info(), phases.Backup{ID: "--set=x y", At: at("23:41:33")}, []string{`"--set=x y" is no backup of pgBackRest's`}},
		"all are older":            {info(), phases.Backup{At: at("23:44:09")}, []string{"has no backup of the stanza main that began at 2026-11-29 23:44:09 UTC or later: its newest is 20261129-234408F of 2026-11-29 23:44:08 UTC"}},
		"it began before":          {info(), phases.Backup{ID: aFull, At: at("23:41:34")}, []string{"began at 2026-11-29 23:41:33 UTC, before the moment that is recorded, 2026-11-29 23:41:34 UTC"}},
		"it has not ended":         {info(`"stop":1795995696}`, `"stop":0}`), full, []string{"does not say that 20261129-234133F has ended"}},
		"it ended before it began": {info(`"stop":1795995696}`, `"stop":1}`), full, []string{"does not say when 20261129-234133F began and ended"}},
		"it began in the future":   {info(`"start":1795995693,"stop":1795995696`, `"start":1895995693,"stop":1895995696`), full, []string{"lies in the future: correct the clocks"}},
		"damaged pages":            {info(`"error":false`, `"error":true`), full, []string{"found damaged pages when it took 20261129-234133F"}},
		"no word of pages":         {info(`"error":false,`, ``), full, []string{"does not say whether pages were damaged"}},
		"nothing in it":            {info(`"size":26621629}`, `"size":0}`), full, []string{"20261129-234133F holds nothing"}},
		"of another server":        {info("7713742752429200510", "7713742752429200511"), full, []string{"is of another server, with the system identifier 7713742752429200511, and the run's has 7713742752429200510: the stanza main is not this one's"}},
		"of no server":             {info(`"db":[`, `"database":[`), full, []string{"does not say of which server 20261129-234133F is", "does not say which version"}},
		"of another version":       {info(`"version":"15"`, `"version":"14"`), full, []string{"is of PostgreSQL 14, and the run's server is of 15"}},
		"the WAL ends before":      {info(`"max":"00000001000000000000000F"`, `"max":"000000010000000000000002"`), full, []string{"needs the WAL files from 000000010000000000000002 to 000000010000000000000003, and the archive does not reach"}},
		"the WAL begins after":     {info(`"min":"000000010000000000000001"`, `"min":"000000010000000000000003"`), full, []string{"the archive does not reach from one to the other"}},
		"there is no WAL":          {info(`"max":"00000001000000000000000F","min":"000000010000000000000001"`, `"max":null,"min":null`), full, []string{"the archive does not reach"}},
		"no word of WAL":           {info(`{"start":"000000010000000000000002","stop":"000000010000000000000003"}`, `{"start":null,"stop":null}`), full, []string{"does not say which WAL 20261129-234133F needs"}},
		"what it builds on is out": {info(`"label":"20261129-234133F"`, `"label":"20261129-234132F"`), phases.Backup{ID: anInc, At: at("23:41:37")}, []string{"builds on 20261129-234133F, which pgBackRest has no longer: take a full one"}},
		"its repository is not well": {
			info(`"repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}}]`, `"repo":[{"cipher":"none","key":1,"status":{"code":99,"message":"[X] y"}}]`), full,
			[]string{"the repository 1 of the stanza main is not in order, as pgBackRest says: [X] y (code 99)"},
		},
		"no stanza":                  {answers{"info": {file: "no-stanza.json", changes: []string{`"other"`, `"main"`}}}, full, []string{"the stanza main is not in order, as pgBackRest says: missing stanza path (code 1)", "has no backup 20261129-234133F"}},
		"no list of backups":         {file("no-data.json"), full, []string{"missing stanza data (code 3)", "has no backup"}},
		"its repository is shut":     {file("denied.json"), full, []string{"[PathOpenError] unable to list file info for path '/var/lib/pgbackrest/backup': [13] Permission denied, in its repository 1 (code 99)", "has no backup"}},
		"no backups, and none meant": {file("no-data.json"), phases.Backup{At: at("23:41:33")}, []string{"missing stanza data (code 3)", "has no whole backup of the stanza main: take one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, _ := rest(t, c.answers)
			found, err := k.Find(t.Context(), c.want, now)
			told(t, found, err, c.is...)
		})
	}
}

func TestAServerThatKeepsWhoItIs(t *testing.T) {
	t.Parallel()
	k, _ := rest(t, answers{"info": {file: "info.json"}})
	k.Server.SystemIdentifier = ""
	found, err := k.Find(t.Context(), phases.Backup{ID: aFull, At: at("23:41:33")}, now)
	told(t, found, err, "grant EXECUTE on pg_control_system() to the role dba")
}

// A repository that is not in order does not count against a backup in another.
func TestARepositoryBesideTheBackups(t *testing.T) {
	t.Parallel()
	k, _ := rest(t, answers{"info": {file: "info.json", changes: []string{
		`"repo":[{`, `"repo":[{"cipher":"none","key":2,"status":{"code":2,"message":"no valid backups"}},{`, `"status":{"code":0,"lock"`, `"status":{"code":4,"lock"`,
	}}})
	found, err := k.Find(t.Context(), phases.Backup{ID: aFull, At: at("23:41:33")}, now)
	told(t, found, err)
}

// What a configuration or ssh prints around the answer is no part of it.
func TestAnAnswerAmongWarnings(t *testing.T) {
	t.Parallel()
	k, _ := rest(t, answers{"info": {file: "info.json", changes: []string{
		`[{"archive":[{`, "Warning: Permanently added 'backup.example'\n[INFO] a greeting\n" + `[{"archive":[{`, `}},"message":"ok"}}]`, `}},"message":"ok"}}]` + "ERROR: [X]\n",
	}}})
	found, err := k.Find(t.Context(), phases.Backup{ID: aFull, At: at("23:41:33")}, now)
	told(t, found, err)
}

func TestPgBackRestReadsTheFiles(t *testing.T) {
	t.Parallel()
	newest := phases.Backup{ID: "20261129-234408F", At: at("23:44:08")}
	for name, c := range map[string]struct {
		verify says
		ls     says
		is     []string
	}{
		"all are whole": {says{file: "verify.txt"}, says{file: "repo-ls.json"}, nil},
		"a damaged file": {
			says{file: "verify-damaged.txt"},
			says{file: "repo-ls.json"},
			[]string{"pgbackrest verify finds 20261129-234408F invalid (checksum invalid: 1): take another one"},
		},
		"a damaged WAL file": {
			says{file: "verify-wal.txt"},
			says{file: "repo-ls.json"},
			[]string{"pgbackrest verify finds 14 of 15 WAL files of the archive 15-1 in order (other: 1)"},
		},
		// pgBackRest 2.45 does not miss it: "status: ok".
		"a WAL file that is not there": {says{file: "verify-gap.txt"}, says{file: "repo-ls-gap.json"}, []string{"needs the WAL file 00000001000000000000000C, and the archive does not have it"}},
		"no word of the backup":        {says{file: "verify-nothing.txt"}, says{file: "repo-ls.json"}, []string{"pgbackrest verify has no word for 20261129-234408F"}},
		"no word at all":               {says{}, says{file: "repo-ls.json"}, []string{"pgbackrest verify has no word for"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, asked := rest(t, answers{"info": {file: "info.json"}, "verify": c.verify, "repo-ls": c.ls})
			k.Files = true
			found, err := k.Find(t.Context(), newest, now)
			told(t, found, err, c.is...)
			if want := []string{"info", "verify", "repo-ls"}; len(c.is) == 0 && !slices.Equal(found.Asked, want) {
				t.Errorf("asked %q", found.Asked)
			}
			if line := asked()[1]; !strings.HasSuffix(line, " --repo=1 --output=text --verbose verify") {
				t.Errorf("asked %q", line)
			}
			if line := asked()[2]; !strings.HasSuffix(line, " --repo=1 --output=json repo-ls archive/main/15-1/0000000100000000") {
				t.Errorf("asked %q", line)
			}
		})
	}
	k, _ := rest(t, answers{"info": {file: "info.json"}, "verify": {file: "no-config.txt", exit: 31}})
	k.Files = true
	if _, err := k.Find(t.Context(), newest, now); err == nil || !strings.Contains(err.Error(), "for verify: it ended with exit code 31") {
		t.Errorf("got %v", err)
	}
}

// A backup whose WAL goes on in the archive's next directory.
func TestWALInSeveralDirectories(t *testing.T) {
	t.Parallel()
	spread := says{file: "info.json", changes: []string{
		`{"start":"00000001000000000000000B","stop":"00000001000000000000000C"}`, `{"start":"00000001000000000000000B","stop":"000000010000000100000001"}`,
		`"max":"00000001000000000000000F"`, `"max":"000000010000000100000001"`,
	}}
	newest := phases.Backup{ID: "20261129-234408F", At: at("23:44:08")}
	next := says{file: "repo-ls.json", changes: []string{`"000000010000000000000001-`, `"000000010000000100000001-`, `"000000010000000000000002-`, `"000000010000000100000000-`}}
	for name, c := range map[string]struct {
		first says
		is    []string
	}{
		"all":              {says{file: "repo-ls.json"}, nil},
		"the last is gone": {says{file: "repo-ls.json", changes: []string{`"00000001000000000000000F-`, `"000000010000000000000003-`}}, []string{"needs the WAL file 00000001000000000000000F"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, _ := rest(t, answers{
				"info": spread, "verify": {file: "verify.txt"}, "repo-ls archive/main/15-1/0000000100000000": c.first, "repo-ls archive/main/15-1/0000000100000001": next,
			})
			k.Files = true
			found, err := k.Find(t.Context(), newest, now)
			told(t, found, err, c.is...)
		})
	}
}

func TestANewBackupOfPgBackRest(t *testing.T) {
	t.Parallel()
	k, _ := rest(t, answers{"info": {file: "info.json"}})
	known, err := k.Known(t.Context())
	if err != nil || !slices.Equal(known, []string{"20261129-234408F", anInc, aFull}) {
		t.Fatalf("known %q, %v", known, err)
	}
	if _, err := k.New(t.Context(), known, now); err == nil || !strings.Contains(err.Error(), "pgBackRest has no new backup of the stanza main: have the command wait until it has ended") {
		t.Errorf("got %v", err)
	}
	found, err := k.New(t.Context(), known[1:], now)
	told(t, found, err)
	if found.Backup.ID != known[0] || !found.Backup.At.Equal(at("23:44:08")) {
		t.Errorf("got %+v", found)
	}
	k.Server.SystemIdentifier = "1"
	found, err = k.New(t.Context(), known[1:], now)
	told(t, found, err, "is of another server")
}
