// Package check declares the checks that a runbook can ask for by name: what
// each takes, what it means, and what of the run its answer rests on. It asks
// nothing: package db has the query behind each, by the same name, and a test
// holds the two together; what the run itself knows, package phases answers.
// What is outside of the database is a family of its own, which package outside
// answers.
package check

import "slices"

// Fact is something that a run knows, and that an answer may rest on: when it
// changes, whoever rests on it is asked again at once.
type Fact int

// The facts, as bits of a set.
const (
	Triggers    Fact = 1 << iota // those that were recorded before they were disabled
	BackupTime                   // when the backup was taken, and how old it may be
	Observers                    // who watches a mirror
	Window                       // when no phase may start any more
	Baseline                     // counts and content before the first phase
	BackupProof                  // what was found out about the backup that is recorded
	Rehearsal                    // the rehearsal that the run rests on, and what its tables are like
	Price                        // what the phases to come are reckoned to take
	Course                       // what the phases came to, and which items are done
	Sessions                     // who is connected, as far as the run ends sessions
)

// Kind is one check.
type Kind struct {
	Name  string
	Means string   // what holds when it passes, as the reference says it
	Takes []string // the keys of `check` that belong to it, beside those of every check
	Needs []string // of which it needs one
	All   []string // of which it needs each
	Rests Fact     // what its answer rests on, beside the database; 0 for nothing
	OfRun bool     // the run's own facts answer it, and no query
	Lasts bool     // what it finds has to stay true: it is asked at the later stages too
}

// The checks that others speak of by name.
const (
	BackupAge        = "backup.age"
	BackupReadable   = "backup.readable"
	BackupRestored   = "backup.restored"
	BackupSize       = "backup.size"
	TriggersDisabled = "triggers.disabled"
	TriggersRestored = "triggers.restored"

	RunVerified  = "run.verified"
	RunProtected = "run.protected"
	RunBaseline  = "run.baseline"
	RunDeletions = "run.deletions"
	RunItems     = "run.items"
	RunPhase     = "run.phase"

	RehearsalCompleted = "rehearsal.completed"
	RehearsalSchema    = "rehearsal.schema"
	RehearsalProtected = "rehearsal.protected"
	RehearsalClean     = "rehearsal.clean"
)

// kinds are the checks of the database and of the run, by name.
var kinds = []Kind{
	{Name: "archiver.healthy", Means: "archive_mode is on, the last archiving did not fail, and was at most max_age ago or no file has waited for longer", Takes: []string{"max_age"}, Needs: []string{"max_age"}},
	{Name: BackupAge, Means: "the recorded backup time is less than max_age ago", Takes: []string{"max_age"}, Rests: BackupTime, OfRun: true},
	{Name: BackupReadable, Means: "the action `backup.verify` has read the backup that is recorded now through, nothing was wrong with it, and nobody has touched its files since", Rests: BackupProof},
	{Name: BackupRestored, Means: "the action `backup.try` has restored the backup that is recorded now, less than max_age ago, it held what its snapshot did, nobody has touched its files since, and the tables that the runbook concerns are defined now as they were then, but for what the run itself disabled", Takes: []string{"max_age"}, Rests: BackupTime | BackupProof},
	{Name: BackupSize, Means: "the files of the backup that is recorded were, when the action `backup.take` had taken it, at least min percent (default 2) of the size of the tables, and at least half of those of the backup of this database before it in the same directory, the run's own aside", Takes: []string{"min"}, Rests: BackupTime | BackupProof, OfRun: true},
	{Name: "capsule.clear", Means: "what the steps with put_back are to put back meets nothing that was written since, but where `keep` or `replace` says what is to be done; it is tried in a transaction that is rolled back"},
	{Name: "capsule.whole", Means: "the capsules of the steps with put_back are those that their run recorded, and can be read from end to end"},
	{Name: "clock.close", Means: "the clocks of the server and of this machine are at most max_age apart (default 1s)", Takes: []string{"max_age"}},
	{Name: "database.connections", Means: "client connections to this database other than tminus's own are at most max (default 0)", Takes: []string{"max"}, Rests: Sessions},
	{Name: "database.connects", Means: "the database answers on a new connection"},
	{Name: "database.long_transactions", Means: "no transaction in this database other than tminus's own, nor a prepared one, is older than max_age", Takes: []string{"max_age"}, Needs: []string{"max_age"}, Rests: Sessions},
	{Name: "database.prepared", Means: "prepared transactions of this database are at most max (default 0)", Takes: []string{"max"}},
	{Name: "database.size", Means: "the database's size in megabytes is between min and max", Takes: []string{"min", "max"}, Needs: []string{"min", "max"}},
	{Name: "database.tables", Means: "the number of tables in the runbook's schema is between min and max", Takes: []string{"min", "max"}, Needs: []string{"min", "max"}},
	{Name: "database.transactions", Means: "open transactions in this database other than tminus's own are at most max (default 0)", Takes: []string{"max"}, Rests: Sessions},
	{Name: "database.writable", Means: "the server is not in recovery and transactions are not read-only"},
	{Name: "jobs.due", Means: "no active job that pg_cron runs in this database is due from T-0 where the first phase waits for that, else from now, until no phase may start any more, or pg_cron is not installed", Rests: Window},
	{Name: "mirror.present", Means: "a mirror session is connected, of the key with the comment observer where that is given", Takes: []string{"observer"}, Rests: Observers, OfRun: true},
	{Name: "protected.intact", Means: "every protected table has the count and content of the baseline", Rests: Baseline},
	{Name: RehearsalClean, Means: "in the rehearsal no phase was tried twice, and no abort condition was met", Rests: Rehearsal, OfRun: true},
	{Name: RehearsalCompleted, Means: "the rehearsal of this very runbook ended as completed with every phase, not longer ago than `rehearsal.max_age`", Rests: Rehearsal, OfRun: true},
	{Name: RehearsalProtected, Means: "every protected table had the rehearsal's baseline's count and content after its last phase", Rests: Rehearsal, OfRun: true},
	{Name: RehearsalSchema, Means: "the tables that the runbook concerns are as many, and like those, that the rehearsal had", Rests: Rehearsal, OfRun: true},
	{Name: "replication.lag", Means: "as many standbys as standbys says (default 1) are connected, and they and all others that receive WAL are streaming, at most max megabytes behind, and replay within max_age", Takes: []string{"max", "max_age", "standbys"}, Needs: []string{"max"}},
	{Name: "replication.slots", Means: "every replication slot of the server is active, its WAL neither unreserved nor lost, and where its WAL is limited, min megabytes are left", Takes: []string{"min"}},
	{Name: RunBaseline, Means: "the baseline is recorded: the rows of every table that the phases delete from, and the content of every protected one", Rests: Course, OfRun: true},
	{Name: RunDeletions, Means: "every phase that deletes is committed, and the journal has how many rows each of its tables lost", Rests: Course, OfRun: true},
	{Name: RunItems, Means: "the items are done, and those of the groups that are named", Takes: []string{"items"}, Needs: []string{"items"}, Rests: Course, OfRun: true},
	{Name: RunPhase, Means: "the phase is committed or passed, it is not undone, and all that was verified in it held", Takes: []string{"phase"}, Needs: []string{"phase"}, Rests: Course, OfRun: true},
	{Name: RunProtected, Means: "the last phase found every protected table with the count and content of the baseline", Rests: Course, OfRun: true},
	{Name: RunVerified, Means: "every phase is committed or passed, none is undone, and all that was verified in them held", Rests: Course, OfRun: true},
	{Name: "tables.filled", Means: "the named tables each hold at least one row", Takes: []string{"tables"}, Needs: []string{"tables"}},
	{Name: "tables.zero", Means: "the named tables hold no row", Takes: []string{"tables"}, Needs: []string{"tables"}},
	{Name: TriggersDisabled, Means: "the named triggers exist and none of them fires", Takes: []string{"triggers"}, Rests: Triggers},
	{Name: TriggersRestored, Means: "every trigger recorded by triggers.disable is back in the state and with the definition it had", Rests: Triggers, Lasts: true},
	{Name: "wal.room", Means: "the WAL that the server holds and the most that the phases to come are reckoned to write are together less than max megabytes, which is the size of the file system that the WAL is on", Takes: []string{"max"}, All: []string{"max"}, Rests: Price},
}

// Kinds are the checks of the database and of the run, in the order of their names.
func Kinds() []Kind { return kinds }

// Of is the check of a name, of either family; the zero value for one that
// nobody knows, and for the empty name.
func Of(name string) Kind {
	for _, k := range slices.Concat(kinds, outside) {
		if k.Name == name {
			return k
		}
	}
	return Kind{}
}
