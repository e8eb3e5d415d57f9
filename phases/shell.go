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
