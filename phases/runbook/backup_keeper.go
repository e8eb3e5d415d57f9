package runbook

import "fmt"

// Keeper is a program that keeps backups of a whole cluster, and says in JSON
// what it knows of them. Its zero value is none.
type Keeper struct {
	Stanza  string   // of pgBackRest; empty: it is not pgBackRest
	Server  string   // as barman calls it; empty: it is not barman
	Config  string   // its configuration, an absolute path where it runs; empty: its own default
	Program []string // what it is run by, no shell; empty: its own name
}

// Some reports whether there is one.
func (k Keeper) Some() bool { return k.Stanza != "" || k.Server != "" }

// Name is what people call it.
func (k Keeper) Name() string {
	if k.Server != "" {
		return "barman"
	}
	return "pgBackRest"
}

// Of is what it is asked about: "the stanza main".
func (k Keeper) Of() string {
	if k.Server != "" {
		return "the server " + k.Server
	}
	return "the stanza " + k.Stanza
}

// keepers are the keys that name one.
var keepers = []string{"pgbackrest", "barman"}

// keeperKeys name a keeper; the sentences say what it is for there.
func keeperKeys(pgBackRest, barman string) []key {
	return []key{
		{"pgbackrest", false, of(aHandle), pgBackRest},
		{"barman", false, of(aHandle), barman},
		{"config", false, of(aLine), "pgbackrest, barman: its configuration file, an absolute path; default where it looks by itself"},
		{"program", false, listOf(of(anArgument), maxArgs), "pgbackrest, barman: what it is run by, no shell, such as `[ssh, barman@backup.example, barman]`; default its name"},
	}
}

// keepersApart are the two, of which one is named at most.
var keepersApart = apart{keepers[0], keepers[1], "keep one of them"}

// besideKeeper are the keys that have a meaning beside one.
var besideKeeper = part{beside: keepers, keys: []string{"config", "program"}}

func (f fields) keeper() Keeper {
	return Keeper{Stanza: f.text("pgbackrest"), Server: f.text("barman"), Config: f.line("config"), Program: f.lines("program")}
}

// keeper holds what names a keeper against the other keys beside it. name is
// the object's; other is the key that goes with none.
func (c *checker) keeper(m *checked, name, other string) {
	has := ""
	for _, k := range keepers {
		if !m.has(k) {
			continue
		}
		if has == "" && m.has(other) {
			c.fault(m.place(k, m.node), fmt.Sprintf("%s with both %s and %s", name, other, k), "keep one of them")
		}
		has = k
	}
	if has == "" {
		for _, k := range besideKeeper.keys {
			if m.has(k) {
				c.fault(m.place(k, m.node), fmt.Sprintf("%s of %s, without pgbackrest or barman", k, name), "name the stanza or the server that it is for, or leave it out")
			}
		}
	}
	c.absolute(m, "config")
}

// verifyKeeper holds what verify says of a keeper against take.
func (c *checker) verifyKeeper(m *checked, take Keeper) {
	c.keeper(m, "verify", "command")
	if m.has("files") && (m.has("command") || !take.Some() && !m.has(keepers[0]) && !m.has(keepers[1])) {
		c.fault(m.place("files", m.node), "files of verify, without pgbackrest or barman", "leave it out: what pg_dump wrote is read to its end, and a command does what it does")
	}
}
