package db

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

// catalogLook finds the catalog rows that the transaction wrote. A row is its
// own when it sees the row and no other session does; a row is gone by it when
// the others see the row and it does not. Rows that others commit meanwhile
// come and go for both; rows of a subtransaction that was rolled back, and of
// objects that were made and dropped within, are seen by nobody.
//
// Each side is asked before and after the other. So a row that a third session
// commits or deletes between two looks is not taken for the transaction's.
type catalogLook struct {
	x      *tx
	others *session // sees what is committed, and nothing of x
	evidence

	temporary uint32 // the session's own schema for temporary objects; 0: none
	objects   map[address]*object
	relations map[uint32]*placed        // as they were before, else as they are
	names     map[address]phases.Change // what the server calls them, and nothing else
}

// catalogTable is one of the system's catalogs.
type catalogTable struct {
	oid      uint32
	name     string
	readable bool
}

// rowID names one version of a catalog's row.
type rowID struct {
	of         uint32 // the catalog
	ctid, xmin string
}

// catalogRow is a row as jsonb writes it: equal rows are equal text.
type catalogRow struct {
	rowID
	catalog catalogTable
	text    string
}

func (l *catalogLook) look(ctx context.Context) ([]phases.Change, error) {
	if _, err := l.others.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY`); err != nil {
		return nil, err
	}
	defer rollback(ctx, l.others)
	// The names and times in both sessions' answers are written alike. Compiling its
	// questions takes longer than answering them.
	if _, err := l.others.Exec(ctx, `SELECT set_config(name, setting, true), set_config('jit', 'off', true) FROM `+surroundingItems, surroundingNames, []string(l.x.s.runbooks(l.x.t.book))); err != nil {
		return nil, err
	}
	catalogs, err := l.catalogs(ctx)
	if err != nil {
		return nil, err
	}
	var out []phases.Change
	for _, n := range l.written {
		if c := catalogs[n.oid]; !c.readable {
			out = append(out, byCount(n))
		}
	}
	maps.DeleteFunc(catalogs, func(_ uint32, c catalogTable) bool { return !c.readable })
	made, gone, err := l.rows(ctx, catalogs)
	if err != nil {
		return nil, err
	}
	if err := l.collect(made, gone); err != nil {
		return nil, err
	}
	if err := l.place(ctx); err != nil {
		return nil, err
	}
	found := l.find()
	if err := l.name(ctx, found); err != nil {
		return nil, err
	}
	for _, f := range found {
		out = append(out, l.changes(f)...)
	}
	return append(out, l.locked(found)...), nil
}

// catalogs are those that were written by count, and those of which a lock
// says that something may have been dropped: counting can be switched off.
// Large objects' pages are not read, there may be very many.
func (l *catalogLook) catalogs(ctx context.Context) (map[uint32]catalogTable, error) {
	var oids []uint32
	for _, n := range l.written {
		oids = append(oids, n.oid)
	}
	for _, lock := range l.locks {
		oids = append(oids, lock.class)
	}
	if err := l.x.s.QueryRow(ctx, `SELECT pg_my_temp_schema()`).Scan(&l.temporary); err != nil {
		return nil, err
	}
	rows, err := l.x.s.Query(ctx, `SELECT oid, relname::text, has_table_privilege(oid, 'SELECT') AND relname <> 'pg_largeobject'
		FROM pg_class WHERE oid = ANY($1::oid[])`, oids)
	if err != nil {
		return nil, err
	}
	out := map[uint32]catalogTable{}
	var c catalogTable
	_, err = pgx.ForEachRow(rows, []any{&c.oid, &c.name, &c.readable}, func() error {
		out[c.oid] = c
		return nil
	})
	return out, err
}

// rows gives the rows that the transaction made, and those that it took away.
func (l *catalogLook) rows(ctx context.Context, catalogs map[uint32]catalogTable) (made, gone []catalogRow, err error) {
	// No row of the transaction's own is older than it.
	if made, err = readRows(ctx, l.x.s, catalogs, `age(xmin) <= 0`); err != nil {
		return nil, nil, err
	}
	if made, err = keep(ctx, l.others, made, false); err != nil {
		return nil, nil, err
	}
	// What was deleted by anybody, or tried to be, has an xmax.
	if gone, err = readRows(ctx, l.others, catalogs, `xmax::text <> '0'`); err != nil {
		return nil, nil, err
	}
	if made, err = keep(ctx, l.x.s, made, true); err != nil {
		return nil, nil, err
	}
	if gone, err = keep(ctx, l.x.s, gone, false); err != nil {
		return nil, nil, err
	}
	gone, err = keep(ctx, l.others, gone, true)
	return made, gone, err
}

func readRows(ctx context.Context, s *session, catalogs map[uint32]catalogTable, condition string) ([]catalogRow, error) {
	var parts []string
	for _, oid := range slices.Sorted(maps.Keys(catalogs)) {
		parts = append(parts, fmt.Sprintf(`SELECT %d::oid, ctid::text, xmin::text, to_jsonb(catalog_row)::text FROM %s catalog_row WHERE %s`,
			oid, pgx.Identifier{"pg_catalog", catalogs[oid].name}.Sanitize(), condition))
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := s.Query(ctx, strings.Join(parts, "\nUNION ALL "))
	if err != nil {
		return nil, err
	}
	var out []catalogRow
	var r catalogRow
	_, err = pgx.ForEachRow(rows, []any{&r.of, &r.ctid, &r.xmin, &r.text}, func() error {
		r.catalog = catalogs[r.of]
		out = append(out, r)
		return nil
	})
	return out, err
}

// keep gives those of the rows that a session sees, or those that it does not.
func keep(ctx context.Context, s *session, rows []catalogRow, seen bool) ([]catalogRow, error) {
	names, places := map[uint32]string{}, map[uint32][]string{}
	for _, r := range rows {
		names[r.catalog.oid] = r.catalog.name
		places[r.catalog.oid] = append(places[r.catalog.oid], r.ctid)
	}
	visible := map[rowID]bool{}
	for _, oid := range slices.Sorted(maps.Keys(places)) {
		found, err := s.Query(ctx, `SELECT ctid::text, xmin::text FROM `+pgx.Identifier{"pg_catalog", names[oid]}.Sanitize()+
			` WHERE ctid = ANY($1::text[]::tid[])`, places[oid])
		if err != nil {
			return nil, err
		}
		id := rowID{of: oid}
		_, err = pgx.ForEachRow(found, []any{&id.ctid, &id.xmin}, func() error {
			visible[id] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(rows, func(r catalogRow) bool { return visible[r.rowID] != seen }), nil
}

// object is one object of the database with the catalog rows that were written
// of it.
type object struct {
	address
	catalog       string                 // of one of its rows
	before, after fields                 // its own row; nil when it is not there
	beside        map[string][2][]string // other catalogs' rows of it, before and after
	relation      uint32                 // the relation that it is or belongs to; 0: none
	owner         address                // what it goes along with; zero: nothing
	temporary     bool
}

// fields are a catalog row's columns.
type fields map[string]any

// oid reads an OID, which jsonb has as text; 0 when there is none.
func (f fields) oid(column string) uint32 {
	text, _ := f[column].(string)
	n, _ := strconv.ParseUint(text, 10, 32)
	return uint32(n)
}

// collect puts the rows together by object.
func (l *catalogLook) collect(made, gone []catalogRow) error {
	l.objects = map[address]*object{}
	for i, rows := range [][]catalogRow{gone, made} {
		for _, r := range rows {
			var f fields
			if err := json.Unmarshal([]byte(r.text), &f); err != nil {
				return fmt.Errorf("read a row of %s: %w", r.catalog.name, err)
			}
			a, own := addressOf(r.catalog, f)
			o := l.objects[a]
			if o == nil {
				o = &object{address: a, catalog: r.catalog.name, beside: map[string][2][]string{}}
				l.objects[a] = o
			}
			switch {
			case own && i == 0:
				o.before = f
			case own:
				o.after = f
			default:
				b := o.beside[r.catalog.name]
				b[i] = append(b[i], r.text)
				o.beside[r.catalog.name] = b
			}
			o.belong(r.catalog.name, f)
			o.temporary = o.temporary || l.isTemporary(f)
		}
	}
	for _, o := range l.objects {
		for catalog, b := range o.beside {
			slices.Sort(b[0])
			slices.Sort(b[1])
			if slices.Equal(b[0], b[1]) {
				delete(o.beside, catalog)
			}
		}
	}
	return nil
}

// isTemporary tells by a row whether it is of a temporary object, or of the
// schemas that the server makes for them at their first use.
func (l *catalogLook) isTemporary(f fields) bool {
	if f["relpersistence"] == "t" {
		return true
	}
	if name, ok := f["nspname"].(string); ok && (strings.HasPrefix(name, "pg_temp_") || strings.HasPrefix(name, "pg_toast_temp_")) {
		return true
	}
	for column := range f {
		if strings.HasSuffix(column, "namespace") && l.temporary != 0 && f.oid(column) == l.temporary {
			return true
		}
	}
	return false
}
