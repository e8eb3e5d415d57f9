package db

import (
	"fmt"
	"strings"

	"tminus/phases"
)

// LocalDSN is how to reach a throwaway server of the demo's again: it listens
// on a Unix socket and asks for no password.
func LocalDSN(id phases.Identity) string {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s sslmode=disable", quote(id.Host), id.Port, quote(id.Database), quote(id.User))
}
