package outside

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestSpaceFree(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	free, mount := df(t, dir)
	least, half, twice := int64(0), free/2, 2*free+100
	for _, dir := range []string{dir, link} {
		c := runbook.Check{Name: "space.free", Dir: dir, Min: &least}
		finds(t, c, true, " MB free on "+mount)
		c.Min = &half
		finds(t, c, true, "at least ")
		c.Min = &twice
		finds(t, c, false, " MB free on "+mount+", and "+phases.Digits(twice)+" MB are wanted")
	}
	unknown(t, runbook.Check{Name: "space.free", Dir: filepath.Join(dir, "nowhere"), Min: &least}, "there is no folder")
	unknown(t, runbook.Check{Name: "space.free", Dir: filepath.Join(os.Args[0], "a"), Min: &least}, "cannot be asked: not a directory")
	unknown(t, runbook.Check{Name: "space.free", Dir: dir}, "name the folder")
	unknown(t, runbook.Check{Name: "space.free", Min: &least}, "name the folder")
}

// df is what the system's own program tells of a folder: megabytes, and the mount.
func df(t *testing.T, dir string) (free int64, mount string) {
	t.Helper()
	out, err := exec.Command("df", "-Pk", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	words := strings.Fields(lines[len(lines)-1])
	kB, err := strconv.ParseInt(words[3], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB / 1024, words[5]
}

func TestEnoughSpace(t *testing.T) {
	for _, c := range []struct {
		free, wanted uint64
		want         phases.Answer
	}{
		{62464, 1000, phases.Answer{Pass: true, Value: "at least 62,000 MB free on /data"}},
		{62999, 1000, phases.Answer{Pass: true, Value: "at least 62,000 MB free on /data"}},
		{1550, 1540, phases.Answer{Pass: true, Value: "at least 1,540 MB free on /data"}},
		{1540, 1540, phases.Answer{Pass: true, Value: "at least 1,540 MB free on /data"}},
		{1539, 1540, phases.Answer{Value: "about 1,500 MB free on /data, and 1,540 MB are wanted"}},
		{99, 100, phases.Answer{Value: "about 99 MB free on /data, and 100 MB are wanted"}},
		{0, 0, phases.Answer{Pass: true, Value: "at least 0 MB free on /data"}},
	} {
		if got := enough(room{c.free, "/data"}, c.wanted); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d of %d: %+v, want %+v", c.free, c.wanted, got, c.want)
		}
	}
}
