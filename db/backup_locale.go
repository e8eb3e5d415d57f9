package db

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/backup"
)

// createDatabase makes a database whose text is stored and compared as the backup's
// was. Where the server has not its locale, it is made in the next best one, and
// unlike says so, a sentence's part: what rests on the locale may then come back
// otherwise, or not at all.
func createDatabase(name string, m backup.Manifest, exec func(sql string) error) (unlike string, err error) {
	create := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize() + " TEMPLATE template0 ENCODING " + quote(m.Encoding)
	locales := []string{libc(m, "C", "C")}
	if l := m.Locale; l != (backup.Locale{}) {
		locales = []string{localeOf(m)}
		if m.Encoding == "UTF8" { // it tells letters as others do, and every system has one
			locales = append(locales, libc(m, "C", "C.UTF-8"), libc(m, "C", "C.utf8"))
		}
		locales = append(locales, libc(m, "C", "C"))
		unlike = fmt.Sprintf("the server that it was restored into has not the locale %s of its database, by which text is compared: install it there", clean(l.String()))
	}
	for i, locale := range locales {
		err = exec(create + locale)
		if err == nil && i == 0 {
			return "", nil
		}
		if _, answered := errors.AsType[*pgconn.PgError](err); !answered {
			break
		}
	}
	return unlike, err
}

// localeOf is the part of CREATE DATABASE that names the backup's locale.
func localeOf(m backup.Manifest) string {
	l := m.Locale
	names := " LC_COLLATE " + quote(l.Collate) + " LC_CTYPE " + quote(l.Ctype)
	switch l.Provider {
	case "i":
		names = " LOCALE_PROVIDER icu ICU_LOCALE " + quote(l.Name) + names
		if l.Rules != "" {
			names += " ICU_RULES " + quote(l.Rules)
		}
		return names
	case "b":
		return " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + quote(l.Name) + names
	}
	return libc(m, l.Collate, l.Ctype)
}

// libc is the same of one of the system's, whatever the template has.
func libc(m backup.Manifest, collate, ctype string) string {
	provider := ""
	if m.VersionNum >= 150000 {
		provider = " LOCALE_PROVIDER libc"
	}
	return provider + " LC_COLLATE " + quote(collate) + " LC_CTYPE " + quote(ctype)
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// because adds to what is wrong with a restore that it was in another locale.
func because(unlike, wrong string) string {
	if unlike == "" {
		return wrong
	}
	return wrong + "; it may be that " + unlike
}
