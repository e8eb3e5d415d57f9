package db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// mostOdd bounds how many rows are told apart one by one.
const mostOdd = 10_000

// numbers finds out which numbers of transactions are the phase's own in a table,
// where its own alone is not enough: those that the other session sees on rows
// which the phase's does not, and the other way round. It gives the conditions
// for the rows as they were, and as they are.
func (k *keeping) numbers(ctx context.Context, t *keptTable, xid string) (was, is string, err error) {
	taken, err := k.tally(ctx, t, k.others, "xmax", xid, "true")
	if err != nil {
		return "", "", err
	}
	before, err := k.tally(ctx, t, k.others, "xmin", xid, "true")
	if err != nil {
		return "", "", err
	}
	now, err := k.tally(ctx, t, k.x.s, "xmin", xid, "true")
	if err != nil {
		return "", "", err
	}
	own, err := k.ownNumbers(ctx, xid, taken, now)
	if err != nil {
		return "", "", err
	}
	var made []string
	for number := range now {
		if own[number] && before[number] == 0 {
			made = append(made, number)
			k.last = max(k.last, k.whole(number, xid))
		}
	}
	is = "xmin" + oneOfNumbers(made)
	was, err = k.took(ctx, t, xid, taken, own, "NOT ("+is+")")
	return was, is, err
}

// took is the condition for the rows that the transaction took from the others'
// sight, by the numbers that these see on rows. Rows that were there before, and
// that the phase still sees, are merely locked.
func (k *keeping) took(ctx context.Context, t *keptTable, xid string, taken map[string]int64, own map[string]bool, before string) (string, error) {
	locked, err := k.tally(ctx, t, k.x.s, "xmax", xid, before)
	if err != nil {
		return "", err
	}
	var gone []string
	odd := "" // of numbers that rows bear which are still there
	for number, rows := range taken {
		switch mere := locked[number]; {
		case !own[number], rows <= mere: // somebody else's, who is done by now; or a mere lock, by whomever
		case mere == 0:
			gone = append(gone, number)
		default:
			bears := "xmax = '" + number + "'::xid"
			places, err := k.places(ctx, t, bears+" AND "+before)
			if err != nil {
				return "", err
			}
			odd += " OR " + bears + " AND ctid <> ALL ('{" + places + "}'::tid[])"
		}
	}
	return "(xmax" + oneOfNumbers(gone) + odd + ")", nil
}

// mostNumbers bounds how many an exception block may have taken: one for each time
// that it was run.
const mostNumbers = 500_000

func oneOfNumbers(numbers []string) string {
	slices.Sort(numbers)
	return " = ANY ('{" + strings.Join(numbers, ",") + "}'::xid[])"
}

// whole is a number with its upper half, of a transaction that is not older than
// the phase's.
func (k *keeping) whole(number, xid string) uint64 {
	n, _ := strconv.ParseUint(number, 10, 64) // the server's own
	low, _ := strconv.ParseUint(xid, 10, 64)
	first, _ := strconv.ParseUint(k.x.id.Xid, 10, 64)
	return first + (n-low)&0xffffffff
}

// ownNumbers are those of numbers whose transactions are under way: the phase's own,
// of what it sees, and of what it took from the others' sight. What others wrote
// and it can see has ended. A number is the lower half of a transaction's, and
// none of these is older than the phase's.
func (k *keeping) ownNumbers(ctx context.Context, xid string, of ...map[string]int64) (map[string]bool, error) {
	var all []string
	for _, numbers := range of {
		all = slices.AppendSeq(all, maps.Keys(numbers))
	}
	if len(all) > mostNumbers {
		return nil, failf("tell rows apart by", "their transactions' numbers", noKeep, fmt.Errorf("there are %d of them: a function that the phase calls has an exception block, or others lock many rows", len(all)))
	}
	rows, err := k.others.Query(ctx, `SELECT n FROM unnest($1::text[]) AS n
		WHERE CASE WHEN age(n::xid) > 0 -- else it is of another kind: of several sessions' locks
			THEN pg_xact_status(($2::numeric + mod(n::numeric - $3::numeric + 4294967296, 4294967296))::text::xid8) = 'in progress' END`, all, k.x.id.Xid, xid)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	var number string
	_, err = pgx.ForEachRow(rows, []any{&number}, func() error {
		own[number] = true
		return nil
	})
	return own, err
}

// tally counts the rows of a table for which a condition holds, by the transaction
// that a system column names, of those that are not older than the phase's.
func (k *keeping) tally(ctx context.Context, t *keptTable, s *session, column, xid, where string) (map[string]int64, error) {
	out := map[string]int64{}
	query := fmt.Sprintf(`SELECT %s::text, count(*)%s GROUP BY 1`, column,
		t.rows(fmt.Sprintf(`age(%[1]s) <= age('%[2]s'::xid) AND %[1]s <> '0'::xid AND %[3]s`, column, xid, where)))
	err := k.x.t.long(ctx, s, func(ctx context.Context, l long) error {
		return l.fly(ctx, func() error {
			rows, err := l.s.conn.Query(ctx, query)
			if err != nil {
				return err
			}
			var number string
			var n int64
			_, err = pgx.ForEachRow(rows, []any{&number, &n}, func() error {
				out[number] = n
				return nil
			})
			return err
		})
	})
	return out, err
}

// places are where the rows are that the phase's own session sees, and for which a
// condition holds.
func (k *keeping) places(ctx context.Context, t *keptTable, where string) (string, error) {
	var places string
	var n int64
	err := k.x.t.long(ctx, k.x.s, func(ctx context.Context, l long) error {
		return l.scan(ctx, fmt.Sprintf(`SELECT coalesce(string_agg('"' || ctid::text || '"', ','), ''), count(*) FROM (SELECT ctid%s LIMIT %d) AS locked`,
			t.rows(where), mostOdd+1), &places, &n)
	})
	if err == nil && n > mostOdd {
		err = errors.New("the phase locked too many rows that it left as they were")
	}
	return places, err
}
