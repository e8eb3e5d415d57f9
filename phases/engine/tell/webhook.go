package tell

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// forms make what is sent, by the form that the runbook names.
var forms = map[string]func(Note) any{
	runbook.FormJSON:  plainForm,
	runbook.FormSlack: slackForm,
	runbook.FormTeams: teamsForm,
}

// post sends a note to a webhook.
func post(ctx context.Context, c runbook.Channel, n Note) error {
	var secrets outside.Secrets
	address := c.Webhook.URL
	if c.Webhook.URLFrom != "" {
		var err error
		if address, err = secrets.Value(c.Webhook.URLFrom); err != nil {
			return final{err}
		}
		address = strings.TrimSpace(address)
	}
	form, ok := forms[c.Webhook.Form]
	if !ok {
		return final{fmt.Errorf("there is no form %q: correct the runbook", c.Webhook.Form)}
	}
	body, err := json.Marshal(form(n))
	if err != nil {
		return final{fmt.Errorf("write the message as JSON: %w", err)}
	}
	page, err := outside.Request{
		Method: http.MethodPost, URL: address, Body: string(body),
		Headers: map[string]string{"Content-Type": "application/json; charset=utf-8", "User-Agent": "tminus"},
	}.Do(ctx)
	if err != nil {
		return err
	}
	return answered(page, address, &secrets)
}

// badAddress says what is wrong with the address of a webhook, or nothing. One
// that is a secret goes over no connection that others can read.
func badAddress(c runbook.Channel) string {
	address, where := c.Webhook.URL, "its `url`"
	if name := c.Webhook.URLFrom; name != "" {
		var s outside.Secrets
		var err error
		if address, err = s.Value(name); err != nil {
			return err.Error()
		}
		where = "the variable " + name
	}
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return where + ", which is not shown, holds no http:// or https:// address with a host: correct it"
	case u.Scheme == "http" && c.Webhook.URLFrom != "" && !onThisMachine(u.Hostname()):
		return where + " holds an http:// address: what is secret in it can be read on the way, write https://"
	}
	return ""
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// answered says what a webhook's answer means.
func answered(page outside.Page, address string, secrets *outside.Secrets) error {
	said := ""
	// Masked before it is cut: half of a token is no token that could be found.
	if line := outside.FirstLine(masked(string(page.Body), address, secrets)); line != "" {
		said = ": " + line
	}
	err := fmt.Errorf("it answered with status %d%s", page.Status, said)
	switch s := page.Status; {
	case s >= 200 && s < 300:
		return nil
	case s >= 300 && s < 400:
		return final{fmt.Errorf("it redirects (status %d), and a message goes to no other address than the one that is named: name the right one", s)}
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		return later{err, page.Wait}
	case s == http.StatusRequestTimeout, s >= 500:
		return err
	}
	return final{err}
}

// leastPart is how long a part of an address is that may be a token.
const leastPart = 6

// masked is a text without the parts of an address, as they stand in it and as a
// server reads them: the whole of it may be a secret.
func masked(text, address string, secrets *outside.Secrets) string {
	u, err := url.Parse(address)
	if err != nil {
		return secrets.Mask(text)
	}
	for part := range strings.FieldsFuncSeq(u.EscapedPath()+"&"+u.RawQuery, func(r rune) bool { return r == '/' || r == '&' || r == '=' }) {
		inPath, _ := url.PathUnescape(part) // one that cannot be read is empty, and no part
		inQuery, _ := url.QueryUnescape(part)
		for _, p := range []string{part, inPath, inQuery} {
			if len(p) >= leastPart {
				secrets.Keep(p)
			}
		}
	}
	return secrets.Mask(text)
}

// plain is what a webhook of one's own gets.
type plain struct {
	Message string            `json:"message"`
	Title   string            `json:"title"`
	Text    string            `json:"text"`
	Test    bool              `json:"test,omitempty"`
	Run     string            `json:"run"`
	Number  int               `json:"number"` // of the message in the run: the same one twice was sent twice
	At      time.Time         `json:"at"`
	Facts   map[string]string `json:"facts"` // those that the text says
}

func plainForm(n Note) any {
	return plain{Message: n.Message, Title: n.Title, Text: n.Text, Test: n.Test, Run: n.RunID, Number: n.Number, At: n.At.UTC(), Facts: n.Says}
}

// What Slack takes of a text, in characters: of a heading, and of a section.
const (
	slackHeading = 150
	slackSection = 2_900
)

type (
	slackText struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Emoji *bool  `json:"emoji,omitempty"`
	}
	slackBlock struct {
		Type string    `json:"type"`
		Text slackText `json:"text"`
	}
	slack struct {
		Text   string       `json:"text"` // for what shows no blocks, such as a notification
		Mrkdwn bool         `json:"mrkdwn"`
		Blocks []slackBlock `json:"blocks"`
	}
)

// slackForm is plain text throughout: what stands in a fact is no markup, and
// calls nobody.
func slackForm(n Note) any {
	no := false
	text := func(s string) slackText { return slackText{Type: "plain_text", Text: s, Emoji: &no} }
	out := slack{Text: slackEscaped(n.Title + "\n" + n.Text)}
	out.Blocks = append(out.Blocks, slackBlock{"header", text(slackEscaped(cut(n.Title, slackHeading)))})
	for _, part := range pieces(n.Text, slackSection) {
		out.Blocks = append(out.Blocks, slackBlock{"section", text(slackEscaped(part))})
	}
	return out
}

// slackEscaped takes away what Slack's markup begins with.
func slackEscaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// teamsForm is a card of runs of text: those have no markup, as text blocks have.
func teamsForm(n Note) any {
	type object = map[string]any
	block := func(text string, more object) object {
		run := object{"type": "TextRun", "text": text}
		for k, v := range more {
			run[k] = v
		}
		return object{"type": "RichTextBlock", "inlines": []any{run}}
	}
	body := []any{block(n.Title, object{"weight": "Bolder", "size": "Medium"})}
	for line := range strings.SplitSeq(n.Text, "\n") {
		if strings.TrimSpace(line) != "" {
			body = append(body, block(line, nil))
		}
	}
	return object{"type": "message", "attachments": []any{object{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"contentUrl":  nil,
		"content": object{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
			"type":    "AdaptiveCard", "version": "1.4", "fallbackText": n.Title, "body": body,
		},
	}}}
}

// cut keeps the first characters of a text.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// pieces are a text in parts of at most so many characters, at line breaks where
// there are any; none for no text.
func pieces(text string, most int) []string {
	var out []string
	for text != "" {
		runes := []rune(text)
		if len(runes) <= most {
			return append(out, text)
		}
		part := string(runes[:most])
		if at := strings.LastIndexByte(part, '\n'); at > 0 {
			part = part[:at]
		}
		out = append(out, part)
		text = strings.TrimLeft(text[len(part):], "\n")
	}
	return out
}
