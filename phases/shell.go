package phases

import "strings"

// ProgramName is what the program is called where the shell finds it by its name.
const ProgramName = "tminus"

// ShellCommand writes a command of the program's on a file, as a shell takes it.
// program is how the program is called; empty: by its name.
func ShellCommand(program, command, file string, args ...string) string {
	if program == "" {
		program = ProgramName
	}
	if strings.HasPrefix(file, "-") { // it is no flag
		file = "./" + file
	}
	words := []string{ShellWord(program), command, ShellWord(file)}
	for _, arg := range args {
		words = append(words, ShellWord(arg))
	}
	return strings.Join(words, " ")
}

// ShellWord writes a text as one word of a shell's, in quotes where it needs
// them. Control characters are dropped: they have no place on a terminal.
func ShellWord(text string) string {
	text = Clean(text)
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:,@", r) || r > '~'
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Command writes a command on the run's journal, as a shell on the operator's host
// takes it. path is the journal's, as whoever reads it knows it; empty: its name
// stands there.
func (s *State) Command(command, path string) string {
	if path == "" {
		return ShellCommand("", command, s.journalName())
	}
	return ShellCommand(s.program, command, path)
}

// fillShell puts values in the place of a shell command's {{names}}, so that the
// shell reads each as the text that it is: in quotes where it would read something
// else, and where the command has quotes around the place, fitted into those. A name
// without a value stays as it is written.
func fillShell(command string, value func(name string) string) string {
	var out strings.Builder
	var at shellPlace
	from := 0
	for _, found := range placeholder.FindAllStringSubmatchIndex(command, -1) {
		before := command[from:found[0]]
		at.pass(before)
		out.WriteString(before)
		if v := value(command[found[2]:found[3]]); v != "" {
			out.WriteString(at.fit(v))
		} else {
			out.WriteString(command[found[0]:found[1]])
		}
		at.escaped, at.dollar, at.inWord, from = false, false, true, found[1]
	}
	return out.String() + command[from:]
}

// shellPlace is where in a shell's command a text comes to stand, as far as quotes,
// comments and $(…) say it; here-documents are read as commands are.
type shellPlace struct {
	quote   byte   // ' or ", 0 outside of both
	around  []byte // the quotes around each ( that is open
	escaped bool   // by a backslash
	dollar  bool   // behind a $ that is none of the text's
	inWord  bool   // where # is no comment
	comment bool
}

// pass goes on behind a part of the command.
func (p *shellPlace) pass(text string) {
	for i := range len(text) {
		c := text[i]
		if p.comment {
			p.comment = c != '\n'
			continue
		}
		opens := c == '(' && (p.quote == 0 || p.quote == '"' && p.dollar)
		p.dollar = c == '$' && !p.escaped
		switch {
		case p.escaped:
			p.escaped = false
		case c == '\\' && p.quote != '\'':
			p.escaped = true
		case opens:
			p.around, p.quote = append(p.around, p.quote), 0
		case p.quote != 0:
			if c == p.quote {
				p.quote = 0
			}
		case c == '\'' || c == '"':
			p.quote = c
		case c == '#' && !p.inWord:
			p.comment = true
		case c == ')' && len(p.around) > 0:
			last := len(p.around) - 1
			p.quote, p.around = p.around[last], p.around[:last]
		}
		p.inWord = p.quote != 0 || p.escaped || !strings.ContainsRune(" \t\n;&|()<>", rune(c))
	}
}

// fit is a value as it has to be written there.
func (p *shellPlace) fit(value string) string {
	value = Clean(value)
	switch {
	case p.comment:
		return value
	case p.quote == '\'':
		return strings.ReplaceAll(value, "'", `'\''`)
	case p.quote == '"' && strings.ContainsAny(value, "\"\\$`!"):
		return `"` + ShellWord(value) + `"` // outside of the quotes, which would read it
	case p.quote == '"':
		return value
	}
	return ShellWord(value)
}

// CommandWords are the parts of a command's line between which it may be broken to
// show it: at a single blank. Several in a row are part of a word, in quotes as a
// rule, and so are those at the beginning; with a blank between each two, the parts
// are the line again.
func CommandWords(line string) []string {
	var out []string
	from := 0
	for i := 1; i < len(line)-1; i++ {
		if line[i] == ' ' && line[i-1] != ' ' && line[i+1] != ' ' {
			out, from = append(out, line[from:i]), i+1
		}
	}
	return append(out, line[from:])
}
