package runbook

import (
	"fmt"
	"path/filepath"
	"strings"
)

// fenceAt is a fence's place in the runbook's order, and in the file.
type fenceAt struct{ place, line int }

// gatherFences collects the fences that items refer to.
func (c *checker) gatherFences(m *checked) {
	for i, f := range m.inner["fences"] {
		if id := f.good.value("id"); id != nil {
			if _, twice := c.fences[id.text]; !twice {
				c.fences[id.text] = fenceAt{i, id.line}
			}
		}
		c.disables = append(c.disables, c.values(f).triggers()...)
	}
}

// fencing holds the fences by themselves.
func (c *checker) fencing(m *checked) {
	c.fencedOnce(m)
	seen := map[string]int{}
	for _, f := range m.inner["fences"] {
		c.fenceKind(f)
		if n := f.good.value("triggers"); n != nil {
			if c.actions[DisableTriggers] {
				c.fault(n, "triggers in a fence, and in the action triggers.disable", "keep one of the two: the fence brings them back by itself")
			}
			for _, name := range n.items {
				if line, twice := seen[unquoted(name.text)]; twice {
					c.fault(name, "another fence has the trigger "+clean(name.text), fmt.Sprintf("line %d has it: keep one of the two", line))
				}
				seen[unquoted(name.text)] = name.line
			}
		}
		for _, part := range []string{"git_file", "commands"} {
			for _, p := range f.inner[part] {
				if n := p.good.value("dir"); n != nil && !filepath.IsAbs(strings.TrimSpace(n.text)) {
					c.fault(n, "dir is "+clean(quote(n.text)), "an absolute path: it does not depend on where tminus is started")
				}
			}
		}
		for _, p := range f.inner["git_file"] {
			if v := c.values(p); v.line("path") != "" && v.line("path") == v.line("to") {
				c.fault(p.good.value("to"), "to is the same as path", "another name, under which nothing runs it")
			}
		}
		for _, p := range f.inner["pgbouncer"] {
			if n := p.good.value("dsn"); n != nil && holdsPassword(n.text) {
				c.fault(n, "a dsn with a password in it", "a runbook is read by many: use a service file (service=…) and a password file")
			}
		}
	}
}

// fencedOnce holds that no two fences switch the same: the second would record as
// the state to bring back what the first has made of it.
func (c *checker) fencedOnce(m *checked) {
	seen := map[string]int{}
	for _, f := range m.inner["fences"] {
		is := c.values(f).fence()
		if is.Kind == "" || is.Kind == FenceTriggers {
			continue
		}
		is.ID, is.Title, is.Limit, is.Comment, is.Rehearsal = "", "", 0, "", false
		what := fmt.Sprintf("%q", []any{is})
		if line, twice := seen[what]; twice {
			c.fault(f.node, "another fence switches the same", fmt.Sprintf("line %d has it: keep one of the two", line))
			continue
		}
		seen[what] = f.node.line
	}
}

// holdsPassword reports whether a connection string has a password, in either of
// its forms.
func holdsPassword(dsn string) bool {
	low := strings.ToLower(dsn)
	if strings.Contains(strings.ReplaceAll(low, " ", ""), "password=") {
		return true
	}
	_, rest, isURL := strings.Cut(low, "://")
	user, _, hasUser := strings.Cut(rest, "@")
	return isURL && hasUser && strings.Contains(user, ":")
}

// fenceKind holds that a fence is of one kind.
func (c *checker) fenceKind(m *checked) {
	kind := ""
	for _, k := range c.shapes["fence"].one {
		switch {
		case !m.has(k):
		case kind == "":
			kind = k
		default:
			c.fault(m.place(k, m.node), fmt.Sprintf("a fence with both %s and %s", kind, k), "a fence switches one thing off: make two of it")
		}
	}
	if kind == "" {
		c.fault(m.node, "a fence that switches nothing off", "add one of "+strings.Join(c.shapes["fence"].one, ", "))
	}
}

// fenceItems holds the items of groups against the fences that they name.
// Those that bring back stand in the order in which that can be done.
func (c *checker) fenceItems(groups []*checked, in asking) {
	seen, last := map[string]int{}, -1
	for _, g := range groups {
		for _, item := range g.inner["items"] {
			n := item.good.value("fence")
			if n == nil {
				continue
			}
			at, there := c.fences[n.text]
			line, twice := seen[n.text]
			switch {
			case !there:
				c.fault(n, fmt.Sprintf("there is no fence %s", clean(quote(n.text))), c.knownFences(n.text))
			case twice:
				c.fault(n, fmt.Sprintf("another item is of the fence %q", n.text), fmt.Sprintf("line %d has it: one item takes a fence, and one of `after` brings it back", line))
			case in.where == inAfter && last >= 0 && at.place > last:
				c.fault(n, fmt.Sprintf("the fence %q comes back too late", n.text), "fences come back in the reverse of their order: put it before those that stand before it in `fences`")
			case in.where == inAfter:
				last = at.place
			}
			seen[n.text] = n.line
		}
	}
}

// fenceAlone holds that nothing else answers an item of a fence.
func (c *checker) fenceAlone(item *checked, in asking) {
	n := item.good.value("fence")
	if n == nil {
		return
	}
	if in.where == inConfirm {
		c.fault(n, "a fence before a phase", "put it into the checklist: fences are off before the gate")
	}
	for _, k := range []string{"check", "action", "sign", "message"} {
		if item.has(k) {
			c.fault(item.place(k, n), "an item with both fence and "+k, "leave it out: the fence's own state answers the item, and its key switches it")
		}
	}
}

func (c *checker) knownFences(name string) string {
	return nearestOf(name, c.fences, "give a fence of `fences` this id")
}
