-- The product's own logic. It comes after the rows, which agree with it.
-- Names are qualified: a session may have any search path.

CREATE FUNCTION public.update_membership_is_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.is_active := NEW.status = 'active' AND current_date BETWEEN NEW.start_date AND NEW.end_date;
  RETURN NEW;
END $$;

CREATE FUNCTION public.link_pilates_to_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.membership_id IS NULL THEN
    SELECT m.id INTO NEW.membership_id FROM public.memberships AS m
    WHERE m.user_id = NEW.user_id AND m.status = 'active'
    ORDER BY m.end_date DESC, m.id DESC LIMIT 1;
  END IF;
  RETURN NEW;
END $$;

-- A booking takes a lesson from the deposit; deleting it gives the lesson back.
CREATE FUNCTION public.update_deposit_on_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    UPDATE public.pilates_deposits SET deposit_remaining = least(deposit_remaining + 1, deposit_total)
    WHERE id = OLD.deposit_id;
    RETURN NULL;
  END IF;
  IF NEW.deposit_id IS NOT NULL THEN
    UPDATE public.pilates_deposits SET deposit_remaining = deposit_remaining - 1
    WHERE id = NEW.deposit_id AND deposit_remaining > 0;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no lessons left in deposit %', NEW.deposit_id USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION public.auto_expire_ultimate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = 'active' AND NEW.end_date < current_date AND EXISTS (
    SELECT FROM public.membership_packages AS p WHERE p.id = NEW.package_id AND p.tier = 'ultimate')
  THEN
    NEW.status := 'expired';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END $$;

CREATE TRIGGER trigger_membership_is_active BEFORE INSERT OR UPDATE ON public.memberships
  FOR EACH ROW EXECUTE FUNCTION public.update_membership_is_active();
CREATE TRIGGER trigger_link_pilates_to_membership BEFORE INSERT OR UPDATE ON public.pilates_deposits
  FOR EACH ROW EXECUTE FUNCTION public.link_pilates_to_membership();
CREATE TRIGGER trigger_update_deposit_on_booking AFTER INSERT OR DELETE ON public.lesson_bookings
  FOR EACH ROW EXECUTE FUNCTION public.update_deposit_on_booking();
CREATE TRIGGER trigger_update_deposit_on_booking AFTER INSERT OR DELETE ON public.pilates_bookings
  FOR EACH ROW EXECUTE FUNCTION public.update_deposit_on_booking();
CREATE TRIGGER trigger_auto_expire_ultimate BEFORE UPDATE ON public.memberships
  FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION public.auto_expire_ultimate();
CREATE TRIGGER trigger_touch_updated_at BEFORE UPDATE ON public.user_profiles
  FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

-- This one only fires where rows arrive by replication. ENABLE TRIGGER would
-- turn it into an ordinary one: whoever disables it has to bring back this.
ALTER TABLE public.memberships ENABLE REPLICA TRIGGER trigger_auto_expire_ultimate;
