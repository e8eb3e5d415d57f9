package keeper

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Asked is a keeper, and what it is asked for.
type Asked struct {
	Keeper runbook.Keeper
	Server phases.Identity // whose backups are meant: the run's
	Files  bool            // Find has the files of the backup read as well
}

// Found is a backup as its keeper tells it.
type Found struct {
	Backup   phases.Backup // its label, the moment when it began, and where it is
	Bytes    int64         // of its files, as they are kept; 0 where the keeper does not say
	By       string        // the keeper: "pgbackrest 2.45"
	Asked    []string      // which of its commands told it: "info"
	Problems []string      // what is wrong with it; nil when nothing is
}

// teller is one of the programs.
type teller interface {
	// standing is what is wrong with the whole, whichever backup is meant.
	standing(ctx context.Context) (problems []string, err error)
	// labels are those of all backups, the newest first, whatever became of them.
	labels(ctx context.Context) ([]string, error)
	// tell is what is known of one; nil where there is none of the label.
	tell(ctx context.Context, label string) (*told, error)
	// read has the files of one read, and gives what is wrong with them.
	read(ctx context.Context, b *told) (problems []string, err error)
	// busy says what is under way, if it is known; empty otherwise.
	busy() string
	// did are the commands that were asked; argv asks for the version.
	did() []string
	version(ctx context.Context) (string, error)
}

// told is what a program says of one backup.
type told struct {
	label, place string
	repo         int       // of pgBackRest; 0 where it is not said
	whole        bool      // it has ended well
	began, ended time.Time // zero where it is not said
	bytes        int64
	system       string // the system identifier of its server; empty where it is not said
	major        int    // the major version of its server; 0 where it is not said
	problems     []string
}

func (a Asked) teller() teller {
	if a.Keeper.Server != "" {
		return &barman{asked: a}
	}
	return &pgBackRest{asked: a}
}

// Known are the labels of the backups that there are now. It fails where the
// keeper cannot be asked, which is found out before hours go into a backup.
func (a Asked) Known(ctx context.Context) ([]string, error) { return a.teller().labels(ctx) }

// New is the backup that was not known before. What is wrong with it is in its
// Problems; that there is none is an error.
func (a Asked) New(ctx context.Context, known []string, now time.Time) (Found, error) {
	t := a.teller()
	labels, err := t.labels(ctx)
	if err != nil {
		return Found{}, err
	}
	for _, label := range labels {
		if slices.Contains(known, label) {
			continue
		}
		b, err := t.tell(ctx, label)
		if err != nil {
			return Found{}, err
		}
		if b != nil {
			return a.found(ctx, t, b, a.judge(b, phases.Backup{}, now))
		}
	}
	return Found{}, fmt.Errorf("%s has no new backup of %s: have the command wait until it has ended, and see that it is for %[2]s%s", a.Keeper.Name(), a.Keeper.Of(), t.busy())
}

// Find is the backup that is recorded: the one of its label, or without one
// the newest that ended well and began no earlier than recorded.
func (a Asked) Find(ctx context.Context, want phases.Backup, now time.Time) (Found, error) {
	t := a.teller()
	problems, err := t.standing(ctx)
	if err != nil {
		return Found{}, err
	}
	b, lacks, err := a.find(ctx, t, want)
	if err != nil {
		return Found{}, err
	}
	if b == nil {
		return a.found(ctx, t, &told{label: want.ID, place: want.Location, began: want.At}, append(problems, lacks))
	}
	problems = append(problems, a.judge(b, want, now)...)
	if a.Files && b.whole {
		wrong, err := t.read(ctx, b)
		if err != nil {
			return Found{}, err
		}
		problems = append(problems, wrong...)
	}
	return a.found(ctx, t, b, problems)
}

func (a Asked) found(ctx context.Context, t teller, b *told, problems []string) (Found, error) {
	version, err := t.version(ctx)
	if err != nil {
		return Found{}, err
	}
	for i, p := range problems {
		problems[i] = phases.Clean(p)
	}
	return Found{
		Backup: phases.Backup{ID: b.label, Location: b.place, At: b.began.UTC()},
		Bytes:  b.bytes, By: version, Asked: t.did(), Problems: problems,
	}, nil
}

// find looks for the recorded backup, and says what is lacking where it is not
// there.
func (a Asked) find(ctx context.Context, t teller, want phases.Backup) (*told, string, error) {
	name, of := a.Keeper.Name(), a.Keeper.Of()
	if want.ID != "" {
		if !goodLabel(want.ID) {
			return nil, fmt.Sprintf("%q is no backup of %s's: record one as %[2]s calls it, or take another one", want.ID, name), nil
		}
		b, err := t.tell(ctx, want.ID)
		if b != nil || err != nil {
			return b, "", err
		}
		return nil, fmt.Sprintf("%s has no backup %s of %s: record one that it has, or take another one%s", name, want.ID, of, t.busy()), nil
	}
	labels, err := t.labels(ctx)
	if err != nil {
		return nil, "", err
	}
	why := ""
	for _, label := range labels {
		b, err := t.tell(ctx, label)
		switch {
		case err != nil:
			return nil, "", err
		case b == nil:
		case !b.whole && why == "" && len(b.problems) > 0:
			why = "; " + b.problems[0]
		case b.whole && b.began.Before(want.At):
			return nil, fmt.Sprintf("%s has no backup of %s that began at %s or later: its newest is %s of %s; record when that one began, or take another one%s%s",
				name, of, moment(want.At), label, moment(b.began), why, t.busy()), nil
		case b.whole:
			return b, "", nil
		}
	}
	return nil, fmt.Sprintf("%s has no whole backup of %s: take one%s%s", name, of, why, t.busy()), nil
}

// clockSlack is how far the clocks of two machines may be apart.
const clockSlack = time.Minute

// judge gives what is wrong with a backup, as the one that is wanted; the zero
// value of want is any.
func (a Asked) judge(b *told, want phases.Backup, now time.Time) []string {
	out := slices.Clone(b.problems)
	if !b.whole {
		if len(out) == 0 {
			out = append(out, fmt.Sprintf("%s does not say that %s ended well: take another one", a.Keeper.Name(), b.label))
		}
		return out
	}
	switch {
	case b.began.IsZero() || b.ended.Before(b.began):
		out = append(out, fmt.Sprintf("%s does not say when %s began and ended: take another one", a.Keeper.Name(), b.label))
	case b.began.After(now.Add(clockSlack)):
		out = append(out, fmt.Sprintf("%s began at %s, which lies in the future: correct the clocks, and take another one", b.label, moment(b.began)))
	case b.began.Before(want.At):
		out = append(out, fmt.Sprintf("%s began at %s, before the moment that is recorded, %s: record when it began, or take another one", b.label, moment(b.began), moment(want.At)))
	}
	return append(out, a.ofServer(b)...)
}

// ofServer holds a backup against the run's server.
func (a Asked) ofServer(b *told) []string {
	var out []string
	name, server := a.Keeper.Name(), a.Server
	switch {
	case server.SystemIdentifier == "":
		out = append(out, "whether the backup is of the run's server is not known, since its system identifier cannot be read: grant EXECUTE on pg_control_system() to the role "+server.User)
	case b.system == "":
		out = append(out, fmt.Sprintf("%s does not say of which server %s is: have it connect to the server, and verify again", name, b.label))
	case b.system != server.SystemIdentifier:
		out = append(out, fmt.Sprintf("%s is of another server, with the system identifier %s, and the run's has %s: %s is not this one's, name the one that is",
			b.label, b.system, server.SystemIdentifier, a.Keeper.Of()))
	}
	if major := server.VersionNum / 10_000; b.major == 0 {
		out = append(out, fmt.Sprintf("%s does not say which version %s is of: take another one", name, b.label))
	} else if b.major != major {
		out = append(out, fmt.Sprintf("%s is of PostgreSQL %d, and the run's server is of %d: take another one", b.label, b.major, major))
	}
	return out
}

// moment is how a sentence writes one.
func moment(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

var label = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,199}$`)

// goodLabel reports whether a text can be a backup's label, and nothing that a
// program or a shell behind ssh takes for anything else.
func goodLabel(s string) bool { return label.MatchString(s) }
