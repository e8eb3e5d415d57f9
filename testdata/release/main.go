// Command release builds the program for every system that a release is made
// for, and puts an archive of each, with the checksums of all, into a folder.
// The version is that of the git tag on the commit. The same commit and the
// same Go give the same bytes, wherever they are built.
//
//	go run ./testdata/release bin/release
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: release FOLDER")
		os.Exit(2)
	}
	if err := release(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(folder string) error {
	version, err := output("git", "describe", "--tags", "--exact-match", "--match", "v*")
	if err != nil {
		return fmt.Errorf("find the version: %w; a release is made from a commit with a tag such as v1.2.3: git tag v1.2.3", err)
	}
	changed, err := output("git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return fmt.Errorf("look for changes since the commit: %w", err)
	}
	if changed != "" {
		return errors.New("files differ from the commit: commit them, and move the tag")
	}
	stamp, err := output("git", "log", "-1", "--format=%ct")
	if err != nil {
		return fmt.Errorf("find the commit's time: %w", err)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("read the commit's time: %w", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, system := range []string{"darwin", "linux"} {
		for _, machine := range []string{"amd64", "arm64"} {
			name := fmt.Sprintf("tminus-%s-%s-%s", version, system, machine)
			archive, err := build(folder, name, version, system, machine, time.Unix(seconds, 0).UTC())
			if err != nil {
				return fmt.Errorf("build for %s on %s: %w", system, machine, err)
			}
			if err := os.WriteFile(filepath.Join(folder, name+".tar.gz"), archive, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s.tar.gz\n", sha256.Sum256(archive), name)
		}
	}
	fmt.Print(sums.String())
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// build gives the archive for one system. The program is built beside the
// archives, and does not stay there.
func build(folder, name, version, system, machine string, at time.Time) ([]byte, error) {
	program := filepath.Join(folder, name)
	defer os.Remove(program)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+machine)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	// The go command reads the tag by itself, but not in every kind of checkout.
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	if info.Main.Version != version {
		return nil, fmt.Errorf("the program calls itself %s, not %s: build in a clone of the repository, not in a worktree", info.Main.Version, version)
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	pack := tar.NewWriter(zip)
	for _, f := range []struct {
		from, to string
		mode     int64
	}{
		{program, "tminus", 0o755},
		{"README.md", "README.md", 0o644},
		{"LICENSE", "LICENSE", 0o644},
		{"ui/cli/licences.txt", "licences.txt", 0o644},
	} {
		data, err := os.ReadFile(f.from)
		if err != nil {
			return nil, err
		}
		head := tar.Header{Name: name + "/" + f.to, Mode: f.mode, Size: int64(len(data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := pack.WriteHeader(&head); err != nil {
			return nil, err
		}
		if _, err := pack.Write(data); err != nil {
			return nil, err
		}
	}
	if err := pack.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// output is the one line that a command writes.
func output(name string, args ...string) (string, error) {
	var complaint strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, args[0], err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(out)), err
}
