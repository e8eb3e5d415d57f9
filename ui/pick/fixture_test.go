package pick

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases/draft"
	"tminus/phases/schema"
	"tminus/ui"
)

// made is a schema of ordinary tables, by name and rows, and keys, by "from to
// action", with a question mark where the key takes NULL.
func made(tables map[string]float64, order []string, keys ...string) *schema.Schema {
	s := &schema.Schema{Server: schema.Server{Database: "shop"}}
	oid := map[string]uint32{}
	for i, name := range order {
		rows := tables[name]
		r := schema.Relation{
			OID: uint32(i + 1), Schema: "public", Name: name, Kind: schema.Ordinary, Rows: rows, Heap: 8192,
			Bytes: 8192 + 100*int64(max(0, rows)), Rights: schema.Rights{Usage: true, Select: true, Insert: true, Update: true, Delete: true, Truncate: true},
		}
		oid[name] = r.OID
		s.Relations = append(s.Relations, r)
	}
	for i, text := range keys {
		part := strings.Split(text, "|")
		only, null := strings.CutSuffix(part[2], "?")
		if oid[part[0]] == 0 || oid[part[1]] == 0 {
			panic("a key between tables that are not there: " + text)
		}
		s.Keys = append(s.Keys, schema.Key{
			OID: uint32(10_000 + i), Name: part[0] + "_" + part[1] + "_fkey", From: oid[part[0]], To: oid[part[1]], Action: schema.Action(only),
			Referring: []string{"ref"}, Columns: []schema.Column{{Name: "ref", NotNull: !null}}, Indexed: true,
		})
	}
	s.Index()
	return s
}

// The names of awkward tables: quoted, wide, from right to left, 63 bytes long.
var (
	longName = strings.Repeat("a_very_long_name_", 3) + "of_63_bytes_"
	wideName = "注文明細の控え"
)

// shop is a schema with a hub, lists, a table that was never analyzed, and
// awkward names.
func shop() *schema.Schema {
	rows := map[string]float64{
		"users": 20_000, "orders": 90_000, "order_lines": 400_000, "Order Notes": 3000, "logins": 70_000, "countries": 200, "plans": 7, "plan_words": 21,
		"flags": 12, "empty": 0, "audit_log": 900_000, "imports": -1, longName: 41, wideName: 5000, "say \"hi\"": 4, "טבלה": 900,
	}
	order := []string{
		"users", "orders", "order_lines", "Order Notes", "logins", "countries", "plans", "plan_words", "flags", "empty", "audit_log", "imports",
		longName, wideName, "say \"hi\"", "טבלה",
	}
	return made(rows, order,
		"users|countries|a", "orders|users|a", "order_lines|orders|c", "Order Notes|users|c", "logins|users|c", "users|plans|a?", "orders|plans|a",
		"plan_words|plans|c", "audit_log|users|n?", "imports|orders|c", wideName+"|order_lines|a?", longName+"|"+wideName+"|r")
}

// colourless is a terminal that wants no colours.
var colourless = ui.Options{Env: []string{"NO_COLOR=1"}}

// screen is a screen of a schema, of w times h cells, whose clock stands.
func screen(t testing.TB, of *schema.Schema, w, h int) *Screen {
	t.Helper()
	s := New(Options{Schema: of, File: "shop.yaml", Write: func(*draft.Draft, draft.Wish, string) error {
		t.Error("it writes without being asked to")
		return nil
	}}, colourless)
	at := time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return at }
	s.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

// later moves a screen's clock.
func later(s *Screen, by time.Duration) {
	at := s.now().Add(by)
	s.now = func() time.Time { return at }
}

// press presses keys, and does at once what they set off. It tells whether the
// last one ended the screen.
func press(s *Screen, keys ...string) (quit bool) {
	for _, name := range keys {
		_, cmd := s.Update(keyNamed(name))
		quit = run(s, cmd)
	}
	return quit
}

// run does what an update set off. A dialog sets off nothing but its own ticks.
func run(s *Screen, cmd tea.Cmd) bool {
	for cmd != nil && s.dialog == nil {
		msg := cmd()
		if _, quit := msg.(tea.QuitMsg); quit {
			return true
		}
		_, cmd = s.Update(msg)
	}
	return false
}

func keyNamed(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft,
		"right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace,
	}
	switch {
	case name == "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case name == "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	case strings.HasPrefix(name, "ctrl+"):
		return tea.KeyPressMsg{Code: rune(name[5]), Mod: tea.ModCtrl}
	case special[name] != 0:
		return tea.KeyPressMsg{Code: special[name]}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// to puts the cursor on a table.
func to(t testing.TB, s *Screen, name string) {
	t.Helper()
	press(s, "g")
	for range s.shown {
		if r, err := s.current(); err == nil && r.Relation.Name == name {
			return
		}
		press(s, "down")
	}
	t.Fatalf("no table %s in sight", name)
}

// large is a schema of n tables below hubs and chains, as applications grow them.
func large(n int) *schema.Schema {
	rows := map[string]float64{}
	var order, keys []string
	for i := range n {
		name := fmt.Sprintf("table_%04d", i)
		order = append(order, name)
		rows[name] = float64(1 + i*37%100_000)
		if i > 0 {
			keys = append(keys, fmt.Sprintf("%s|table_%04d|c", name, (i-1)/8))
		}
		if i > 100 {
			keys = append(keys, fmt.Sprintf("%s|table_%04d|a", name, i%97), fmt.Sprintf("%s|table_%04d|n?", name, i/3))
		}
	}
	return made(rows, order, keys...)
}

// chain is a schema in which each table refers to the one before, in the order
// of their names or against it.
func chain(n int, against bool) *schema.Schema {
	rows := map[string]float64{}
	var order, keys []string
	for i := range n {
		name := fmt.Sprintf("table_%04d", i)
		if against {
			name = fmt.Sprintf("table_%04d", n-i)
		}
		rows[name] = 10
		order = append(order, name)
		if i > 0 {
			keys = append(keys, name+"|"+order[i-1]+"|c")
		}
	}
	return made(rows, order, keys...)
}
