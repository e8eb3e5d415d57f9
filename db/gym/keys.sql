-- Primary keys, foreign keys and indexes, for rows that are already there.
-- A step starts with "-- step:".

-- step: primary keys
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'id' ORDER BY table_name
  LOOP
    EXECUTE format('ALTER TABLE public.%I ADD PRIMARY KEY (id)', t);
  END LOOP;
END $$;
ALTER TABLE public.user_settings ADD PRIMARY KEY (user_id);
ALTER TABLE public.user_kettlebell_points ADD PRIMARY KEY (user_id);
ALTER TABLE public.notification_preferences ADD PRIMARY KEY (user_id, channel);
ALTER TABLE public.favorite_lessons ADD PRIMARY KEY (user_id, lesson_id);
ALTER TABLE public.opening_hours ADD PRIMARY KEY (gym_id, weekday);
ALTER TABLE public.holidays ADD PRIMARY KEY (gym_id, closed_on);
ALTER TABLE public.trainer_specialties ADD PRIMARY KEY (trainer_id, category_id);
ALTER TABLE public.trainer_working_hours ADD PRIMARY KEY (trainer_id, weekday);
ALTER TABLE public.app_settings ADD PRIMARY KEY (key);
ALTER TABLE public.feature_flags ADD PRIMARY KEY (name);
ALTER TABLE public.email_templates ADD PRIMARY KEY (name);
ALTER TABLE public.schema_migrations ADD PRIMARY KEY (version);
ALTER TABLE public.user_profiles ADD UNIQUE (email);
ALTER TABLE public.qr_codes ADD UNIQUE (code);
ALTER TABLE public.membership_packages ADD UNIQUE (name);
ALTER TABLE public.invoices ADD UNIQUE (number);
ALTER TABLE public.pilates_deposits ADD CHECK (deposit_remaining BETWEEN 0 AND deposit_total);

-- step: indexes on users
CREATE INDEX ON public.memberships (user_id);
CREATE INDEX ON public.membership_requests (user_id);
CREATE INDEX ON public.pilates_deposits (user_id);
CREATE INDEX ON public.bookings (user_id);
CREATE INDEX ON public.lesson_bookings (user_id);
CREATE INDEX ON public.pilates_bookings (user_id);
CREATE INDEX ON public.payments (user_id);
CREATE INDEX ON public.qr_codes (user_id);
CREATE INDEX ON public.group_assignments (user_id);
CREATE INDEX ON public.scan_audit_logs (user_id);
CREATE INDEX ON public.lesson_attendance (user_id);
CREATE INDEX ON public.absence_records (user_id);
CREATE INDEX ON public.referrals (referrer_id);
CREATE INDEX ON public.audit_logs (actor_id);
CREATE INDEX ON public.user_profile_audit_logs (user_id);
CREATE INDEX ON public.personal_training_schedules (user_id);
CREATE INDEX ON public.notifications (user_id);
CREATE INDEX ON public.push_tokens (user_id);
CREATE INDEX ON public.user_goals (user_id);
CREATE INDEX ON public.body_measurements (user_id);
CREATE INDEX ON public.lesson_ratings (user_id);
CREATE INDEX ON public.waiting_list_entries (user_id);
CREATE INDEX ON public.user_documents (user_id);
CREATE INDEX ON public.workout_logs (user_id);
CREATE INDEX ON public.invoices (user_id);
-- Left out, as happens: referrals.referred_id, emergency_contacts.user_id,
-- user_group_weekly_presets.user_id, personal_training_codes.user_id,
-- announcements.created_by.

-- step: other indexes
CREATE INDEX ON public.membership_logs (membership_id);
CREATE INDEX ON public.memberships (request_id);
CREATE INDEX ON public.memberships (package_id);
CREATE INDEX ON public.pilates_deposits (membership_id);
CREATE INDEX ON public.lesson_bookings (lesson_id, lesson_date);
CREATE INDEX ON public.lesson_bookings (membership_id);
CREATE INDEX ON public.lesson_bookings (deposit_id);
CREATE INDEX ON public.pilates_bookings (deposit_id);
CREATE INDEX ON public.payments (membership_id);
CREATE INDEX ON public.payments (booking_id);
CREATE INDEX ON public.qr_codes (booking_id);
CREATE INDEX ON public.qr_codes (lesson_booking_id);
CREATE INDEX ON public.scan_audit_logs (qr_code_id);
CREATE INDEX ON public.lesson_attendance (booking_id);
CREATE INDEX ON public.invoices (payment_id);
CREATE INDEX ON public.user_profile_audit_logs (changed_by);

-- step: foreign keys to users
ALTER TABLE public.memberships ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.membership_requests ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles;
ALTER TABLE public.pilates_deposits ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.bookings ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.lesson_bookings ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.pilates_bookings ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.payments ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE public.qr_codes ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.personal_training_codes ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.group_assignments ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.scan_audit_logs ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE SET NULL;
ALTER TABLE public.lesson_attendance ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.absence_records ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.referrals ADD FOREIGN KEY (referrer_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.referrals ADD FOREIGN KEY (referred_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_kettlebell_points ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_group_weekly_presets ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.audit_logs ADD FOREIGN KEY (actor_id) REFERENCES public.user_profiles ON DELETE SET NULL;
ALTER TABLE public.user_profile_audit_logs ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_profile_audit_logs ADD FOREIGN KEY (changed_by) REFERENCES public.user_profiles ON DELETE SET NULL;
ALTER TABLE public.personal_training_schedules ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_settings ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.notification_preferences ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.notifications ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.push_tokens ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_goals ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.body_measurements ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.favorite_lessons ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.lesson_ratings ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.waiting_list_entries ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.emergency_contacts ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.user_documents ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.workout_logs ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE CASCADE;
ALTER TABLE public.invoices ADD FOREIGN KEY (user_id) REFERENCES public.user_profiles ON DELETE SET NULL;
ALTER TABLE public.announcements ADD FOREIGN KEY (created_by) REFERENCES public.user_profiles ON DELETE SET NULL;

-- step: other foreign keys
ALTER TABLE public.membership_requests ADD FOREIGN KEY (package_id) REFERENCES public.membership_packages;
ALTER TABLE public.memberships ADD FOREIGN KEY (package_id) REFERENCES public.membership_packages;
ALTER TABLE public.memberships ADD FOREIGN KEY (request_id) REFERENCES public.membership_requests ON DELETE SET NULL;
ALTER TABLE public.membership_logs ADD FOREIGN KEY (membership_id) REFERENCES public.memberships ON DELETE CASCADE;
ALTER TABLE public.pilates_deposits ADD FOREIGN KEY (membership_id) REFERENCES public.memberships ON DELETE SET NULL;
ALTER TABLE public.pilates_deposits ADD FOREIGN KEY (package_id) REFERENCES public.pilates_packages;
ALTER TABLE public.bookings ADD FOREIGN KEY (room_id) REFERENCES public.rooms;
ALTER TABLE public.lesson_bookings ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.lesson_bookings ADD FOREIGN KEY (membership_id) REFERENCES public.memberships;
ALTER TABLE public.lesson_bookings ADD FOREIGN KEY (deposit_id) REFERENCES public.pilates_deposits;
ALTER TABLE public.pilates_bookings ADD FOREIGN KEY (slot_id) REFERENCES public.pilates_schedule_slots;
ALTER TABLE public.pilates_bookings ADD FOREIGN KEY (deposit_id) REFERENCES public.pilates_deposits;
ALTER TABLE public.payments ADD FOREIGN KEY (membership_id) REFERENCES public.memberships;
ALTER TABLE public.payments ADD FOREIGN KEY (booking_id) REFERENCES public.bookings ON DELETE SET NULL;
ALTER TABLE public.qr_codes ADD FOREIGN KEY (booking_id) REFERENCES public.bookings;
ALTER TABLE public.qr_codes ADD FOREIGN KEY (lesson_booking_id) REFERENCES public.lesson_bookings ON DELETE CASCADE;
ALTER TABLE public.scan_audit_logs ADD FOREIGN KEY (qr_code_id) REFERENCES public.qr_codes ON DELETE SET NULL;
ALTER TABLE public.lesson_attendance ADD FOREIGN KEY (booking_id) REFERENCES public.lesson_bookings ON DELETE CASCADE;
ALTER TABLE public.absence_records ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.user_kettlebell_points ADD FOREIGN KEY (challenge_id) REFERENCES public.kettlebell_challenges;
ALTER TABLE public.user_group_weekly_presets ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.group_assignments ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.personal_training_schedules ADD FOREIGN KEY (trainer_id) REFERENCES public.trainers;
ALTER TABLE public.personal_training_schedules ADD FOREIGN KEY (code_id) REFERENCES public.personal_training_codes;
ALTER TABLE public.favorite_lessons ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.lesson_ratings ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.waiting_list_entries ADD FOREIGN KEY (lesson_id) REFERENCES public.lessons;
ALTER TABLE public.workout_logs ADD FOREIGN KEY (program_id) REFERENCES public.workout_programs;
ALTER TABLE public.invoices ADD FOREIGN KEY (payment_id) REFERENCES public.payments ON DELETE SET NULL;
ALTER TABLE public.lessons ADD FOREIGN KEY (category_id) REFERENCES public.lesson_categories;
ALTER TABLE public.lessons ADD FOREIGN KEY (trainer_id) REFERENCES public.trainers;
ALTER TABLE public.lessons ADD FOREIGN KEY (room_id) REFERENCES public.rooms;
ALTER TABLE public.pilates_schedule_slots ADD FOREIGN KEY (trainer_id) REFERENCES public.trainers;
ALTER TABLE public.pilates_schedule_slots ADD FOREIGN KEY (room_id) REFERENCES public.rooms;
ALTER TABLE public.rooms ADD FOREIGN KEY (gym_id) REFERENCES public.gyms;
ALTER TABLE public.equipment ADD FOREIGN KEY (room_id) REFERENCES public.rooms;
ALTER TABLE public.opening_hours ADD FOREIGN KEY (gym_id) REFERENCES public.gyms;
ALTER TABLE public.holidays ADD FOREIGN KEY (gym_id) REFERENCES public.gyms;
ALTER TABLE public.membership_package_features ADD FOREIGN KEY (package_id) REFERENCES public.membership_packages ON DELETE CASCADE;
ALTER TABLE public.trainer_specialties ADD FOREIGN KEY (trainer_id) REFERENCES public.trainers ON DELETE CASCADE;
ALTER TABLE public.trainer_specialties ADD FOREIGN KEY (category_id) REFERENCES public.lesson_categories ON DELETE CASCADE;
ALTER TABLE public.trainer_working_hours ADD FOREIGN KEY (trainer_id) REFERENCES public.trainers ON DELETE CASCADE;
