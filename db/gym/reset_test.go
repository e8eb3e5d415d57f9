package gym_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
)

// disable disables the triggers of the catalog, wherever they are.
func disable(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for _, sql := range query[string](t, conn, `SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname)
		FROM pg_trigger WHERE tgname = ANY ($1)`, gym.Triggers()) {
		exec(t, conn, sql)
	}
}

// reset does by hand what a run does: one transaction a phase.
func reset(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for _, phase := range gym.Deletes() {
		exec(t, conn, "BEGIN")
		for _, table := range phase {
			exec(t, conn, "DELETE FROM public."+table)
		}
		exec(t, conn, "COMMIT")
	}
}

func TestResetEmptiesAndKeeps(t *testing.T) {
	conn := loaded(t, gym.Options{})
	before := contents(t, conn)
	invoices := count(t, conn, "invoices")
	disable(t, conn)
	reset(t, conn)
	after := contents(t, conn)
	emptied := slices.Concat(slices.Concat(gym.Deletes()...), gym.Cascaded())
	anonymised := []string{"announcements", "invoices"}
	for _, table := range gym.Tables() {
		switch rows := count(t, conn, table); {
		case slices.Contains(emptied, table):
			if rows != 0 {
				t.Errorf("%s has %d rows left", table, rows)
			}
		case slices.Contains(anonymised, table):
			if rows == 0 || before[table] == after[table] {
				t.Errorf("%s: %d rows left, changed %v", table, rows, before[table] != after[table])
			}
		case before[table] != after[table]:
			t.Errorf("%s changed", table)
		}
	}
	if got := one[int64](t, conn, "SELECT count(*) FROM invoices WHERE user_id IS NULL AND payment_id IS NULL"); got != invoices {
		t.Errorf("%d of %d invoices without a name", got, invoices)
	}
}

// TestTriggersMatterToAReset: with its trigger on, deleting bookings writes to
// deposits. That is why a reset disables them.
func TestTriggersMatterToAReset(t *testing.T) {
	conn := loaded(t, gym.Options{})
	exec(t, conn, "DELETE FROM pilates_bookings")
	if full := one[bool](t, conn, "SELECT bool_and(deposit_remaining = deposit_total) FROM pilates_deposits"); !full {
		t.Error("the deposits did not get their lessons back")
	}
}

func TestTriggerStates(t *testing.T) {
	conn := loaded(t, gym.Options{})
	states := query[string](t, conn, `SELECT tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text
		FROM pg_trigger WHERE tgname = ANY ($1) ORDER BY 1`, gym.Triggers())
	want := []string{
		"lesson_bookings trigger_update_deposit_on_booking O",
		"memberships trigger_auto_expire_ultimate R",
		"memberships trigger_membership_is_active O",
		"pilates_bookings trigger_update_deposit_on_booking O",
		"pilates_deposits trigger_link_pilates_to_membership O",
	}
	if !slices.Equal(states, want) {
		t.Errorf("triggers are %q, want %q", states, want)
	}
}

// TestProductWorksAfterAReset takes a new member through the product.
func TestProductWorksAfterAReset(t *testing.T) {
	conn := loaded(t, gym.Options{})
	disable(t, conn)
	reset(t, conn)
	for _, name := range gym.Triggers() {
		if err := gym.ReenableTrigger(t.Context(), conn, name); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, conn, "SET search_path = pg_catalog") // the functions must not depend on it
	id := one[string](t, conn, `INSERT INTO public.user_profiles (email, full_name) VALUES ('new@gym.example', 'New') RETURNING id::text`)
	request := one[int64](t, conn, `INSERT INTO public.membership_requests (user_id, package_id) VALUES ($1, 1) RETURNING id`, id)
	membership := one[int64](t, conn, `INSERT INTO public.memberships (user_id, package_id, request_id, start_date, end_date, price_cents)
		VALUES ($1, 1, $2, current_date, current_date + 30, 2900) RETURNING id`, id, request)
	if !one[bool](t, conn, "SELECT is_active FROM public.memberships WHERE id = $1", membership) {
		t.Error("the new membership is not active")
	}
	deposit := one[int64](t, conn, `INSERT INTO public.pilates_deposits (user_id, package_id, deposit_total, deposit_remaining, expires_on)
		VALUES ($1, 1, 2, 2, current_date + 90) RETURNING id`, id)
	if linked := one[*int64](t, conn, "SELECT membership_id FROM public.pilates_deposits WHERE id = $1", deposit); linked == nil || *linked != membership {
		t.Errorf("the deposit is linked to %v, want %d", linked, membership)
	}
	remaining := func() int {
		return one[int](t, conn, "SELECT deposit_remaining FROM public.pilates_deposits WHERE id = $1", deposit)
	}
	exec(t, conn, `INSERT INTO public.pilates_bookings (user_id, slot_id, deposit_id, lesson_date) VALUES ($1, 1, $2, current_date)`, id, deposit)
	if got := remaining(); got != 1 {
		t.Errorf("after a pilates booking %d remain, want 1", got)
	}
	exec(t, conn, `INSERT INTO public.lesson_bookings (user_id, lesson_id, deposit_id, lesson_date) VALUES ($1, 1, $2, current_date)`, id, deposit)
	if got := remaining(); got != 0 {
		t.Errorf("after a lesson booking %d remain, want 0", got)
	}
	_, err := conn.Exec(t.Context(), `INSERT INTO public.pilates_bookings (user_id, slot_id, deposit_id, lesson_date) VALUES ($1, 2, $2, current_date)`, id, deposit)
	if err == nil || !strings.Contains(err.Error(), "no lessons left") {
		t.Errorf("a booking on an empty deposit: %v", err)
	}
	exec(t, conn, "DELETE FROM public.pilates_bookings")
	if got := remaining(); got != 1 {
		t.Errorf("after a cancellation %d remain, want 1", got)
	}
	exec(t, conn, "UPDATE public.memberships SET status = 'paused' WHERE id = $1", membership)
	exec(t, conn, "UPDATE public.memberships SET status = 'active', package_id = 9, end_date = current_date - 1, start_date = current_date - 31 WHERE id = $1", membership)
	if got := one[string](t, conn, "SELECT status || ' ' || is_active FROM public.memberships WHERE id = $1", membership); got != "expired false" {
		t.Errorf("an ultimate package after its end is %q", got)
	}
}

func TestFaultSetNullOnProtected(t *testing.T) {
	conn := loaded(t, gym.Options{})
	if err := gym.SetNullOnProtected(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	before := contents(t, conn)["lessons"]
	rows := count(t, conn, "lessons")
	disable(t, conn)
	reset(t, conn)
	if contents(t, conn)["lessons"] == before || count(t, conn, "lessons") != rows {
		t.Error("the reset left lessons alone, or removed some")
	}
}

func TestFaultResurrect(t *testing.T) {
	for _, table := range []string{"referrals", "payments", "user_profiles"} {
		t.Run(table, func(t *testing.T) {
			conn := loaded(t, gym.Options{})
			if err := gym.Resurrect(t.Context(), conn, table); err != nil {
				t.Fatal(err)
			}
			disable(t, conn)
			for _, phase := range gym.Deletes() {
				for _, each := range phase {
					exec(t, conn, "DELETE FROM public."+each)
				}
				if slices.Contains(phase, table) {
					break
				}
			}
			if got := count(t, conn, table); got != 1 {
				t.Errorf("%s has %d rows, want the one that came back", table, got)
			}
		})
	}
}

func TestFaultReenableTrigger(t *testing.T) {
	conn := loaded(t, gym.Options{})
	disable(t, conn)
	if err := gym.ReenableTrigger(t.Context(), conn, "trigger_update_deposit_on_booking"); err != nil {
		t.Fatal(err)
	}
	if got := one[int](t, conn, "SELECT count(*)::int FROM pg_trigger WHERE tgname = ANY ($1) AND tgenabled = 'O'", gym.Triggers()); got != 2 {
		t.Errorf("%d triggers enabled, want both of that name", got)
	}
	if err := gym.ReenableTrigger(t.Context(), conn, "no_such_trigger"); err == nil {
		t.Error("enabled a trigger that isn't there")
	}
}
