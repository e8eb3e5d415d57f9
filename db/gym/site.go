package gym

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tminus/db/backup"
	"tminus/phases/runbook"
)

// The workflow that a reset has to disable: the run renames it, and pushes that.
const (
	workflow = ".github/workflows/weekly-pilates-refill.yml"

	workflowText = "name: weekly pilates refill\non:\n  schedule:\n    - cron: '0 2 * * 0'\njobs:\n  refill:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo refill\n"
)

// siteLimit bounds what git is asked for: it makes a commit and pushes it.
const siteLimit = time.Minute

// MakeSite makes, in the existing folder dir, what a reset asks about beside the
// database: a checkout of the gym's application with its remote, where the
// workflow is enabled, and an empty folder for backups. Where PostgreSQL's
// client programs are missing for a server of that major version, its backup is
// one that is recorded by hand.
func MakeSite(ctx context.Context, dir string, major int) (runbook.Site, error) {
	ctx, cancel := context.WithTimeout(ctx, siteLimit)
	defer cancel()
	site := runbook.Site{Checkout: filepath.Join(dir, "app"), Backups: filepath.Join(dir, "backups")}
	if err := makeCheckout(ctx, site.Checkout, filepath.Join(dir, "app.git")); err != nil {
		return site, fmt.Errorf("make the demo's git checkout: %w", err)
	}
	if err := os.Mkdir(site.Backups, 0o700); err != nil {
		return site, fmt.Errorf("make the demo's folder for backups: %w", err)
	}
	for _, program := range []string{"pg_dump", "pg_restore"} {
		if _, err := backup.Find(ctx, program, major); err != nil {
			site.ByHand = true
		}
	}
	return site, nil
}

func makeCheckout(ctx context.Context, checkout, remote string) error {
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("git is not on this machine, and the demo's runbook asks it about commits and a workflow; install it (Debian: apt-get install git)")
	}
	file := filepath.Join(checkout, filepath.FromSlash(workflow))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(workflowText), 0o600); err != nil {
		return err
	}
	// A day ago: no commit of the demo's is a fresh one.
	before := time.Now().Add(-24 * time.Hour)
	for _, c := range []struct {
		at   time.Time
		args []string
	}{
		{before, []string{"init", "--quiet", "--bare", remote}},
		{before, []string{"init", "--quiet", checkout}},
		{before, []string{"-C", checkout, "checkout", "--quiet", "-b", "main"}},
		{before, []string{"-C", checkout, "add", "."}},
		{before, []string{"-C", checkout, "commit", "--quiet", "-m", "Refill the Pilates deposits each week"}},
		{before, []string{"-C", checkout, "remote", "add", "origin", remote}},
		{before, []string{"-C", checkout, "push", "--quiet", "origin", "main"}},
		// Whose commits the run's are: nobody may have configured a name.
		{before, []string{"-C", checkout, "config", "user.name", "gym"}},
		{before, []string{"-C", checkout, "config", "user.email", "gym@localhost"}},
	} {
		if err := git(ctx, c.at, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// git runs git as if nobody had configured anything, at a moment.
func git(ctx context.Context, at time.Time, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	when := at.Format(time.RFC3339)
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_TEMPLATE_DIR=",
		"GIT_AUTHOR_NAME=gym", "GIT_AUTHOR_EMAIL=gym@localhost", "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME=gym", "GIT_COMMITTER_EMAIL=gym@localhost", "GIT_COMMITTER_DATE="+when)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
