package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// CapsuleFiles are one capsule as it lies on disk. Where its manifest cannot be
// read, what that would tell is zero.
type CapsuleFiles struct {
	Name, Path string // of its folder: phase and attempt; and where it is
	SHA256     string // of its manifest
	RunID      string
	Rows       int64
	Size       int64 // of the files with rows
	Taken      time.Time
	KeepUntil  time.Time // zero: nobody says
	Recipients []string  // whom it is encrypted for; none: it is not
	Unfinished bool      // it has no manifest: it is being written, was left, or is none
	Expired    bool      // its rows were destroyed
	ExpiredAt  time.Time // zero: nobody knows
	ExpiredBy  string
	Remains    bool   // it has expired, and files with rows are left
	Wrong      string // why it is not whole; empty for one that is, as far as names and sizes tell, or has expired
}

// Over reports whether it need not be kept any longer.
func (f *CapsuleFiles) Over(now time.Time) bool {
	return !f.KeepUntil.IsZero() && !now.Before(f.KeepUntil)
}

// HeldCapsule is a capsule of a run: as the journal has it, as it lies on disk,
// or both.
type HeldCapsule struct {
	Name     string
	Recorded *Capsule      // nil: the journal has none of this name
	Files    *CapsuleFiles // nil: nothing is there
}

// HeldCapsules are those that the journal has, in the order of the phases, and
// then what else lies among them.
func (s *State) HeldCapsules(files []CapsuleFiles) []HeldCapsule {
	named := map[string]*CapsuleFiles{}
	for i := range files {
		named[files[i].Name] = &files[i]
	}
	var out []HeldCapsule
	for i := range s.Phases {
		if c := s.Phases[i].Capsule; c != nil {
			out = append(out, HeldCapsule{Name: c.Folder, Recorded: c, Files: named[c.Folder]})
		}
	}
	for i := range files {
		if name := files[i].Name; !slices.ContainsFunc(out, func(h HeldCapsule) bool { return h.Name == name }) {
			out = append(out, HeldCapsule{Name: name, Files: &files[i]})
		}
	}
	return out
}

// CapsuleWords say in what state one is, and whether that is as it should be. What is
// in its files is not known by that.
func (s *State) CapsuleWords(h HeldCapsule) (says string, good bool) {
	f := h.Files
	switch {
	case f == nil:
		return "it is not there: only a restore brings its rows back", false
	case f.RunID != "" && f.RunID != s.Opened.RunID:
		return "it is another run's: " + Clean(f.RunID), false
	case h.Recorded == nil && f.Unfinished && s.ClosedAt.IsZero():
		return "it is being written, or was left", true
	case f.Expired:
		return f.expiredWords(), !f.Remains
	case f.Wrong != "":
		return Clean(f.Wrong), false
	case h.Recorded == nil && s.ClosedAt.IsZero():
		return "the journal does not have it yet", true
	case h.Recorded == nil:
		return "an attempt left it that came to nothing: its rows are in the database", false
	case h.Recorded.SHA256 != f.SHA256:
		return "it is not the one that the run kept: its manifest has another SHA-256", false
	}
	return "as the run kept it", true
}

func (f *CapsuleFiles) expiredWords() string {
	text := "it has expired"
	if !f.ExpiredAt.IsZero() {
		text = fmt.Sprintf("it has expired: by %s, at %s", Clean(f.ExpiredBy), f.ExpiredAt.UTC().Format(time.RFC3339))
	}
	if f.Remains {
		text += "; files with rows are left: expire it again"
	}
	return text
}

// MayExpire says why nobody may destroy a capsule that is there; nil where they
// may.
func (s *State) MayExpire(h HeldCapsule) error {
	f := h.Files
	switch {
	case f.RunID != "" && f.RunID != s.Opened.RunID:
		return errors.New("it is another run's: name that one's journal")
	case s.ClosedAt.IsZero():
		return errors.New("the run has not ended, and until then its phases may have to be undone: end it with `tminus resume`")
	case f.Expired:
		return nil
	case f.Unfinished:
		return fmt.Errorf("it has no manifest, so that nobody knows whose it is: see what it is, and remove it by hand: %s", f.Path)
	case f.SHA256 == "":
		return fmt.Errorf("nobody knows whose it is, or until when it is to be kept: %s; see what it is, and remove it by hand: %s", Clean(f.Wrong), f.Path)
	case h.Recorded != nil && h.Recorded.SHA256 != f.SHA256:
		return fmt.Errorf("it is not the one that the run kept: its manifest has another SHA-256; see whose it is, and remove it by hand: %s", f.Path)
	}
	return nil
}
