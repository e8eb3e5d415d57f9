package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/monitor"
)

// Streams are the program's own. They are files because a screen asks whether
// they are a terminal.
type Streams struct {
	In, Out, Err *os.File
}

// Flags are those of the commands that run a runbook. The zero value is what a
// command without flags gets, but for the defaults that help shows.
type Flags struct {
	DSN        string // empty: PG* variables, service file, password file
	Journal    string // empty: a new file in the user's state directory
	StartAt    string // planned T-0; empty: when the checklist has had its time
	Plain      bool
	Unattended bool
	New        bool          // although an unfinished run exists
	Hold       time.Duration // how long a verified transaction waits
	Rehearsal  string        // journal of the rehearsal; empty: looked for in the user's state directory
	FromBackup string        // of which backup the rehearsal's copy is made: its directory, or NewestBackup; empty: none is made
	EndHolder  uint32        // session to end when it holds the operator lock; 0: none
	Users      int           // the demo's
	Seed       int64         // the demo's
	Pace       bool          // the demo's phases last some seconds
	Drama      bool          // the demo goes wrong, in the ways that can be mended
	Measure    time.Duration // how long the demo measures response times; 0: the guide's minute
	Mirror     Mirror
	Metrics    string // address to serve metrics on; empty: none
	StatusFile string // empty: none
	Looks      ui.Looks

	NoUndo   bool   // a rehearsal does not put back what it took
	Identity string // file with the key that opens encrypted capsules; empty: none

	drama   *drama                                     // what goes wrong in a demo; nil: nothing is made to
	monitor *monitor.Monitor                           // tells other programs of the run; nil: nobody is told
	copy    *phases.Copy                               // what the run's database was restored from; nil for none
	undoes  *phases.Undoes                             // what the run undoes; nil for any other
	address reached                                    // whence DSN is, where no flag gave it
	fits    func(engine.Target, phases.Identity) error // whether the database is the one that is meant; nil: any will do
}

// NewestBackup stands for the newest backup of the runbook's.
const NewestBackup = "newest"

// Mirror is where to serve a mirror, and for whom. An empty Listen serves none.
type Mirror struct {
	Listen, Keys, HostKey string
}

// Execute runs the command that args name, and gives the program's exit code.
func Execute(args []string, s Streams, database Database) int {
	root := commands(&app{stdin: s.In, stdout: s.Out, stderr: s.Err, database: database})
	root.SetArgs(joined(args))
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	say := func(w io.Writer, err error) {
		if err != nil && err.Error() != "" {
			fmt.Fprintf(w, "tminus: %v\n", err)
		}
	}
	var failed error
	keepErrors(root, &failed)
	err := fang.Execute(context.Background(), root, fang.WithVersion(engine.Version()), fang.WithErrorHandler(func(w io.Writer, _ fang.Styles, err error) { say(w, err) }))
	if err == nil {
		err = failed
		say(s.Err, err)
	}
	var exit *Exit
	switch {
	case err == nil:
		return Finished
	case errors.As(err, &exit):
		return exit.Code
	}
	return Usage // cobra's own: unknown command, flag or argument
}

// keepErrors has commands put their errors into failed. Of one that it is given the
// library asks the terminal for its colours, and waits for the answer: a run in lines
// still reads there, and takes it away.
func keepErrors(c *cobra.Command, failed *error) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*failed = run(c, args)
			return nil
		}
	}
	for _, sub := range c.Commands() {
		keepErrors(sub, failed)
	}
}

func commands(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tminus",
		Short: "Destructive PostgreSQL maintenance, with nothing left to luck",
		Long: "tminus runs a runbook against a PostgreSQL database: a checklist, a go/no-go gate,\n" +
			"one transaction a phase, verification before COMMIT, and an execution log that writes itself.\n\n" +
			"Exit codes: 0 finished; 1 error; 2 usage or runbook; 3 no-go; 4 rolled back or aborted;\n" +
			"5 the outcome of a COMMIT is unknown or no longer held, or the database tells another story\n" +
			"than the journal; 6 unfinished.",
		Example: "  tminus demo\n  tminus guide > reset.yaml\n  tminus lint reset.yaml\n" +
			"  tminus rehearse reset.yaml --dsn 'host=rehearsal dbname=gym'\n  tminus run reset.yaml --dsn 'host=prod dbname=gym'",
	}
	root.AddCommand(demoCommand(a), rehearseCommand(a), runCommand(a), resumeCommand(a), mirrorCommand(a), watchCommand(a), replayCommand(a))
	root.AddCommand(fencesCommand(a), restoreCommand(a))
	root.AddCommand(undoCommand(a), capsuleCommand(a))
	root.AddCommand(initCommand(a), lintCommand(a), reachCommand(a), tellCommand(a))
	root.AddCommand(reportCommand(a))
	root.AddCommand(onFile("verify JOURNAL", "Check that a journal is whole and unchanged", "  tminus verify reset.journal", a.verify))
	root.AddCommand(guideCommand(a))
	root.AddCommand(licencesCommand())
	complete(root)
	return root
}

func guideCommand(a *app) *cobra.Command {
	var site runbook.Site
	c := &cobra.Command{
		Use: "guide", Short: "Print the guide's runbook, to start one's own from",
		Example: "  tminus guide > reset.yaml\n  tminus guide --checkout /srv/shop --backups /backup/shop > reset.yaml\n  tminus guide --by-hand > reset.yaml",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for flag, dir := range map[string]string{"checkout": site.Checkout, "backups": site.Backups} {
				if dir != "" && !filepath.IsAbs(dir) {
					return &Exit{Code: Usage, Err: fmt.Errorf("--%s %s: a path from the root on", flag, dir)}
				}
			}
			return a.guide(site)
		},
	}
	c.Flags().StringVar(&site.Checkout, "checkout", "", "the application's git checkout, an absolute path")
	c.Flags().StringVar(&site.Backups, "backups", "", "where backups are written, an absolute path")
	c.Flags().BoolVar(&site.ByHand, "by-hand", false, "somebody else takes the backup, and it is recorded by hand")
	return c
}

// onFile is a command that takes one file and no flags.
func onFile(use, short, example string, do func(string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return do(args[0]) },
	}
}

func demoCommand(a *app) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:     "demo",
		Short:   "Run the guide's reset of a gym's database, on a throwaway server",
		Example: "  tminus demo\n  tminus demo --users 100000\n  tminus demo --unattended --plain --journal demo.journal",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.Pace && !c.Flags().Changed("users") {
				f.Users = a.database.PacedUsers
			}
			return a.told(f, func(f Flags) error { return a.demo(c.Context(), f) })
		},
	}
	newRunFlags(c, &f)
	screenFlags(c, &f)
	unattendedFlag(c, &f)
	c.Flags().IntVar(&f.Users, "users", 20_000, "how many users the gym has; some 25 rows each")
	c.Flags().BoolVar(&f.Pace, "pace", false, "load so many rows that each phase is at work for some seconds, and can be watched")
	c.Flags().BoolVar(&f.Drama, "drama", false, "have a few things go wrong once, to meet them: a backup too old, a trigger enabled again, a session in the way of a phase")
	c.Flags().Int64Var(&f.Seed, "seed", 1, "seed of the generated data")
	c.Flags().DurationVar(&f.Measure, "measure", 0, "how long the application's response times are measured at the end; default the guide's 1m, unattended 3s")
	return c
}

func rehearseCommand(a *app) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:   "rehearse RUNBOOK",
		Short: "Run a runbook against a copy of the database",
		Example: "  tminus rehearse reset.yaml --dsn 'host=rehearsal dbname=gym'\n  tminus rehearse reset.yaml --unattended --plain\n" +
			"  tminus rehearse reset.yaml --from-backup\n  tminus rehearse reset.yaml --from-backup=/var/backups/gym/gym-20260130T020000Z",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 && f.FromBackup == NewestBackup {
				return fmt.Errorf("one runbook: the backup's directory is written with an equals sign, --from-backup=%s", args[1])
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.told(f, func(f Flags) error { return a.rehearse(c.Context(), args[0], f) })
		},
	}
	c.Flags().BoolVar(&f.NoUndo, "no-undo", false, "do not put back at the end what the phases took: production then has no proven time of an undo")
	identityFlag(c, &f)
	c.Flags().StringVar(&f.FromBackup, "from-backup", "", "restore the newest backup of the runbook's into a throwaway server and rehearse there; with =LOCATION, the backup in that directory")
	c.Flags().Lookup("from-backup").NoOptDefVal = NewestBackup
	newRunFlags(c, &f)
	againFlag(c, &f)
	targetFlags(c, &f)
	screenFlags(c, &f)
	unattendedFlag(c, &f)
	return c
}

func runCommand(a *app) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:     "run RUNBOOK",
		Short:   "Run a runbook that was rehearsed against production",
		Example: "  tminus run reset.yaml --dsn 'host=prod dbname=gym user=dba'\n  PGSERVICE=prod tminus run reset.yaml --start-at 02:00\n  tminus run reset.yaml --rehearsal reset-20260130.journal",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.told(f, func(f Flags) error { return a.production(c.Context(), args[0], f) })
		},
	}
	newRunFlags(c, &f)
	againFlag(c, &f)
	targetFlags(c, &f)
	screenFlags(c, &f)
	c.Flags().Lookup("start-at").Usage = "planned start of the first phase, as 02:00 or 2026-01-30 02:00 in this machine's time zone: the gate and that phase are then kept to their times (default: when the checklist has had its time, which is only shown)"
	c.Flags().StringVar(&f.Rehearsal, "rehearsal", "", "journal of the rehearsal that this run rests on (default: the last completed one of the same runbook in the user's state directory)")
	return c
}

func undoCommand(a *app) *cobra.Command {
	var f Flags
	var u UndoFlags
	c := &cobra.Command{
		Use:   "undo JOURNAL",
		Short: "Put back what the phases of a run took away, from its capsules",
		Long: "undo is a run of its own: it has a checklist, a gate, a journal, and one transaction for each\n" +
			"phase that is undone, the newest first. What was written since stays; where it is in the way,\n" +
			"nothing is put back until --keep or --replace says for that table what is to be done.",
		Example: "  tminus undo reset.journal --plan --dsn 'host=prod dbname=gym'\n  tminus undo reset.journal --dsn 'host=prod dbname=gym user=dba'\n" +
			"  tminus undo reset.journal --phases 5,4\n  tminus undo reset.journal --keep user_settings --replace qr_codes",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.told(f, func(f Flags) error { return a.undo(c.Context(), args[0], f, u) })
		},
	}
	c.Flags().StringSliceVar(&u.Phases, "phases", nil, "the phases to undo, by id or number (default: all that kept a capsule)")
	c.Flags().StringSliceVar(&u.Keep, "keep", nil, "tables where a row that is in the way stays, and the capsule's is left out")
	c.Flags().StringSliceVar(&u.Replace, "replace", nil, "tables where a row that is in the way goes, for the capsule's")
	c.Flags().StringVar(&u.Capsules, "capsules", "", "folder of the run's capsules (default: where the run kept them, or beside its journal)")
	c.Flags().BoolVar(&u.Plan, "plan", false, "tell what would be put back and what is in its way, with a few keys, and do nothing")
	identityFlag(c, &f)
	newRunFlags(c, &f)
	againFlag(c, &f)
	targetFlags(c, &f)
	screenFlags(c, &f)
	unattendedFlag(c, &f)
	return c
}

func identityFlag(c *cobra.Command, f *Flags) {
	c.Flags().StringVar(&f.Identity, "identity", "", "file with the key that opens encrypted capsules: an identity of age, or an SSH key")
}

func mirrorCommand(a *app) *cobra.Command {
	var m Mirror
	var f Flags
	c := &cobra.Command{
		Use:     "mirror JOURNAL",
		Short:   "Serve a run's screen over SSH, from its journal alone",
		Example: "  tminus mirror reset.journal --mirror-keys watchers\n  ssh -p 2222 dba-host",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.toldOf(args[0], f, func() error { return a.mirror(c.Context(), args[0], m) })
		},
	}
	c.Flags().StringVar(&m.Listen, "listen", "127.0.0.1:2222", "address to serve on")
	mirrorFlags(c, &m)
	monitorFlags(c, &f)
	return c
}

func watchCommand(a *app) *cobra.Command {
	var plain bool
	var f Flags
	c := &cobra.Command{
		Use:     "watch JOURNAL",
		Short:   "See a run's screen without its controls",
		Example: "  tminus watch reset.journal\n  tminus watch reset.journal --plain",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.toldOf(args[0], f, func() error { return a.watch(c.Context(), args[0], plain, f.Looks) })
		},
	}
	c.Flags().BoolVar(&plain, "plain", false, "one event a line")
	looksFlags(c, &f.Looks)
	monitorFlags(c, &f)
	return c
}

func newRunFlags(c *cobra.Command, f *Flags) {
	c.Flags().StringVar(&f.Journal, "journal", "", "the run's journal, a new file (default: in the user's state directory)")
	c.Flags().StringVar(&f.StartAt, "start-at", "", "planned start of the first phase, as 02:00 or 2026-01-30 02:00 (default: when the checklist has had its time)")
}

func againFlag(c *cobra.Command, f *Flags) {
	c.Flags().BoolVar(&f.New, "new", false, "start a new run although an unfinished one of the same runbook and database exists")
}

func unattendedFlag(c *cobra.Command, f *Flags) {
	c.Flags().BoolVar(&f.Unattended, "unattended", false, "nobody is asked: commit where everything holds, roll back where anything does not")
}

func targetFlags(c *cobra.Command, f *Flags) {
	c.Flags().StringVar(&f.DSN, "dsn", "", "connection URL or key=value string (default: PG* variables, service file, password file)")
	c.Flags().Uint32Var(&f.EndHolder, "end-holder", 0, "the pid of a session to end first, when it holds the operator lock and its program is dead")
}

func screenFlags(c *cobra.Command, f *Flags) {
	c.Flags().BoolVar(&f.Plain, "plain", false, "one event a line, questions as lines; for pipes, dumb terminals and screen readers")
	c.Flags().DurationVar(&f.Hold, "hold", 2*time.Minute, "how long a verified transaction waits for COMMIT or ROLLBACK")
	c.Flags().StringVar(&f.Mirror.Listen, "mirror", "", "serve a read-only mirror over SSH on this address, such as 127.0.0.1:2222")
	mirrorFlags(c, &f.Mirror)
	looksFlags(c, &f.Looks)
	monitorFlags(c, f)
}

func mirrorFlags(c *cobra.Command, m *Mirror) {
	c.Flags().StringVar(&m.Keys, "mirror-keys", "", "authorized_keys file of those who may watch")
	c.Flags().StringVar(&m.HostKey, "mirror-host-key", "", "the mirror's host key, made when missing (default: in the user's state directory)")
}
