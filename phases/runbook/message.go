package runbook

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"tminus/phases/fact"
)

// Channel is a way to people. It is by exactly one of Webhook, SMTP and Command.
// No secret is in it: those are in variables of the program's own environment,
// which it names.
type Channel struct {
	ID       string // unique among the channels
	Webhook  *Webhook
	SMTP     *SMTP
	Command  []string // the text is its input, the facts are in its environment
	Optional bool     // one that cannot be reached holds nothing
	Rehearse bool     // `rehearsal: send`: a rehearsal sends to it too
}

// The forms of what a webhook is sent.
const (
	FormJSON  = "json"
	FormSlack = "slack"
	FormTeams = "teams"
)

// Webhook is an address that takes messages.
type Webhook struct {
	URL     string // empty where URLFrom says it
	URLFrom string // the variable that holds it
	Form    string // default json
}

// The ways in which a mail server's connection is encrypted.
const (
	TLSStart    = "starttls" // required, not merely tried
	TLSImplicit = "implicit"
	TLSNone     = "none"
)

// SMTP is a mail server, and who gets mail by it.
type SMTP struct {
	Host         string
	Port         int    // default 587; 465 with TLSImplicit, 25 with TLSNone
	TLS          string // default starttls
	From         string
	To           []string
	UserFrom     string // the variable that holds the user's name; empty: nobody logs in
	PasswordFrom string // the variable that holds the password
}

// The moments at which a message is sent by itself.
const (
	OnBegin = "begin"
	OnNoGo  = "no_go"
	OnAbort = "abort"
	OnHold  = "hold"
	OnDone  = "done"
)

// Message is what people are told.
type Message struct {
	ID    string   // unique among the messages
	On    string   // the moment; empty: an item sends it
	To    []string // ids of channels, each once
	Title string
	Text  string
}

// Message finds a message by its id.
func (r *Runbook) Message(id string) (Message, bool) {
	i := slices.IndexFunc(r.Messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return r.Messages[i], true
}

// Channel finds a channel by its id.
func (r *Runbook) Channel(id string) (Channel, bool) {
	i := slices.IndexFunc(r.Channels, func(c Channel) bool { return c.ID == id })
	if i < 0 {
		return Channel{}, false
	}
	return r.Channels[i], true
}

// Teller is the item that sends a message; ok is false where none does.
func (r *Runbook) Teller(message string) (it Item, ok bool) {
	for _, g := range r.Groups() {
		for _, it := range g.Items {
			if it.Message == message && message != "" {
				return it, true
			}
		}
	}
	return Item{}, false
}

// Variables are those of the program's own environment that a channel needs.
func (c Channel) Variables() []string {
	var out []string
	switch {
	case c.Webhook != nil:
		out = []string{c.Webhook.URLFrom}
	case c.SMTP != nil:
		out = []string{c.SMTP.UserFrom, c.SMTP.PasswordFrom}
	}
	return slices.DeleteFunc(out, func(name string) bool { return name == "" })
}

// Limits of what is told.
const (
	maxChannels = 50
	maxMessages = 50
)

func channelObject() object {
	return object{
		name: "channel",
		keys: []key{
			idAmong(amongChannels),
			{"webhook", false, ofObject("webhook"), "an address that takes messages over HTTP"},
			{"smtp", false, ofObject("smtp"), "mail"},
			{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments; the text is its input, the facts are in its environment as `TMINUS_…`"},
			{"optional", false, of(aFlag), "one that cannot be reached holds neither the gate nor an item; default `false`"},
			{"rehearsal", false, ofWords("", bare("send")...), "a rehearsal sends to it too; by default it tells nobody"},
		},
		one: []string{"webhook", "smtp", "command"},
	}
}

func webhookObject() object {
	return object{
		name: "webhook",
		keys: []key{
			{"url", false, of(anAddress), "the address, where no part of it is a secret"},
			{"url_from", false, of(aVariable), "the variable of tminus's own environment that holds the address"},
			{"form", false, ofWords("", bare(FormJSON, FormSlack, FormTeams)...), "what is sent: an object with the message and the facts, or a message for an incoming webhook of Slack or a workflow of Teams; default `json`"},
		},
		one: []string{"url", "url_from"},
	}
}

func smtpObject() object {
	return object{
		name: "smtp",
		keys: []key{
			{"host", true, of(aHost), "the mail server"},
			{"port", false, ofCount(1, math.MaxUint16), "default `587`; `465` with `tls: implicit`, `25` with `tls: none`"},
			{"tls", false, ofWords("", bare(TLSStart, TLSImplicit, TLSNone)...), "`starttls`: the connection is encrypted before anything is said, or not used; `implicit`: from its beginning; `none`: what is sent can be read on the way; default `starttls`"},
			{"from", true, of(aLine), "the sender's address"},
			{"to", true, listOf(of(aLine), maxItems), "the recipients' addresses"},
			{"user_from", false, of(aVariable), "the variable that holds the user's name; without one nobody logs in"},
			{"password_from", false, of(aVariable), "the variable that holds the password"},
		},
		parts: []part{{beside: []string{"user_from"}, keys: []string{"password_from"}, needs: []string{"password_from"}}},
	}
}

func messageObject() object {
	return object{name: "message", keys: []key{
		idAmong(amongMessages),
		{"on", false, ofWords("", bare(OnBegin, OnNoGo, OnAbort, OnHold, OnDone)...), "when it is sent by itself: the first phase has begun; NO-GO; the run is aborted; a phase waits for COMMIT; the last phase has ended. Where an item has it, that sends it"},
		{"to", true, listOf(of(aLine), maxChannels), "ids of channels"},
		{"title", true, of(aLine), "a mail's subject, and the first line elsewhere; may have `{{…}}`"},
		{"text", true, of(aText), "what people read; `{{…}}` stands for a fact of the run, or for a field by its id"},
	}}
}

func (f fields) channel() Channel {
	c := Channel{ID: f.text("id"), Command: f.lines("command"), Optional: f.flag("optional", false), Rehearse: f.word("rehearsal", "send")}
	if n := f.node.value("webhook"); n != nil {
		w := f.object(n, "webhook")
		c.Webhook = &Webhook{URL: w.line("url"), URLFrom: w.text("url_from"), Form: FormJSON}
		if s := w.text("form"); s != "" {
			c.Webhook.Form = s
		}
	}
	if n := f.node.value("smtp"); n != nil {
		m := f.object(n, "smtp")
		c.SMTP = &SMTP{
			Host: m.line("host"), TLS: TLSStart, From: m.line("from"), To: m.lines("to"),
			UserFrom: m.text("user_from"), PasswordFrom: m.text("password_from"),
		}
		if s := m.text("tls"); s != "" {
			c.SMTP.TLS = s
		}
		c.SMTP.Port = map[string]int{TLSImplicit: 465, TLSNone: 25}[c.SMTP.TLS]
		if port, ok := m.count("port", math.MaxUint16); ok {
			c.SMTP.Port = int(port)
		} else if c.SMTP.Port == 0 {
			c.SMTP.Port = 587
		}
	}
	return c
}

func (f fields) message() Message {
	m := Message{ID: f.text("id"), On: f.text("on"), Title: f.line("title"), Text: f.block("text")}
	for _, id := range f.lines("to") {
		if !slices.Contains(m.To, id) {
			m.To = append(m.To, id)
		}
	}
	return m
}

// secretHosts are those whose addresses are secrets as a whole: whoever knows one
// can write there.
var secretHosts = regexp.MustCompile(`(?i)(^|\.)(hooks\.slack\.com|webhook\.office\.com|logic\.azure\.com|powerplatform\.com)$`)

func (c *checker) channel(m *checked) {
	c.oneOf(m, "channel")
	for _, w := range m.inner["webhook"] {
		c.oneOf(w, "webhook")
		n := w.good.value("url")
		if n == nil {
			continue
		}
		if u, err := url.Parse(n.text); err == nil && (secretHosts.MatchString(u.Hostname()) || u.RawQuery != "") {
			c.fault(n, "an address that is a secret, or holds one", "put it into a variable of the environment and name that: url_from: GYM_WEBHOOK_URL. A run's journal holds its whole runbook")
		}
	}
	for _, s := range m.inner["smtp"] {
		c.smtp(s)
	}
}

// addressed is how a mail's address is written, with or without a name before it.
var addressed = regexp.MustCompile(`^([^<>@,;:"]+ <[^\s<>@,;:"]+@[^\s<>@,;:"]+>|[^\s<>@,;:"]+@[^\s<>@,;:"]+)$`)

func (c *checker) smtp(m *checked) {
	addresses := []*node{m.good.value("from")}
	if to := m.good.value("to"); to != nil {
		addresses = append(addresses, to.items...)
	}
	for _, n := range addresses {
		if n == nil {
			continue
		}
		if !addressed.MatchString(n.text) {
			c.fault(n, clean(quote(n.text))+" is no mail address", "dba@example.org, or Name <dba@example.org>")
		}
	}
	v := c.values(m)
	switch {
	case m.has("user_from") && !m.has("password_from"):
		c.fault(m.place("user_from", m.node), "a user without a password", "add `password_from:`, the variable that holds it")
	case m.has("password_from") && !m.has("user_from"):
		c.fault(m.place("password_from", m.node), "a password without a user", "add `user_from:`, the variable that holds the name")
	case m.has("user_from") && v.text("tls") == TLSNone:
		c.fault(m.place("tls", m.node), "a password over a connection that anybody can read", "leave out `tls: none`, or user_from and password_from")
	}
}

// oneOf holds that an object has exactly one of its keys of which it has one.
func (c *checker) oneOf(m *checked, name string) {
	kind := ""
	for _, k := range c.shapes[name].one {
		switch {
		case !m.has(k):
		case kind == "":
			kind = k
		default:
			c.fault(m.place(k, m.node), fmt.Sprintf("%s with both %s and %s", article(name), kind, k), "keep one of them")
		}
	}
	if kind == "" {
		c.fault(m.node, fmt.Sprintf("%s without %s", article(name), strings.Join(c.shapes[name].one, ", ")), "add one of them")
	}
}

// messages holds channels, messages and the items that send them against each
// other.
func (c *checker) messages(m *checked) {
	var channels, ids []string
	for _, ch := range m.inner["channels"] {
		c.channel(ch)
		channels = append(channels, c.values(ch).text("id"))
	}
	by := map[string]*node{} // the item's key, by the message's id
	for _, it := range everyItem(m) {
		n := it.good.value("message")
		if n == nil {
			continue
		}
		for _, k := range []string{"check", "action"} {
			if it.has(k) {
				c.fault(it.place(k, it.node), "an item with both message and "+k, "an item is answered by one thing: make it two items")
			}
		}
		if first := by[n.text]; first != nil {
			c.fault(n, "the message "+clean(quote(n.text))+" is sent by another item", fmt.Sprintf("line %d sends it: keep one of the two", first.line))
			continue
		}
		by[n.text] = n
	}
	tables := c.saidTables(m)
	for _, msg := range m.inner["messages"] {
		id := c.values(msg).text("id")
		ids = append(ids, id)
		c.message(msg, channels, by[id], tables)
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		if !slices.Contains(ids, id) {
			c.fault(by[id], "there is no message "+clean(quote(id)), c.offer(id, ids, "write it under `messages:`"))
		}
	}
}

func (c *checker) message(m *checked, channels []string, item *node, tables []string) {
	if to := m.good.value("to"); to != nil {
		for _, n := range to.items {
			if !slices.Contains(channels, n.text) {
				c.fault(n, "there is no channel "+clean(quote(n.text)), c.offer(n.text, channels, "write it under `channels:`"))
			}
		}
	}
	switch on := c.values(m).text("on"); {
	case on == "" && item == nil && !m.has("on"):
		c.fault(m.node, "nothing sends this message", "add `on:` with a moment, or give an item the key message with its id")
	case item != nil && slices.Contains([]string{OnNoGo, OnAbort, OnHold}, on):
		c.fault(item, "an item that sends what is told on "+on, "no item can be answered then: leave out one of the two")
	}
	for _, k := range []string{"title", "text"} {
		if n := m.good.value(k); n != nil {
			c.facts(n, tables)
		}
	}
}

// saidTables are the tables of which a message may say something: those that a
// phase counts or deletes from.
func (c *checker) saidTables(m *checked) []string {
	var out []string
	for _, p := range m.inner["phases"] {
		phase := c.values(p)
		phase.reader = &reader{shapes: c.shapes, schema: c.schema}
		plan := phase.phase(0)
		for _, t := range slices.Concat(plan.Count, plan.Changes()) {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	slices.Sort(out)
	return out
}

// facts holds that each {{…}} of a text names a fact or a field.
func (c *checker) facts(n *node, tables []string) {
	c.eachPlaceholder(n, func(at int, name string) {
		name = strings.TrimSpace(name)
		_, table, isFact := fact.Find(name)
		f, isField := c.fields[name]
		switch {
		case isFact && isField:
			c.faultAt(n, at, fmt.Sprintf("{{%s}} is a fact of the run, and a field", name), fmt.Sprintf("line %d: give the field another id", f.line))
		case table != "" && !slices.Contains(tables, table):
			c.faultAt(n, at, "no phase counts or deletes from a table "+clean(quote(table)), c.offer(table, tables, "name one that a phase counts"))
		case !isFact && !isField:
			c.faultAt(n, at, "{{"+clean(name)+"}} is no fact of a run, and no item has a field of that id", c.knownFacts(name))
		}
	})
}

func (c *checker) knownFacts(name string) string {
	var names []string
	for _, k := range fact.Kinds() {
		names = append(names, k.Called())
	}
	for id := range c.fields {
		names = append(names, id)
	}
	slices.Sort(names)
	return c.offer(name, names, "docs/messages.md lists the facts")
}

// offer suggests what a wrong name was meant to be.
func (*checker) offer(name string, names []string, or string) string {
	if best := nearest(name, names); best != "" {
		return "did you mean " + best + "?"
	}
	return or
}

// Way is what people call the channel's way: "Slack", "mail to 2 people", "command page".
// Of an address it names the host at most.
func (c Channel) Way() string {
	switch {
	case c.Webhook != nil && c.Webhook.Form == FormSlack:
		return "Slack"
	case c.Webhook != nil && c.Webhook.Form == FormTeams:
		return "Teams"
	case c.Webhook != nil && c.Webhook.URL != "":
		if u, err := url.Parse(c.Webhook.URL); err == nil {
			return "webhook at " + clean(u.Host)
		}
		return "webhook"
	case c.Webhook != nil:
		return "webhook"
	case c.SMTP != nil:
		return mailTo(len(c.SMTP.To))
	case len(c.Command) > 0:
		return "command " + path.Base(c.Command[0])
	}
	return "no way that this version knows"
}

func mailTo(people int) string {
	if people == 1 {
		return "mail to 1 person"
	}
	return fmt.Sprintf("mail to %d people", people)
}
