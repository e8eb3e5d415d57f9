package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"tminus/phases"
)

// Print is the fingerprint of the tables that the runbook concerns. Their
// definitions have been read. Parts belong to the table that they are accounted
// to, and one that is like another adds nothing: the partition of a new day is
// no other schema.
func (v *View) Print() phases.SchemaPrint { return v.print(true) }

// BackupPrint is Print without whether keys have an index: maintenance makes such
// ones, and what a restore brings back is the same with one more.
func (v *View) BackupPrint() phases.SchemaPrint { return v.print(false) }

func (v *View) print(indexed bool) phases.SchemaPrint {
	parts := map[string][]string{}
	of := map[uint32][]string{}
	for _, d := range v.Schema.Definitions {
		of[d.Relation] = append(of[d.Relation], d.Hash)
	}
	for _, k := range v.Schema.Keys {
		if indexed && k.Parent == 0 {
			of[k.From] = append(of[k.From], fmt.Sprintf("key %s indexed %t", k.Name, k.Indexed))
		}
	}
	for _, oid := range v.Concerned() {
		parts[v.Name(oid)] = append(parts[v.Name(oid)], hashOf(of[oid]))
	}
	out := phases.SchemaPrint{Tables: map[string]string{}}
	var all []string
	for name, hashes := range parts {
		out.Tables[name] = hashOf(hashes)
		all = append(all, name+" "+out.Tables[name])
	}
	out.Hash = hashOf(all)
	return out
}

// hashOf is the hash of a set of texts, in whatever order they come.
func hashOf(texts []string) string {
	set := slices.Clone(texts)
	slices.Sort(set)
	sum := sha256.New()
	for _, text := range slices.Compact(set) {
		fmt.Fprintf(sum, "%d %s\n", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
