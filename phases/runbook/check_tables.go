package runbook

import "fmt"

// tableUses is what the file says about tables, phase by phase.
type tableUses struct {
	protected map[string]int // full name to line
	phases    []phaseUse
}

type phaseUse struct {
	phase        string
	steps        []stepUse
	zero, filled []tableAt
}

type stepUse struct {
	node    *node
	deletes *tableAt // nil for sql
	where   string
	touch   []tableAt
	removes bool // whether it may remove rows
}

func (u *tableUses) protect(tables []tableAt) {
	u.protected = map[string]int{}
	for _, t := range tables {
		u.protected[t.full] = t.node.line
	}
}

// check reports what one part of the file says against another.
func (u *tableUses) check(c *checker) {
	whole := map[string]int{}   // emptied so far, and not filled again
	deleted := map[string]int{} // table and condition
	for _, p := range u.phases {
		for _, s := range p.steps {
			u.step(c, s, whole, deleted)
		}
		zero := map[string]int{}
		for _, t := range p.zero {
			zero[t.full] = t.node.line
			if line, ok := u.protected[t.full]; ok {
				c.fault(t.node, t.name+" must be zero, and is protected", fmt.Sprintf("line %d protects it: keep one of the two", line))
			}
		}
		for _, t := range p.filled {
			if line, ok := zero[t.full]; ok {
				c.fault(t.node, t.name+" must be filled, and must be zero", fmt.Sprintf("line %d: keep one of the two", line))
			} else if line, ok := whole[t.full]; ok {
				c.fault(t.node, t.name+" must be filled, and is emptied", fmt.Sprintf("line %d deletes it whole: keep one of the two", line))
			}
		}
	}
}

func (u *tableUses) step(c *checker, s stepUse, whole, deleted map[string]int) {
	for _, t := range s.touch {
		delete(whole, t.full)
		if line, ok := u.protected[t.full]; ok {
			c.fault(t.node, t.name+" is changed, and is protected", fmt.Sprintf("line %d protects it: keep one of the two", line))
		}
	}
	if s.deletes == nil {
		return
	}
	t := *s.deletes
	if line, ok := u.protected[t.full]; ok {
		c.fault(t.node, t.name+" is deleted, and is protected", fmt.Sprintf("line %d protects it: keep one of the two", line))
	}
	key := t.full + "\x00" + s.where
	line, again := deleted[key]
	emptied, empty := whole[t.full]
	switch {
	case empty:
		c.fault(t.node, t.name+" is deleted again", fmt.Sprintf("line %d deletes it whole: nothing is left", emptied))
	case again && s.where != "":
		c.fault(t.node, t.name+" is deleted again under the same condition", fmt.Sprintf("line %d does it: keep one of the two", line))
	}
	deleted[key] = t.node.line
	if s.where == "" {
		whole[t.full] = t.node.line
	}
}
