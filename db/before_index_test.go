package db

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/engine/fence"
	"tminus/phases/schema"
)

// sights are how indexes stand.
func sights(t *testing.T, target *Target, made []phases.MadeIndex) []fence.IndexSight {
	t.Helper()
	seen, err := target.LookAtIndexes(limited(t), made)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// madeBefore makes the indexes that a phase wants beside it, and gives what drops
// them again.
func madeBefore(t *testing.T, target *Target, runID string, want []phases.PhaseIndex) func() {
	t.Helper()
	made, err := target.PlanIndexes(limited(t), runID, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	stand := func(is fence.IndexSight) {
		t.Helper()
		for n, got := range sights(t, target, made) {
			if got != is {
				t.Errorf("%s on %s is %s, not %s", made[n].Name, made[n].Table, got, is)
			}
		}
	}
	stand(fence.IndexAbsent)
	for _, i := range made {
		if err := target.MakeIndex(limited(t), i, time.Second, nil); err != nil {
			t.Error(err)
		}
	}
	stand(fence.IndexValid)
	return func() {
		t.Helper()
		for _, i := range made {
			if err := target.DropIndex(limited(t), i, time.Second, nil); err != nil {
				t.Error(err)
			}
		}
		stand(fence.IndexAbsent)
	}
}

const lacking = `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE "Child ü" (id int, "p id" int REFERENCES p, pad text); CREATE INDEX child_other ON "Child ü" (id);
	INSERT INTO p SELECT generate_series(1, 10); INSERT INTO "Child ü" SELECT i, i FROM generate_series(1, 10) i; ANALYZE`

func wantsIndex(keep bool) []phases.PhaseIndex {
	return []phases.PhaseIndex{{Table: `public."Child ü"`, Columns: []string{"p id"}, Constraint: "k", Before: true, Keep: keep}}
}

// Names are the run's own, and no other's; what is kept is called as the server
// would have called it. No key counts as indexed by what goes again.
func TestIndexesHaveNamesOfTheirOwn(t *testing.T) {
	const run = "20260102T150405Z-abcdef12"
	dsn := database(t, lacking+`; CREATE TABLE tminus_abcdef12_1 (id int); CREATE VIEW "Child ü_p id_idx" AS SELECT 1`)
	target, conn := open(t, dsn, book("p")), connect(t, dsn)
	first, err := target.PlanIndexes(limited(t), run, wantsIndex(true), nil)
	if err != nil || len(first) != 1 || first[0].Name != "tminus_abcdef12_2" || first[0].Kept != "Child ü_p id_idx1" || first[0].Definition != `ON public."Child ü" USING btree ("p id")` {
		t.Fatalf("planned: %+v, %v", first, err)
	}
	more, err := target.PlanIndexes(limited(t), run, wantsIndex(true), first)
	if err != nil || more[0].Name != "tminus_abcdef12_3" || more[0].Kept != "Child ü_p id_idx2" {
		t.Errorf("planned beside it: %+v, %v", more, err)
	}
	if !regexp.MustCompile(catalog.OwnIndex).MatchString(indexName(run, mostNames)) || !regexp.MustCompile(catalog.OwnIndex).MatchString(first[0].Name) {
		t.Errorf("%s is not as %s", first[0].Name, catalog.OwnIndex)
	}
	if name := keptName(&schema.Relation{Name: strings.Repeat("ü", 40)}, []string{"a"}, 12); len(name) > longestName || !strings.HasSuffix(name, "ü_idx11") {
		t.Errorf("a long name: %s", name)
	}
	indexed := func() bool {
		t.Helper()
		s, err := ReadSchema(limited(t), Config{DSN: dsn, Operator: operator})
		if err != nil {
			t.Fatal(err)
		}
		return s.Keys[0].Indexed
	}
	if err := target.MakeIndex(limited(t), first[0], time.Second, nil); err != nil || indexed() {
		t.Errorf("made: %v, and the key counts as indexed: %v", err, indexed())
	}
	if err := target.KeepIndex(limited(t), first[0], time.Second); err != nil || !indexed() {
		t.Errorf("kept: %v, and the key counts as indexed: %v", err, indexed())
	}
	wantError(t, target.KeepIndex(limited(t), first[0], time.Second), "is not there")
	if n := query[int](t, conn, `SELECT count(*) FROM pg_indexes WHERE indexname = 'Child ü_p id_idx1'`); n != 1 {
		t.Errorf("%d indexes are kept", n)
	}
	wantError(t, func() error {
		_, err := target.PlanIndexes(limited(t), run, []phases.PhaseIndex{{Table: "gone", Columns: []string{"a"}}}, nil)
		return err
	}(), "does not exist")
}

// What keeps an index from being made, or dropped, is said, with what to do about
// it; what a cut leaves goes where nobody is in the way.
func TestIndexesThatCannotBeMade(t *testing.T) {
	dsn := database(t, lacking+`; CREATE ROLE weak_maker LOGIN; GRANT ALL ON p, "Child ü" TO weak_maker`)
	dropRole(t, dsn, "weak_maker")
	target, other := open(t, dsn, book("p")), connect(t, dsn)
	made, err := target.PlanIndexes(limited(t), "r-1", wantsIndex(false), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := made[0]
	wantError(t, open(t, asUser(t, dsn, "weak_maker"), book("p")).MakeIndex(limited(t), i, time.Second, nil), "waive the item, and the phase makes its own")

	exec(t, other, `BEGIN; UPDATE "Child ü" SET id = id`)
	err = target.MakeIndex(limited(t), i, 3*time.Second, nil)
	wantError(t, err, "others did not let go of it within 3.0 s: session ")
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := target.MakeIndex(short, phases.MadeIndex{Table: i.Table, Schema: i.Schema, Name: "second", Definition: i.Definition}, time.Minute, nil); err == nil {
		t.Error("it was not cancelled")
	}
	if got := sights(t, target, made); got[0] != fence.IndexInvalid {
		t.Errorf("what others hold up is %s", got[0])
	}
	wantError(t, target.DropIndex(limited(t), i, 800*time.Millisecond, nil), `or run: DROP INDEX CONCURRENTLY "public"."tminus_r1_1"`)
	exec(t, other, `ROLLBACK`)
	if err := target.DropIndex(limited(t), i, time.Second, nil); err != nil {
		t.Error(err)
	}
	if got := sights(t, target, made); got[0] != fence.IndexAbsent {
		t.Errorf("dropped, it is %s", got[0])
	}
	// One that fails by itself leaves nothing.
	exec(t, other, `UPDATE "Child ü" SET pad = (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 500))`)
	wide := i
	wide.Definition = strings.Replace(i.Definition, `"p id"`, "pad", 1)
	wantError(t, target.MakeIndex(limited(t), wide, time.Second, nil), "maximum size is")
	if got := sights(t, target, made); got[0] != fence.IndexAbsent {
		t.Errorf("a failure left what is %s", got[0])
	}
	// Somebody else's under the name, and a program of before that is at work.
	exec(t, other, `CREATE INDEX tminus_r1_1 ON "Child ü" (id)`)
	wantError(t, target.MakeIndex(limited(t), i, time.Second, nil), "already exists")
	wantError(t, target.DropIndex(limited(t), i, time.Second, nil), "is not what was made")
	exec(t, other, `DROP INDEX tminus_r1_1`)
	exec(t, other, `BEGIN; LOCK TABLE "Child ü"`)
	late := connect(t, dsn)
	pid := query[int32](t, late, `SELECT pg_backend_pid()`)
	done := make(chan error, 1)
	go func() {
		_, err := late.Exec(t.Context(), `CREATE INDEX CONCURRENTLY tminus_r1_1 ON "Child ü" ("p id")`)
		done <- err
	}()
	for query[int](t, other, `SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted`, pid) == 0 {
	}
	_, err = target.LookAtIndexes(limited(t), made)
	wantError(t, err, "is at work on it")
	exec(t, other, `ROLLBACK`)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := sights(t, target, made); !slices.Equal(got, []fence.IndexSight{fence.IndexValid}) {
		t.Errorf("made by the one before, it is %s", got)
	}
}
