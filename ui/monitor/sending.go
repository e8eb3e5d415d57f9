package monitor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tminus/phases"
)

// newTraces makes ready to send spans where the variables of OpenTelemetry ask
// for it. They are the machine's, and not the run's: where they ask for what
// there is not, that is a note, and nothing is sent. No value of theirs is told:
// an endpoint, or a header, may hold a token.
func newTraces(environ []string, version string) (t *traces, note string) {
	wanted, note := tracesWanted(environ)
	if !wanted {
		return nil, note
	}
	// The library writes its troubles to stderr, over the operator's screen. What
	// matters of them is told by close.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	otel.SetLogger(logr.Discard())
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		return nil, "no traces are sent: what OTEL_EXPORTER_OTLP_* say cannot be used"
	}
	about, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", "tminus"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, "no traces are sent: what OTEL_RESOURCE_ATTRIBUTES says cannot be read"
	}
	watched := &watchedExporter{SpanExporter: exporter}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(watched), sdktrace.WithResource(about), sdktrace.WithIDGenerator(identifiers{}))
	return &traces{provider: provider, tracer: provider.Tracer("tminus"), watched: watched, open: map[string]*attempt{}}, ""
}

// tracesWanted reads the variables that say whether, and in what form.
func tracesWanted(environ []string) (wanted bool, note string) {
	vars := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, "OTEL_") {
			vars[name] = strings.TrimSpace(value)
		}
	}
	either := func(name string) string {
		if v := vars["OTEL_EXPORTER_OTLP_TRACES_"+name]; v != "" {
			return v
		}
		return vars["OTEL_EXPORTER_OTLP_"+name]
	}
	endpoint, exporter := either("ENDPOINT"), vars["OTEL_TRACES_EXPORTER"]
	switch {
	case strings.EqualFold(vars["OTEL_SDK_DISABLED"], "true"), exporter == "none", endpoint == "" && exporter == "":
		return false, ""
	case exporter != "" && exporter != "otlp":
		return false, "no traces are sent: of what OTEL_TRACES_EXPORTER can say, only otlp and none are known"
	}
	if p := either("PROTOCOL"); p != "" && p != "http/protobuf" {
		return false, "no traces are sent: of what OTEL_EXPORTER_OTLP_PROTOCOL can say, only http/protobuf is known"
	}
	if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return false, "no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is no URL of http or https"
	}
	return true, ""
}

// close sends what is left, as long as partWithin.
func (t *traces) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), partWithin)
	defer cancel()
	down := make(chan struct{})
	go func() { // ends with ctx, or with an exporter that does not heed it; the program then ends first
		defer close(down)
		_ = t.provider.Shutdown(ctx) // what did not get through is counted
	}()
	select {
	case <-down:
	case <-ctx.Done():
	}
	sent, why := t.watched.count()
	if lost := t.ended - sent; lost > 0 {
		return fmt.Errorf("traces: %d of %s did not reach the collector: %s", lost, phases.Plural(int64(t.ended), "span"), why)
	}
	return nil
}

// watchedExporter counts what the collector has taken.
type watchedExporter struct {
	sdktrace.SpanExporter

	mu   sync.Mutex
	sent int
	why  string
}

// ExportSpans implements sdktrace.SpanExporter.
func (w *watchedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := w.SpanExporter.ExportSpans(ctx, spans)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.sent += len(spans)
		return nil
	}
	w.why = reason(err)
	return err
}

func (w *watchedExporter) count() (sent int, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == "" {
		return w.sent, "it has not answered in time"
	}
	return w.sent, w.why
}

// reason is an error of the exporter without what it was sent to: an address, or
// an answer, may hold what nobody is to see.
func reason(err error) string {
	var wire *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "it has not answered in time"
	case errors.As(err, &wire):
		return phases.Clean(wire.Err.Error())
	}
	return "it did not take them"
}

// seed is what a span's id follows from, beside its run.
type seed struct{ run, span string }

type seedKey struct{}

func with(ctx context.Context, s seed) context.Context {
	return context.WithValue(ctx, seedKey{}, s)
}

// identifiers are derived from the run, so that the spans of all programs that
// had it make one trace, and one that is sent twice is the same.
type identifiers struct{}

// NewIDs implements sdktrace.IDGenerator.
func (identifiers) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	s, _ := ctx.Value(seedKey{}).(seed)
	sum := sha256.Sum256([]byte("tminus trace\x00" + s.run))
	copy(id[:], sum[:])
	return id, spanID(s)
}

// NewSpanID implements sdktrace.IDGenerator.
func (identifiers) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	s, _ := ctx.Value(seedKey{}).(seed)
	return spanID(s)
}

func spanID(s seed) (id trace.SpanID) {
	sum := sha256.Sum256([]byte("tminus span\x00" + s.run + "\x00" + s.span))
	copy(id[:], sum[:])
	return id
}
