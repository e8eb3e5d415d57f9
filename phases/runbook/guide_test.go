package runbook

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func parseGuide(t *testing.T) *Runbook {
	t.Helper()
	book, err := Parse(GuideName, Guide(Site{}))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func guideDeletes() map[string][]string {
	return map[string][]string{
		"phase2": {
			"scan_audit_logs", "lesson_attendance", "absence_records", "referrals", "user_kettlebell_points",
			"user_group_weekly_presets", "audit_logs", "user_profile_audit_logs", "personal_training_schedules",
		},
		"phase3": {
			"pilates_bookings", "lesson_bookings", "qr_codes", "bookings", "payments",
			"personal_training_codes", "group_assignments",
		},
		"phase4": {"membership_requests", "memberships", "pilates_deposits"},
		"phase5": {"user_profiles"},
	}
}

func guideProtected() []string {
	return []string{"membership_packages", "lessons", "trainers", "pilates_schedule_slots"}
}

func TestGuideDeletesTheTwentyTablesInOrder(t *testing.T) {
	book := parseGuide(t)
	var ids, all []string
	for i := range book.Phases {
		p := &book.Phases[i]
		ids = append(ids, p.ID)
		if got, want := p.Deletes(), guideDeletes()[p.ID]; !slices.Equal(got, want) {
			t.Errorf("%s deletes %v, the guide %v", p.ID, got, want)
		}
		all = append(all, p.Deletes()...)
		if p.PointOfNoReturn != (p.ID == "phase5") {
			t.Errorf("%s: point of no return is %v", p.ID, p.PointOfNoReturn)
		}
		if p.WarnAfter != 5*time.Minute {
			t.Errorf("%s warns after %s", p.ID, p.WarnAfter)
		}
	}
	if want := []string{"phase1", "phase2", "phase3", "phase4", "phase5", "phase6"}; !slices.Equal(ids, want) {
		t.Errorf("phases %v", ids)
	}
	if len(all) != 20 {
		t.Errorf("%d tables are deleted: %v", len(all), all)
	}
	emptied := slices.Sorted(slices.Values(append(all, "membership_logs")))
	first, last := book.Phases[0], book.Phases[5]
	if got := slices.Sorted(slices.Values(first.Count)); !slices.Equal(got, emptied) {
		t.Errorf("the baseline counts %v, emptied are %v", got, emptied)
	}
	if got := slices.Sorted(slices.Values(last.Zero)); !slices.Equal(got, emptied) {
		t.Errorf("the verification looks at %v, emptied are %v", got, emptied)
	}
	if !slices.Equal(book.Protected, guideProtected()) || !slices.Equal(last.Filled, guideProtected()) {
		t.Errorf("protected %v, filled at the end %v", book.Protected, last.Filled)
	}
	if !slices.Equal(book.Phases[3].Zero, []string{"membership_logs"}) {
		t.Errorf("phase 4 leaves %v empty", book.Phases[3].Zero)
	}
	for _, table := range []string{"memberships", "pilates_deposits", "lesson_bookings", "payments"} {
		if !slices.Contains(book.Phases[4].Zero, table) {
			t.Errorf("phase 5 does not look at %s", table)
		}
	}
}

func TestGuideHasItsChecklistsAndTimes(t *testing.T) {
	book := parseGuide(t)
	groups := func(gs []Group) (ids []string, items int) {
		for _, g := range gs {
			ids = append(ids, g.ID)
			items += len(g.Items)
		}
		return ids, items
	}
	before, n := groups(book.Checklist)
	if want := []string{"rehearsal", "backup", "system", "access", "stakeholders", "database"}; !slices.Equal(before, want) {
		t.Errorf("checklist %v", before)
	}
	if n > 45 {
		t.Errorf("%d items before the gate", n)
	}
	after, n := groups(book.After)
	if want := []string{
		"notify", "document", "system_test", "triggers", "workflow",
		"smoke_connectivity", "smoke_registration", "smoke_pilates", "smoke_lessons", "smoke_memberships", "smoke_integration",
		"alerts", "handover_database", "handover_functions", "handover_logic", "log_signed", "handover_documents", "sign_off",
	}; !slices.Equal(after, want) {
		t.Errorf("after %v", after)
	}
	if n > 60 {
		t.Errorf("%d items after the phases", n)
	}
	if n := len(book.Phases[4].Confirm); n != 9 {
		t.Errorf("%d confirmations before phase 5", n)
	}
	if want := (Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute}); book.Window != want {
		t.Errorf("window %+v", book.Window)
	}
	var planned []time.Duration
	for _, p := range book.Phases {
		planned = append(planned, p.Planned/time.Minute)
	}
	if !slices.Equal(planned, []time.Duration{2, 2, 3, 2, 5, 3}) {
		t.Errorf("planned minutes %v", planned)
	}
}

// What a human ticks before the gate is what only a human can know.
func TestGuideLeavesSevenItemsToHumans(t *testing.T) {
	var human []string
	for _, g := range parseGuide(t).Checklist {
		for _, it := range g.Items {
			if it.Check == nil && it.Message == "" {
				human = append(human, it.ID)
			}
		}
	}
	if want := []string{"rehearsal_application", "no_deployment", "operator_senior", "access_production", "approval", "rollback_engineer", "devops"}; !slices.Equal(human, want) {
		t.Errorf("a human ticks %v", human)
	}
}

// Of the client's checklist the program answers what it knows: what is left is
// somebody's word, or somebody's name.
func TestGuideHandsOverByItself(t *testing.T) {
	var human, signed []string
	answered := 0
	for _, g := range parseGuide(t).After {
		if !strings.HasPrefix(g.ID, "handover") && g.ID != "log_signed" && g.ID != "sign_off" {
			continue
		}
		for _, it := range g.Items {
			switch {
			case it.Sign != "":
				signed = append(signed, it.Sign)
			case it.Check == nil:
				human = append(human, it.ID)
			default:
				answered++
			}
			if len(it.Fields) > 0 {
				t.Errorf("%s records something by hand", it.ID)
			}
		}
	}
	if want := []string{"handover_jobs", "client_access", "client_reset", "client_functions"}; !slices.Equal(human, want) {
		t.Errorf("a human ticks %v", human)
	}
	if want := []string{"DBA", "Manager", "Client"}; !slices.Equal(signed, want) || answered != 19 {
		t.Errorf("%v sign, the program answers %d", signed, answered)
	}
}

// What a human ticks after the phases is what only a human can know, or do.
func TestGuideLeavesSevenItemsToHumansAfterwards(t *testing.T) {
	var human, bySQL, byRequest, byCommand []string
	for _, g := range parseGuide(t).After {
		if smoke := strings.HasPrefix(g.ID, "smoke_"); g.Smoke != smoke {
			t.Errorf("%s: smoke is %v", g.ID, g.Smoke)
		}
		for _, it := range g.Items {
			switch a := it.Action; {
			case it.Check != nil || it.Message != "" || it.Sign != "":
			case !a.Answers():
				human = append(human, it.ID)
			case a.Program != nil:
				byCommand = append(byCommand, it.ID)
			case !a.Harmless() || !a.Now:
				t.Errorf("%s does not begin by itself", it.ID)
			case a.Probes != nil:
				if bySQL = append(bySQL, it.ID); !a.RolledBack {
					t.Errorf("%s writes nothing", it.ID)
				}
			default:
				byRequest = append(byRequest, it.ID)
			}
		}
	}
	if want := []string{
		"document_notes", "workflow_active", "smoke_app",
		"handover_jobs", "client_access", "client_reset", "client_functions",
	}; !slices.Equal(human, want) {
		t.Errorf("a human ticks %v", human)
	}
	if want := []string{"test_register", "smoke_register", "smoke_membership", "smoke_deposit", "smoke_pilates_booking", "smoke_booking", "smoke_checkin", "smoke_approve", "smoke_renew"}; !slices.Equal(bySQL, want) {
		t.Errorf("the database answers %v", bySQL)
	}
	if !slices.Equal(byCommand, []string{"smoke_logs"}) {
		t.Errorf("a command answers %v", byCommand)
	}
	if want := []string{"test_api", "smoke_api", "smoke_data", "smoke_speed"}; !slices.Equal(byRequest, want) {
		t.Errorf("the application answers %v", byRequest)
	}
}

// A short measurement says in its text that it is one.
func TestGuideMeasuresForAMinute(t *testing.T) {
	it, _, _ := parseGuide(t).Item("smoke_speed")
	if it.Action.Call.For != time.Minute || it.Action.Call.P95 != 200*time.Millisecond || !strings.Contains(it.Text, "a minute") || !strings.Contains(it.Text, "200 ms") {
		t.Errorf("%s: %+v", it.Text, it.Action.Call)
	}
	book, err := Parse(GuideName, Guide(Site{Services: "http://127.0.0.1:9", Log: "/var/log/it's", Measure: 3 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	it, _, _ = book.Item("smoke_speed")
	if it.Action.Call.For != 3*time.Second || it.Action.Call.P95 != 2*time.Second || it.Text != "Over 3 s, 95 percent of the answers come within 2 s" || it.Action.Call.URL != "http://127.0.0.1:9/health" {
		t.Errorf("%s: %+v", it.Text, it.Action.Call)
	}
	if it, _, _ = book.Item("smoke_logs"); it.Action.Program.Argv[3] != "/var/log/it's" {
		t.Errorf("the log is %q", it.Action.Program.Argv)
	}
}

// The places are those of the site, and by hand nothing of the backup is asked
// but its age.
func TestGuideOfASite(t *testing.T) {
	book, err := Parse(GuideName, Guide(Site{Checkout: "/a 'place'", Backups: "/b: c #d"}))
	if err != nil {
		t.Fatal(err)
	}
	if book.Backup.Take.Directory != "/b: c #d" {
		t.Errorf("backups go to %q", book.Backup.Take.Directory)
	}
	asked := 0
	for _, g := range book.Checklist {
		for _, it := range g.Items {
			if it.Check != nil && it.Check.Kind == CheckOutside {
				asked++
				if it.Check.Dir != "/a 'place'" {
					t.Errorf("%s asks about %q", it.ID, it.Check.Dir)
				}
			}
		}
	}
	if f, _ := book.Fence("refill_workflow"); f.Dir != "/a 'place'" {
		t.Errorf("the workflow is looked for in %q", f.Dir)
	}
	if asked != 2 {
		t.Errorf("%d items ask about the checkout", asked)
	}
	hand, err := Parse(GuideName, Guide(Site{ByHand: true}))
	if err != nil {
		t.Fatal(err)
	}
	full := parseGuide(t)
	if len(hand.Checklist) != len(full.Checklist) || hand.Backup.Take.Directory != "" || hand.Backup.TookField != "restore_took" {
		t.Errorf("by hand: %+v", hand.Backup)
	}
	if it, _, ok := hand.Item("handover_backup"); !ok || it.Check != nil || len(hand.After) != len(full.After) {
		t.Errorf("by hand the backup is handed over as %+v, %d stages", it, len(hand.After))
	}
	for i, g := range hand.Checklist {
		if g.ID != full.Checklist[i].ID || (g.ID != "backup" && len(g.Items) != len(full.Checklist[i].Items)) {
			t.Errorf("by hand the group %s is %s", full.Checklist[i].ID, g.ID)
		}
	}
	if it, _, ok := hand.Item("backup_fresh"); !ok || it.Check.Name != "backup.age" {
		t.Errorf("by hand: %+v", it)
	}
}

func TestGuideAsksWhatCanBeAsked(t *testing.T) {
	book := parseGuide(t)
	asked := map[string][]*Check{}
	for _, g := range book.Groups() {
		for _, it := range g.Items {
			if it.Check != nil {
				asked[it.Check.Name] = append(asked[it.Check.Name], it.Check)
			}
		}
	}
	for name, times := range map[string]int{
		"database.connects": 3, "database.writable": 1, "database.connections": 2, "database.transactions": 1, "database.tables": 1,
		FenceOff: 3, FenceBack: 3, "backup.age": 2, "protected.intact": 1, "tables.zero": 1, "tables.filled": 1,
		"backup.readable": 2, "backup.restored": 1, "rehearsal.completed": 1, "rehearsal.protected": 1, "rehearsal.clean": 1, "rehearsal.schema": 1,
		"git.quiet": 1, "git.push": 1, "jobs.due": 1, "clock.close": 1, "database.prepared": 1,
		"backup.size": 1, "wal.room": 1, "run.verified": 1, "run.protected": 1, "run.baseline": 2, "run.phase": 3, "run.deletions": 1, "run.items": 14,
	} {
		if len(asked[name]) != times {
			t.Errorf("%s is asked %d times, not %d", name, len(asked[name]), times)
		}
	}
	four := []string{
		"trigger_membership_is_active", "trigger_link_pilates_to_membership",
		"trigger_update_deposit_on_booking", "trigger_auto_expire_ultimate",
	}
	if it, _, _ := book.Item("triggers_disabled"); !it.Check.Through || it.Action.Name != TakeFence || !slices.Equal(book.DisabledTriggers(), four) {
		t.Errorf("triggers_disabled: %+v, action %+v", it.Check, it.Action)
	}
	if tables := asked["database.tables"][0]; *tables.Min != 50 || *tables.Max != 60 {
		t.Errorf("database.tables: %d to %d", *tables.Min, *tables.Max)
	}
}

// TestGuideCanBeAssumed holds that an unattended run finds a value for each field.
func TestGuideCanBeAssumed(t *testing.T) {
	book := parseGuide(t)
	for _, g := range book.Groups() {
		for _, it := range g.Items {
			for _, f := range it.Fields {
				if f.Example == "" {
					t.Errorf("the field %s has no example", f.ID)
				}
				if f.Type == FieldYesNo && f.Required && f.Example != "yes" {
					t.Errorf("the field %s must be yes, its example is %s", f.ID, f.Example)
				}
			}
		}
	}
	if f := book.Backup; f.TimeField != "backup_time" || f.IDField != "backup_id" || !strings.Contains(f.Restore, "{{backup_id}}") {
		t.Errorf("backup %+v", f)
	}
}

func TestGuideRepeatsNoMistake(t *testing.T) {
	text := strings.ToLower(string(Guide(Site{})) + guideByHand)
	for _, wrong := range []string{
		"pragma", "datistemplate", "information_schema", "is_enabled", "your_trigger_function_name", "create trigger",
		"relation not found", "more than 1 table", "more than one table", "pg_stat_activity",
	} {
		if strings.Contains(text, wrong) {
			t.Errorf("the guide's runbook says %q", wrong)
		}
	}
	for _, r := range text {
		if r > 0x7F {
			t.Errorf("the character %q may be missing on a terminal", r)
		}
	}
}

// People are told at each moment of the guide, through the site's own services.
func TestGuideTellsPeople(t *testing.T) {
	book, err := Parse(GuideName, Guide(Site{Services: "http://127.0.0.1:7"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(book.Channels) != 1 || book.Channels[0].Webhook.URL != "http://127.0.0.1:7/inbox" {
		t.Errorf("channels %+v", book.Channels)
	}
	by := map[string]string{}
	for _, m := range book.Messages {
		it, _ := book.Teller(m.ID)
		by[m.ID] = m.On + it.ID
	}
	want := map[string]string{
		"announcement": "announced", "begin": "notify_start", "waits": OnHold, "no_go": OnNoGo, "aborted": OnAbort, "over": "notify_users", "result": "notify_client",
	}
	if !maps.Equal(by, want) {
		t.Errorf("told by %v", by)
	}
}
