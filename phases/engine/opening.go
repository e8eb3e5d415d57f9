package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// LocalOperator is who runs this program.
func LocalOperator() phases.Operator {
	op := phases.Operator{Name: "unknown", Host: "localhost", PID: os.Getpid()}
	if u, err := user.Current(); err == nil {
		op.Name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		op.Host = h
	}
	return op
}

// StateDir is where journals stand unless the operator says otherwise:
// $XDG_STATE_HOME/tminus, or ~/.local/state/tminus.
func StateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tminus"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the user's state directory: %w; name a journal with --journal", err)
	}
	return filepath.Join(home, ".local", "state", "tminus"), nil
}

// Journals are those in the user's state directory, by their names.
func Journals() ([]string, error) {
	dir, err := StateDir()
	if err != nil {
		return nil, err
	}
	paths, err := journalsIn(dir)
	if err != nil {
		return nil, fmt.Errorf("look for journals: %w", err)
	}
	return paths, nil
}

// NewJournalPath names a new run's journal: by its runbook's file and its moment.
func NewJournalPath(file string, now time.Time) (string, error) {
	dir, err := StateDir()
	if err != nil {
		return "", err
	}
	base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return filepath.Join(dir, base+"-"+now.Format("20060102-150405.000")+JournalEnding), nil
}

// JournalEnding is how the names of journals end that are looked for.
const JournalEnding = ".journal"

// PlanT0 is the planned start of the first phase. startAt is empty (when the
// checklist has had its time), a time of day still to come, or a date and time,
// which may not be past.
func PlanT0(startAt string, w runbook.Window, now time.Time) (time.Time, error) {
	if startAt == "" {
		return now.Add(w.Opens), nil
	}
	t, err := plannedAt(startAt, now)
	if err == nil && t.Before(now) {
		return time.Time{}, fmt.Errorf("planned start %q: that was %s ago: give a time to come", startAt, phases.Span(now.Sub(t)))
	}
	return t, err
}

func plannedAt(startAt string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, startAt); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04", startAt, now.Location()); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("15:04", startAt, now.Location())
	if err != nil {
		return time.Time{}, fmt.Errorf("planned start %q: a time such as 02:00, 2026-01-30 02:00, or RFC 3339", startAt)
	}
	t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
	if t.Before(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t, nil
}

// SHA256 is the digest under which a runbook's text is known.
func SHA256(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:])
}

// NewRunID names a run: its moment, and enough chance that two never agree.
func NewRunID(now time.Time) string { return now.UTC().Format("20060102T150405Z") + "-" + nonce()[:8] }

// journalsIn gives the journals in a folder, by their names. One that is not there
// has none; one that may not be read is an error, since nobody knows what it has.
func journalsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w; see who may read that folder", err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), JournalEnding) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// Version is the program's, as built.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
