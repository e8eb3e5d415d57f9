package plain

import "strings"

// Word is something that can be said to the line mode at any time.
type Word struct {
	Word  string
	Takes string // what is written behind it; empty for nothing
	Does  string // a sentence's part
}

// Words are all of them, in the order of `help`.
func Words() []Word {
	return []Word{
		{"status", "", "where the run stands"},
		{"holds", "", "what holds the gate or the next phase"},
		{"messages", "", "what people were told, and what they are still to be told"},
		{"tell", "[MESSAGE [CHANNEL]]", "send a message, or again to a channel; alone: what did not arrive"},
		{"note", "TEXT", "a remark for the execution log"},
		{"no-go", "REASON", "NO-GO; ends the run, and brings back what is off for it; before the first phase"},
		{"rollback", "[REASON]", "roll the open phase back"},
		{"abort", "REASON", "end the run; an open phase is rolled back, and what is off for the run comes back; after the GO"},
		{"extend", "TIME NAME: REASON", "move the abort limit, e.g. extend 10m DBA on duty: backup was slow"},
		{"early", "NAME: REASON", "go before the time that holds the gate or the first phase"},
		{"late", "NAME: REASON", "go although it is too late for the gate or the first phase"},
		{"untick", "ITEM", "take a tick back; ITEM is its id"},
		{"sign", "ITEM NAME", "sign an item; NAME is who does"},
		{"withdraw", "ITEM REASON", "take a signature back"},
		{"set", "FIELD VALUE", "record a field anew; FIELD is its id"},
		{"check", "[ITEM]", "ask checks now"},
		{"act", "ITEM", "run an item's action"},
		{"cancel-action", "ITEM", "cancel an item's action that takes long"},
		{"waive", "ITEM NAME: REASON", "let an item count as done that is not; NAME with the role"},
		{"unwaive", "ITEM", "take a waiver back"},
		{"decide", "ITEM go-on|restore|undo NAME: REASON", "what follows from a smoke test that failed"},
		{"acknowledge", "CODE NAME", "take on what was found of that kind; NAME is who does"},
		{"cancel", "PID", "cancel the statement of a session that blocks the phase, or a check"},
		{"terminate", "PID", "terminate a session that blocks the phase, or a check"},
		{"skip-maintenance", "", "cancel what runs after a COMMIT, and leave out the rest of it"},
		{"accept", "FOUND", "let a phase whose rows are back count as committed; FOUND is what was found"},
		{"leave", "FENCE REASON", "leave a fence as it is that cannot be brought back; FENCE is its id"},
		{"skip", "", "pass an item over for now"},
		{"?", "", "what is known of what is asked"},
		{"=", "TEXT", "TEXT as an answer, even if it begins like a word of these"},
		{"help", "", "these words"},
		{"quit", "", "leave; the run can be resumed"},
	}
}

// answers are words that answer some question, and are nobody's name.
func answers() []string {
	return []string{"back", "commit", "start", "close", "go", "told", "y", "yes", "n", "no"}
}

// meant reports whether a text that is about to become a name or a value looks like
// something that was said to the mode itself.
func meant(text string, name bool) bool {
	first, _, _ := strings.Cut(text, " ")
	for _, w := range Words() {
		if strings.EqualFold(first, w.Word) {
			return true
		}
	}
	for _, a := range answers() {
		// A value may well be yes or no, and begin with any of these.
		if strings.EqualFold(text, a) && (name || len(a) > 3 || a == "go") {
			return true
		}
	}
	return false
}

// help lists the words.
func (p *plain) help() {
	for _, w := range Words() {
		p.say("  %s: %s", strings.TrimSpace(w.Word+" "+w.Takes), w.Does)
	}
}
