package services

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// silencesFile keeps the silences: a run that is taken up again finds its own.
const silencesFile = "silences.json"

// mostSilences bounds what is kept.
const mostSilences = 100

// silence is as Alertmanager's API v2 has it, as far as the demo needs it.
type silence struct {
	ID        string           `json:"id"`
	Matchers  []alertMatcher   `json:"matchers"`
	StartsAt  time.Time        `json:"startsAt"`
	EndsAt    time.Time        `json:"endsAt"`
	UpdatedAt time.Time        `json:"updatedAt"`
	CreatedBy string           `json:"createdBy"`
	Comment   string           `json:"comment"`
	Status    *silenceStanding `json:"status,omitempty"`
}

type silenceStanding struct {
	State string `json:"state"`
}

type alertMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// state is a silence's at a moment.
func (s silence) state(now time.Time) string {
	switch {
	case !now.Before(s.EndsAt):
		return "expired"
	case now.Before(s.StartsAt):
		return "pending"
	}
	return "active"
}

// becomes reports whether a silence may be changed so and stay the same one: of one
// that has begun, the start is past.
func (s silence) becomes(want silence, now time.Time) bool {
	switch s.state(now) {
	case "active":
		return slices.Equal(s.Matchers, want.Matchers) && s.StartsAt.Equal(want.StartsAt)
	case "pending":
		return slices.Equal(s.Matchers, want.Matchers) && !want.StartsAt.Before(now)
	}
	return false
}

// expire ends it now; one that was yet to begin begins now, too.
func (s *silence) expire(now time.Time) {
	if s.state(now) == "expired" {
		return
	}
	if now.Before(s.StartsAt) {
		s.StartsAt = now
	}
	s.EndsAt, s.UpdatedAt = now, now
}

// silences lists them; a filter such as name="value" is held against the matchers,
// the way they match among them.
func (s *Services) silences(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.readSilences()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	out := []silence{}
	for _, one := range all {
		if one.meets(r.URL.Query()["filter"]) {
			one.Status = &silenceStanding{one.state(time.Now())}
			out = append(out, one)
		}
	}
	answer(w, out)
}

func (s silence) meets(filters []string) bool {
	for _, f := range filters {
		is := filterForm.FindStringSubmatch(f)
		if is == nil {
			return false
		}
		want := alertMatcher{Name: is[1], Value: strings.Trim(is[3], `"`), IsRegex: strings.HasSuffix(is[2], "~"), IsEqual: is[2][0] == '='}
		if !slices.Contains(s.Matchers, want) {
			return false
		}
	}
	return true
}

var filterForm = regexp.MustCompile(`^([^=!~]+)(=~|!~|!=|=)(.*)$`)

// silence makes one, or changes the one whose id is given.
func (s *Services) silence(w http.ResponseWriter, r *http.Request) {
	var want silence
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&want); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	now := time.Now().UTC()
	if len(want.Matchers) == 0 || !want.EndsAt.After(now) || !want.EndsAt.After(want.StartsAt) {
		refuse(w, http.StatusBadRequest, errors.New("a silence has matchers, and an end that is still to come"))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.readSilences()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	at := slices.IndexFunc(all, func(one silence) bool { return one.ID == want.ID })
	want.UpdatedAt, want.Status = now, nil
	switch {
	case want.ID != "" && at < 0:
		refuse(w, http.StatusNotFound, errors.New("there is no such silence"))
		return
	case at >= 0 && all[at].becomes(want, now):
		all[at] = want
	case len(all) >= mostSilences:
		refuse(w, http.StatusBadRequest, errors.New("there are too many silences"))
		return
	default:
		if at >= 0 {
			all[at].expire(now)
		}
		if want.StartsAt.Before(now) {
			want.StartsAt = now
		}
		var id [8]byte
		if _, err := rand.Read(id[:]); err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		want.ID = hex.EncodeToString(id[:])
		all = append(all, want)
	}
	if err := s.writeSilences(all); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, map[string]string{"silenceID": want.ID})
}

// expire ends one.
func (s *Services) expire(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.readSilences()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	at := slices.IndexFunc(all, func(one silence) bool { return one.ID == r.PathValue("id") })
	if at < 0 {
		refuse(w, http.StatusNotFound, errors.New("there is no such silence"))
		return
	}
	all[at].expire(time.Now().UTC())
	if err := s.writeSilences(all); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Services) readSilences() ([]silence, error) {
	kept, err := os.ReadFile(filepath.Join(s.dir, silencesFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []silence
	return all, json.Unmarshal(kept, &all)
}

// writeSilences puts a whole file in the place of the last: a program that dies
// leaves the one or the other.
func (s *Services) writeSilences(all []silence) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, silencesFile)
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

func refuse(w http.ResponseWriter, status int, err error) { http.Error(w, err.Error(), status) }
