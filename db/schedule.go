package db

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schedule is when a job of pg_cron is due: sets of minutes, hours and so on,
// as bits.
type schedule struct {
	minutes, hours, days, months, weekdays uint64

	lastDay bool // the month's last day is one of the days
	either  bool // a day has to be in one of days and weekdays, not in both
	always  bool // it is due every few seconds
}

var (
	everySeconds = regexp.MustCompile(`(?i)^[1-5]?[0-9] seconds?$`)
	monthNames   = strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")
	dayNames     = strings.Fields("sun mon tue wed thu fri sat")
	nicknames    = map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}
)

// parseSchedule reads a schedule as pg_cron does. What it is not sure of is an
// error: a job that is due unseen would be a pass.
func parseSchedule(text string) (schedule, error) {
	text = strings.TrimSpace(text)
	switch {
	case everySeconds.MatchString(text):
		return schedule{always: true}, nil
	case text == "@reboot" || text == "@restart":
		return schedule{}, nil // due when the server starts, at no time of the clock
	}
	if long, ok := nicknames[text]; ok {
		text = long
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return schedule{}, fmt.Errorf("the schedule %q is none of five fields", clean(text))
	}
	// Two fields with a star, also with steps, have to hold both.
	s := schedule{either: fields[2][0] != '*' && fields[4][0] != '*'}
	var days []string
	for item := range strings.SplitSeq(fields[2], ",") {
		if item == "$" {
			s.lastDay = true
			continue
		}
		days = append(days, item)
	}
	for _, f := range []struct {
		into      *uint64
		items     []string
		low, high int
		names     []string // of low and those that follow
	}{
		{&s.minutes, strings.Split(fields[0], ","), 0, 59, nil},
		{&s.hours, strings.Split(fields[1], ","), 0, 23, nil},
		{&s.days, days, 1, 31, nil},
		{&s.months, strings.Split(fields[3], ","), 1, 12, monthNames},
		{&s.weekdays, strings.Split(fields[4], ","), 0, 7, dayNames},
	} {
		for _, item := range f.items {
			bits, ok := span(item, f.low, f.high, f.names)
			if !ok {
				return schedule{}, fmt.Errorf("the schedule %q has %q in it, which is not understood", clean(text), clean(item))
			}
			*f.into |= bits
		}
	}
	s.weekdays |= s.weekdays >> 7 // Sunday is 0 and 7
	return s, nil
}

// span reads a number, a range, or a star, the last two with steps.
func span(item string, low, high int, names []string) (bits uint64, ok bool) {
	number := func(text string) (int, bool) {
		if i := slices.Index(names, strings.ToLower(text)); i >= 0 {
			return low + i, true
		}
		n, err := strconv.ParseUint(text, 10, 16)
		return int(n), err == nil && int(n) >= low && int(n) <= high
	}
	area, steps, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		n, err := strconv.ParseUint(steps, 10, 16)
		if err != nil || n == 0 {
			return 0, false
		}
		step = int(n)
	}
	first, last, ranged := strings.Cut(area, "-")
	from, until := low, high
	if area != "*" {
		if from, ok = number(first); !ok {
			return 0, false
		}
		until = from
		if ranged {
			if until, ok = number(last); !ok {
				return 0, false
			}
		} else if stepped {
			return 0, false // pg_cron takes no steps of a single number
		}
	}
	for n := from; n <= until; n += step {
		bits |= 1 << n
	}
	return bits, bits != 0
}

// due is the first minute from one moment to another in which the job is
// started; ok is false where there is none. The zone is that of the moments.
func (s schedule) due(from, until time.Time) (at time.Time, ok bool) {
	if s.always {
		return from, !until.Before(from)
	}
	for at := from.Truncate(time.Minute); !at.After(until); at = at.Add(time.Minute) {
		if s.holds(at) {
			return at, true
		}
	}
	return time.Time{}, false
}

func (s schedule) holds(at time.Time) bool {
	has := func(set uint64, n int) bool { return set&(1<<n) != 0 }
	day := has(s.days, at.Day()) || s.lastDay && at.AddDate(0, 0, 1).Day() == 1
	weekday := has(s.weekdays, int(at.Weekday()))
	if s.either {
		day = day || weekday
	} else {
		day = day && weekday
	}
	return day && has(s.minutes, at.Minute()) && has(s.hours, at.Hour()) && has(s.months, int(at.Month()))
}
