package catalog

import "testing"

// What is read as another text once it was dumped and restored is written as the
// server has it then; all else is left as it is.
func TestWhatIsRestoredReadsAsBefore(t *testing.T) {
	for was, is := range map[string]string{
		`x = ANY ((ARRAY['a'::character varying, 'it''s'::character varying(3)])::text[])`: `x = ANY (ARRAY[('a'::character varying)::text, ('it''s'::character varying(3))::text])`,
		`x = ANY ((ARRAY['a, b]'::character varying, "odd ""name, ]", f(1, 2)])::text[])`:  `x = ANY (ARRAY[('a, b]'::character varying)::text, ("odd ""name, ]")::text, (f(1, 2))::text])`,
		`((ARRAY[1, n])::bigint[] || (ARRAY[2])::app."Odd [T]"[])`:                         `(ARRAY[(1)::bigint, (n)::bigint] || ARRAY[(2)::app."Odd [T]"])`,
		`(ARRAY[ARRAY['a'::character varying], ARRAY['b'::character varying]])::text[]`:    `ARRAY[ARRAY[('a'::character varying)::text], ARRAY[('b'::character varying)::text]]`,
		`(ARRAY[(x = ANY ((ARRAY[1])::bigint[]))])::text[]`:                                `ARRAY[((x = ANY (ARRAY[(1)::bigint])))::text]`,
		`(ARRAY[1])::numeric(10,2)[]`:                                                      `ARRAY[(1)::numeric(10,2)]`,

		`x = ANY (ARRAY['a'::text, 'b'::text])`: `x = ANY (ARRAY['a'::text, 'b'::text])`,
		`(ARRAY[1, 2] && y)`:                    `(ARRAY[1, 2] && y)`,
		`(ARRAY[1, 2])::text`:                   `(ARRAY[1, 2])::text`,
		`(ARRAY[1, 'x`:                          `(ARRAY[1, 'x`,
		`(ARRAY[`:                               `(ARRAY[`,
		``:                                      ``,
	} {
		if got := restored(was); got != is {
			t.Errorf("%s:\ngot  %s\nwant %s", was, got, is)
		}
	}
}
