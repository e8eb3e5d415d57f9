package phases

import "testing"

// A change is told apart by what no server translates, and said in the server's words.
func TestAChangeInAnyLanguage(t *testing.T) {
	for _, c := range []struct {
		change            Change
		index, constraint string
		says              string
	}{
		{Change{Kind: ChangeTruncated, Object: "Tabelle t", Type: "table", Identity: "public.t"}, "", "", "Tabelle t was truncated"},
		{Change{Kind: ChangeTruncated, Object: "Sequenz t_id_seq", Type: "sequence", Identity: "public.t_id_seq"}, "", "", "Sequenz t_id_seq was rewritten"},
		{Change{Kind: ChangeTruncated, Object: "index i", Type: "", Identity: ""}, "", "", "index i was rewritten"}, // an old journal's
		{Change{Kind: ChangeTruncated, Object: "table t"}, "", "", "table t was truncated"},
		{Change{Kind: ChangeCreated, Object: "インデックスi", Type: "index", Identity: "public.i"}, "i", "", "インデックスi was created"},
		{Change{Kind: ChangeCreated, Object: "Index s.I", Type: "index", Identity: `s."I"`}, "I", "", "Index s.I was created"},
		{Change{Kind: ChangeDropped, Object: "Constraint k für Tabelle t", Type: "table constraint", Identity: "k on public.t"}, "", "k", "Constraint k für Tabelle t was dropped"},
		{Change{Kind: ChangeDropped, Object: `tに対する制約a "b" on c`, Type: "table constraint", Identity: `"a ""b"" on c" on public.t`}, "", `a "b" on c`, `tに対する制約a "b" on c was dropped`},
	} {
		if got := c.change.String(); got != c.says {
			t.Errorf("%q, want %q", got, c.says)
		}
		for _, name := range []string{"t", "i", "I", "k", "a", "on", `a "b"`, `a "b" on c`, "c"} {
			if c.change.IsIndex(name) != (name == c.index) || c.change.IsConstraint(name) != (name == c.constraint) {
				t.Errorf("%s: %q is taken for it, or is not", c.says, name)
			}
		}
	}
}
