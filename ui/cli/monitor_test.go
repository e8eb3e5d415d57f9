package cli

import (
	"slices"
	"strings"
	"testing"
)

// --metrics takes the address behind it, with an equals sign or without, and
// nothing else that stands there.
func TestMetricsWithAndWithoutAnAddress(t *testing.T) {
	for in, want := range map[string]string{
		"demo --metrics":                               "demo --metrics",
		"demo --metrics :9200":                         "demo --metrics=:9200",
		"demo --metrics 9200 --plain":                  "demo --metrics=9200 --plain",
		"demo --metrics=:1 :2":                         "demo --metrics=:1 :2",
		"run --metrics reset.yaml":                     "run --metrics reset.yaml",
		"run --metrics a:b.yaml":                       "run --metrics a:b.yaml",
		"run --metrics ./a:b":                          "run --metrics ./a:b",
		"run --metrics 0.0.0.0:9200 reset.yaml":        "run --metrics=0.0.0.0:9200 reset.yaml",
		"run --metrics [::1]:9200 reset.yaml":          "run --metrics=[::1]:9200 reset.yaml",
		"run --metrics --status-file s.json":           "run --metrics --status-file s.json",
		"run --metrics not:a:port reset.yaml":          "run --metrics=not:a:port reset.yaml",
		"run -- --metrics :9200":                       "run -- --metrics :9200",
		"capsule list --metric :9200 --metrics":        "capsule list --metric :9200 --metrics",
		"run --status-file --metrics 9200 --metrics 1": "run --status-file --metrics=9200 --metrics=1",
	} {
		if got := joined(strings.Fields(in)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s becomes %q, want %q", in, got, want)
		}
	}
}
