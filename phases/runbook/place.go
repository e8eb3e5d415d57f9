package runbook

// Places is where a runbook's file speaks of what. The zero value knows no place.
type Places struct {
	report *report
	root   *node
	book   *Runbook
}

// PlacesOf reads the places of a file that Parse has accepted.
func PlacesOf(file string, src []byte, book *Runbook) Places {
	r := &report{file: clean(file)}
	text, ok := readable(src, r)
	if !ok {
		return Places{}
	}
	return Places{report: r, root: readYAML(text, r, false), book: book}
}

// At points at a table in a phase: where the phase names it, else where the
// phase begins, else where the file names the table first, else at its
// beginning. Either may be empty. problem and fix are what is said there.
func (p Places) At(phase, table, problem, fix string) Mistake {
	at := &node{line: 1, column: 1}
	if p.root != nil {
		if found := p.find(phase, table); found != nil {
			at = found
		}
	}
	r := report{}
	if p.report != nil {
		r.file, r.lines = p.report.file, p.report.lines
	}
	r.fault(at, problem, fix)
	return r.mistakes[0]
}

func (p Places) find(phase, table string) *node {
	if phases := p.root.value("phases"); phases != nil && phase != "" {
		for _, n := range phases.items {
			if id := n.value("id"); id != nil && id.text == phase {
				if found := p.names(n, table); found != nil {
					return found
				}
				return id
			}
		}
	}
	return p.names(p.root, table)
}

// names is the first value below a node that names a table where a table is
// named.
func (p Places) names(n *node, table string) *node {
	if table == "" {
		return nil
	}
	for _, e := range n.keys {
		switch e.name {
		case "delete", "touch", "zero", "filled", "count", "protected", "tables":
			for _, v := range append([]*node{e.value}, e.value.items...) {
				if v.scalar() && goodTable(v.text) && p.book.TableName(p.book.SplitTable(v.text)) == table {
					return v
				}
			}
		}
		if found := p.names(e.value, table); found != nil {
			return found
		}
	}
	for _, item := range n.items {
		if found := p.names(item, table); found != nil {
			return found
		}
	}
	return nil
}
