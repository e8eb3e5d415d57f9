package db

import (
	"reflect"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestClocks(t *testing.T) {
	target := open(t, database(t, `SELECT 1`), book())
	a, err := target.Check(limited(t), &runbook.Check{Name: "clock.close", MaxAge: time.Hour}, phases.Facts{})
	if err != nil || !a.Pass {
		t.Errorf("the same machine: %+v, %v", a, err)
	}
	// asked compares the server's clock with one of the test's own.
	asked := func(now func() time.Time) (phases.Answer, error) {
		var ahead, doubt time.Duration
		err := target.checks.with(limited(t), func(s *session) (err error) {
			ahead, doubt, err = clockAhead(t.Context(), s, now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return closeClocks(ahead.Round(time.Hour), doubt.Round(time.Hour), time.Hour)
	}
	for off, want := range map[time.Duration]string{
		48 * time.Hour: "the server's clock is 48 h behind this machine's, at most 1 h wanted", -48 * time.Hour: "the server's clock is 48 h ahead of this machine's, at most 1 h wanted",
	} {
		if a, err := asked(func() time.Time { return time.Now().Add(off) }); err != nil || !reflect.DeepEqual(a, phases.Answer{Value: want}) {
			t.Errorf("%+v, %v; want %q", a, err, want)
		}
	}
	// The first answer comes after a day, the second after four hours, the third
	// after eight: the shortest tells most, and not enough.
	steps, at := []time.Duration{0, 24 * time.Hour, 0, 4 * time.Hour, 0, 8 * time.Hour}, 0
	a, err = asked(func() time.Time {
		at++
		return time.Now().Add(steps[at-1])
	})
	wantError(t, err, "an answer takes 4 h, which is too long to tell whether they are within 1 h; ask from nearer to the server, or raise max_age")
	if a.Pass {
		t.Errorf("%+v", a)
	}
}

func TestClocksAreCloseWhateverTheRoundTripHides(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		ahead, doubt time.Duration
		pass, tells  bool
		value        string
	}{
		{900 * ms, 100 * ms, true, true, "at most 1.0 s apart"},
		{-1 * ms, 1 * ms, true, true, "at most 0.1 s apart"},
		{0, 0, true, true, "at most 0.0 s apart"},
		{900 * ms, 101 * ms, false, false, ""},
		{-1100 * ms, 100 * ms, false, false, ""},
		{-1100 * ms, 99 * ms, false, true, "the server's clock is 1.1 s behind this machine's, at most 1.0 s wanted"},
	} {
		a, err := closeClocks(c.ahead, c.doubt, time.Second)
		if !reflect.DeepEqual(a, phases.Answer{Pass: c.pass, Value: c.value}) || (err == nil) != c.tells {
			t.Errorf("%s, give or take %s: %+v, %v", c.ahead, c.doubt, a, err)
		}
	}
}
