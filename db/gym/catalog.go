package gym

// Tables names all tables, sorted.
func Tables() []string {
	return []string{
		"absence_records", "announcements", "app_settings", "audit_logs", "body_measurements", "bookings",
		"email_templates", "emergency_contacts", "equipment", "favorite_lessons", "feature_flags",
		"group_assignments", "gyms", "holidays", "invoices", "kettlebell_challenges", "lesson_attendance",
		"lesson_bookings", "lesson_categories", "lesson_ratings", "lessons", "membership_logs",
		"membership_package_features", "membership_packages", "membership_requests", "memberships",
		"notification_preferences", "notifications", "opening_hours", "payments", "personal_training_codes",
		"personal_training_schedules", "pilates_bookings", "pilates_deposits", "pilates_packages",
		"pilates_schedule_slots", "promo_codes", "push_tokens", "qr_codes", "referrals", "rooms",
		"scan_audit_logs", "schema_migrations", "trainer_specialties", "trainer_working_hours", "trainers",
		"user_documents", "user_goals", "user_group_weekly_presets", "user_kettlebell_points",
		"user_profile_audit_logs", "user_profiles", "user_settings", "waiting_list_entries", "workout_logs",
		"workout_programs",
	}
}

// Deletes names the tables that a reset deletes from, phase by phase, in order.
func Deletes() [][]string {
	return [][]string{
		{
			"scan_audit_logs", "lesson_attendance", "absence_records", "referrals", "user_kettlebell_points",
			"user_group_weekly_presets", "audit_logs", "user_profile_audit_logs", "personal_training_schedules",
		},
		{
			"pilates_bookings", "lesson_bookings", "qr_codes", "bookings", "payments",
			"personal_training_codes", "group_assignments",
		},
		{"membership_requests", "memberships", "pilates_deposits"},
		{"user_profiles"},
	}
}

// Cascaded names the tables that a reset empties without naming them: a
// cascade reaches them.
func Cascaded() []string {
	return []string{
		"body_measurements", "emergency_contacts", "favorite_lessons", "lesson_ratings", "membership_logs",
		"notification_preferences", "notifications", "push_tokens", "user_documents", "user_goals",
		"user_settings", "waiting_list_entries", "workout_logs",
	}
}

// Protected names the tables whose content a reset must not change.
func Protected() []string {
	return []string{"membership_packages", "lessons", "trainers", "pilates_schedule_slots"}
}

// Triggers names the triggers that a reset disables and brings back. The name
// trigger_update_deposit_on_booking stands on two tables.
func Triggers() []string {
	return []string{
		"trigger_membership_is_active", "trigger_link_pilates_to_membership",
		"trigger_update_deposit_on_booking", "trigger_auto_expire_ultimate",
	}
}
