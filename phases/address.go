package phases

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Address is how a run's database was reached: what whoever takes the run up
// needs to reach it again. It never holds a password.
type Address struct {
	// Settings are connection settings by libpq's names: host, port, dbname, user,
	// service, sslmode. Several hosts stand with commas between them.
	Settings map[string]string `json:"settings,omitempty"`
	// Lacks are the names of settings that were given and are kept nowhere, since
	// they are secrets or may hold one.
	Lacks []string `json:"lacks,omitempty"`
}

// addressOrder is in which order the settings that people know are written.
var addressOrder = [...]string{"service", "host", "port", "dbname", "user"}

// DSN writes the settings as libpq reads them; empty without any.
func (a Address) DSN() string {
	names := slices.Collect(maps.Keys(a.Settings))
	slices.SortFunc(names, func(x, y string) int {
		if i, j := addressRank(x), addressRank(y); i != j {
			return i - j
		}
		return strings.Compare(x, y)
	})
	var out []string
	for _, name := range names {
		out = append(out, name+"="+quotedSetting(a.Settings[name]))
	}
	return strings.Join(out, " ")
}

func addressRank(name string) int {
	if i := slices.Index(addressOrder[:], name); i >= 0 {
		return i
	}
	return len(addressOrder)
}

// quotedSetting is a value as libpq reads it in a key=value string.
func quotedSetting(value string) string {
	if value != "" && !strings.ContainsAny(value, " \t\n\r\v\f'\\") {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// LacksWords says what was given to reach the database and is kept nowhere, and
// how it is given again; empty where nothing is missing.
func (a Address) LacksWords() string {
	if len(a.Lacks) == 0 {
		return ""
	}
	var ways []string
	for _, name := range a.Lacks {
		way := name
		switch name {
		case "password":
			way += " (PGPASSWORD, or the password file)"
		case "sslpassword":
			way += " (PGSSLPASSWORD)"
		case "options":
			way += " (PGOPTIONS)"
		}
		ways = append(ways, way)
	}
	return Clean("given by --dsn, kept nowhere, and to be given again: " + strings.Join(ways, ", "))
}

// Address is how the run's database was reached last. A journal of an earlier
// version says less of it: then recorded is false, and it is what the server
// was known by.
func (s *State) Address() (a Address, recorded bool) {
	if s.address != nil {
		return *s.address, true
	}
	a.Settings = map[string]string{}
	for name, value := range map[string]string{"host": s.Target.Host, "dbname": s.Target.Database, "user": s.Target.User} {
		if value != "" {
			a.Settings[name] = value
		}
	}
	if s.Target.Port != 0 && s.Target.Host != "" {
		a.Settings["port"] = fmt.Sprint(s.Target.Port)
	}
	return a, false
}
