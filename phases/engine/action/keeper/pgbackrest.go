package keeper

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pgBackRest is asked by its command info, once.
type pgBackRest struct {
	asked Asked
	known *stanza
	asks  []string
}

// What pgbackrest info prints as JSON, as far as it is looked at. A pointer is
// nil where a value is not there.
type (
	stanza struct {
		Name    string      `json:"name"`
		Status  *repoStatus `json:"status"`
		Repos   []repo      `json:"repo"`
		Servers []server    `json:"db"`
		Archive []archive   `json:"archive"`
		Backups []backup    `json:"backup"`
	}
	repoStatus struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
		Lock    struct {
			Backup struct {
				Held bool `json:"held"`
			} `json:"backup"`
		} `json:"lock"`
	}
	repo struct {
		Key    int         `json:"key"`
		Status *repoStatus `json:"status"`
	}
	inRepo struct {
		ID   int `json:"id"`
		Repo int `json:"repo-key"`
	}
	server struct {
		inRepo
		System  uint64 `json:"system-id"`
		Version string `json:"version"`
	}
	archive struct {
		ID  string `json:"id"`
		Of  inRepo `json:"database"`
		Min string `json:"min"`
		Max string `json:"max"`
	}
	backup struct {
		Label   string `json:"label"`
		Type    string `json:"type"`
		Error   *bool  `json:"error"`
		Of      inRepo `json:"database"`
		Archive struct {
			Start string `json:"start"`
			Stop  string `json:"stop"`
		} `json:"archive"`
		Info struct {
			Size int64 `json:"size"`
			Repo struct {
				Size  int64 `json:"size"`
				Delta int64 `json:"delta"`
			} `json:"repository"`
		} `json:"info"`
		Needs []string `json:"reference"`
		Time  struct {
			Start int64 `json:"start"`
			Stop  int64 `json:"stop"`
		} `json:"timestamp"`
	}
)

// Codes of a stanza's status.
const (
	stanzaOK    = 0
	stanzaMixed = 4 // its repositories differ: the one that has the backup counts
)

func (p *pgBackRest) argv(more ...string) []string {
	k := p.asked.Keeper
	argv := slices.Clone(k.Program)
	if len(argv) == 0 {
		argv = []string{"pgbackrest"}
	}
	// What its configuration has it print is in the way of the answer.
	argv = append(argv, "--stanza="+k.Stanza, "--log-level-console=off", "--log-level-stderr=error")
	if k.Config != "" {
		argv = append(argv, "--config="+k.Config)
	}
	return append(argv, more...)
}

func (p *pgBackRest) info(ctx context.Context) (*stanza, error) {
	if p.known != nil {
		return p.known, nil
	}
	a, err := ask(ctx, "info", p.argv("--output=json", "info"))
	if err != nil {
		return nil, err
	}
	if a.exit != 0 {
		return nil, a.failed()
	}
	var all []stanza
	if err := a.into('[', &all); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(s stanza) bool { return s.Name == p.asked.Keeper.Stanza })
	if i < 0 || all[i].Status == nil || all[i].Status.Code == nil {
		return nil, fmt.Errorf("ask %s for info: it says nothing of the stanza %s: correct the runbook, or its configuration", a.name, p.asked.Keeper.Stanza)
	}
	s := &all[i]
	slices.SortStableFunc(s.Backups, func(a, b backup) int { return cmp.Compare(b.Time.Start, a.Time.Start) })
	p.known, p.asks = s, append(p.asks, "info")
	return s, nil
}

// standing implements teller.
func (p *pgBackRest) standing(ctx context.Context) ([]string, error) {
	s, err := p.info(ctx)
	if err != nil {
		return nil, err
	}
	if code := *s.Status.Code; code != stanzaOK && code != stanzaMixed {
		return []string{p.trouble("the stanza "+s.Name, *s.Status, s.Repos)}, nil
	}
	return nil, nil
}

// trouble says what is the matter with a stanza or a repository. A stanza's own
// message can be "other", and then a repository has the reason.
func (p *pgBackRest) trouble(what string, status repoStatus, repos []repo) string {
	message := status.Message
	for _, r := range repos {
		if r.Status != nil && r.Status.Message != "" && status.Message == "other" {
			message = fmt.Sprintf("%s, in its repository %d", r.Status.Message, r.Key)
		}
	}
	return fmt.Sprintf("%s is not in order, as pgBackRest says: %s (code %d); mend it, and verify again", what, cmp.Or(message, "it gives no reason"), *status.Code)
}

// labels implements teller.
func (p *pgBackRest) labels(ctx context.Context) ([]string, error) {
	s, err := p.info(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, b := range s.Backups {
		if !slices.Contains(out, b.Label) {
			out = append(out, b.Label)
		}
	}
	return out, nil
}

// busy implements teller.
func (p *pgBackRest) busy() string {
	if p.known != nil && p.known.Status.Lock.Backup.Held {
		return "; a backup or an expire is under way, look again when it has ended"
	}
	return ""
}

// did implements teller.
func (p *pgBackRest) did() []string { return p.asks }

// version implements teller.
func (p *pgBackRest) version(ctx context.Context) (string, error) {
	argv := slices.Clone(p.asked.Keeper.Program)
	if len(argv) == 0 {
		argv = []string{"pgbackrest"}
	}
	return versionOf(ctx, "pgbackrest", append(argv, "version"))
}

// tell implements teller.
func (p *pgBackRest) tell(ctx context.Context, label string) (*told, error) {
	s, err := p.info(ctx)
	if err != nil {
		return nil, err
	}
	var out *told
	for _, b := range s.Backups {
		if b.Label != label {
			continue
		}
		// The same label in two repositories: one that is in order is enough.
		if t := p.of(s, b); out == nil || len(t.problems) == 0 {
			out = t
		}
	}
	return out, nil
}

func (p *pgBackRest) of(s *stanza, b backup) *told {
	t := &told{label: b.Label, repo: b.Of.Repo, place: "stanza " + s.Name, bytes: cmp.Or(b.Info.Repo.Size, b.Info.Repo.Delta)}
	if b.Of.Repo > 0 {
		t.place += ", repo " + strconv.Itoa(b.Of.Repo)
	}
	// What has not ended is not in the list: whole are all that say so.
	t.whole = b.Time.Stop > 0
	if b.Time.Start > 0 {
		t.began, t.ended = time.Unix(b.Time.Start, 0), time.Unix(b.Time.Stop, 0)
	}
	say := func(format string, args ...any) { t.problems = append(t.problems, fmt.Sprintf(format, args...)) }
	switch {
	case b.Time.Stop <= 0:
		say("pgBackRest does not say that %s has ended: wait for its end, or take another one", b.Label)
	case b.Error == nil:
		say("pgBackRest does not say whether pages were damaged when it took %s, since an old one took it: take another one by a later pgBackRest", b.Label)
	case *b.Error:
		say("pgBackRest found damaged pages when it took %s: see its log for which, mend them, and take another one", b.Label)
	case b.Info.Size <= 0:
		say("%s holds nothing: take another one", b.Label)
	}
	for _, r := range s.Repos {
		if r.Key == b.Of.Repo && (r.Status == nil || r.Status.Code == nil) {
			say("pgBackRest does not say how its repository %d is: look at it, and verify again", r.Key)
		} else if r.Key == b.Of.Repo && *r.Status.Code != stanzaOK {
			t.problems = append(t.problems, p.trouble(fmt.Sprintf("the repository %d of the stanza %s", r.Key, s.Name), *r.Status, nil))
		}
	}
	for _, d := range s.Servers {
		if d.inRepo == b.Of && d.System > 0 {
			t.system = strconv.FormatUint(d.System, 10)
			major, _, _ := strings.Cut(d.Version, ".")
			t.major, _ = strconv.Atoi(major) // 0 where it is no number
		}
	}
	t.problems = append(t.problems, s.lacks(b)...)
	return t
}

// lacks says what else a restore of b needs and does not find.
func (s *stanza) lacks(b backup) []string {
	var out []string
	for _, label := range b.Needs {
		if !slices.ContainsFunc(s.Backups, func(o backup) bool { return o.Label == label && o.Of.Repo == b.Of.Repo }) {
			out = append(out, fmt.Sprintf("%s builds on %s, which pgBackRest has no longer: take a full one", b.Label, label))
		}
	}
	if b.Archive.Start == "" || b.Archive.Stop == "" {
		return append(out, fmt.Sprintf("pgBackRest does not say which WAL %s needs: take one while the server runs", b.Label))
	}
	// Names of WAL files sort as their positions do, timeline first.
	if a := s.archiveOf(b); a.Min != "" && a.Min <= b.Archive.Start && b.Archive.Stop <= a.Max {
		return out
	}
	return append(out, fmt.Sprintf("%s needs the WAL files from %s to %s, and the archive does not reach from one to the other: mend archiving (pgbackrest check), and take another one", b.Label, b.Archive.Start, b.Archive.Stop))
}

// archiveOf is where the WAL of a backup is; the zero value where it is not said.
func (s *stanza) archiveOf(b backup) archive {
	for _, a := range s.Archive {
		if a.Of == b.Of {
			return a
		}
	}
	return archive{}
}
