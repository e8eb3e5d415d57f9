package db

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tminus/phases"
)

// finding is one object that was changed, and how.
type finding struct {
	*object
	kinds     map[phases.ChangeKind]bool
	details   []string // of what was altered
	file      bool     // it has another file
	bystander bool     // only columns differ that go along with other changes
}

// alongside are columns of pg_class and pg_attribute that say what else there
// is, not what the relation is.
var alongside = []string{
	"atthasdef", "attinhcount", "attislocal", "relallfrozen", "relallvisible", "relchecks", "relfrozenxid", "relhasindex", "relhasrules", "relhassubclass",
	"relhastriggers", "relispopulated", "relminmxid", "relnatts", "relpages", "relrewrite", "reltoastrelid", "reltuples",
}

// find tells what became of each object, without what goes along with another
// finding: a truncated table has new indexes, a dropped one no columns.
func (l *catalogLook) find() []*finding {
	all := map[address]*finding{}
	for a, o := range l.objects {
		if f := judge(o); len(f.kinds) > 0 && !l.isTemporaryObject(o) {
			all[a] = f
		}
	}
	var out []*finding
	spoken := map[address]bool{} // what a part of stands for itself
	for _, f := range all {
		owner := all[f.owner]
		switch {
		case owner == nil || !l.follows(f, owner):
			out = append(out, f)
			spoken[f.owner] = true
		case owner.bystander && f.class == classDefault:
			owner.details = []string{"its default"}
		case owner.bystander:
			owner.details = []string{"what belongs to it"}
		}
	}
	out = slices.DeleteFunc(out, func(f *finding) bool { return f.bystander && spoken[f.address] })
	slices.SortFunc(out, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.address.object, b.address.object), cmp.Compare(a.sub, b.sub))
	})
	return out
}

// isTemporaryObject follows an object to what it goes along with.
func (l *catalogLook) isTemporaryObject(o *object) bool {
	for range 4 {
		if o.temporary {
			return true
		}
		if r := l.relations[o.owner.object]; o.owner.class == classRelation && r != nil && r.temporary {
			return true
		}
		if o = l.objects[o.owner]; o == nil {
			return false
		}
	}
	return false
}

// follows reports whether a finding says nothing beyond what its owner's says.
func (l *catalogLook) follows(f, owner *finding) bool {
	switch {
	case owner.kinds[phases.ChangeCreated], owner.kinds[phases.ChangeDropped]:
		return true
	case len(f.kinds) == 1 && (owner.file && f.file || owner.kinds[phases.ChangeRenamed] && f.kinds[phases.ChangeRenamed]):
		return true
	case !l.incidental(f) && (f.sub == 0 || !f.bystander):
		return false
	default:
		return owner.kinds[phases.ChangeRenamed] || owner.kinds[phases.ChangeAltered] || owner.file && f.class == classRelation
	}
}

// incidental reports whether an object is one that nobody makes by itself: a
// TOAST table, the type of a table's rows, an array type, a foreign key's
// triggers, a column of an index.
func (l *catalogLook) incidental(f *finding) bool {
	kind := ""
	if r := l.relations[f.relation]; r != nil {
		kind = r.kind
	}
	switch {
	case f.class == classRelation && f.sub == 0:
		return kind == "t" || l.toasted(f.relation)
	case f.class == classRelation:
		return kind != "r" && kind != "p" && kind != "f"
	default:
		return f.class == classType || f.class == classDefault || f.owner.class == classConstraint
	}
}

// toasted reports whether a relation is a TOAST table's index.
func (l *catalogLook) toasted(oid uint32) bool {
	r := l.relations[oid]
	if r == nil || r.part == 0 {
		return false
	}
	part := l.relations[r.part]
	return part != nil && part.kind == "t"
}

// judge compares an object's rows before and after.
func judge(o *object) *finding {
	f := &finding{object: o, kinds: map[phases.ChangeKind]bool{}}
	switch {
	case o.before == nil && o.after != nil:
		f.kinds[phases.ChangeCreated] = true
		return f
	case o.before != nil && o.after == nil, o.before != nil && o.before["attisdropped"] == false && o.after["attisdropped"] == true:
		f.kinds[phases.ChangeDropped] = true
		return f
	case o.before != nil:
		f.compare()
	}
	f.addBesides()
	// ALTER SEQUENCE writes a new file for whatever it changes.
	sequence := f.file && o.after["relkind"] == "S"
	if !sequence && len(f.details) > 0 || len(f.kinds) == 0 && o.before != nil {
		f.kinds[phases.ChangeAltered] = true
	}
	if o.before != nil && len(f.details) == 0 && f.kinds[phases.ChangeAltered] {
		f.bystander = true
		f.details = []string{"and put back as it was"}
		if !reflect.DeepEqual(o.before, o.after) {
			f.details = []string{"what belongs to it"}
		}
	}
	return f
}

// compare finds the columns that differ.
func (f *finding) compare() {
	for _, column := range slices.Sorted(maps.Keys(f.after)) {
		switch {
		case reflect.DeepEqual(f.before[column], f.after[column]), slices.Contains(alongside, column):
		case column == "relfilenode":
			f.file = true
			f.kinds[phases.ChangeTruncated] = true
		case strings.HasSuffix(column, "name"), strings.HasSuffix(column, "namespace"):
			f.kinds[phases.ChangeRenamed] = true
		case strings.HasSuffix(column, "acl"):
			f.details = append(f.details, "its privileges")
		case strings.HasSuffix(column, "owner"):
			f.details = append(f.details, "its owner")
		default:
			f.details = append(f.details, column)
		}
	}
}

// addBesides adds what other catalogs hold of the object. What it depends on
// is said only when it is all there is.
func (f *finding) addBesides() {
	var last string
	for _, catalog := range slices.Sorted(maps.Keys(f.beside)) {
		text := besides[catalog].description
		switch {
		case catalog == "pg_db_role_setting":
			text = "its settings"
		case text == "":
			text = "its rows"
		case catalog == "pg_depend" || catalog == "pg_shdepend":
			last = text
			continue
		}
		f.details = append(f.details, text)
	}
	if last != "" && len(f.kinds) == 0 && len(f.details) == 0 {
		f.details = append(f.details, last)
	}
}
