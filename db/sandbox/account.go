package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// shortLimit bounds programs that should end at once.
const shortLimit = 20 * time.Second

// account is who the server's processes run as.
type account struct {
	name       string
	credential *syscall.Credential // nil: as ourselves
}

// serverAccount is ourselves, or for root an ordinary user: PostgreSQL refuses
// to run as root.
func serverAccount(ctx context.Context) (*account, error) {
	if os.Geteuid() != 0 {
		return &account{name: "uid " + strconv.Itoa(os.Geteuid())}, nil
	}
	var failures error
	for _, candidate := range ordinaryAccounts() {
		_, err := runBounded(ctx, shortLimit, candidate.command("/bin/sh", "-c", "exit 0"))
		if err == nil {
			return candidate, nil
		}
		failures = errors.Join(failures, fmt.Errorf("as %s: %w", candidate.name, err))
	}
	return nil, fmt.Errorf("run as an ordinary user, which PostgreSQL asks of root: %w; "+
		"start tminus as an ordinary user instead", failures)
}

func ordinaryAccounts() []*account {
	var accounts []*account
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			accounts = append(accounts, &account{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}})
		}
	}
	// A bare container has no users; the kernel doesn't ask for a name. Where
	// groups can't be set (a user namespace), they stay as they are.
	for _, id := range []uint32{65534, 1000, 1} {
		name := "uid " + strconv.Itoa(int(id))
		accounts = append(accounts,
			&account{name, &syscall.Credential{Uid: id, Gid: id}},
			&account{name, &syscall.Credential{Uid: id, Gid: id, NoSetGroups: true}})
	}
	return accounts
}

// command prepares a program to run as this account, in a clean environment.
func (a *account) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	for _, entry := range os.Environ() {
		// PGDATA, PGOPTIONS and others would speak to our server as well.
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "PG") && !strings.HasPrefix(name, "LC_") && name != "LANG" && name != "TZ" {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	return cmd
}

// own gives a file to this account.
func (a *account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

func (a *account) uid() uint32 {
	if a.credential == nil {
		return uint32(os.Geteuid())
	}
	return a.credential.Uid
}
