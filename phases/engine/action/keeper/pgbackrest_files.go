package keeper

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// read implements teller: pgbackrest verify reads all files of the stanza in
// the backup's repository. It says what it found in text alone, ends with 0
// whatever that is, and does not miss a WAL file that is not there: those are
// looked for by their names.
func (p *pgBackRest) read(ctx context.Context, t *told) ([]string, error) {
	i := slices.IndexFunc(p.known.Backups, func(b backup) bool { return b.Label == t.label && (b.Of.Repo == t.repo) })
	if i < 0 {
		return nil, fmt.Errorf("%s is no longer in the answer of pgBackRest: verify it again", t.label)
	}
	b := p.known.Backups[i]
	a, err := ask(ctx, "verify", p.inRepo(b, "--output=text", "--verbose", "verify"))
	if err != nil {
		return nil, err
	}
	if a.exit != 0 {
		return nil, a.failed()
	}
	p.asks = append(p.asks, "verify")
	id := p.known.archiveOf(b).ID
	out := verdicts(a.text, b.Label, id)
	if b.Archive.Start == "" || b.Archive.Stop == "" || id == "" {
		return out, nil // which is a problem already
	}
	missing, err := p.missing(ctx, b, id)
	if missing != "" {
		out = append(out, fmt.Sprintf("%s needs the WAL file %s, and the archive does not have it: take another one", b.Label, missing))
	}
	return out, err
}

func (p *pgBackRest) inRepo(b backup, more ...string) []string {
	if b.Of.Repo > 0 {
		more = slices.Insert(more, 0, "--repo="+strconv.Itoa(b.Of.Repo))
	}
	return p.argv(more...)
}

var (
	backupVerdict  = regexp.MustCompile(`^\s*backup: (\S+), status: ([^,]+)`)
	archiveVerdict = regexp.MustCompile(`^\s*archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)`)
	wrongCount     = regexp.MustCompile(`[a-z][a-z ]*: [1-9][0-9]*`)
)

// verdicts gives what pgbackrest verify found wrong with a backup and with the
// archive that it needs. Where it has no word for the backup, that is wrong.
func verdicts(text, label, archive string) []string {
	var out []string
	said := false
	lines := strings.Split(text, "\n")
	counts := func(i int) string {
		if i+1 < len(lines) {
			if c := wrongCount.FindAllString(lines[i+1], -1); c != nil {
				return " (" + joined(c) + ")"
			}
		}
		return ""
	}
	for i, line := range lines {
		if m := backupVerdict.FindStringSubmatch(line); m != nil && m[1] == label {
			said = true
			if m[2] != "valid" {
				out = append(out, fmt.Sprintf("pgbackrest verify finds %s %s%s: take another one", label, m[2], counts(i)))
			}
		}
		if m := archiveVerdict.FindStringSubmatch(line); m != nil && m[1] == archive && m[2] != m[3] {
			out = append(out, fmt.Sprintf("pgbackrest verify finds %s of %s WAL files of the archive %s in order%s: see its log for which, and take another one", m[3], m[2], archive, counts(i)))
		}
	}
	if !said {
		out = append(out, fmt.Sprintf("pgbackrest verify has no word for %s: run it by hand (--output=text --verbose), and see what it says", label))
	}
	return out
}

// segment is a WAL file by its name: its directory in the archive, and its
// number there.
type segment struct {
	dir    string
	number uint64
}

var walFile = regexp.MustCompile(`^([0-9A-F]{16})([0-9A-F]{8})(-[0-9a-f]{40}(\.\w+)?)?$`)

func segmentOf(name string) (segment, bool) {
	m := walFile.FindStringSubmatch(name)
	if m == nil {
		return segment{}, false
	}
	n, err := strconv.ParseUint(m[2], 16, 64)
	return segment{dir: m[1], number: n}, err == nil
}

// missing is the first WAL file that a backup needs and the archive has not;
// empty where it has all.
func (p *pgBackRest) missing(ctx context.Context, b backup, archive string) (string, error) {
	from, ok := segmentOf(b.Archive.Start)
	to, good := segmentOf(b.Archive.Stop)
	first, err := strconv.ParseUint(from.dir, 16, 64)
	last, wrong := strconv.ParseUint(to.dir, 16, 64)
	if !ok || !good || err != nil || wrong != nil || last < first || last-first >= 1<<16 {
		return "", fmt.Errorf("the WAL files of %s, %s to %s, are not named as PostgreSQL names them: look at what pgbackrest info says", b.Label, b.Archive.Start, b.Archive.Stop)
	}
	for at := first; at <= last; at++ {
		dir := fmt.Sprintf("%016X", at)
		has, err := p.wal(ctx, b, "archive/"+p.asked.Keeper.Stanza+"/"+archive+"/"+dir)
		if err != nil {
			return "", err
		}
		// Each directory but the last is full: 4 GB of files of one size, whose
		// number is a power of two.
		begin, end := uint64(0), to.number
		if at == first {
			begin = from.number
		}
		if at < last {
			end = full(has)
		}
		for n := begin; n <= end; n++ {
			if !has[n] {
				return fmt.Sprintf("%s%08X", dir, n), nil
			}
		}
	}
	p.asks = append(p.asks, "repo-ls")
	return "", nil
}

// full is the number of the last file of a directory that has all of its files,
// as far as those that it has tell.
func full(has map[uint64]bool) uint64 {
	end := uint64(1)
	for n := range has {
		for end < n {
			end = end<<1 | 1
		}
	}
	return end
}

// wal are the numbers of the WAL files of one directory of the archive.
func (p *pgBackRest) wal(ctx context.Context, b backup, dir string) (map[uint64]bool, error) {
	a, err := ask(ctx, "repo-ls", p.inRepo(b, "--output=json", "repo-ls", dir))
	if err != nil {
		return nil, err
	}
	if a.exit != 0 {
		return nil, a.failed()
	}
	var files map[string]struct{}
	if err := a.into('{', &files); err != nil {
		return nil, err
	}
	has := map[uint64]bool{}
	for name := range files {
		if s, ok := segmentOf(name); ok {
			has[s.number] = true
		}
	}
	return has, nil
}
