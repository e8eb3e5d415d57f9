package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// barman is asked by several commands, each of which answers in JSON.
type barman struct {
	asked Asked
	list  []catalogued // nil before it was asked
	// unsure is whether barman check could not tell that the server which it
	// connects to is the one that its backups are of.
	unsure bool
	asks   []string
}

// What barman prints, as far as it is looked at.
type (
	catalogued struct {
		ID     string `json:"backup_id"`
		Status string `json:"status"`
	}
	checked struct {
		Status string `json:"status"`
		Hint   string `json:"hint"`
	}
	shown struct {
		ID      string `json:"backup_id"`
		Status  string `json:"status"`
		Error   string `json:"error"`
		System  string `json:"system_id"` // of later versions
		Version int    `json:"postgresql_version"`
		Base    struct {
			Begin    string `json:"begin_time_timestamp"` // seconds of the epoch, as text
			End      string `json:"end_time_timestamp"`
			EndWAL   string `json:"end_wal"`
			BeginWAL string `json:"begin_wal"`
			Bytes    int64  `json:"backup_size_bytes"` // of later versions
			Disk     int64  `json:"disk_usage_bytes"`  // of earlier ones
		} `json:"base_backup_information"`
		WAL struct {
			Last string `json:"last_available"`
		} `json:"wal_information"`
	}
	served struct {
		System string `json:"postgres_systemid"`
	}
)

func (m *barman) program() []string {
	if p := m.asked.Keeper.Program; len(p) > 0 {
		return slices.Clone(p)
	}
	return []string{"barman"}
}

// ask asks a command about the server, and gives what it says of it. Errors are
// barman's own sentences, where it has some instead.
func (m *barman) ask(ctx context.Context, command string, more ...string) (said json.RawMessage, errors []string, a answer, err error) {
	argv := m.program()
	if c := m.asked.Keeper.Config; c != "" {
		argv = append(argv, "-c", c)
	}
	argv = append(append(argv, "-f", "json", command, m.asked.Keeper.Server), more...)
	if a, err = ask(ctx, command, argv); err != nil {
		return nil, nil, a, err
	}
	var all map[string]json.RawMessage
	if err := a.into('{', &all); err != nil {
		if a.exit != 0 {
			err = a.failed()
		}
		return nil, nil, a, err
	}
	for _, key := range []string{"_ERROR", "_EXCEPTION"} {
		var texts []string
		if all[key] == nil {
			continue
		}
		if err := json.Unmarshal(all[key], &texts); err != nil || len(texts) == 0 {
			texts = []string{"an error without a text"}
		}
		errors = append(errors, texts...)
	}
	if !slices.Contains(m.asks, command) {
		m.asks = append(m.asks, command)
	}
	return all[m.asked.Keeper.Server], errors, a, nil
}

// about asks a command that says something of the server, and reads it.
func (m *barman) about(ctx context.Context, to any, command string, more ...string) (errors []string, err error) {
	said, errors, a, err := m.ask(ctx, command, more...)
	switch {
	case err != nil:
		return nil, err
	case said == nil && len(errors) > 0:
		return errors, nil
	case a.exit != 0 && len(errors) == 0 && command != "check": // which ends so where a check fails
		return nil, a.failed()
	case said == nil:
		return nil, fmt.Errorf("ask %s for %s: it says nothing of the server %s: correct the runbook, or its configuration", a.name, command, m.asked.Keeper.Server)
	}
	if err := json.Unmarshal(said, to); err != nil {
		return nil, fmt.Errorf("ask %s for %s: what it says of the server %s is not what this tminus reads: verify by a command where its version prints it in another way", a.name, command, m.asked.Keeper.Server)
	}
	return errors, nil
}

// refused is the error of a command that answers with errors alone.
func (m *barman) refused(command string, errors []string) error {
	return fmt.Errorf("ask barman for %s of the server %s: %s", command, m.asked.Keeper.Server, errors[0])
}

// standing implements teller, by barman check: each of its checks counts.
func (m *barman) standing(ctx context.Context) ([]string, error) {
	var checks map[string]checked
	errors, err := m.about(ctx, &checks, "check")
	if err != nil {
		return nil, err
	}
	if len(errors) > 0 {
		return nil, m.refused("check", errors)
	}
	if len(checks) == 0 {
		return []string{"barman check has checked nothing: run it by hand, and see why"}, nil
	}
	same, asked := checks["systemid_coherence"]
	m.unsure = !asked || strings.HasPrefix(same.Hint, "no system")
	var names, out []string
	for name := range checks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if c := checks[name]; c.Status != "OK" {
			hint := ""
			if c.Hint != "" {
				hint = ", " + c.Hint
			}
			out = append(out, fmt.Sprintf("barman check says %s of %s%s: mend it, and verify again", strings.TrimSpace(c.Status+" "), strings.ReplaceAll(name, "_", " "), hint))
		}
	}
	return out, nil
}

// labels implements teller.
func (m *barman) labels(ctx context.Context) ([]string, error) {
	m.list = []catalogued{}
	errors, err := m.about(ctx, &m.list, "list-backups")
	if err != nil {
		return nil, err
	}
	if len(errors) > 0 {
		return nil, m.refused("list-backups", errors)
	}
	// An ID is the moment of its start.
	slices.SortStableFunc(m.list, func(a, b catalogued) int { return strings.Compare(b.ID, a.ID) })
	var out []string
	for _, b := range m.list {
		if !goodLabel(b.ID) {
			return nil, fmt.Errorf("ask barman for list-backups: %q is not an ID: look at what it prints", b.ID)
		}
		out = append(out, b.ID)
	}
	return out, nil
}

// underway is the status of a backup that has not ended.
var underway = []string{"EMPTY", "STARTED", "SYNCING"}

// busy implements teller.
func (m *barman) busy() string {
	for _, b := range m.list {
		if slices.Contains(underway, b.Status) {
			return fmt.Sprintf("; %s is under way, look again when it has ended", b.ID)
		}
	}
	return ""
}

// did implements teller.
func (m *barman) did() []string { return m.asks }

// version implements teller.
func (m *barman) version(ctx context.Context) (string, error) {
	return versionOf(ctx, "barman", append(m.program(), "--version"))
}

// tell implements teller.
func (m *barman) tell(ctx context.Context, label string) (*told, error) {
	var b shown
	errors, err := m.about(ctx, &b, "show-backup", label)
	switch {
	case err != nil:
		return nil, err
	case len(errors) > 0 && strings.HasPrefix(errors[0], "Unknown backup"):
		return nil, nil //nolint:nilnil // there is none
	case len(errors) > 0:
		return nil, m.refused("show-backup", errors)
	case b.ID == "" || b.Status == "":
		return nil, fmt.Errorf("ask barman for show-backup: it says nothing of %s: run it by hand, and see why", label)
	}
	if b.ID != label {
		return nil, nil //nolint:nilnil // a name such as latest is another backup tomorrow
	}
	t := m.of(b)
	// Earlier versions do not say of which server the backup is: its server is
	// the one that it connects to, as long as check finds them the same.
	if t.whole && t.system == "" && !m.unsure {
		var s served
		errors, err := m.about(ctx, &s, "show-server")
		if err != nil {
			return nil, err
		}
		if len(errors) > 0 {
			return nil, m.refused("show-server", errors)
		}
		t.system = s.System
	}
	return t, nil
}

func (m *barman) of(b shown) *told {
	server := m.asked.Keeper.Server
	t := &told{label: b.ID, place: "barman server " + server, system: b.System, major: b.Version / 10_000, bytes: b.Base.Bytes}
	if t.bytes == 0 {
		t.bytes = b.Base.Disk
	}
	t.began, t.ended = epoch(b.Base.Begin), epoch(b.Base.End)
	switch {
	case b.Status == "DONE":
		t.whole = true
	case b.Status == "WAITING_FOR_WALS":
		t.problems = append(t.problems, fmt.Sprintf("%s waits for the WAL that it needs: run barman switch-wal --force --archive %s, or take one with barman backup --wait", b.ID, server))
	case slices.Contains(underway, b.Status):
		t.problems = append(t.problems, fmt.Sprintf("%s is still under way, barman says %s: wait for its end, and verify again", b.ID, b.Status))
	default:
		why := ""
		if b.Error != "" {
			why = ", " + b.Error
		}
		t.problems = append(t.problems, fmt.Sprintf("%s did not end well, barman says %s%s: take another one", b.ID, b.Status, why))
	}
	if !t.whole {
		return t
	}
	switch {
	case b.Base.EndWAL == "":
		t.problems = append(t.problems, fmt.Sprintf("barman does not say which WAL %s needs: take another one", b.ID))
	case b.WAL.Last < b.Base.EndWAL: // names of WAL files sort as their positions do
		t.problems = append(t.problems, fmt.Sprintf("%s needs the WAL file %s, and barman does not have it: run barman switch-wal --force --archive %s, and verify again", b.ID, b.Base.EndWAL, server))
	}
	return t
}

// epoch reads seconds of the epoch; the zero time where there are none.
func epoch(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// read implements teller, by barman verify-backup, which holds each file
// against the backup's manifest.
func (m *barman) read(ctx context.Context, t *told) ([]string, error) {
	_, errors, a, err := m.ask(ctx, "verify-backup", t.label)
	switch {
	case err != nil:
		return nil, err
	case len(errors) > 0:
		return []string{fmt.Sprintf("barman verify-backup of %s: %s; mend what it names, or take another one", t.label, strings.Join(errors, "; "))}, nil
	case a.exit != 0:
		return nil, a.failed()
	}
	return nil, nil
}
