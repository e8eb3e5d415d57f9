package monitor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tminus/phases"
)

func get(t testing.TB, url string) (string, int) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), answer.StatusCode
}

// page is what a scrape gives of a picture at a moment.
func page(t testing.TB, p *Picture, now time.Time) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector{latest: func() *Picture { return p }, now: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages(registry))
	defer server.Close()
	body, code := get(t, server.URL+"/metrics")
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, body)
	}
	return body
}

// The page, on hold and at the end.
func TestMetricsGolden(t *testing.T) {
	recs := frozen(t, frozenDemo)
	for name, n := range map[string]int{"hold": until(t, recs, 0, "hold_opened") + 1, "end": len(recs)} {
		t.Run(name, func(t *testing.T) {
			s := folded(t, recs[:n])
			now := s.At.Add(1500 * time.Millisecond)
			golden.RequireEqual(t, page(t, take(s, "gym.journal", nil, now), now))
		})
	}
}

// The names and units are as Prometheus's own linter wants them.
func TestMetricsAreNamedAsUsual(t *testing.T) {
	s := folded(t, frozen(t, frozenDemo))
	c := collector{latest: func() *Picture { return take(s, "j", nil, s.At) }, now: func() time.Time { return s.At }}
	problems, err := testutil.CollectAndLint(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Of nothing nothing is told, and a number never stands for "unknown".
func TestMetricsTellNothingThatIsNotKnown(t *testing.T) {
	if body := page(t, nil, time.Now()); body != "" {
		t.Errorf("before the first record there is\n%s", body)
	}
	recs := frozen(t, frozenDemo)
	s := folded(t, recs[:1])
	body := page(t, take(s, "j", nil, s.At), s.At)
	for _, name := range []string{"tminus_window_remaining_seconds", "tminus_backup_age_seconds", "tminus_hold_until", "tminus_lock_waited", "tminus_phase_rows_expected"} {
		if strings.Contains(body, "\n"+name) {
			t.Errorf("%s has a value before there is one:\n%s", name, body)
		}
	}
}

// Names in a journal that are not as they should be break no page, and their
// number has a limit.
func TestMetricsOfForeignNames(t *testing.T) {
	recs := frozen(t, frozenDemo)
	s := folded(t, recs)
	ph := &s.Phases[1]
	ph.Tables = append(ph.Tables, phases.TableState{Name: "odd\x1b[31m\xff\n\"name\\", Role: phases.RoleCascade, Cascaded: 3, Expected: -1}, phases.TableState{Name: "twice", Role: phases.RoleTouch}, phases.TableState{Name: "twice", Role: phases.RoleTouch})
	body := page(t, take(s, "j", nil, s.At), s.At)
	if !strings.Contains(body, `tminus_phase_rows{effect="cascaded",phase="phase2",table="odd�� \"name\\"`) && !strings.Contains(body, `table="odd� \"name\\"`) {
		t.Errorf("the table with the odd name is not there:\n%s", body)
	}
	for i := range 3 * maxTables {
		ph.Tables = append(ph.Tables, phases.TableState{Name: fmt.Sprintf("t%d", i), Role: phases.RoleCascade, Cascaded: 1, Expected: -1})
	}
	p := take(s, "j", nil, s.At)
	tables := p.Phases[1].Tables
	if len(tables) != maxTables+1 || tables[maxTables].Name != restName || tables[maxTables].Cascaded == 0 {
		t.Errorf("%d tables are told, the last is %+v", len(tables), tables[len(tables)-1])
	}
}

// A run that goes on is scraped over HTTP.
func TestScrape(t *testing.T) {
	recs := frozen(t, frozenDemo)
	half := until(t, recs, 0, "hold_opened") + 1
	j := newJournal(t, recs[:half]...)
	m := started(t, Options{Metrics: ":0"})
	url := "http://" + m.Address().String() + "/metrics"
	if body, code := get(t, url); code != http.StatusOK || body != "" {
		t.Errorf("before a run: %d %q", code, body)
	}
	follow(t, m, j.path)
	has := func(line string) func() bool {
		return func() bool { body, _ := get(t, url); return slices.Contains(lines(body), line) }
	}
	eventually(t, "the hold is seen", has("tminus_hold_open 1"))
	j.append(recs[half:]...)
	eventually(t, "the end is seen", has(`tminus_run_outcome{outcome="completed"} 1`))
	eventually(t, "all is seen", has(fmt.Sprintf("tminus_journal_records_total %d", len(recs))))
	for path, want := range map[string]int{"/": 200, "/metrics/": 404, "/debug/pprof/": 404} {
		if _, code := get(t, strings.TrimSuffix(url, "/metrics")+path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it is served after its end")
	}
}

// Whoever only reads tells when the program that writes is gone.
func TestAProgramThatIsGone(t *testing.T) {
	j := newJournal(t, frozen(t, frozenDemo)[:40]...)
	path := filepath.Join(t.TempDir(), "s.json")
	m := started(t, Options{Metrics: ":0", Status: path})
	follow(t, m, j.path)
	has := func(line string) func() bool {
		return func() bool {
			body, _ := get(t, "http://"+m.Address().String()+"/metrics")
			return slices.Contains(lines(body), line)
		}
	}
	eventually(t, "it is there", has("tminus_run_program 1"))
	if err := j.w.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", has("tminus_run_program 0"))
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(text(t, path), `"program": false`) {
		t.Errorf("the status file says\n%s", text(t, path))
	}
}

// A journal that is spoiled is told, and what was known stays.
func TestMetricsOfASpoiledJournal(t *testing.T) {
	recs := frozen(t, frozenDemo)
	j := newJournal(t, recs[:40]...)
	j.append(recs[0]) // a second opening: no run has one
	m := started(t, Options{Metrics: ":0"})
	follow(t, m, j.path)
	defer m.Close()
	eventually(t, "the fault is seen", func() bool {
		body, _ := get(t, "http://"+m.Address().String()+"/metrics")
		return slices.Contains(lines(body), "tminus_journal_readable 0") && slices.Contains(lines(body), "tminus_journal_records_total 40")
	})
}

// Clients that connect and do nothing, more than there is room for, keep no
// scrape away for good, and hold up no end.
func TestIdleClients(t *testing.T) {
	m := started(t, Options{Metrics: ":0"})
	var conns []net.Conn
	for range 2 * connsMost {
		c, err := net.Dial("tcp", m.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "there is room again", func() bool {
		answer, err := http.Get("http://" + m.Address().String() + "/metrics")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	c, err := net.Dial("tcp", m.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /met"); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		":9765": "127.0.0.1:9765", "9765": "127.0.0.1:9765", "127.0.0.1:0": "127.0.0.1:0", "localhost:80": "localhost:80",
		"0.0.0.0:9765": "0.0.0.0:9765", "[::]:9765": "[::]:9765", "[::1]:1": "[::1]:1", DefaultAddress: DefaultAddress,
	} {
		if got, err := ParseAddress(text); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":", "host", "host:", ":70000", "-1", ":x", "::1", "a b:1", "http://host:1", "user@host:1", "1.2.3.4:5:6"} {
		if got, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

// What others may reach says so; what is taken is told at once.
func TestWhereMetricsAre(t *testing.T) {
	m := started(t, Options{Metrics: "0.0.0.0:0"})
	defer m.Close()
	if notes := m.Notes(); len(notes) != 1 || !strings.HasSuffix(notes[0], ", open to the network") {
		t.Errorf("it says %q", notes)
	}
	loop := started(t, Options{Metrics: "0"})
	defer loop.Close()
	if notes := loop.Notes(); len(notes) != 1 || !regexp.MustCompile(`^metrics on http://127\.0\.0\.1:\d+/metrics$`).MatchString(notes[0]) {
		t.Errorf("it says %q", notes)
	}
	_, err := New(Options{Metrics: loop.Address().String(), Status: t.TempDir() + "/s.json"})
	if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), "another program has "+loop.Address().String()) {
		t.Errorf("an address that is taken: %v", err)
	}
}

func TestNothingToDo(t *testing.T) {
	m, err := New(Options{Environ: []string{"HOME=/", "OTEL_SERVICE_NAME=x"}})
	if m != nil || err != nil {
		t.Fatalf("%v %v", m, err)
	}
	if err := errors.Join(m.Follow("none"), m.Close()); err != nil || m.Notes() != nil || m.Address() != nil {
		t.Error("a monitor that does nothing does something")
	}
}

// docs/watching.md has every metric with its labels, and none that is not there.
func TestEveryMetricIsDescribed(t *testing.T) {
	var documented, there []string
	page, _, _ := strings.Cut(text(t, "../../docs/watching.md"), "## Traces")
	for _, row := range regexp.MustCompile("(?m)^\\| `(tminus_[a-z0-9_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(page, -1) {
		documented = append(documented, row[1]+" "+strings.Join(strings.Fields(strings.NewReplacer("`", "", ",", " ").Replace(row[2])), " "))
	}
	for _, f := range families() {
		there = append(there, strings.TrimRight(f.name+" "+strings.Join(f.labels, " "), " "))
	}
	for i := range documented {
		documented[i] = strings.TrimRight(documented[i], " ")
	}
	if !slices.Equal(documented, there) {
		t.Errorf("documented are\n%s\nand there are\n%s", strings.Join(documented, "\n"), strings.Join(there, "\n"))
	}
}
