package catalog_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases/draft"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// What a guide for humans clears and protects in the gym, the shape of its
// tables tells too.
func TestProposalsInTheGym(t *testing.T) {
	t.Parallel()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	if err := gym.Load(t.Context(), dsn, gym.Options{Users: 3000}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	book := parse(t, string(runbook.Guide(runbook.Site{})))
	var deleted []string
	for i := range book.Phases {
		deleted = append(deleted, book.Phases[i].Deletes()...)
	}
	of := map[draft.Proposal][]string{}
	for _, c := range draft.Propose(with(t, conn, "SELECT 1")).Tables {
		name := c.Relation.Name
		of[c.Proposal] = append(of[c.Proposal], name)
		if c.Proposal == draft.ProposeProtect && slices.Contains(deleted, name) {
			t.Errorf("%s is proposed to protect, and the guide deletes it: %s", name, c.Why)
		}
	}
	if got := of[draft.ProposeClear]; !slices.Equal(got, []string{"user_profiles"}) {
		t.Errorf("proposed to clear: %q", got)
	}
	for _, name := range book.Protected {
		if !slices.Contains(of[draft.ProposeProtect], name) {
			t.Errorf("%s is not proposed to protect, and the guide protects it; proposed are %q", name, of[draft.ProposeProtect])
		}
	}
}

// What would go with a table, as the list of tables says it, is what a draft
// clears: in each of the awkward schemas, for each of its tables.
func TestFollowIsWhatADraftClears(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/schemas/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, file := range files {
		sql, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		conn := connect(t)
		if _, err := conn.Exec(t.Context(), string(sql), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		s := with(t, conn, "SELECT 1")
		names := &runbook.Runbook{Schema: "public"}
		choices, planned := draft.Propose(s), 0
		for _, c := range choices.Tables {
			name := names.TableName(c.Relation.Schema, c.Relation.Name)
			_, follows := choices.Follow([]*schema.Relation{c.Relation})
			d, err := draft.New(s, draft.Wish{Clear: []string{name}})
			if err != nil {
				continue // a cycle that nothing cuts
			}
			planned++
			if follows != d.Amount() {
				t.Errorf("%s: with %s go %+v, and a draft clears %+v", filepath.Base(file), name, follows, d.Amount())
			}
		}
		if planned == 0 {
			t.Errorf("%s: of %d tables none can be drafted", filepath.Base(file), len(choices.Tables))
		}
	}
}
