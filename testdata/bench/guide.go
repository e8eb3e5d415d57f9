package bench

import (
	"fmt"
	"strings"

	"tminus/db/gym"
)

// The tables that the guide's own statements look at, phase by phase, in its
// order. It counts fewer than the runbook that is made from it.
var (
	guideBaseline = []string{"user_profiles", "memberships", "membership_requests", "pilates_deposits", "lesson_bookings", "bookings", "payments", "absence_records", "referrals"}
	guideProfiles = []string{"user_profiles", "memberships", "pilates_deposits", "lesson_bookings", "payments"}
	guideRemoved  = []string{"user_profiles", "memberships", "lesson_bookings", "bookings", "payments"}
)

// guideSQL is what the guide has somebody type into psql: a count of what there
// is, four transactions, each with a look before its COMMIT, and a last look.
func guideSQL() string {
	var b strings.Builder
	b.WriteString(counts(guideBaseline, "") + counts(gym.Protected(), ""))
	deletes := gym.Deletes()
	for i, tables := range deletes {
		b.WriteString("BEGIN;\n")
		for _, t := range tables {
			fmt.Fprintf(&b, "DELETE FROM %s;\n", t)
		}
		look := tables
		switch i {
		case 2:
			look = append(look[:len(look):len(look)], "membership_logs")
		case len(deletes) - 1:
			look = guideProfiles
		}
		b.WriteString(counts(look, "CASE WHEN count(*) = 0 THEN 'ok' ELSE 'look' END") + "COMMIT;\n")
	}
	b.WriteString(counts(guideRemoved, "CASE WHEN count(*) = 0 THEN 'pass' ELSE 'fail' END"))
	b.WriteString(counts(gym.Protected(), "CASE WHEN count(*) > 0 THEN 'intact' ELSE 'empty' END"))
	b.WriteString("SELECT 'connected' FROM information_schema.tables LIMIT 1;\n")
	return b.String()
}

// counts is one statement that counts tables, as the guide has it.
func counts(tables []string, verdict string) string {
	var parts []string
	for _, t := range tables {
		columns := []string{"'" + t + "'", "count(*)"}
		if verdict != "" {
			columns = append(columns, verdict)
		}
		parts = append(parts, "SELECT "+strings.Join(columns, ", ")+" FROM "+t)
	}
	return strings.Join(parts, "\nUNION ALL ") + ";\n"
}

// triggersOff is what the guide's checklist has done before its first phase.
func triggersOff() string {
	return fmt.Sprintf(`DO $$ DECLARE r record; BEGIN FOR r IN SELECT tgrelid::regclass AS t, tgname FROM pg_trigger WHERE tgname IN ('%s')
		LOOP EXECUTE format('ALTER TABLE %%s DISABLE TRIGGER %%I', r.t, r.tgname); END LOOP; END $$`, strings.Join(gym.Triggers(), "', '"))
}

// The states of a gym's keys.
const (
	everyKey = `DO $$ DECLARE k record; BEGIN FOR k IN SELECT conrelid::regclass AS t, (SELECT string_agg(quote_ident(attname), ', ')
		FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS c FROM pg_constraint WHERE contype = 'f'
		LOOP EXECUTE format('CREATE INDEX ON %s (%s)', k.t, k.c); END LOOP; END $$`
	noKey = `DO $$ DECLARE i record; BEGIN FOR i IN SELECT indexrelid::regclass AS name FROM pg_index
		WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND NOT indisunique
		LOOP EXECUTE format('DROP INDEX %s', i.name); END LOOP; END $$`
)
