package plain

import (
	"strconv"
	"strings"
	"time"

	"tminus/phases"
)

// answer takes one line of input. It is true when the operator leaves.
func (p *plain) answer(line string) (left bool) {
	line = strings.TrimSpace(line)
	text, literal := strings.CutPrefix(line, "=")
	text = strings.TrimSpace(text)
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if !literal && word == "quit" && rest == "" {
		return p.quit()
	}
	p.leaving = false
	if p.settle(strings.ToLower(text)) {
		return false
	}
	switch {
	case !literal && p.tell(text), !literal && p.command(word, rest):
	case p.Commander == nil:
		p.say("this is a watcher: status, holds, help and quit are all it takes")
	case p.asked.kind == 0 && text != "":
		p.say("nothing is asked now, %q was ignored; help lists the commands", text)
	case !literal && p.doubts(text):
	case p.asked.kind != 0:
		p.reply(text)
	}
	return false
}

// doubts asks whether a text is meant as the name or value that is asked for, where
// it looks like a word of the mode's own.
func (p *plain) doubts(text string) bool {
	q := p.asked
	name := q.kind == askApprover || q.kind == askSign
	switch {
	case !name && q.kind != askField, text == "", text == "?", text == "skip" && q.kind != askApprover, !meant(text, name):
		return false
	}
	p.doubted = text
	p.say("Question: is %q %s? [y/N] It begins like a word of this mode, and did nothing here; help lists those words", text, p.wanted(q))
	return true
}

// settle takes the answer to what doubts asks. It is false where nothing was asked,
// or something else was said.
func (p *plain) settle(answer string) bool {
	text := p.doubted
	p.doubted = ""
	switch {
	case text == "":
		return false
	case answer == "y" || answer == "yes":
		p.reply(text)
		return true
	case answer == "n" || answer == "no" || answer == "":
		p.put(p.asked)
		return true
	}
	return false
}

// wanted is what a question's answer becomes.
func (p *plain) wanted(q plainQuestion) string {
	switch q.kind {
	case askApprover:
		return "the name of the " + p.state.Runbook.Gate.Approve
	case askSign:
		it, _, _ := p.state.Runbook.Item(q.id)
		return "the name of who signs as " + it.Sign
	}
	if f, ok := p.state.Runbook.Field(q.field); ok {
		return "the value of " + f.Label
	}
	return "the value"
}

// quit leaves at once, unless that would roll a transaction back.
func (p *plain) quit() bool {
	open := p.state.Runbook != nil && p.state.OpenPhase() != nil
	if p.Commander == nil || !open || p.leaving {
		return true
	}
	p.leaving = true
	p.say("a transaction is open: leaving rolls it back, unless COMMIT was sent; quit again leaves")
	return false
}

// tell answers what changes nothing. It is true for such a word.
func (p *plain) tell(text string) bool {
	switch text {
	case "help":
		p.help()
	case "status":
		p.status()
	case "holds":
		p.holds()
	case "messages":
		p.messages()
	default:
		return false
	}
	return true
}

// command carries out what can be said at any time. It is true for such a line.
func (p *plain) command(word, rest string) bool {
	if p.Commander == nil || p.state.Runbook == nil {
		return false
	}
	switch word {
	case "note":
		p.do(phases.Note{Text: rest})
	case "no-go":
		p.do(phases.DeclareNoGo{Reason: rest, Lift: true})
	case "abort":
		p.do(phases.Abort{Reason: rest, Lift: true})
	case "rollback":
		p.rollback(rest)
	case "skip-maintenance":
		p.do(phases.SkipMaintenance{})
	default:
		// A name or a value may begin like one of these.
		return !p.asked.value() && p.rareCommand(word, rest)
	}
	return true
}

func (p *plain) rareCommand(word, rest string) bool {
	switch word {
	case "untick":
		p.do(phases.Untick{Item: rest})
	case "sign":
		item, name, _ := strings.Cut(rest, " ")
		p.do(phases.Sign{Item: item, Name: strings.TrimSpace(name)})
	case "withdraw":
		item, reason, _ := strings.Cut(rest, " ")
		p.do(phases.Withdraw{Item: item, Reason: strings.TrimSpace(reason)})
	case "check":
		p.do(phases.Recheck{Item: rest})
	case "accept":
		p.do(phases.AcceptUndone{Phase: p.state.CurrentID(), Reason: rest})
	case "tell":
		p.tellWord(rest)
	case "act":
		p.do(phases.Act{Item: rest})
	case "cancel-action":
		p.do(phases.CancelAction{Item: rest})
	case "waive":
		id, who, reason := whoSays(rest)
		p.do(phases.Waive{Item: id, Who: who, Reason: reason})
	case "unwaive":
		p.do(phases.TakeBackWaiver{Item: rest})
	case "decide":
		id, rest, _ := strings.Cut(rest, " ")
		verdict, who, reason := whoSays(rest)
		p.do(phases.DecideSmoke{Item: id, Verdict: phases.Verdict(strings.ReplaceAll(verdict, "-", "_")), Who: who, Reason: reason})
	case "leave":
		id, why, _ := strings.Cut(rest, " ")
		p.do(phases.LeaveFence{Fence: id, Reason: strings.TrimSpace(why)})
	case "set":
		p.set(rest)
	case "acknowledge":
		code, who, _ := strings.Cut(rest, " ")
		p.do(phases.Acknowledge{Code: code, Who: strings.TrimSpace(who), Typed: code})
	case "extend":
		p.extend(rest)
	case string(phases.Early), string(phases.Late):
		by, reason, _ := strings.Cut(rest, ":")
		p.do(phases.LeaveSchedule{Way: phases.Way(word), By: strings.TrimSpace(by), Reason: strings.TrimSpace(reason)})
	case "cancel", "terminate":
		pid, err := strconv.ParseUint(rest, 10, 32)
		if err != nil {
			p.say("refused: %s needs a session's pid", word)
			break
		}
		p.do(phases.EndBackend{PID: uint32(pid), Terminate: word == "terminate"})
	default:
		return false
	}
	return true
}

// whoSays reads WHAT NAME: REASON.
func whoSays(text string) (what, who, reason string) {
	what, rest, _ := strings.Cut(text, " ")
	who, reason, _ = strings.Cut(rest, ":")
	return what, strings.TrimSpace(who), strings.TrimSpace(reason)
}

// do carries a command out. What came of it is read from the journal.
func (p *plain) do(c phases.Command) bool {
	if err := p.Commander.Do(c); err != nil {
		p.say("refused: %v", err)
		return false
	}
	return true
}

// decide carries out the answer to a question. When it is refused, what is to
// be asked then is asked anew, for nobody remembers a question from before.
func (p *plain) decide(c phases.Command) bool {
	if p.do(c) {
		return true
	}
	p.asked = plainQuestion{}
	return false
}

func (p *plain) rollback(reason string) {
	ph := p.state.OpenPhase()
	if ph == nil {
		p.say("refused: no transaction is open")
		return
	}
	if reason == "" {
		reason = "the operator decided so"
	}
	p.do(phases.Rollback{Phase: ph.Plan.ID, Reason: reason})
}

func (p *plain) set(rest string) {
	id, value, _ := strings.Cut(rest, " ")
	for _, g := range p.state.Runbook.Groups() {
		for _, it := range g.Items {
			for _, f := range it.Fields {
				if f.ID == id {
					p.do(phases.Record{Item: it.ID, Field: id, Value: strings.TrimSpace(value)})
					return
				}
			}
		}
	}
	p.say("refused: the runbook has no field %q", id)
}

func (p *plain) extend(rest string) {
	length, why, _ := strings.Cut(rest, " ")
	by, reason, _ := strings.Cut(why, ":")
	extra, err := time.ParseDuration(length)
	if err != nil {
		p.say("refused: write: extend 10m NAME: REASON")
		return
	}
	p.do(phases.ExtendWindow{By: strings.TrimSpace(by), Reason: strings.TrimSpace(reason), Extra: extra})
}

// reply answers the question that stands.
func (p *plain) reply(text string) {
	q := p.asked
	switch {
	case text == "?":
		p.explain(q)
		p.put(q)
	case q.kind == askField:
		p.replyField(q, text)
	case q.kind == askTell:
		p.replyTell(q, text)
	case q.kind == askTick || q.kind == askAction:
		p.replyYesNo(q, text)
	case q.kind == askSign && text == "skip":
		p.skipped[q.id] = true
	case q.kind == askSign && text != "":
		p.decide(phases.Sign{Item: q.id, Name: text})
	case q.kind == askApprover && text != "":
		p.approver = text
		p.asked = plainQuestion{kind: askGo}
		p.put(p.asked)
	case q.kind == askGo && text == "back":
		p.asked = plainQuestion{kind: askApprover}
		p.put(p.asked)
	case q.kind == askGo:
		if !p.do(phases.PassGate{Approver: p.approver, Typed: text}) {
			p.put(q)
		}
	case q.kind == askStart:
		p.replyStart(q, text)
	case q.kind == askHold && text == "commit":
		p.decide(phases.Commit{Phase: q.id})
	case q.kind == askClose && text == "close":
		p.decide(phases.CloseRun{})
	default:
		if word := map[plainKind]string{askHold: "commit", askClose: "close"}[q.kind]; word != "" && text != "" {
			p.say("refused: type %s", word)
		}
		p.put(q)
	}
}

func (p *plain) replyStart(q plainQuestion, text string) {
	noReturn := p.phase(q.id).Plan.PointOfNoReturn
	if !noReturn && text != "start" {
		if text != "" {
			p.say("refused: type start")
		}
		p.put(q)
		return
	}
	c := phases.StartPhase{Phase: q.id}
	if noReturn {
		c.Typed = text
	}
	p.decide(c)
}

func (p *plain) replyField(q plainQuestion, text string) {
	it, _, _ := p.state.Runbook.Item(q.id)
	switch text {
	case "skip":
		p.skipped[q.id] = true
		return
	case "":
		for _, f := range it.Fields {
			if f.ID == q.field && !f.Required {
				p.declined[q.field] = true
				return
			}
		}
		p.put(q)
		return
	}
	if p.decide(phases.Record{Item: q.id, Field: q.field, Value: text}) && strings.HasPrefix(strings.ToLower(text), "n") {
		p.passOver(q)
	}
}

// passOver goes on to the next item where a required yes was answered by no:
// the same question at once would be nagging.
func (p *plain) passOver(q plainQuestion) {
	if f, ok := p.state.Runbook.Field(q.field); ok && f.Type == "yesno" && f.Required {
		p.skipped[q.id] = true
	}
}

func (p *plain) replyYesNo(q plainQuestion, text string) {
	switch strings.ToLower(text) {
	case "y", "yes":
		if q.kind == askAction {
			p.decide(phases.Act{Item: q.id})
		} else {
			p.decide(phases.Tick{Item: q.id})
		}
	case "n", "no", "skip", "": // as the question says
		p.skipped[q.id] = true
	default:
		p.put(q)
	}
}
