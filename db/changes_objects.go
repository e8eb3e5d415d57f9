package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

// OIDs of catalogs, which no version changes.
const (
	classRelation    = 1259 // pg_class
	classType        = 1247
	classFunction    = 1255
	classRole        = 1260
	classDatabase    = 1262
	classDefault     = 2604 // pg_attrdef
	classConstraint  = 2606
	classLargeObject = 2613
	classTextSearch  = 3602 // pg_ts_config
)

// describable are the catalogs whose objects pg_describe_object knows, in every
// version. It fails on others.
var describable = [...]uint32{
	classRelation, classType, classFunction, classRole, classDatabase, classDefault, classConstraint, classLargeObject, classTextSearch,
	1213, 1417, 1418, 2328, 2601, 2602, 2603, 2605, 2607, 2612, 2615, 2616, 2617, 2618, 2620, 2753, 3079, 3256, 3381, 3456, 3466,
	3576, 3600, 3601, 3764, 6100, 6104, 6106, 826,
}

// address names an object as PostgreSQL does: a catalog, a row's OID there,
// and a column's number.
type address struct {
	class, object uint32
	sub           int32
}

// besides are the catalogs whose rows describe an object of another catalog:
// the class, and the columns with its OID and its sub-number.
var besides = map[string]struct {
	class       uint32 // 0: the first column has it
	columns     [3]string
	description string
}{
	"pg_index":             {classRelation, [3]string{"", "indexrelid"}, "its properties"},
	"pg_inherits":          {classRelation, [3]string{"", "inhrelid"}, "its place as a partition or a child"},
	"pg_partitioned_table": {classRelation, [3]string{"", "partrelid"}, "its partitioning"},
	"pg_sequence":          {classRelation, [3]string{"", "seqrelid"}, "its definition"},
	"pg_foreign_table":     {classRelation, [3]string{"", "ftrelid"}, "its options"},
	"pg_subscription_rel":  {classRelation, [3]string{"", "srrelid"}, "its subscription"},
	"pg_range":             {classType, [3]string{"", "rngtypid"}, "its range"},
	"pg_enum":              {classType, [3]string{"", "enumtypid"}, "its values"},
	"pg_ts_config_map":     {classTextSearch, [3]string{"", "mapcfg"}, "its dictionaries"},
	"pg_auth_members":      {classRole, [3]string{"", "member"}, "its memberships"},
	"pg_description":       {0, [3]string{"classoid", "objoid", "objsubid"}, "its comment"},
	"pg_shdescription":     {0, [3]string{"classoid", "objoid"}, "its comment"},
	"pg_seclabel":          {0, [3]string{"classoid", "objoid", "objsubid"}, "its security label"},
	"pg_shseclabel":        {0, [3]string{"classoid", "objoid"}, "its security label"},
	"pg_init_privs":        {0, [3]string{"classoid", "objoid", "objsubid"}, "its extension's privileges"},
	"pg_depend":            {0, [3]string{"classid", "objid", "objsubid"}, "what it depends on"},
	"pg_shdepend":          {0, [3]string{"classid", "objid", "objsubid"}, "what it depends on"},
}

// addressOf tells of which object a catalog's row is, and whether it is the
// row that the object consists of.
func addressOf(c catalogTable, f fields) (a address, own bool) {
	if b, ok := besides[c.name]; ok {
		a.class = b.class
		if a.class == 0 {
			a.class = f.oid(b.columns[0])
		}
		a.object = f.oid(b.columns[1])
		if n, ok := f[b.columns[2]].(float64); ok {
			a.sub = int32(n)
		}
		return a, false
	}
	switch c.name {
	case "pg_attribute":
		n, _ := f["attnum"].(float64)
		return address{classRelation, f.oid("attrelid"), int32(n)}, true
	case "pg_largeobject_metadata":
		return address{class: classLargeObject, object: f.oid("oid")}, true
	case "pg_db_role_setting":
		if role := f.oid("setrole"); role != 0 {
			return address{class: classRole, object: role}, false
		}
		return address{class: classDatabase, object: f.oid("setdatabase")}, false
	}
	oid := f.oid("oid")
	return address{class: c.oid, object: oid}, oid != 0
}

// belong notes the relation that a row speaks of, and what its object goes
// along with.
func (o *object) belong(catalog string, f fields) {
	if o.class == classRelation {
		o.relation = o.object
		if o.sub != 0 {
			o.owner = address{class: classRelation, object: o.object}
		}
		return
	}
	for _, column := range []string{"adrelid", "conrelid", "ev_class", "polrelid", "prrelid", "stxrelid", "tgrelid", "typrelid"} {
		if oid := f.oid(column); oid != 0 {
			o.relation, o.owner = oid, address{class: classRelation, object: oid}
		}
	}
	switch {
	case f.oid("contypid") != 0:
		o.owner = address{class: classType, object: f.oid("contypid")}
	case catalog == "pg_attrdef":
		n, _ := f["adnum"].(float64)
		o.owner.sub = int32(n)
	case f["tgisinternal"] == true && f.oid("tgconstraint") != 0:
		o.owner = address{class: classConstraint, object: f.oid("tgconstraint")}
	case f["typcategory"] == "A" && f.oid("typelem") != 0:
		o.owner = address{class: classType, object: f.oid("typelem")}
	}
}

// placed is a relation with the one that it is a part of.
type placed struct {
	schema, name, kind string
	temporary          bool
	part               uint32 // its table, for an index, a TOAST table and an owned sequence; 0: none
}

// placeQuery follows an index, a TOAST table and an owned sequence up to the table.
const placeQuery = `WITH RECURSIVE line(oid) AS (
	SELECT unnest($1::oid[])
	UNION SELECT p.part FROM line, LATERAL (` + partQuery + `) p WHERE p.part <> 0)
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence = 't', p.part
FROM line JOIN pg_class c ON c.oid = line.oid JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (` + partQuery + `) p`

const partQuery = `SELECT coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = line.oid),
	(SELECT refobjid FROM pg_depend d JOIN pg_class owned ON owned.oid = d.objid WHERE d.classid = 1259 AND d.objid = line.oid AND d.objsubid = 0
		AND d.refclassid = 1259 AND d.deptype IN ('a', 'i') AND (owned.relkind = 't' OR owned.relkind = 'S' AND d.refobjsubid > 0) LIMIT 1), 0) AS part`

// place finds out about the relations: as they were, or as they are where they
// are new.
func (l *catalogLook) place(ctx context.Context) error {
	wanted := map[uint32]bool{}
	for _, o := range l.objects {
		if o.relation != 0 {
			wanted[o.relation] = true
		}
	}
	for _, lock := range l.locks {
		if lock.class == classRelation {
			wanted[lock.object] = true
		}
	}
	l.relations = map[uint32]*placed{}
	oids := slices.Sorted(maps.Keys(wanted))
	for _, s := range []*session{l.x.s, l.others} {
		rows, err := s.Query(ctx, placeQuery, oids)
		if err != nil {
			return err
		}
		var oid uint32
		var p placed
		_, err = pgx.ForEachRow(rows, []any{&oid, &p.schema, &p.name, &p.kind, &p.temporary, &p.part}, func() error {
			found := p
			l.relations[oid] = &found
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, o := range l.objects {
		r := l.relations[o.relation]
		if r == nil {
			continue
		}
		o.temporary = o.temporary || r.temporary
		if o.class == classRelation && o.sub == 0 && r.part != 0 {
			o.owner = address{class: classRelation, object: r.part}
		}
	}
	return nil
}

// root is the table that a relation is a part of, itself when it is none.
func (l *catalogLook) root(oid uint32) uint32 {
	for range 3 {
		if r := l.relations[oid]; r != nil && r.part != 0 {
			oid = r.part
		}
	}
	return oid
}

// table is what the runbook calls the table that a relation belongs to. A
// sequence is its own, also when a table owns it: a step may name it.
func (l *catalogLook) table(oid uint32) string {
	r := l.relations[oid]
	if r != nil && r.kind != "S" {
		oid = l.root(oid)
		r = l.relations[oid]
	}
	switch name := l.x.cat.Name(oid); {
	case name != "":
		return name
	case r == nil || r.kind == "c":
		return ""
	default:
		return l.x.t.book.TableName(r.schema, r.name)
	}
}

// name lets the server describe what was found and what is locked: who is
// gone, in the session that still sees it.
func (l *catalogLook) name(ctx context.Context, found []*finding) error {
	var here, there []address
	for _, f := range found {
		if f.kinds[phases.ChangeDropped] {
			there = append(there, f.address)
		} else {
			here = append(here, f.address)
		}
	}
	for _, lock := range l.locks {
		if lock.class == classRelation && l.relations[lock.object] != nil {
			here = append(here, address{class: classRelation, object: lock.object})
		}
	}
	l.names = map[address]phases.Change{}
	if err := l.describe(ctx, l.x.s, here); err != nil {
		return err
	}
	return l.describe(ctx, l.others, there)
}

func (l *catalogLook) describe(ctx context.Context, s *session, what []address) error {
	var classes, objects []uint32
	var subs []int32
	for _, a := range what {
		if slices.Contains(describable[:], a.class) {
			classes, objects, subs = append(classes, a.class), append(objects, a.object), append(subs, a.sub)
		}
	}
	if len(classes) == 0 {
		return nil
	}
	// PostgreSQL 13 fails on a relation that is not there.
	rows, err := s.Query(ctx, `SELECT class, object, sub, pg_describe_object(class, object, sub), coalesce(i.type, ''), coalesce(i.identity, '')
		FROM unnest($1::oid[], $2::oid[], $3::int[]) a(class, object, sub), pg_identify_object(class, object, sub) i
		WHERE class <> 1259 OR EXISTS (SELECT FROM pg_class WHERE oid = object)`, classes, objects, subs)
	if err != nil {
		return err
	}
	var a address
	var text *string
	var kind, identity string
	_, err = pgx.ForEachRow(rows, []any{&a.class, &a.object, &a.sub, &text, &kind, &identity}, func() error {
		if text != nil {
			l.names[a] = phases.Change{Object: clean(*text), Type: kind, Identity: clean(identity)}
		}
		return nil
	})
	return err
}

// changes puts a finding into words, one change a kind.
func (l *catalogLook) changes(f *finding) []phases.Change {
	named := l.names[f.address]
	named.Object = cmp.Or(named.Object, fmt.Sprintf("object %d of system catalog %s", f.address.object, f.catalog))
	if f.address.object == 0 {
		named.Object = "system catalog " + f.catalog
	}
	if f.relation != 0 {
		named.Table = l.table(f.relation)
	}
	var out []phases.Change
	for _, kind := range slices.Sorted(maps.Keys(f.kinds)) {
		c := named
		switch c.Kind = kind; kind {
		case phases.ChangeTruncated:
			c.Detail = "it has another file"
			if !f.kinds[phases.ChangeAltered] {
				c.Detail = clean(strings.Join(append([]string{c.Detail}, f.details...), ", "))
			}
		case phases.ChangeRenamed:
			c.Detail = "it was " + clean(l.oldName(f.object))
		case phases.ChangeAltered:
			c.Detail, c.Same = clean(strings.Join(f.details, ", ")), f.bystander
		}
		out = append(out, c)
	}
	return out
}

func (l *catalogLook) oldName(o *object) string {
	if r := l.relations[o.relation]; o.class == classRelation && o.sub == 0 && r != nil {
		return l.x.t.book.TableName(r.schema, r.name)
	}
	for column, value := range o.before {
		if name, ok := value.(string); ok && strings.HasSuffix(column, "name") && value != o.after[column] {
			return name
		}
	}
	return "in another schema"
}
