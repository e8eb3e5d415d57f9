package phases

import (
	"os/exec"
	"strings"
	"testing"
)

// A shell reads back what was written for it, as one word.
func TestShellWord(t *testing.T) {
	for _, text := range []string{"", "plain", "/a/b-c_d.journal", "a b", "it's", `"quoted"`, "$HOME", "`id`", "a;b", "a\\b", "*", "a=b", "#a", "~", "!x", "(a)", "ä ö", "-x"} {
		out, err := exec.Command("sh", "-c", "printf '<%s>' "+ShellWord(text)).Output()
		if want := "<" + text + ">"; err != nil || string(out) != want {
			t.Errorf("%q is written %s and read %s, %v", text, ShellWord(text), out, err)
		}
	}
	if got := ShellWord("/a/b.journal"); got != "/a/b.journal" {
		t.Errorf("a word that needs no quotes is %s", got)
	}
	if got := ShellWord("a\x1b[2J\nb"); strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("control characters reach the terminal: %q", got)
	}
}

// A shell reads a value that was put into a command as the text that it is, wherever
// it stands; what the command does with its own quotes stays as it was.
func TestFillShell(t *testing.T) {
	for _, value := range []string{"plain", "/my backups/it's", `a "b" c`, "$HOME `id` $(id)", `a\b`, "x; id #", "~/a", "*", "don't!"} {
		for command, want := range map[string]string{
			"printf '<%s>' {{v}}/dump":                    "<" + value + "/dump>",
			"printf '<%s>' --x={{v}}":                     "<--x=" + value + ">",
			`printf '<%s>' "{{v}}"/dump`:                  "<" + value + "/dump>",
			`printf '<%s>' "a \" {{v}} b"`:                "<a \" " + value + " b>",
			`printf '<%s>' 'a {{v}}' {{ v }}`:             "<a " + value + "><" + value + ">",
			`printf '<%s>' \' {{v}} # don't {{v}}`:        "<'><" + value + ">",
			"# it's {{v}}\nprintf '<%s>' a#'b' {{v}}":     "<a#b><" + value + ">",
			`printf '<%s>' "$(printf %s "{{v}}" {{v}})"`:  "<" + value + value + ">",
			`printf '<%s>' "\$(" {{v}}`:                   "<$(><" + value + ">",
			`(printf '<%s>' "it's") && printf %s {{v}}`:   "<it's>" + value,
			`printf '<%s>' "{{none}}" '{{ none }}' {{v}}`: "<{{none}}><{{ none }}><" + value + ">",
		} {
			filled := fillShell(command, func(name string) string { return map[string]string{"v": value}[name] })
			if out, err := exec.Command("sh", "-c", filled).Output(); err != nil || string(out) != want {
				t.Errorf("%s\nis read %s, want %s (%v)", filled, out, want, err)
			}
		}
	}
	if got := fillShell(`restore "{{v}}"/dump {{v}}`, func(string) string { return "/a b" }); got != `restore "/a b"/dump '/a b'` {
		t.Errorf("more quotes than it takes: %s", got)
	}
}

func TestCommandWords(t *testing.T) {
	for _, line := range []string{"", " ", "a", "  a b", "a  b c", "psql -c 'a  b' ", "a \\"} {
		if got := strings.Join(CommandWords(line), " "); got != line {
			t.Errorf("%q becomes %q", line, got)
		}
	}
	if got := CommandWords("  a b  c d"); len(got) != 3 || got[0] != "  a" || got[1] != "b  c" {
		t.Errorf("%q", got)
	}
}

func TestCommand(t *testing.T) {
	s := &State{program: "/opt/t minus/bin/tminus"}
	for _, c := range []struct{ got, want string }{
		{s.Command("resume", "/j/it's.journal"), `'/opt/t minus/bin/tminus' resume '/j/it'\''s.journal'`},
		{s.Command("undo", ""), "tminus undo JOURNAL"}, // read elsewhere
		{(&State{}).Command("resume", "-x"), "tminus resume ./-x"},
		{ShellCommand("", "resume", "J", "--dsn", "host=a dbname=b"), "tminus resume J --dsn 'host=a dbname=b'"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func TestAddress(t *testing.T) {
	a := Address{Settings: map[string]string{"sslmode": "require", "user": "d'ba", "host": "a,b", "port": "1,2", "dbname": `the \ shop`, "service": "night"}}
	if want := `service=night host=a,b port=1,2 dbname='the \\ shop' user='d\'ba' sslmode=require`; a.DSN() != want {
		t.Errorf("%s, want %s", a.DSN(), want)
	}
	old := &State{Target: Identity{Host: "db1", Port: 5433, Database: "shop", User: "dba"}}
	if got, recorded := old.Address(); recorded || got.DSN() != "host=db1 port=5433 dbname=shop user=dba" {
		t.Errorf("of an old journal: %s, %v", got.DSN(), recorded)
	}
	a.Lacks = []string{"options", "password"}
	if got := a.LacksWords(); got != "given by --dsn, kept nowhere, and to be given again: options (PGOPTIONS), password (PGPASSWORD, or the password file)" {
		t.Error(got)
	}
}

// Where a run stands is said in each state in which one can be left.
func TestStanding(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*State)
	}{
		{"before its survey", func(s *State) { s.Survey = nil }},
		{"before phase 1 of ", func(s *State) { s.Gate.Decision = Go }},
		{"phase 1 of 3 open", func(s *State) { s.Phases[0].Status = PhaseHolding }},
		{"IN DOUBT: COMMIT of phase 1 of 3", func(s *State) { s.Phases[0].Status = PhaseCommitting }},
		{"IN DOUBT: COMMIT of phase 1 of 3", func(s *State) { s.Phases[0].Status = PhaseInDoubt }},
		{"UNKNOWN: outcome of phase 1 of 3", func(s *State) { s.Phases[0].Status = PhaseUnknown }},
		{"NO LONGER HELD: phase 1 of 3", func(s *State) { s.Phases[0].Status = PhaseIsUndone }},
		{"before phase 1 of 3, which was rolled back", func(s *State) { s.Gate.Decision, s.Phases[0].Status = Go, PhaseIsRolledBack }},
		{"aborted, and not closed yet", func(s *State) { s.Outcome = Aborted }},
	} {
		s := described()
		for i := range s.Phases {
			s.Phases[i].Status = PhasePending
		}
		s.Gate, s.Outcome, s.Survey = GateState{}, "", &Survey{}
		c.change(s)
		want := strings.ReplaceAll(c.want, "of 3", "of "+Digits(int64(len(s.Phases))))
		if got := s.Standing(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (&State{}).Standing(); got != "nothing has begun" {
		t.Error(got)
	}
}
