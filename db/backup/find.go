package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tminus/phases"
)

// Found is a backup that stands at a location.
type Found struct {
	Location string
	Manifest Manifest
	Passed   []string // what else there was and was not taken, each a sentence's part
}

// At gives the backup whose directory is named, whoever has taken it.
func At(location string) (Found, error) {
	if strings.HasSuffix(filepath.Clean(location), unfinished) {
		return Found{}, fmt.Errorf("%s is a backup that was not finished: name another one", location)
	}
	info, err := os.Stat(location)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, fmt.Errorf("there is no directory %s: name that of one backup, or mount its disk", location)
	case err != nil:
		return Found{}, fmt.Errorf("look at the backup: %w; see who may read %s", err, location)
	case !info.IsDir():
		return Found{}, fmt.Errorf("%s is no directory: name that of one backup", location)
	}
	m, err := ReadManifest(location)
	if errors.Is(err, ErrNoManifest) {
		if below, _ := newest(location); below.Location != "" {
			return Found{}, fmt.Errorf("%s is no backup, and has backups: name one of them, such as %s", location, below.Location)
		}
		return Found{}, fmt.Errorf("there is no backup by backup.take and pg_dump at %s: %w; one that a command took has to be restored by hand, and rehearsed on with --dsn", location, ErrNoManifest)
	}
	if err == nil {
		err = m.whole(location)
	}
	return Found{Location: location, Manifest: m}, err
}

// whole holds that a manifest says what has to be known of a backup, and that
// there is a dump beside it.
func (m Manifest) whole(location string) error {
	if m.At.IsZero() || m.Database == "" || m.Encoding == "" || m.VersionNum == 0 {
		return fmt.Errorf("the manifest in %s does not say what the backup is of: it is damaged; name another backup", location)
	}
	if _, err := os.Stat(filepath.Join(dumpOf(location), "toc.dat")); err != nil {
		return fmt.Errorf("look at the backup's dump: %w; name another backup", err)
	}
	return nil
}

// Newest gives the newest whole backup below base, a directory of backup.take's.
// Those that a rehearsal or a demo has taken are passed over.
func Newest(base string) (Found, error) {
	info, err := os.Stat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, fmt.Errorf("there is no directory %s to look for backups in: mount its disk, or name a backup with --from-backup=LOCATION", base)
	case err != nil:
		return Found{}, fmt.Errorf("look for backups: %w; see who may read %s", err, base)
	case !info.IsDir():
		return Found{}, fmt.Errorf("%s is no directory to look for backups in: correct backup.take.directory, or name a backup with --from-backup=LOCATION", base)
	}
	found, err := newest(base)
	if err != nil {
		return found, fmt.Errorf("look for backups: %w; see who may read %s", err, base)
	}
	if found.Location == "" {
		why := ""
		if found.Passed != nil {
			why = "; passed over: " + strings.Join(found.Passed, ", ")
		}
		return found, fmt.Errorf("there is no whole backup of production's in %s%s; let `tminus run` take one, or name one with --from-backup=LOCATION", base, why)
	}
	return found, nil
}

// mostDamaged is how many damaged backups are named.
const mostDamaged = 3

func newest(base string) (out Found, err error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return out, err
	}
	rehearsed, open := 0, 0
	var damaged []string
	for _, e := range entries {
		location := filepath.Join(base, e.Name())
		if info, err := os.Stat(location); err != nil || !info.IsDir() {
			continue
		}
		if strings.HasSuffix(e.Name(), unfinished) {
			open++
			continue
		}
		m, err := ReadManifest(location)
		if errors.Is(err, ErrNoManifest) {
			continue // none of backup.take's
		}
		if err == nil {
			err = m.whole(location)
		}
		switch {
		case err != nil:
			damaged = append(damaged, phases.Clean(e.Name()+" ("+err.Error()+")"))
		case m.Environment == phases.Rehearsal, m.Environment == phases.Demo:
			rehearsed++
		case out.Location == "" || m.At.After(out.Manifest.At):
			out.Location, out.Manifest = location, m
		}
	}
	if rehearsed > 0 {
		out.Passed = append(out.Passed, phases.Plural(int64(rehearsed), "backup")+" of rehearsals and demos")
	}
	if open > 0 {
		out.Passed = append(out.Passed, phases.Plural(int64(open), "unfinished backup"))
	}
	slices.SortFunc(damaged, func(a, b string) int { return cmp.Compare(b, a) })
	for _, d := range damaged[:min(len(damaged), mostDamaged)] {
		out.Passed = append(out.Passed, "damaged "+d)
	}
	if more := len(damaged) - mostDamaged; more > 0 {
		out.Passed = append(out.Passed, phases.Plural(int64(more), "more damaged backup"))
	}
	return out, nil
}
