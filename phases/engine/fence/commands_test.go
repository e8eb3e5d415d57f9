package fence_test

import (
	"os"
	"path/filepath"
	"testing"
)

// What goes off by and by is off when its state stays, and not at the first that is
// another.
func TestCommandsThatGoOffByAndBy(t *testing.T) {
	dir := programs(t, map[string]string{
		"off": `echo 2 >is`, "on": `echo 3 >is`,
		"state": `cat is; [ "$(cat is)" = 2 ] && echo 0 >is; :`, // the first that looks is told of 2, and the next of 0
	})
	if err := os.WriteFile(filepath.Join(dir, "is"), []byte("3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "commands: {off: [off], on: [on], state: [state], limit: 1s}")
	r.must(r.take())
	if f := r.state.Fence("f"); f.Taken.Text != "0" || r.word() != "off" {
		t.Errorf("taken as %q, it is %s", f.Taken.Text, r.word())
	}
	r.must(r.lift())
}
