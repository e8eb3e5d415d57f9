package runbook

import (
	_ "embed"
	"slices"
)

// GuideName is the file name of the runbook that Guide gives.
const GuideName = "gym-reset.yaml"

//go:embed guide.yaml
var guide []byte

// Guide gives the runbook of the gym's data reset, which the demo runs.
func Guide() []byte { return slices.Clone(guide) }
