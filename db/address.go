package db

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/backup"
	"tminus/phases"
)

// keptSettings are the settings beside host, port, database and user that an address
// keeps, each with its variable. None can hold a secret; service, password file
// and keys are files that stay where they are.
var keptSettings = [...]struct{ name, variable string }{
	{"service", "PGSERVICE"},
	{"servicefile", "PGSERVICEFILE"},
	{"passfile", "PGPASSFILE"},
	{"sslmode", "PGSSLMODE"},
	{"sslcert", "PGSSLCERT"},
	{"sslkey", "PGSSLKEY"},
	{"sslrootcert", "PGSSLROOTCERT"},
	{"sslcertmode", "PGSSLCERTMODE"},
	{"sslsni", "PGSSLSNI"},
	{"sslnegotiation", "PGSSLNEGOTIATION"},
	{"target_session_attrs", "PGTARGETSESSIONATTRS"},
	{"channel_binding", "PGCHANNELBINDING"},
	{"require_auth", "PGREQUIREAUTH"},
	{"min_protocol_version", "PGMINPROTOCOLVERSION"},
	{"max_protocol_version", "PGMAXPROTOCOLVERSION"},
	{"krbsrvname", ""},
	{"krbspn", ""},
	{"timezone", "PGTZ"}, // without it, and the next, a condition may hold for other rows
	{"datestyle", "PGDATESTYLE"},
}

// fileSettings are the settings that are paths; a relative one is kept as an absolute.
var fileSettings = [...]string{"servicefile", "passfile", "sslcert", "sslkey", "sslrootcert"}

// otherSettings are the settings that an address has from what the driver makes of all
// of them, or that the program sets itself.
var otherSettings = [...]string{"host", "port", "dbname", "database", "user", "connect_timeout", "application_name", "client_encoding"}

// AddressOf is how a connection string, with the PG* variables and the service
// file, reaches a database: enough to reach it again, without a secret.
func AddressOf(dsn string) (phases.Address, error) {
	conn, err := parseConfig(Config{DSN: dsn})
	if err != nil {
		return phases.Address{}, err
	}
	out := phases.Address{Settings: map[string]string{"dbname": cmp.Or(conn.Database, conn.User), "user": conn.User}}
	out.Settings["host"], out.Settings["port"] = hostsOf(conn)
	given := backup.Settings(dsn)
	service := given["service"] != "" || os.Getenv("PGSERVICE") != ""
	for _, k := range keptSettings {
		value := given[k.name]
		// What a service says goes before the variables, and is read there again.
		if value == "" && k.variable != "" && (!service || k.name == "service" || k.name == "servicefile") {
			value = os.Getenv(k.variable)
		}
		if value == "" {
			continue
		}
		if slices.Contains(fileSettings[:], k.name) && value != "system" { // which is the system's certificates
			if value, err = filepath.Abs(value); err != nil {
				return phases.Address{}, failf("find the file of the connection setting", k.name, "name it by its whole path", err)
			}
		}
		out.Settings[k.name] = value
	}
	if options := os.Getenv("PGOPTIONS"); given["options"] == "" && options != "" && !service {
		given["options"] = options // a role that it sets would be missed
	}
	keepFurther(&out, given)
	maps.DeleteFunc(out.Settings, func(_, value string) bool { return value == "" })
	return out, nil
}

// keepFurther keeps what a connection string sets in the session, by the name of
// a setting that PostgreSQL itself has: those of extensions may be secrets.
func keepFurther(to *phases.Address, given map[string]string) {
	for name, value := range given {
		known := slices.Contains(otherSettings[:], name) || slices.ContainsFunc(keptSettings[:], func(k struct{ name, variable string }) bool { return k.name == name })
		switch {
		case known || value == "":
		case name == "password", name == "sslpassword", strings.Contains(name, "."), name == "options" && strings.Contains(value, "."):
			to.Lacks = append(to.Lacks, name)
		default:
			to.Settings[name] = value
		}
	}
	slices.Sort(to.Lacks)
}

// hostsOf are all hosts of a configuration with their ports, as libpq lists them.
func hostsOf(conn *pgx.ConnConfig) (hosts, ports string) {
	var h, p []string
	last := ""
	for _, f := range append([]*pgconn.FallbackConfig{{Host: conn.Host, Port: conn.Port}}, conn.Fallbacks...) {
		port := strconv.Itoa(int(f.Port))
		if key := f.Host + " " + port; key != last { // with and without TLS it is there twice
			h, p, last = append(h, f.Host), append(p, port), key
		}
	}
	return strings.Join(h, ","), strings.Join(p, ",")
}
