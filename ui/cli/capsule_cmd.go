package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// capsuleFlags are those of the commands on a run's capsules.
type capsuleFlags struct {
	Capsules string // the folder of the run's capsules; empty: where the run kept them, or beside the journal
	Identity string // file with the key that opens them; empty: none
	Output   string // folder for what was decrypted
	Now      bool   // expire what is to be kept, too
	Yes      string // the run's database, for Now where nobody can be asked
}

func capsuleCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "capsule",
		Short: "See, verify, decrypt and destroy what the phases of runs took away",
		Long: "A capsule is what one phase took away, as files outside of the database: enough for `tminus undo`\n" +
			"to put it back, and for pg_restore or psql where tminus is not at hand. It holds the rows themselves.",
		Example: "  tminus capsule list\n  tminus capsule verify reset.journal\n  tminus capsule expire",
		Args:    cobra.NoArgs,
	}
	c.AddCommand(capsuleList(a), capsuleVerify(a), capsuleExpire(a), capsuleDecrypt(a))
	return c
}

func capsuleList(a *app) *cobra.Command {
	var f capsuleFlags
	c := &cobra.Command{
		Use:   "list [JOURNAL...]",
		Short: "List the capsules of runs: how much, until when, for whom, and what is wrong",
		Long: "Without a journal: those of all runs in the user's state directory. Manifests are held against the\n" +
			"journal, files against names and sizes; their content is read by `tminus capsule verify` alone.\n\n" +
			"Exit codes: 0; 1 where one is not as it should be, or a journal cannot be read.",
		Example: "  tminus capsule list\n  tminus capsule list reset.journal\n  tminus capsule list reset.journal --capsules /mnt/old/reset.journal.capsule",
		RunE:    func(_ *cobra.Command, args []string) error { return a.listCapsules(args, f) },
	}
	capsulesFlag(c, &f.Capsules)
	return c
}

func capsuleVerify(a *app) *cobra.Command {
	var f capsuleFlags
	c := &cobra.Command{
		Use:   "verify JOURNAL",
		Short: "Read all of a run's capsules, and hold them against its journal",
		Long: "Exit codes: 0 where every capsule of the run is there, whole, and the one that the journal\n" +
			"recorded; 1 where one is not, or cannot be read.",
		Example: "  tminus capsule verify reset.journal\n  tminus capsule verify reset.journal --identity /root/undo.key",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.verifyCapsules(c.Context(), args[0], f) },
	}
	capsulesFlag(c, &f.Capsules)
	capsuleIdentity(c, &f)
	return c
}

func capsuleExpire(a *app) *cobra.Command {
	var f capsuleFlags
	c := &cobra.Command{
		Use:   "expire [JOURNAL...]",
		Short: "Destroy the capsules whose time is over",
		Long: "Destroys for good the rows of capsules whose `keep:` is over; a tombstone stays, which says what\n" +
			"they were, when they were destroyed, and by whom. Without a journal: those of all runs in the user's\n" +
			"state directory. Capsules of a run that has not ended stay.\n\n" +
			"Files are removed, not overwritten. Copies that somebody made, also decrypted ones, are not found.\n\n" +
			"Exit codes: 0; 1 where one could not be destroyed, or judged; 4 not destroyed, as answered.",
		Example: "  tminus capsule expire\n  tminus capsule expire reset.journal\n  tminus capsule expire reset.journal --now\n  tminus capsule expire reset.journal --now --yes gym",
		RunE:    func(_ *cobra.Command, args []string) error { return a.expireCapsules(args, f) },
	}
	capsulesFlag(c, &f.Capsules)
	c.Flags().BoolVar(&f.Now, "now", false, "also those whose time is not over, or that have none; asks for the name of the run's database")
	c.Flags().StringVar(&f.Yes, "yes", "", "with --now: the name of the run's database, where nobody can be asked")
	return c
}

func capsuleDecrypt(a *app) *cobra.Command {
	var f capsuleFlags
	c := &cobra.Command{
		Use:   "decrypt JOURNAL",
		Short: "Write plain copies of a run's encrypted capsules, for pg_restore and psql",
		Long: "`tminus undo` reads encrypted capsules by itself, with --identity: a plain copy is for those who\n" +
			"put rows back without it. Nothing expires the copy: remove it afterwards.",
		Example: "  tminus capsule decrypt reset.journal --identity /root/undo.key --output /srv/plain",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.decryptCapsules(c.Context(), args[0], f) },
	}
	capsulesFlag(c, &f.Capsules)
	capsuleIdentity(c, &f)
	c.Flags().StringVar(&f.Output, "output", "", "folder to write to: each capsule becomes a folder there")
	return c
}

func capsulesFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "capsules", "", "folder of the run's capsules (default: where the run kept them, or beside its journal)")
}

func capsuleIdentity(c *cobra.Command, f *capsuleFlags) {
	c.Flags().StringVar(&f.Identity, "identity", "", "file with the key that opens encrypted capsules: an identity of age, or an SSH key")
}

// keptRun is a run, and what there is of its capsules.
type keptRun struct {
	path   string
	state  *phases.State
	folder string // of its capsules; empty: it has none
	held   []phases.HeldCapsule
}

var errNoCapsules = errors.New("the run kept no capsules: only a restore brings its rows back")

// keptRun reads a run's journal, and looks for its capsules.
func (a *app) keptRun(path, capsules string) (*keptRun, error) {
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return nil, err
	}
	state, err := phases.Fold(recs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if state.Opened.RunID == "" {
		return nil, fmt.Errorf("%s: no run was opened", path)
	}
	out := &keptRun{path: path, state: state}
	out.folder, err = capsuleFolder(state, path, capsules)
	switch {
	case errors.Is(err, errNoCapsules):
		return out, nil
	case err != nil && len(state.HeldCapsules(nil)) == 0 && capsules == "":
		return out, nil // no phase has got that far
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	files, err := a.database.Capsules.List(out.folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out.held = state.HeldCapsules(files)
	return out, nil
}

// keptRuns calls do for the runs of journals, or of all in the state directory. One
// that fails does not keep the others from their turn; all failures are told, and
// then it is one.
func (a *app) keptRuns(paths []string, f capsuleFlags, do func(*keptRun) error) error {
	all := len(paths) == 0
	if f.Capsules != "" && len(paths) != 1 {
		return &Exit{Code: Usage, Err: errors.New("--capsules is the folder of one run: name that run's journal, and no other")}
	}
	if all {
		var err error
		if paths, err = engine.Journals(); err != nil {
			return Failed(err)
		}
	}
	code := Finished
	for _, path := range paths {
		run, err := a.keptRun(path, f.Capsules)
		if err == nil && (!all || len(run.held) > 0) {
			err = do(run)
		}
		if all && errors.Is(err, journal.ErrEmpty) { // a run that never began
			continue
		}
		if err != nil {
			if err.Error() != "" {
				fmt.Fprintf(a.stderr, "tminus: %v\n", err)
			}
			code = Error
			if exit, ok := errors.AsType[*Exit](err); ok {
				code = exit.Code
			}
		}
	}
	if code != Finished {
		return &Exit{Code: code}
	}
	return nil
}

// verifyCapsules reads all that the run kept.
func (a *app) verifyCapsules(ctx context.Context, path string, f capsuleFlags) error {
	run, err := a.keptRun(path, f.Capsules)
	if err != nil {
		return Failed(err)
	}
	if len(run.held) == 0 {
		return Failed(fmt.Errorf("%s: no phase of the run kept a capsule: there is nothing to verify", path))
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	bad := 0
	for _, h := range run.held {
		says, whole := run.state.CapsuleWords(h)
		if h.Recorded != nil && whole && !h.Files.Expired {
			says, whole = a.verifyCapsule(ctx, h, f.Identity)
			if ctx.Err() != nil {
				return Failed(fmt.Errorf("verify the capsules of %s: %w", path, context.Cause(ctx)))
			}
		} else if h.Recorded != nil {
			whole = false // also where it has expired as it should: its rows are gone
		}
		if !whole {
			bad++
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", phases.Clean(h.Name), says); err != nil {
			return Failed(err)
		}
	}
	if bad > 0 {
		return Failed(fmt.Errorf("%s: %d of %s not whole, or not the run's", path, bad, phases.Plural(int64(len(run.held)), "capsule")))
	}
	return nil
}

// verifyCapsule reads one, and says what came of it.
func (a *app) verifyCapsule(ctx context.Context, h phases.HeldCapsule, identity string) (says string, whole bool) {
	began := time.Now()
	progress, over := a.reading("reading " + phases.Clean(h.Name))
	err := a.database.Capsules.Verify(ctx, h.Files.Path, h.Recorded.SHA256, identity, progress)
	over()
	if err != nil {
		return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " "), false
	}
	return fmt.Sprintf("whole, and as the run kept it: %s, %s, read in %s",
		phases.Rows(h.Files.Rows), phases.Bytes(h.Files.Size), phases.Span(time.Since(began))), true
}

// decryptCapsules writes plain copies of all that the run kept.
func (a *app) decryptCapsules(ctx context.Context, path string, f capsuleFlags) error {
	if f.Identity == "" || f.Output == "" {
		return &Exit{Code: Usage, Err: errors.New("decrypt wants both: --identity FILE with the secret key, and --output DIR for what is decrypted")}
	}
	run, err := a.keptRun(path, f.Capsules)
	if err != nil {
		return Failed(err)
	}
	recorded := slices.DeleteFunc(run.held, func(h phases.HeldCapsule) bool { return h.Recorded == nil })
	if len(recorded) == 0 {
		return Failed(fmt.Errorf("%s: no phase of the run kept a capsule: there is nothing to decrypt", path))
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	bad := 0
	for _, h := range recorded {
		says, good := run.state.CapsuleWords(h)
		if good && !h.Files.Expired {
			out := filepath.Join(f.Output, h.Name)
			progress, over := a.reading("decrypting " + phases.Clean(h.Name))
			err := a.database.Capsules.Decrypt(ctx, h.Files.Path, h.Recorded.SHA256, f.Identity, out, progress)
			over()
			if ctx.Err() != nil {
				return Failed(fmt.Errorf("decrypt the capsules of %s: %w", path, context.Cause(ctx)))
			}
			if err == nil {
				fmt.Fprintf(a.stdout, "%s: decrypted to %s; nothing expires that copy: remove it afterwards\n", phases.Clean(h.Name), out)
				continue
			}
			says = err.Error()
		}
		bad++
		fmt.Fprintf(a.stderr, "tminus: %s: %s\n", phases.Clean(h.Name), says)
	}
	if bad > 0 {
		return Failed(fmt.Errorf("%s: %d of %s not decrypted", path, bad, phases.Plural(int64(len(recorded)), "capsule")))
	}
	return nil
}
