-- What the operator of a gym sets up once. It is the same for every seed.

INSERT INTO public.gyms (name, city, timezone) VALUES
  ('Iron Harbour', 'Piraeus', 'Europe/Athens'), ('Iron Garden', 'Athens', 'Europe/Athens');
INSERT INTO public.rooms (gym_id, name, capacity)
  SELECT 1 + i % 2, (ARRAY['Main hall','Reformer studio','Spinning','Functional','Yoga','Ring'])[1 + i / 2], 10 + i * 3
  FROM generate_series(0, 11) AS i;
INSERT INTO public.equipment (room_id, name, quantity)
  SELECT 1 + i % 12, (ARRAY['Reformer','Kettlebell set','Mat','Rower','Bike'])[1 + i % 5], 2 + i % 9
  FROM generate_series(0, 59) AS i;
INSERT INTO public.opening_hours
  SELECT g, d, CASE WHEN d < 6 THEN time '06:30' ELSE time '09:00' END, CASE WHEN d < 6 THEN time '22:30' ELSE time '18:00' END
  FROM generate_series(1, 2) AS g, generate_series(1, 7) AS d;
INSERT INTO public.holidays
  SELECT g, h.d, h.n FROM generate_series(1, 2) AS g,
  (VALUES (date '2026-01-01', 'New Year'), (date '2026-01-06', 'Epiphany'), (date '2026-12-25', 'Christmas')) AS h (d, n);
INSERT INTO public.lesson_categories (name, colour) VALUES
  ('Group', '#1b9e77'), ('Pilates', '#d95f02'), ('Yoga', '#7570b3'), ('Spinning', '#e7298a'),
  ('CrossFit', '#66a61e'), ('Boxing', '#e6ab02'), ('Mobility', '#a6761d'), ('Open gym', '#666666');
INSERT INTO public.membership_packages (name, tier, months, price_cents, active)
  SELECT initcap(t) || ' ' || m || CASE m WHEN 1 THEN ' month' ELSE ' months' END, t, m, p * m - m * m * 20, true
  FROM (VALUES ('basic', 2900), ('plus', 4500), ('ultimate', 7900)) AS tiers (t, p),
       (VALUES (1), (3), (6), (12)) AS months (m)
  ORDER BY p, m;
INSERT INTO public.membership_package_features (package_id, feature)
  SELECT p, f FROM generate_series(1, 12) AS p,
  (VALUES (1, 'Open gym'), (5, 'Group lessons'), (9, 'Pilates'), (9, 'Personal training')) AS features (since, f)
  WHERE p >= since ORDER BY p, f;
INSERT INTO public.pilates_packages (name, lessons, price_cents) VALUES
  ('Pilates 10', 10, 14000), ('Pilates 20', 20, 26000), ('Pilates 40', 40, 48000);
INSERT INTO public.trainers (name, email, bio, hired_on)
  SELECT n, lower(n) || '@gym.example', 'Coach ' || n || ' teaches since ' || (2010 + i % 14) || '.', date '2015-03-01' + (i * 97)::integer
  FROM unnest(ARRAY['Eleni','Nikos','Maria','Giorgos','Katerina','Dimitris','Sofia','Kostas','Anna','Yannis','Ioanna','Petros',
    'Vasiliki','Christos','Despina','Thanos','Georgia','Manolis','Zoe','Stavros','Irini','Lefteris','Danae','Alexis'])
    WITH ORDINALITY AS names (n, i);
INSERT INTO public.trainer_specialties
  SELECT t, c FROM generate_series(1, 24) AS t, generate_series(1, 8) AS c WHERE (t + c) % 3 = 0;
INSERT INTO public.trainer_working_hours
  SELECT t, d, time '08:00' + make_interval(hours => t % 4), time '16:00' + make_interval(hours => t % 4)
  FROM generate_series(1, 24) AS t, generate_series(1, 6) AS d WHERE (t + d) % 4 > 0;
INSERT INTO public.lessons (category_id, trainer_id, room_id, title, weekday, starts_at, minutes, capacity)
  SELECT 1 + i % 8, 1 + i % 24, 1 + i % 12,
    (ARRAY['Power hour','Reformer flow','Morning yoga','Hill climb','Metcon','Bag work','Hips and spine','Free training'])[1 + i % 8],
    1 + i % 7, time '06:30' + make_interval(mins => 45 * (i / 7 % 20)), 45 + 15 * (i % 3), 8 + i % 17
  FROM generate_series(0, 599) AS i;
INSERT INTO public.pilates_schedule_slots (trainer_id, room_id, weekday, starts_at, capacity, active)
  SELECT 1 + i % 24, 3 + i % 2, 1 + i % 6, time '07:00' + make_interval(hours => i / 6 % 14), 4 + i % 3, i % 29 > 0
  FROM generate_series(0, 419) AS i;
INSERT INTO public.kettlebell_challenges (name, starts_on, goal)
  SELECT 'Kettlebell ' || to_char(m, 'YYYY-MM'), m, 500 FROM generate_series(timestamp '2025-02-01', '2026-01-01', '1 month') AS m;
INSERT INTO public.workout_programs (name, weeks)
  SELECT 'Programme ' || chr(64 + i), 4 + i % 9 FROM generate_series(1, 20) AS i;
INSERT INTO public.promo_codes (code, percent, valid_until)
  SELECT 'WINTER' || i, 5 + i % 4 * 5, date '2026-01-31' + i FROM generate_series(1, 30) AS i;
INSERT INTO public.app_settings VALUES
  ('booking.cancel_hours', '6'), ('booking.max_per_week', '12'), ('qr.valid_minutes', '15'),
  ('pilates.refill_cron', '"0 2 * * 0"'), ('membership.grace_days', '3'), ('ultimate.expires', 'true');
INSERT INTO public.feature_flags VALUES
  ('kettlebell_challenge', true), ('personal_training', true), ('waiting_list', true), ('referrals', true), ('new_checkout', false);
INSERT INTO public.email_templates
  SELECT n, initcap(replace(n, '_', ' ')), 'Dear {{name}}, …'
  FROM unnest(ARRAY['welcome','membership_approved','membership_expiring','booking_confirmed','booking_cancelled','password_reset']) AS n;
INSERT INTO public.schema_migrations
  SELECT to_char(d, 'YYYYMMDD') || '0900', d FROM generate_series(timestamptz '2024-03-04 09:00Z', '2026-01-20', '17 days') AS d;
