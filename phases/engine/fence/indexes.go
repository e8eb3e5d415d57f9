package fence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Indexes is what makes indexes while others work, and takes them away.
type Indexes interface {
	// PlanIndexes gives what is to be made of what is wanted: each under a name of
	// the run's that nothing has, beside those that are planned already. A table
	// that is not there is an error.
	PlanIndexes(ctx context.Context, runID string, want []phases.PhaseIndex, planned []phases.MadeIndex) ([]phases.MadeIndex, error)

	// LookAtIndexes tells how each stands. While a session is at work on one of
	// them that is not this program's, nobody knows: that is an error.
	LookAtIndexes(ctx context.Context, made []phases.MadeIndex) ([]IndexSight, error)

	// MakeIndex makes one. It waits for others as long as patience at a time, and
	// takes away what a failure leaves, where that can be done at once.
	MakeIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration, progress func(string)) error

	// DropIndex drops one, valid or not, that is exactly as it was recorded.
	DropIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration, progress func(string)) error

	// KeepIndex gives one the name under which it stays.
	KeepIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration) error
}

// IndexSight is how an index stands that a run makes.
type IndexSight string

// The sights.
const (
	IndexAbsent  IndexSight = "not there"
	IndexValid   IndexSight = "there"
	IndexInvalid IndexSight = "not valid"         // begun, or dropped in part
	IndexOther   IndexSight = "not what was made" // the name is another's
)

type indexes struct {
	db       Indexes
	runID    string
	patience time.Duration
	wanted   []phases.PhaseIndex
}

func newIndexes(f *runbook.Fence, at Place) Kind {
	return indexes{db: at.Target, runID: at.RunID, patience: f.Wait, wanted: at.Wanted}
}

// Read looks at each by its name and definition. What is gone, also with its table,
// is back as it was.
func (x indexes) Read(ctx context.Context, k Known) (phases.FenceFound, error) {
	if k.Recorded == nil {
		if len(x.wanted) == 0 {
			return phases.FenceFound{Mark: phases.FenceMark{Text: "no foreign key needs one"}, Off: true}, nil
		}
		made, err := x.db.PlanIndexes(ctx, x.runID, x.wanted, nil)
		return phases.FenceFound{Mark: indexMark(made)}, err
	}
	made := k.Recorded.Indexes
	seen, err := x.db.LookAtIndexes(ctx, made)
	if err != nil {
		return phases.FenceFound{}, err
	}
	var found phases.FenceFound
	switch {
	case all(seen, IndexAbsent):
		return phases.FenceFound{Mark: *k.Recorded}, nil
	case all(seen, IndexValid):
		found.Off = true
	case !slices.Contains(seen, IndexOther):
		found.Ours = true
	}
	found.Mark = phases.FenceMark{Text: sightText(made, seen)}
	if found.Off {
		found.Mark.Indexes = made
	}
	return found, nil
}

func all(seen []IndexSight, is IndexSight) bool {
	return !slices.ContainsFunc(seen, func(s IndexSight) bool { return s != is })
}

// Off makes those that are not there. One that was cut off on the way is dropped
// first: it can not be gone on with.
func (x indexes) Off(ctx context.Context, k Known) (string, error) {
	made := k.Recorded.Indexes
	seen, err := x.db.LookAtIndexes(ctx, made)
	if err != nil {
		return "", err
	}
	for n, i := range made {
		if seen[n] == IndexInvalid {
			if err := x.db.DropIndex(ctx, i, x.patience, told(k, "drop", n, made)); err != nil {
				return "", err
			}
		}
		if seen[n] != IndexValid {
			if err := x.db.MakeIndex(ctx, i, x.patience, told(k, "make", n, made)); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

// On drops what was made, and gives what is kept its name. One that does not go
// keeps none of the others.
func (x indexes) On(ctx context.Context, k Known) (string, error) {
	made := k.Recorded.Indexes
	seen, err := x.db.LookAtIndexes(ctx, made)
	if err != nil {
		return "", err
	}
	var did []string
	var failed []error
	for n, i := range made {
		switch {
		case seen[n] == IndexAbsent, ctx.Err() != nil:
			continue
		case seen[n] == IndexValid && i.Kept != "":
			err = x.db.KeepIndex(ctx, i, x.patience)
			did = append(did, fmt.Sprintf("kept %s on %s", i.Kept, i.Table))
		default:
			err = x.db.DropIndex(ctx, i, x.patience, told(k, "drop", n, made))
			did = append(did, fmt.Sprintf("dropped %s on %s", i.Name, i.Table))
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if err := context.Cause(ctx); err != nil && failed == nil {
		return "", err
	}
	return strings.Join(did, ", "), errors.Join(failed...)
}

// widen takes in what is wanted since.
func (x indexes) widen(ctx context.Context, recorded phases.FenceMark) (phases.FenceMark, error) {
	var more []phases.PhaseIndex
	for _, w := range x.wanted {
		if !slices.ContainsFunc(recorded.Indexes, func(i phases.MadeIndex) bool { return i.For(w) }) {
			more = append(more, w)
		}
	}
	if more == nil {
		return recorded, nil
	}
	made, err := x.db.PlanIndexes(ctx, x.runID, more, recorded.Indexes)
	if err != nil {
		return recorded, err
	}
	return indexMark(slices.Concat(recorded.Indexes, made)), nil
}

// told says which of them the progress is of.
func told(k Known, what string, n int, of []phases.MadeIndex) func(string) {
	if k.Progress == nil {
		return nil
	}
	return func(text string) {
		k.Progress(phases.ActionProgress{What: phases.Clean(fmt.Sprintf("%s index %d of %d, on %s: %s", what, n+1, len(of), of[n].Table, text))})
	}
}

// indexMark is the state before: none of them is there.
func indexMark(made []phases.MadeIndex) phases.FenceMark {
	return phases.FenceMark{Text: sightText(made, slices.Repeat([]IndexSight{IndexAbsent}, len(made))), Indexes: made}
}

// sightText says how each stands, those alike together.
func sightText(made []phases.MadeIndex, seen []IndexSight) string {
	var parts []string
	for _, is := range []IndexSight{IndexOther, IndexInvalid, IndexAbsent, IndexValid} {
		var names []string
		for n, i := range made {
			if seen[n] != is {
				continue
			}
			name := fmt.Sprintf("%s on %s (%s)", i.Name, i.Table, strings.Join(i.Columns, ", "))
			if i.Kept != "" {
				name += ", afterwards " + i.Kept
			}
			names = append(names, name)
		}
		if names != nil {
			parts = append(parts, string(is)+": "+strings.Join(names, "; "))
		}
	}
	text := phases.Clean(strings.Join(parts, "; "))
	if r := []rune(text); len(r) > 1_000 {
		text = string(r[:999]) + "…"
	}
	return text
}
