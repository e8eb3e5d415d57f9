package monitor

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"tminus/phases/journal"
)

// otlp is a collector that keeps what it is sent.
type otlp struct {
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource []*commonpb.KeyValue
	auth     string
}

func (o *otlp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(body)
	}
	raw, err := io.ReadAll(body)
	var request collectorpb.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &request) != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.auth = r.Header.Get("Authorization")
	for _, rs := range request.ResourceSpans {
		o.resource = rs.Resource.Attributes
		for _, ss := range rs.ScopeSpans {
			o.spans = append(o.spans, ss.Spans...)
		}
	}
}

// collecting starts a collector and has the process's environment name it.
func collecting(t *testing.T) *otlp {
	t.Helper()
	o := &otlp{}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return o
}

func traced(t *testing.T, recs ...journal.Record) error {
	t.Helper()
	j := newJournal(t, recs...)
	m := started(t, Options{Environ: os.Environ(), Version: "v1"})
	follow(t, m, j.path)
	return m.Close()
}

func attrs(kvs []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range kvs {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			out[kv.Key] = fmt.Sprint(v.BoolValue)
		case *commonpb.AnyValue_DoubleValue:
			out[kv.Key] = fmt.Sprint(v.DoubleValue)
		}
	}
	return out
}

// A whole run is one trace: its own span, and one for each attempt of a phase,
// with its tables as events.
func TestARunIsOneTrace(t *testing.T) {
	o := collecting(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20x")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=night")
	recs := frozen(t, frozenDemo)
	if err := traced(t, recs...); err != nil {
		t.Fatal(err)
	}
	state := folded(t, recs)
	if len(o.spans) != len(state.Phases)+1 {
		t.Fatalf("%d spans", len(o.spans))
	}
	if r := attrs(o.resource); r["service.name"] != "tminus" || r["service.version"] != "v1" || r["deployment.environment"] != "night" || o.auth != "Bearer x" {
		t.Errorf("they come from %v with %q", r, o.auth)
	}
	root := o.spans[slices.IndexFunc(o.spans, func(s *tracepb.Span) bool { return s.Name == "run" })]
	if a := attrs(root.Attributes); a[attrOutcome] != "completed" || a[attrRun] != state.Opened.RunID || len(root.ParentSpanId) != 0 || root.Status.Code != tracepb.Status_STATUS_CODE_OK {
		t.Errorf("the run's span: %v", root)
	}
	if root.StartTimeUnixNano != uint64(recs[0].At.UnixNano()) || root.EndTimeUnixNano != uint64(state.At.UnixNano()) {
		t.Error("the run's span has other times than the run")
	}
	for _, p := range state.Phases {
		i := slices.IndexFunc(o.spans, func(s *tracepb.Span) bool { return s.Name == "phase "+p.Plan.ID })
		if i < 0 {
			t.Errorf("no span of %s", p.Plan.ID)
			continue
		}
		s := o.spans[i]
		a, did := attrs(s.Attributes), p.Did()
		if string(s.TraceId) != string(root.TraceId) || string(s.ParentSpanId) != string(root.SpanId) || s.StartTimeUnixNano != uint64(p.StartedAt.UnixNano()) || s.EndTimeUnixNano != uint64(p.EndedAt.UnixNano()) {
			t.Errorf("%s: the span stands elsewhere: %v", p.Plan.ID, s)
		}
		if a[attrDeleted] != fmt.Sprint(did.Deleted) || a[attrCascaded] != fmt.Sprint(did.Cascaded) || a[attrXid] != p.Tx.Xid || a[attrStatus] != string(p.Status) {
			t.Errorf("%s: %v", p.Plan.ID, a)
		}
		var deleted int64
		for _, e := range s.Events {
			if e.Name == tableEvent {
				var n int64
				_, _ = fmt.Sscan(attrs(e.Attributes)[attrDeleted], &n)
				deleted += n
			}
		}
		if deleted != did.Deleted {
			t.Errorf("%s: its tables' events have %d rows, the phase %d", p.Plan.ID, deleted, did.Deleted)
		}
	}
}

// Each program of a run sends what ended with it, and together it is one trace
// in which nothing stands twice.
func TestOneTraceOverSeveralPrograms(t *testing.T) {
	o := collecting(t)
	recs := frozen(t, frozenUpkeep)
	parts := 0
	var sent []*tracepb.Span
	for from := 1; from <= len(recs); {
		to := from
		for to < len(recs) && recs[to].Kind != "run_resumed" {
			to++
		}
		// The program that opened the journal, or took it up, until it left.
		if err := traced(t, recs[:to]...); err != nil {
			t.Fatal(err)
		}
		parts++
		from = to + 1
	}
	sent = o.spans
	seen, ids := map[string]int{}, map[string]bool{}
	for _, s := range sent {
		seen[hex.EncodeToString(s.SpanId)]++
		ids[hex.EncodeToString(s.TraceId)] = true
	}
	attempts := 0
	for _, r := range recs {
		if r.Kind == "phase_started" {
			attempts++
		}
	}
	if parts < 3 || len(ids) != 1 || len(seen) != attempts+1 || len(sent) != len(seen) {
		t.Errorf("%d programs sent %d spans of %d ids in %d traces, of %d attempts", parts, len(sent), len(seen), len(ids), attempts)
	}
	bad := 0
	for _, s := range sent {
		if s.Status.Code == tracepb.Status_STATUS_CODE_ERROR && s.Status.Message != "" {
			bad++
		}
	}
	if bad < 3 { // two were rolled back, and the run was aborted
		t.Errorf("%d spans say that something went wrong", bad)
	}
}

// A collector that hangs, refuses, or is not there is told at the end, without
// what was sent where.
func TestCollectorsThatFail(t *testing.T) {
	recs := frozen(t, frozenDemo)
	hung := make(chan struct{})
	defer close(hung)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		says  string
	}{
		"hangs":   {func(_ http.ResponseWriter, r *http.Request) { <-hung }, "it has not answered in time"},
		"refuses": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "s3cret", http.StatusForbidden) }, "it did not take them"},
		"fails":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "s3cret", http.StatusInternalServerError) }, "it did not take them"},
		"gone":    {nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			at := gone.URL
			if c.serve != nil {
				server := httptest.NewUnstartedServer(c.serve)
				server.Start()
				t.Cleanup(server.CloseClientConnections) // Close would wait for the one that hangs
				at = server.URL
			}
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", strings.Replace(at, "http://", "http://u:s3cret@", 1)+"/?token=s3cret")
			err := traced(t, recs...)
			if err == nil || !strings.HasPrefix(err.Error(), "traces: 7 of 7 spans did not reach the collector: ") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestWhenTracesAreSent(t *testing.T) {
	for _, c := range []struct {
		env    string
		wanted bool
		note   string
	}{
		{"", false, ""},
		{"OTEL_SERVICE_NAME=x", false, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", true, ""},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://h/x", true, ""},
		{"OTEL_TRACES_EXPORTER=otlp", true, ""},
		{"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", false, ""},
		{"OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", false, ""},
		{"OTEL_TRACES_EXPORTER=console", false, "OTEL_TRACES_EXPORTER"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, "http/protobuf"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=h:4318", false, "no URL"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=:tok%en", false, "no URL"},
	} {
		wanted, note := tracesWanted(strings.Fields(c.env))
		if wanted != c.wanted || (note == "") != (c.note == "") || !strings.Contains(note, c.note) || strings.Contains(note, "tok") {
			t.Errorf("%s: %v %q", c.env, wanted, note)
		}
	}
}

// docs/watching.md has every attribute.
func TestEveryAttributeIsDescribed(t *testing.T) {
	page := text(t, "../../docs/watching.md")
	for _, name := range regexp.MustCompile(`(?m)^\tattr\w+ += "([^"]+)"$`).FindAllStringSubmatch(text(t, "traces.go"), -1) {
		if !strings.Contains(page, "`"+name[1]+"`") {
			t.Errorf("%s is not described", name[1])
		}
	}
}
