package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/phases/engine"
)

// expireCapsules destroys what need not be kept any longer.
func (a *app) expireCapsules(paths []string, f capsuleFlags) error {
	switch {
	case f.Now && len(paths) == 0:
		return &Exit{Code: Usage, Err: errors.New("--now destroys what is to be kept: name the journals of the runs that are meant")}
	case f.Yes != "" && !f.Now:
		return &Exit{Code: Usage, Err: errors.New("--yes belongs to --now; what is over is destroyed without asking")}
	}
	now, gone := time.Now(), 0
	err := a.keptRuns(paths, f, func(run *keptRun) error {
		n, err := a.expireRun(run, f, now)
		gone += n
		return err
	})
	if err == nil && gone == 0 {
		_, err = fmt.Fprintln(a.stdout, "no capsule's time is over: nothing was destroyed")
		return Failed(err)
	}
	return err
}

// expireRun destroys those of one run, and gives how many.
func (a *app) expireRun(run *keptRun, f capsuleFlags, now time.Time) (gone int, err error) {
	var due []phases.HeldCapsule
	refused := false
	for _, h := range run.held {
		is, why := run.due(h, f.Now, now)
		if why != nil {
			refused = true
			fmt.Fprintf(a.stderr, "tminus: %s: %s is not destroyed: %v\n", run.path, phases.Clean(h.Name), why)
		} else if is {
			due = append(due, h)
		}
	}
	if len(due) > 0 && f.Now {
		if err := a.confirmExpiry(run, due, f.Yes); err != nil {
			return 0, err
		}
	}
	for _, h := range due {
		if err := a.database.Capsules.Expire(h.Files.Path, engine.LocalOperator().String(), now); err != nil {
			refused = true
			fmt.Fprintf(a.stderr, "tminus: %s: %v\n", run.path, err)
			continue
		}
		gone++
		fmt.Fprintf(a.stdout, "%s: destroyed %s: %s, %s, taken %s\n", run.path, phases.Clean(h.Name), phases.Rows(h.Files.Rows), phases.Bytes(h.Files.Size), moment(h.Files.Taken))
	}
	if refused {
		return gone, &Exit{Code: Error}
	}
	return gone, nil
}

// due reports whether a capsule is to be destroyed, and why it must not be although
// it would be, or nobody knows whether it would.
func (r *keptRun) due(h phases.HeldCapsule, all bool, now time.Time) (bool, error) {
	f := h.Files
	switch {
	case f == nil, f.Expired && !f.Remains:
		return false, nil
	case f.Unfinished && !all && r.state.ClosedAt.IsZero():
		return false, nil // it is being written
	}
	why := r.state.MayExpire(h)
	known := f.SHA256 != "" && (h.Recorded == nil || h.Recorded.SHA256 == f.SHA256) // until when it is kept
	if !all && !f.Remains && known && !f.Over(now) {
		return false, nil
	}
	return why == nil, why
}

// confirmExpiry has the name of the run's database typed.
func (a *app) confirmExpiry(run *keptRun, due []phases.HeldCapsule, yes string) error {
	database := run.state.Target.Database
	if yes != "" {
		if yes != database {
			return &Exit{Code: Usage, Err: fmt.Errorf("%s: the run's database is %s, not %s: nothing of it was destroyed", run.path, phases.Clean(database), phases.Clean(yes))}
		}
		return nil
	}
	if !term.IsTerminal(a.stdin.Fd()) {
		return &Exit{Code: Usage, Err: fmt.Errorf("%s: nobody can be asked here: --yes with the name of the run's database destroys its capsules", run.path)}
	}
	var rows int64
	for _, h := range due {
		rows += h.Files.Rows
	}
	fmt.Fprintf(a.stderr, "%s: %s with %s of the database %s will be destroyed for good; then only a restore\nbrings them back. Type the name of the database to destroy them: ",
		run.path, phases.Plural(int64(len(due)), "capsule"), phases.Rows(rows), phases.Clean(database))
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err == nil && strings.TrimSpace(line) == strings.TrimSpace(database) {
		return nil
	}
	return &Exit{Code: Left, Err: fmt.Errorf("%s: nothing of it was destroyed", run.path)}
}
