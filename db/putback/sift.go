package putback

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/db/capsule"
)

// sift compares a leaf's streams with what it holds now, before anything is
// written. What it finds stands in temporary tables, by the places of rows:
// skip are gone rows that need not come back, or by choice do not; sent are added
// rows; pair are changed ones; hit are the rows that will go or be set back.
func (w *work) sift(ctx context.Context, l *leaf) error {
	w.opt.Progress(Progress{Step: "compare", Table: l.plan.Called})
	for _, p := range capsule.Parts() {
		if l.rows(p) == 0 {
			continue
		}
		if err := w.stage(ctx, l, p); err != nil {
			return err
		}
	}
	defer l.spent(time.Now())
	if err := w.joins(ctx, l.oid, l.all()); err != nil {
		return err
	}
	for what, has := range map[string]string{
		"skip":  "r tid, o oid, t tid, why text",
		"sent":  "r tid, o oid, t tid, what text",
		"pair":  "r tid, n tid, o oid, t tid, what text",
		"hit":   "o oid, t tid, why text",
		"clash": "part text, r tid, o oid, t tid, k int",
	} {
		if err := w.exec(ctx, "CREATE TEMPORARY TABLE "+l.temporary(what)+" ("+has+") ON COMMIT DROP"); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, *leaf) error{w.siftGone, w.siftAdded, w.siftOld, w.siftHits, w.chooseColumns, w.siftClashes, w.siftCount} {
		if err := step(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// siftGone finds the rows that are there already.
func (w *work) siftGone(ctx context.Context, l *leaf) error {
	if l.rows(capsule.Gone) == 0 {
		return nil
	}
	into := "INSERT INTO " + l.temporary("skip") + " "
	if len(l.t.Key) > 0 {
		return w.exec(ctx, into+"SELECT DISTINCT ON (g.tminus_row) g.tminus_row, t.tminus_rel, t.tminus_row, 'there' FROM "+l.source(capsule.Gone)+" g JOIN "+l.target()+" t ON "+
			l.sameKey("t", "g")+" WHERE "+l.same("g"))
	}
	// Without a key a row that is the same may be another one, which the phase
	// left alone: what came since alone counts.
	return w.exec(ctx, into+l.multiset(capsule.Gone, "'there'", "true", "JOIN", w.since(l)))
}

// since is the condition that a row t was written after the phase, and not by
// putting a newer capsule back.
func (w *work) since(l *leaf) string {
	sql := "pg_catalog.age(t.tminus_by) < pg_catalog.age(" + xid(cmp.Or(w.m.LastXid, w.m.Xid)) + ")"
	if l.over != nil {
		sql += " AND NOT t.tminus_back"
	}
	return sql
}

// byPhase is the condition that a row t bears a number of the phase's: its own, or,
// where it was written within a function's exception block, one up to its last.
// Another's among those that is the same row can as well be the one that goes.
func (w *work) byPhase() string {
	return "pg_catalog.age(t.tminus_by) BETWEEN pg_catalog.age(" + xid(cmp.Or(w.m.LastXid, w.m.Xid)) + ") AND pg_catalog.age(" + xid(w.m.Xid) + ")"
}

func xid(number string) string { return literal(number) + "::pg_catalog.xid8::pg_catalog.xid" }

// multiset pairs the rows of a stream with rows that are the same, one with one.
// What they are paired by is one value: of two, the planner may join by the first
// alone, and thousands of equal rows would meet each other.
func (l *leaf) multiset(part capsule.Part, what, which, join, where string) string {
	numbered := func(source, where string) string {
		print := "pg_catalog.sha256(pg_catalog.textsend(" + record("t", l.columns) + "::text))"
		return "(SELECT t.tminus_row, t.tminus_rel, " + print + " OPERATOR(pg_catalog.||) pg_catalog.int8send(pg_catalog.row_number() OVER (PARTITION BY " + print + ")) AS nth FROM " + source + " t WHERE " + where + ")"
	}
	return "SELECT a.tminus_row, b.tminus_rel, b.tminus_row, " + what + " FROM " + numbered(l.source(part), which) + " a " + join + " " +
		numbered(l.target(), where) + " b USING (nth)"
}

// siftAdded finds the rows that the phase added.
func (w *work) siftAdded(ctx context.Context, l *leaf) error {
	if l.rows(capsule.Added) == 0 {
		return nil
	}
	into := "INSERT INTO " + l.temporary("sent") + " "
	taken := "EXISTS (SELECT FROM " + l.temporary("skip") + " k WHERE k.t = t.tminus_row AND k.o = t.tminus_rel)"
	if len(l.t.Key) > 0 {
		return w.exec(ctx, into+"SELECT a.tminus_row, t.tminus_rel, t.tminus_row, CASE WHEN t.tminus_row IS NULL OR "+taken+" THEN 'none' WHEN "+l.same("a")+
			" THEN 'same' ELSE 'other' END FROM "+l.source(capsule.Added)+" a LEFT JOIN "+l.target()+" t ON "+l.sameKey("t", "a"))
	}
	// Without a key the phase's own are known by its xid, or came back with what a
	// newer phase took. One that is the same and came since may be anybody's.
	rest := "NOT EXISTS (SELECT FROM " + l.temporary("sent") + " s WHERE s.r = t.tminus_row)"
	steps := []string{into + l.multiset(capsule.Added, "'same'", "true", "JOIN", w.byPhase())}
	if l.over != nil {
		steps = append(steps, into+l.multiset(capsule.Added, "'same'", rest, "JOIN", "t.tminus_back"))
	}
	return w.exec(ctx, append(steps, into+l.multiset(capsule.Added, "CASE WHEN b.tminus_row IS NULL THEN 'none' ELSE 'other' END", rest, "LEFT JOIN", w.since(l)+" AND NOT "+taken))...)
}

// siftOld finds the rows that the phase changed.
func (w *work) siftOld(ctx context.Context, l *leaf) error {
	if l.rows(capsule.Old) == 0 {
		return nil
	}
	n, err := w.changed(ctx, "INSERT INTO "+l.temporary("pair")+" SELECT o.tminus_row, n.tminus_row, t.tminus_rel, t.tminus_row, CASE WHEN t.tminus_row IS NULL THEN 'lost' WHEN "+
		l.same("o")+" THEN 'there' WHEN "+l.same("n")+" THEN 'set' ELSE 'other' END FROM "+l.source(capsule.Old)+" o JOIN "+l.source(capsule.New)+" n ON "+l.sameKey("o", "n")+
		" LEFT JOIN "+l.target()+" t ON "+l.sameKey("t", "n"))
	if err == nil && n != l.rows(capsule.Old) {
		err = fmt.Errorf("%d rows were changed, and %d of them are found by their key as they were, as they became and as they are: the capsule cannot be used for this table", l.rows(capsule.Old), n)
	}
	return err
}

// siftHits collects the rows that will go or be set back.
func (w *work) siftHits(ctx context.Context, l *leaf) error {
	if w.choice(l) == Replace {
		err := w.exec(ctx, "UPDATE "+l.temporary("sent")+" SET what = 'over' WHERE what = 'other'",
			"UPDATE "+l.temporary("pair")+" SET what = CASE what WHEN 'other' THEN 'over' ELSE 'again' END WHERE what IN ('other', 'lost')")
		if err != nil {
			return err
		}
	}
	return w.exec(ctx, "INSERT INTO "+l.temporary("hit")+" SELECT o, t, 'go' FROM "+l.temporary("sent")+" WHERE what IN ('same', 'over')",
		"INSERT INTO "+l.temporary("hit")+" SELECT o, t, 'set' FROM "+l.temporary("pair")+" WHERE what IN ('set', 'over')")
}

// siftClashes finds what has by now what the rows that come back must have for
// themselves. The capsule's own rows cannot be in each other's way: they were
// there together.
func (w *work) siftClashes(ctx context.Context, l *leaf) error {
	sources := map[capsule.Part]string{
		capsule.Gone: "NOT EXISTS (SELECT FROM " + l.temporary("skip") + " k WHERE k.r = a.tminus_row)",
		capsule.Old:  "EXISTS (SELECT FROM " + l.temporary("pair") + " p WHERE p.r = a.tminus_row AND p.what IN ('set', 'over', 'again'))",
	}
	for part, where := range sources {
		if l.rows(part) == 0 {
			continue
		}
		for k, u := range l.uniques {
			if part == capsule.Old && !l.touches(u) {
				continue
			}
			err := w.exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT '%s', a.tminus_row, b.tminus_rel, b.tminus_row, %d FROM %s a JOIN %s b ON %s WHERE %s AND NOT EXISTS (SELECT FROM %s h WHERE h.t = b.tminus_row AND h.o = b.tminus_rel)",
				l.temporary("clash"), part, k, u.side(l.source(part)), u.side(l.target()), u.clash("a", "b"), where, l.temporary("hit")))
			if err != nil {
				return err
			}
			if err := w.conflict(ctx, l, part, Conflict{Kind: KeyTaken, By: u.name}, "clash", fmt.Sprintf("m.part = '%s' AND m.k = %d", part, k)); err != nil {
				return err
			}
		}
	}
	if err := w.siftSwaps(ctx, l); err != nil {
		return err
	}
	clashes := l.temporary("clash")
	switch w.choice(l) {
	case Keep:
		return w.exec(ctx, "INSERT INTO "+l.temporary("skip")+" SELECT DISTINCT r, NULL::oid, NULL::tid, 'kept' FROM "+clashes+" WHERE part = 'gone'",
			"DELETE FROM "+l.temporary("hit")+" h USING "+l.temporary("pair")+" p, "+clashes+" c WHERE c.part = 'old' AND c.r = p.r AND h.why = 'set' AND h.o = p.o AND h.t = p.t",
			"UPDATE "+l.temporary("pair")+" p SET what = 'kept' FROM "+clashes+" c WHERE c.part = 'old' AND c.r = p.r")
	case Replace:
		return w.exec(ctx, "INSERT INTO "+l.temporary("hit")+" SELECT DISTINCT o, t, 'other' FROM "+clashes)
	}
	return nil
}

// touches reports whether setting rows back may change what an index compares.
func (l *leaf) touches(u *unique) bool {
	plain := u.where == "" && !slices.ContainsFunc(u.columns, func(c string) bool { return !slices.Contains(l.columns, c) })
	return len(l.setting) > 0 && !plain || l.others || slices.ContainsFunc(u.columns, func(c string) bool { return slices.Contains(l.setting, c) })
}

// siftSwaps finds whether old values are by now those of other changed rows: an
// UPDATE would meet them halfway, so that these rows are taken out first and put
// in again.
func (w *work) siftSwaps(ctx context.Context, l *leaf) error {
	if l.rows(capsule.Old) < 2 {
		return nil
	}
	for _, u := range l.uniques {
		if u == l.pairing || !l.touches(u) {
			continue
		}
		met, err := one[bool](ctx, w, "SELECT EXISTS (SELECT FROM "+l.temporary("pair")+" p JOIN "+u.side(l.source(capsule.Old))+" a ON a.tminus_row = p.r JOIN "+u.side(l.target())+" b ON "+
			u.clash("a", "b")+" JOIN "+l.temporary("hit")+" h ON h.t = b.tminus_row AND h.o = b.tminus_rel AND h.why = 'set' WHERE p.what IN ('set', 'over') AND (p.t, p.o) IS DISTINCT FROM (h.t, h.o))")
		if err != nil {
			return err
		}
		if l.swaps = l.swaps || met; met && (l.added || w.mode == RowByRow) {
			w.refuse(l, "the phase passed values of %s from one of its rows to another, and they cannot be passed back by UPDATE: make it DEFERRABLE, or drop it for the time", clean(u.name))
		}
	}
	return nil
}

// conflict counts the rows of a stream that marks m say are in trouble, and
// takes the keys of a few.
func (w *work) conflict(ctx context.Context, l *leaf, part capsule.Part, c Conflict, marks, where string) error {
	n, err := one[int64](ctx, w, "SELECT count(DISTINCT m.r) FROM "+l.temporary(marks)+" m WHERE "+where)
	if err != nil || n == 0 {
		return err
	}
	c.Rows, c.Choice = n, w.choice(l)
	if len(l.t.Key) > 0 {
		if c.By == "" {
			c.By = strings.Join(l.t.Key, ", ")
		}
		key := "pg_catalog.left(" + record("s", l.t.Key) + "::text, 100)"
		c.Keys, err = all[string](ctx, w, "SELECT DISTINCT "+key+" FROM "+l.temporary(string(part))+" s JOIN "+l.temporary(marks)+" m ON m.r = s.ctid WHERE "+where+" ORDER BY 1 LIMIT 5")
	} else if c.By == "" {
		c.By = "all columns"
	}
	l.plan.Conflicts = append(l.plan.Conflicts, c)
	return err
}

// siftCount counts what will be done, and what must be chosen for.
func (w *work) siftCount(ctx context.Context, l *leaf) error {
	p, gone := &l.plan, l.rows(capsule.Gone)
	var kept, there, sentThere, sent, sentOver, set, over, again, pairThere, pairKept, others int64
	err := w.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+l.temporary("skip")+` WHERE why = 'kept'), (SELECT count(*) FROM `+l.temporary("skip")+` WHERE why = 'there'),
			(SELECT count(*) FROM `+l.temporary("hit")+` WHERE why = 'other'), (SELECT count(*) FROM `+l.temporary("pair")+` WHERE what IN ('kept', 'other', 'lost')),
			s.*, p.* FROM (SELECT count(*) FILTER (WHERE what = 'none'), count(*) FILTER (WHERE what = 'same'), count(*) FILTER (WHERE what = 'over') FROM `+l.temporary("sent")+`) s,
			(SELECT count(*) FILTER (WHERE what = 'there'), count(*) FILTER (WHERE what = 'set'), count(*) FILTER (WHERE what = 'over'), count(*) FILTER (WHERE what = 'again') FROM `+l.temporary("pair")+`) p`).
		Scan(&kept, &there, &others, &pairKept, &sentThere, &sent, &sentOver, &pairThere, &set, &over, &again)
	if err != nil {
		return err
	}
	p.Back, p.Set, p.Go = gone-kept-there+again, set+over, sent+sentOver
	p.There, p.Replaced = there+sentThere+pairThere, others+over+sentOver
	l.expected = expected{inserted: p.Back, updated: p.Set, deleted: p.Go + others, skipped: kept + there, again: again}
	if l.swaps {
		l.expected.inserted, l.expected.updated, l.expected.deleted = p.Back+p.Set, 0, p.Go+others+p.Set
	}
	for _, c := range []struct {
		kind        Kind
		part        capsule.Part
		marks, what string
	}{
		{ChangedSince, capsule.Old, "pair", "'other', 'over'"},
		{GoneSince, capsule.Old, "pair", "'lost', 'again'"},
		{AddedChanged, capsule.Added, "sent", "'other', 'over'"},
	} {
		if l.rows(c.part) == 0 {
			continue
		}
		if err := w.conflict(ctx, l, c.part, Conflict{Kind: c.kind}, c.marks, "m.what IN ("+c.what+")"); err != nil {
			return err
		}
	}
	// An added row that has no key is not found when it was changed: that it is
	// gone is sure where the whole phase is undone already.
	if len(l.t.Key) == 0 && sentThere > 0 && there < gone {
		p.There -= sentThere
		if err := w.conflict(ctx, l, capsule.Added, Conflict{Kind: GoneSince}, "sent", "m.what = 'none'"); err != nil {
			return err
		}
	}
	if w.choice(l) == Keep {
		for _, c := range p.Conflicts {
			if c.Kind == AddedChanged {
				p.Kept += c.Rows
			}
		}
		p.Kept += kept + pairKept
	}
	return nil
}

// chooseColumns finds which columns are to be set back.
func (w *work) chooseColumns(ctx context.Context, l *leaf) error {
	if l.rows(capsule.Old) == 0 {
		return nil
	}
	var over int64
	err := w.conn.QueryRow(ctx, "SELECT count(*) FILTER (WHERE what = 'over'), count(*) FILTER (WHERE what IN ('over', 'again')) > 0 FROM "+l.temporary("pair")).Scan(&over, &l.others)
	if err != nil {
		return err
	}
	differ := make([]string, len(l.columns))
	for i, c := range l.columns {
		other := "n"
		if over > 0 { // what others made of the row counts
			other = "t"
		}
		differ[i] = "pg_catalog.bool_or(" + record("o", []string{c}) + " OPERATOR(pg_catalog.*<>) " + record(other, []string{c}) + ")"
	}
	from := l.temporary("pair") + " p JOIN " + l.temporary("old") + " o ON o.ctid = p.r "
	if over > 0 {
		from += "JOIN " + l.target() + " t ON t.tminus_row = p.t AND t.tminus_rel = p.o"
	} else {
		from += "JOIN " + l.temporary("new") + " n ON n.ctid = p.n"
	}
	found, err := one[[]*bool](ctx, w, "SELECT ARRAY["+strings.Join(differ, ", ")+"] FROM "+from+" WHERE p.what IN ('set', 'over')")
	if err != nil {
		return err
	}
	for i, c := range l.columns {
		if found[i] != nil && *found[i] {
			l.setting = append(l.setting, c)
		}
	}
	for _, c := range l.setting {
		for _, a := range l.always {
			if a == c {
				w.refuse(l, "the phase changed its column %s, which is GENERATED ALWAYS AS IDENTITY and takes no value: make it BY DEFAULT", clean(c))
			}
		}
	}
	return nil
}
