package runbook

import (
	_ "embed"
	"slices"
)

//go:embed runbook.schema.json
var schema []byte

// Schema gives the JSON Schema (draft 2020-12) of the file format, for
// editors. What it accepts, Parse may still refuse: it knows one place of the
// file at a time.
func Schema() []byte { return slices.Clone(schema) }
