package capsule

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// sums is the file that sha256sum -c reads: all files, the manifest's text included.
func (m Manifest) sums(text []byte) []byte {
	var all []string
	line := func(sum, name string) { all = append(all, name+"\x00"+sum) }
	for _, t := range m.Tables {
		for _, s := range t.Streams {
			line(s.SHA256, s.File)
		}
	}
	for _, f := range m.Others {
		line(f.SHA256, f.Name)
	}
	line(fmt.Sprintf("%x", sha256.Sum256(text)), manifestName)
	slices.Sort(all)
	var out strings.Builder
	for _, l := range all {
		name, sum, _ := strings.Cut(l, "\x00")
		fmt.Fprintf(&out, "%s  %s\n", sum, name)
	}
	return []byte(out.String())
}
