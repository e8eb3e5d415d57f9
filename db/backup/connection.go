package backup

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Connection is how client programs reach a database.
type Connection struct {
	dsn  string   // without a secret: it stands in the list of processes
	env  []string // with the password
	role string   // to become after connecting; empty for none
}

// carried are the settings of a connection string that the driver keeps in
// another form, and that hold no secret.
var carried = []string{
	"sslmode", "sslrootcert", "sslcert", "sslkey", "sslsni", "sslnegotiation", "passfile", "service", "servicefile",
	"krbsrvname", "channel_binding", "require_auth",
}

// NewConnection is that of a driver's settings, to a database of the server
// that has answered at host and port: of several, the others may be behind it.
func NewConnection(conn *pgx.ConnConfig, host string, port uint16, database string) Connection {
	settings := [][2]string{{"host", host}, {"port", strconv.Itoa(int(port))}, {"user", conn.User}, {"dbname", database}}
	given := Settings(conn.ConnString())
	for _, name := range carried {
		if v := given[name]; v != "" {
			settings = append(settings, [2]string{name, v})
		}
	}
	if v := conn.RuntimeParams["options"]; v != "" {
		settings = append(settings, [2]string{"options", v})
	}
	c := Connection{role: conn.RuntimeParams["role"], env: []string{"LC_ALL=C", "PGDATABASE=" + database}}
	for _, s := range settings {
		c.dsn += s[0] + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s[1]) + "' "
	}
	c.dsn = strings.TrimSpace(c.dsn)
	if conn.Password != "" {
		c.env = append(c.env, "PGPASSWORD="+conn.Password)
	}
	return c
}

// arguments are what every client program is given.
func (c Connection) arguments() []string {
	out := []string{"--no-password", "--dbname=" + c.dsn}
	if c.role != "" {
		out = append(out, "--role="+c.role)
	}
	return out
}

// Settings are what a connection string names, a URL or key=value, that the driver
// has accepted, its password too. Of one that it cannot read it gives nothing.
func Settings(dsn string) map[string]string {
	out := map[string]string{}
	if u, err := url.Parse(dsn); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		for key, values := range u.Query() {
			out[key] = slices.Concat(values, []string{""})[0]
		}
		if password, set := u.User.Password(); set {
			out["password"] = password
		}
		return out
	}
	for rest := strings.Trim(dsn, space); rest != ""; rest = strings.Trim(rest, space) {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		var value string
		value, rest = keyValue(strings.TrimLeft(after, space))
		out[strings.Trim(key, space)] = value
	}
	return out
}

// space is what stands between two settings.
const space = " \t\n\r\v\f"

// keyValue reads one value, quoted or not, and gives what follows it.
func keyValue(text string) (value, rest string) {
	quoted := strings.HasPrefix(text, "'")
	if quoted {
		text = text[1:]
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '\'', !quoted && strings.IndexByte(space, c) >= 0:
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
