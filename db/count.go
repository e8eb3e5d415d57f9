package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/schema"
)

// counting is one table to count; name is what the caller calls it.
type counting struct {
	relation *schema.Relation
	where    string
	name     string
}

const (
	// smallPages is up to which size tables are counted together.
	smallPages = 16
	// countedTogether is how many of them at most: it is the step of what is shown.
	countedTogether = 50
)

// countAll counts tables in order, and gives each what it found. Small ones that
// follow each other are counted by one statement: hundreds of them would else
// take longer for asking than for counting.
func (t *Target) countAll(ctx context.Context, s *session, of []counting, each func(rows int64)) error {
	small, err := smallOnes(ctx, s, of)
	if err != nil {
		return fail(ctx, "count", of[0].name, err)
	}
	for len(of) > 0 {
		n := 0
		for n < min(len(of), countedTogether) && of[n].where == "" && small[of[n].relation.OID] {
			n++
		}
		n = max(n, 1)
		if err := t.countTogether(ctx, s, of[:n], each); err != nil {
			name := of[0].name
			if n > 1 {
				name = fmt.Sprintf("%s and %d more", name, n-1)
			}
			return fail(ctx, "count", name, err)
		}
		of = of[n:]
	}
	return nil
}

// smallOnes are those that are small when they were looked at last. One that has
// grown since takes longer, and is counted all the same.
func smallOnes(ctx context.Context, s *session, of []counting) (map[uint32]bool, error) {
	out := map[uint32]bool{}
	if len(of) < 2 {
		return out, nil
	}
	var oids []uint32
	for _, c := range of {
		oids = append(oids, c.relation.OID)
	}
	rows, err := s.Query(ctx, `SELECT oid FROM pg_class WHERE oid = ANY($1::oid[]) AND relkind = 'r' AND NOT relhassubclass AND relpages <= $2::int`, oids, smallPages)
	if err != nil {
		return nil, err
	}
	var oid uint32
	_, err = pgx.ForEachRow(rows, []any{&oid}, func() error {
		out[oid] = true
		return nil
	})
	return out, err
}

// countTogether counts by one statement.
func (t *Target) countTogether(ctx context.Context, s *session, of []counting, each func(rows int64)) error {
	var parts []string
	for _, c := range of {
		sql := "(SELECT count(*) FROM " + sqlName(c.relation)
		if c.where != "" {
			sql += "\nWHERE (" + c.where + "\n)"
		}
		parts = append(parts, sql+")")
	}
	return t.long(ctx, s, func(ctx context.Context, l long) error {
		result, err := l.one(ctx, "SELECT "+strings.Join(parts, ", "))
		if err != nil {
			return err
		}
		for _, value := range result.Rows[0] {
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return err
			}
			each(n)
		}
		return nil
	})
}

// Counts counts tables, in order, as the transaction sees them, matching their
// conditions, and gives each the rows of the next one. With an error, the first
// that was not counted is the one that could not be.
func (x *tx) Counts(ctx context.Context, of []phases.Counted, each func(rows int64)) error {
	if err := x.alive(); err != nil {
		return err
	}
	var all []counting
	var missing error
	for _, c := range of {
		r := x.cat.Find(c.Table)
		if r == nil {
			missing = failf("count", c.Table, hints["42P01"], errMissing)
			break
		}
		all = append(all, counting{r, c.Where, c.Table})
	}
	if err := x.t.countAll(ctx, x.s, all, each); err != nil {
		return err
	}
	return missing
}
