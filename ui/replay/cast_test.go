package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/testdata/terminal"
)

func recorded(t testing.TB, f *Film, size Size, speed int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f.Cast(t.Context(), &out, size, speed); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// event is one line of a recording.
type event struct {
	since float64
	kind  string
	data  string
}

// parsed reads a recording as a player does, and fails on what is not one.
func parsed(t testing.TB, raw []byte) (head map[string]any, events []event) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if err := json.Unmarshal(lines[0], &head); err != nil {
		t.Fatal(err)
	}
	for i, l := range lines[1:] {
		var parts []any
		if err := json.Unmarshal(l, &parts); err != nil || len(parts) != 3 {
			t.Fatalf("line %d: %v: %s", i+2, err, l)
		}
		e := event{}
		var ok [3]bool
		e.since, ok[0] = parts[0].(float64)
		e.kind, ok[1] = parts[1].(string)
		e.data, ok[2] = parts[2].(string)
		if ok != [3]bool{true, true, true} || e.since < 0 || e.kind != "o" && e.kind != "m" {
			t.Fatalf("line %d is no event: %s", i+2, l)
		}
		events = append(events, e)
	}
	return head, events
}

// The bytes of a small recording.
func TestCastGolden(t *testing.T) {
	golden.RequireEqual(t, recorded(t, film(t, "v1-undo", 2*time.Second), Size{60, 16}, 20))
}

// Every recording has its head, its marks, times that add up, and frames that
// leave the terminal as the screen is.
func TestCasts(t *testing.T) {
	for _, name := range frozenJournals {
		for _, speed := range []int{1, 7} {
			f := film(t, name, 2*time.Second)
			size := Size{100, 30}
			raw := recorded(t, f, size, speed)
			if !bytes.Equal(raw, recorded(t, film(t, name, 2*time.Second), size, speed)) {
				t.Errorf("%s: the same journal gives other bytes", name)
			}
			head, events := parsed(t, raw)
			term, _ := head["term"].(map[string]any)
			if head["version"] != 3.0 || term["cols"] != 100.0 || term["rows"] != 30.0 || head["timestamp"] != float64(f.moment(0).Unix()) || head["title"] == "" {
				t.Errorf("%s: its head is %v", name, head)
			}
			var marks []string
			total, frames := 0.0, 0
			emu := terminal.NewEmulator(size.Width, size.Height)
			for _, e := range events {
				total += e.since
				if e.kind == "m" {
					marks = append(marks, e.data)
					continue
				}
				frames++
				if _, err := emu.Write([]byte(e.data)); err != nil {
					t.Fatal(err)
				}
			}
			want := f.lasts().Seconds() / float64(speed)
			if total < want || total > want+0.2 || float64(frames) > total*10+1 {
				t.Errorf("%s: %d frames in %.3f s, want %.3f", name, frames, total, want)
			}
			if len(marks) != len(f.marks) || marks[len(marks)-1] != f.marks[len(f.marks)-1].Text {
				t.Errorf("%s: its marks are %q", name, marks)
			}
			lines := strings.Split(ansi.Strip(emu.Render()), "\n")
			last := strings.TrimSpace(lines[len(lines)-1])
			clock := f.moment(f.length()).UTC().Format(time.DateTime)
			if len(lines) != size.Height || !strings.Contains(last, clock) || !strings.Contains(lines[1], "REPLAY") {
				t.Errorf("%s: at its end the terminal shows\n%s", name, strings.Join(lines, "\n"))
			}
		}
	}
}

// Who goes to a mark sees what it is about.
func TestAMarkStandsBehindItsFrame(t *testing.T) {
	f := film(t, "v1-upkeep", 2*time.Second)
	_, events := parsed(t, recorded(t, f, Size{100, 30}, 1))
	emu := terminal.NewEmulator(100, 30)
	seen := 0
	for _, e := range events {
		if e.kind == "o" {
			if _, err := emu.Write([]byte(e.data)); err != nil {
				t.Fatal(err)
			}
		} else if strings.HasPrefix(e.data, "run closed: aborted") {
			seen++
			if !strings.Contains(ansi.Strip(emu.Render()), "ABORTED") {
				t.Errorf("at %q there is\n%s", e.data, ansi.Strip(emu.Render()))
			}
		}
	}
	if seen != 1 {
		t.Errorf("the end is marked %d times", seen)
	}
}

// A recording ends when it is told to, and says so; so does a full disk.
func TestCastThatIsCutOff(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("hangup")
	cancel(why)
	if err := film(t, "v1-demo", 0).Cast(ctx, &bytes.Buffer{}, Size{80, 24}, 1); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	full := errors.New("no space left on device")
	if err := film(t, "v1-demo", 0).Cast(t.Context(), failing{full}, Size{80, 24}, 1); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"120x40": {120, 40}, "60x16": {60, 16}, "500x200": {500, 200}} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "80", "80x", "x24", "59x24", "80x15", "501x24", "80x24x3", "-80x24", "80 x 24", "1e3x40", fmt.Sprint(1<<62, "x", 1<<62)} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
