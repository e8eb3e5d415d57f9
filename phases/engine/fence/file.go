package fence

import (
	"context"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// file is a file of a git checkout, as its remote has it: what runs there runs
// from there.
type file struct {
	outside.GitFile
	runID string
}

func newFile(f *runbook.Fence, at Place) Kind {
	return file{outside.GitFile{Dir: f.Dir, Branch: f.Branch, Remote: f.Remote, Path: f.Path, To: f.To}, at.RunID}
}

// Read tells which of the two names the branch has. Both, or neither, is nothing
// that a name brings back.
func (f file) Read(ctx context.Context, k Known) (phases.FenceFound, error) {
	here, there, err := f.Names(ctx)
	if err != nil {
		return phases.FenceFound{}, err
	}
	at := " on " + f.Branch + " of " + f.Remote
	switch {
	case here && !there:
		return phases.FenceFound{Mark: phases.FenceMark{Text: f.Path + at}}, nil
	case there && !here:
		return phases.FenceFound{Mark: phases.FenceMark{Text: f.To + at}, Off: true}, nil
	}
	text := "neither " + f.Path + " nor " + f.To + " is" + at
	if here {
		text = "both " + f.Path + " and " + f.To + " are" + at
	}
	if k.Recorded == nil {
		return phases.FenceFound{}, &stateError{text + ": leave one of them, or correct the runbook"}
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: text}}, nil
}

// stateError is a state that is none to bring back.
type stateError struct{ text string }

// Error implements error.
func (e *stateError) Error() string { return e.text }

func (f file) Off(ctx context.Context, _ Known) (string, error) {
	return f.Rename(ctx, f.Path, f.To, "Disable "+f.Path+" for the run "+f.runID)
}

func (f file) On(ctx context.Context, _ Known) (string, error) {
	return f.Rename(ctx, f.To, f.Path, "Enable "+f.Path+" after the run "+f.runID)
}
