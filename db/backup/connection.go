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
	given := parse(conn.ConnString())
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

// parse reads a connection string, a URL or key=value, that the driver has
// accepted. Of one that it cannot read it gives nothing.
func parse(text string) map[string]string {
	out := map[string]string{}
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
		u, err := url.Parse(text)
		if err != nil {
			return out
		}
		for key, values := range u.Query() {
			out[key] = slices.Concat(values, []string{""})[0]
		}
		return out
	}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return out
		}
		var value string
		value, rest = keyValue(strings.TrimLeft(after, " \t\n"))
		out[strings.TrimSpace(key)] = value
	}
	return out
}

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
		case quoted && c == '\'', !quoted && (c == ' ' || c == '\t' || c == '\n'):
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
