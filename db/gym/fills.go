package gym

import (
	"fmt"
	"strings"
)

// fill says how a table gets its rows: per rows for every hundred users, the
// row i made by values.
type fill struct {
	table   string
	columns string
	per     int64
	values  string
}

// bookingsPerDeposit is what every deposit has used up.
const bookingsPerDeposit = 5

func (f fill) rows(opts Options) int64 {
	users := int64(opts.Users)
	if f.table == "pilates_bookings" {
		return bookingsPerDeposit * (users * f.per / 100)
	}
	rows := users * f.per / 100
	if times := paced()[f.table]; opts.Paced && times > 0 {
		rows *= times
	}
	return rows
}

// paced says of which tables a paced gym has how many times the rows: those of the
// phases that a few thousand users keep busy for a moment only.
func paced() map[string]int64 {
	return map[string]int64{"audit_logs": 50, "user_profile_audit_logs": 20, "absence_records": 20, "membership_logs": 8}
}

func (f fill) into() string { return fmt.Sprintf("%s (%s)", f.table, f.columns) }

const (
	// user spreads the rows evenly over all users.
	user = "pg_temp.uid(1 + (i - 1) % (SELECT count(*) FROM public.user_profiles))"
	// anyUser takes one by chance; it wants a number of its own.
	anyUser = "pg_temp.uid(1 + pg_temp.pick(i, %d, (SELECT count(*) FROM public.user_profiles)))"
	lesson  = "1 + pg_temp.pick(i, %d, 600)"
)

// fills lists the tables that grow with the users, parents first.
//
// Users 1 to 90 of each hundred have the membership of their number; every
// third user up to there has the deposit of a third of their number.
func fills() []fill {
	return append(append(people(), transactions()...), appendices()...)
}

func people() []fill {
	return []fill{
		{"user_profiles", "id, email, full_name, phone, date_of_birth, language, role, created_at, updated_at", 100, `
			pg_temp.uid(i), 'member' || i || '@gym.example',
			(ARRAY['Anna','Nikos','Maria','Giorgos','Eleni','Kostas','Sofia','Petros','Ioanna','Yannis','Zoe','Alexis'])[1 + pg_temp.pick(i, 1, 12)] || ' ' ||
			(ARRAY['Papadaki','Ioannou','Vlachos','Georgiou','Nikolaidi','Kontos','Makri','Pappas','Dimou','Lamprou'])[1 + pg_temp.pick(i, 2, 10)],
			'+30 69' || lpad(pg_temp.pick(i, 3, 100000000)::text, 8, '0'),
			date '1960-01-01' + pg_temp.pick(i, 4, 17000)::integer,
			CASE WHEN pg_temp.pick(i, 5, 4) = 0 THEN 'en' ELSE 'el' END,
			CASE WHEN i % 500 = 1 THEN 'admin' ELSE 'member' END,
			pg_temp.ago(i, 6, 700), pg_temp.ago(i, 7, 30)`},
		{"membership_requests", "id, user_id, package_id, status, requested_at, decided_at", 50, `
			i, pg_temp.uid(i), 1 + pg_temp.pick(i, 10, 12),
			(ARRAY['approved','approved','approved','rejected','pending'])[1 + pg_temp.pick(i, 11, 5)],
			pg_temp.ago(i, 12, 300), pg_temp.ago(i, 12, 300) + interval '5 hours'`},
		{"memberships", "id, user_id, package_id, request_id, status, is_active, start_date, end_date, price_cents, created_at", 90, `
			i, pg_temp.uid(i), 1 + pg_temp.pick(i, 20, 12),
			CASE WHEN i <= (SELECT count(*) FROM public.membership_requests) THEN i END,
			CASE pg_temp.pick(i, 21, 10) WHEN 0 THEN 'cancelled' WHEN 1 THEN 'expired' WHEN 2 THEN 'expired' ELSE 'active' END,
			pg_temp.pick(i, 21, 10) > 2,
			date '2026-01-30' - pg_temp.pick(i, 22, 200)::integer,
			CASE WHEN pg_temp.pick(i, 21, 10) IN (1, 2) THEN date '2026-01-29' ELSE date '2046-01-30' END,
			2900 + 100 * pg_temp.pick(i, 23, 600)::integer, pg_temp.ago(i, 24, 400)`},
		{"membership_logs", "id, membership_id, event, detail, logged_at", 135, `
			i, 1 + (i - 1) % (SELECT count(*) FROM public.memberships),
			(ARRAY['created','renewed','paused','resumed'])[1 + pg_temp.pick(i, 30, 4)],
			jsonb_build_object('by', pg_temp.pick(i, 31, 40), 'channel', 'app'), pg_temp.ago(i, 32, 400)`},
		{"pilates_deposits", "id, user_id, membership_id, package_id, deposit_total, deposit_remaining, expires_on, created_at", 30, `
			i, pg_temp.uid(i * 3), i * 3, 1 + pg_temp.pick(i, 40, 3),
			10 * (1 << pg_temp.pick(i, 40, 3)::integer), 10 * (1 << pg_temp.pick(i, 40, 3)::integer) - 5,
			date '2046-06-01', pg_temp.ago(i, 41, 200)`},
	}
}

func transactions() []fill {
	return []fill{
		{"bookings", "id, user_id, room_id, starts_at, status, created_at", 100, `
			i, pg_temp.uid(i), 1 + pg_temp.pick(i, 50, 12), pg_temp.ago(i, 51, 90),
			(ARRAY['booked','attended','cancelled'])[1 + pg_temp.pick(i, 52, 3)], pg_temp.ago(i, 51, 90) - interval '2 days'`},
		{"lesson_bookings", "id, user_id, lesson_id, membership_id, lesson_date, status, created_at", 400, `
			i, ` + user + `, ` + fmt.Sprintf(lesson, 60) + `,
			CASE WHEN 1 + (i - 1) % (SELECT count(*) FROM public.user_profiles) <= (SELECT count(*) FROM public.memberships)
				THEN 1 + (i - 1) % (SELECT count(*) FROM public.user_profiles) END,
			date '2026-01-30' - pg_temp.pick(i, 61, 120)::integer,
			(ARRAY['booked','attended','attended','cancelled'])[1 + pg_temp.pick(i, 62, 4)], pg_temp.ago(i, 63, 120)`},
		{"pilates_bookings", "id, user_id, slot_id, deposit_id, lesson_date, status, created_at", 30, `
			i, pg_temp.uid(3 * (1 + (i - 1) / 5)), 1 + pg_temp.pick(i, 70, 420), 1 + (i - 1) / 5,
			date '2026-01-30' - pg_temp.pick(i, 71, 90)::integer, 'booked', pg_temp.ago(i, 72, 90)`},
		{"payments", "id, user_id, membership_id, booking_id, amount_cents, method, reference, paid_at", 140, `
			i, ` + user + `,
			CASE WHEN i <= (SELECT count(*) FROM public.memberships) THEN i END,
			CASE WHEN i <= (SELECT count(*) FROM public.bookings) AND i % 10 = 0 THEN i END,
			500 + 50 * pg_temp.pick(i, 80, 400)::integer, (ARRAY['card','cash','transfer'])[1 + pg_temp.pick(i, 81, 3)],
			'PAY-' || lpad(i::text, 8, '0'), pg_temp.ago(i, 82, 300)`},
		{"qr_codes", "id, user_id, booking_id, lesson_booking_id, code, expires_at", 100, `
			i, pg_temp.uid(i), CASE WHEN i % 10 < 3 THEN i END, CASE WHEN i % 10 >= 3 THEN i END,
			pg_temp.secret('qr', i), pg_temp.ago(i, 90, 90) + interval '15 minutes'`},
		{"personal_training_codes", "id, user_id, code, sessions", 5, `
			i, pg_temp.uid(i * 20), upper(substr(pg_temp.secret('pt', i), 1, 8)), 5 + pg_temp.pick(i, 100, 16)::integer`},
		{"group_assignments", "id, user_id, lesson_id, assigned_at", 30, `
			i, pg_temp.uid(i * 3), ` + fmt.Sprintf(lesson, 110) + `, pg_temp.ago(i, 111, 200)`},
		{"personal_training_schedules", "id, user_id, trainer_id, code_id, starts_at", 10, `
			i, pg_temp.uid(i * 10), 1 + pg_temp.pick(i, 120, 24), CASE WHEN i % 2 = 0 THEN i / 2 END, pg_temp.ago(i, 121, 60)`},
	}
}

func appendices() []fill {
	perUser := func(table, columns string, per int64, salt int, rest string) fill {
		return fill{table, columns, per, "i, " + user + ", " + strings.ReplaceAll(rest, "SALT", fmt.Sprint(salt))}
	}
	return []fill{
		{"lesson_attendance", "id, booking_id, user_id, checked_in_at", 240, `
			i, 1 + (i - 1) * 5 / 3, pg_temp.uid(1 + (i - 1) * 5 / 3 % (SELECT count(*) FROM public.user_profiles)), pg_temp.ago(i, 130, 120)`},
		{"scan_audit_logs", "id, qr_code_id, user_id, result, scanned_at", 100, `
			i, i, pg_temp.uid(i), CASE WHEN pg_temp.pick(i, 140, 20) = 0 THEN 'expired' ELSE 'ok' END, pg_temp.ago(i, 141, 90)`},
		perUser("absence_records", "id, user_id, lesson_id, absent_on, reason", 40, 150,
			"1 + pg_temp.pick(i, SALT, 600), date '2026-01-30' - pg_temp.pick(i, SALT + 1, 120)::integer, (ARRAY[NULL, 'ill', 'travel'])[1 + pg_temp.pick(i, SALT + 2, 3)]"),
		{"referrals", "id, referrer_id, referred_id, created_at", 10, `
			i, ` + fmt.Sprintf(anyUser, 160) + `, pg_temp.uid(i * 10), pg_temp.ago(i, 161, 500)`},
		{"user_kettlebell_points", "user_id, points, challenge_id", 50, `
			pg_temp.uid(i), pg_temp.pick(i, 170, 900)::integer, 1 + pg_temp.pick(i, 171, 12)`},
		perUser("user_group_weekly_presets", "id, user_id, weekday, lesson_id", 5, 180,
			"1 + pg_temp.pick(i, SALT, 7)::integer, 1 + pg_temp.pick(i, SALT + 1, 600)"),
		{"audit_logs", "id, actor_id, action, detail, created_at", 80, `
			i, CASE WHEN i % 9 > 0 THEN ` + fmt.Sprintf(anyUser, 190) + ` END,
			(ARRAY['login','logout','booking.create','booking.cancel','profile.update'])[1 + pg_temp.pick(i, 191, 5)],
			jsonb_build_object('ip', '10.0.' || pg_temp.pick(i, 192, 256) || '.' || pg_temp.pick(i, 193, 256)), pg_temp.ago(i, 194, 60)`},
		perUser("user_profile_audit_logs", "id, user_id, changed_by, field, old_value, new_value, changed_at", 50, 200,
			fmt.Sprintf(anyUser, 204)+`, (ARRAY['phone','email','language'])[1 + pg_temp.pick(i, SALT, 3)],
			pg_temp.pick(i, SALT + 1, 1000)::text, pg_temp.pick(i, SALT + 2, 1000)::text, pg_temp.ago(i, SALT + 3, 300)`),

		{"user_settings", "user_id, theme, units, newsletter", 100, `
			pg_temp.uid(i), CASE WHEN pg_temp.pick(i, 210, 2) = 0 THEN 'dark' ELSE 'light' END, 'metric', pg_temp.pick(i, 211, 3) = 0`},
		{"notification_preferences", "user_id, channel, enabled", 50, `
			pg_temp.uid(i), (ARRAY['email','push','sms'])[1 + pg_temp.pick(i, 220, 3)], pg_temp.pick(i, 221, 4) > 0`},
		perUser("notifications", "id, user_id, kind, body, read_at, sent_at", 200, 230,
			`(ARRAY['reminder','news','payment'])[1 + pg_temp.pick(i, SALT, 3)], 'Your lesson starts in ' || (1 + pg_temp.pick(i, SALT + 1, 9)) || ' hours.',
			CASE WHEN pg_temp.pick(i, SALT + 2, 3) > 0 THEN pg_temp.ago(i, SALT + 3, 60) END, pg_temp.ago(i, SALT + 3, 60)`),
		perUser("push_tokens", "id, user_id, platform, token", 40, 240,
			"CASE WHEN pg_temp.pick(i, SALT, 2) = 0 THEN 'ios' ELSE 'android' END, pg_temp.secret('push', i)"),
		perUser("user_goals", "id, user_id, goal, target", 20, 250,
			"(ARRAY['visits a week','kilometres','kilograms'])[1 + pg_temp.pick(i, SALT, 3)], 1 + pg_temp.pick(i, SALT + 1, 80)::integer"),
		perUser("body_measurements", "id, user_id, measured_on, weight_g", 60, 260,
			"date '2026-01-30' - pg_temp.pick(i, SALT, 400)::integer, 48000 + pg_temp.pick(i, SALT + 1, 60000)::integer"),
		{"favorite_lessons", "user_id, lesson_id", 30, `pg_temp.uid(i), ` + fmt.Sprintf(lesson, 270)},
		perUser("lesson_ratings", "id, user_id, lesson_id, stars, comment", 20, 280,
			"1 + pg_temp.pick(i, SALT, 600), 1 + pg_temp.pick(i, SALT + 1, 5)::integer, CASE WHEN i % 3 = 0 THEN 'Great lesson.' END"),
		perUser("waiting_list_entries", "id, user_id, lesson_id, joined_at", 10, 290,
			"1 + pg_temp.pick(i, SALT, 600), pg_temp.ago(i, SALT + 1, 20)"),
		{"emergency_contacts", "id, user_id, name, phone", 5, `
			i, pg_temp.uid(i * 20), 'Contact ' || i, '+30 21' || lpad(pg_temp.pick(i, 300, 100000000)::text, 8, '0')`},
		{"user_documents", "id, user_id, kind, path", 5, `
			i, pg_temp.uid(i * 20), 'medical certificate', 'documents/' || pg_temp.secret('document', i) || '.pdf'`},
		perUser("workout_logs", "id, user_id, program_id, done_on, minutes", 50, 310,
			"1 + pg_temp.pick(i, SALT, 20), date '2026-01-30' - pg_temp.pick(i, SALT + 1, 200)::integer, 20 + pg_temp.pick(i, SALT + 2, 70)::integer"),
		{"invoices", "id, user_id, payment_id, number, amount_cents, issued_on", 50, `
			i, pg_temp.uid(i), i, 'INV-2026-' || lpad(i::text, 7, '0'), 500 + 50 * pg_temp.pick(i, 320, 400)::integer,
			date '2026-01-30' - pg_temp.pick(i, 321, 300)::integer`},
		{"announcements", "id, created_by, title, body, published_at", 1, `
			i, pg_temp.uid(i), 'Announcement ' || i, 'We open at nine on Saturday.', pg_temp.ago(i, 330, 300)`},
	}
}
