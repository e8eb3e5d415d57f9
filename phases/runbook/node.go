package runbook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The parser recurses, and looks through all keys of a mapping for each new
// one: these limits, far above any runbook, keep it quick and its stack small.
// They hold for a journal's runbook too: none may ever be lowered.
const (
	maxNesting = 24
	maxKeys    = 10_000
	maxTokens  = 150_000
)

type kind int

const (
	isNull kind = iota
	isText
	isNumber
	isBool
	isMap
	isList
)

// String is what a mistake calls the kind.
func (k kind) String() string {
	return [...]string{"nothing", "text", "a number", "true or false", "a mapping", "a list"}[k]
}

// node is one YAML value and where it stands.
type node struct {
	kind    kind
	line    int
	column  int
	text    string // a scalar's value
	literal bool   // written as a block after |, whose lines are source lines
	keys    []entry
	items   []*node
}

type entry struct {
	name         string
	line, column int
	value        *node
}

// readYAML gives the one document of src. It returns nil when there is nothing
// to walk over; the report then says why. With lenient, what a runbook has no
// use for is reported and passed over.
func readYAML(src string, r *report, lenient bool) *node {
	tokens := lexer.Tokenize(src)
	if !bounded(tokens, r) || len(r.mistakes) > 0 && !lenient {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		reportSyntax(err, r)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if d, ok := doc.Body.(*ast.DirectiveNode); ok {
			pos := d.GetToken().Position
			r.at(pos.Line, pos.Column, "a YAML directive", "leave the line out")
			continue
		}
		if body != nil {
			line, column := place(doc.Start, doc.Body)
			r.at(line, column, "a second document", "one file holds one runbook: end the file before this line")
			break
		}
		if doc.Body != nil {
			body = doc.Body
		}
	}
	if body == nil {
		if len(r.mistakes) == 0 || lenient {
			r.at(1, 1, "the file is empty", "a runbook begins with the line `tminus: 1`")
		}
		return nil
	}
	return convert(body, r)
}

func place(start *token.Token, body ast.Node) (line, column int) {
	switch {
	case start != nil:
		return start.Position.Line, start.Position.Column
	case body != nil && body.GetToken() != nil:
		return body.GetToken().Position.Line, body.GetToken().Position.Column
	}
	return 1, 1
}

// bounded reports whether the parser can bear the tokens. It also finds what a
// runbook has no use for: anchors, aliases and tags.
func bounded(tokens token.Tokens, r *report) bool {
	flow, keys, entries, line := 0, 0, 0, 0
	for _, t := range tokens {
		pos := t.Position
		if pos.Line != line {
			line, entries = pos.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		case token.MappingValueType:
			keys++
		case token.AnchorType:
			r.at(pos.Line, pos.Column, "an anchor", "anchors and aliases are not supported: write the value where it is needed")
		case token.AliasType:
			r.at(pos.Line, pos.Column, "an alias", "anchors and aliases are not supported: write the value out; a text that begins with * needs quotes")
		case token.TagType:
			r.at(pos.Line, pos.Column, "a tag", "tags are not supported: put text in quotes; a text that begins with ! needs quotes")
		default:
		}
		if flow > maxNesting || entries > maxNesting {
			r.at(pos.Line, pos.Column, fmt.Sprintf("nested more than %d deep", maxNesting), "no part of a runbook is that deep")
			return false
		}
		if keys > maxKeys {
			r.at(pos.Line, pos.Column, fmt.Sprintf("more than %d keys", maxKeys), "split the runbook")
			return false
		}
	}
	if len(tokens) > maxTokens {
		r.at(1, 1, fmt.Sprintf("more than %d YAML tokens", maxTokens), "split the runbook")
		return false
	}
	return true
}

func reportSyntax(err error, r *report) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		r.at(1, 1, "not YAML: "+clean(message), "")
		return
	}
	pos := syntax.Token.Position
	fix := "nothing after this place could be read: put it right and look again"
	switch {
	case pos.Line <= len(r.lines) && pos.Line > 0 && strings.HasPrefix(r.lines[pos.Line-1], "\t"):
		fix = "indent with spaces, not with tabs"
	case pos.Line <= len(r.lines) && pos.Line > 0 && strings.Contains(r.lines[pos.Line-1], `"."`):
		fix = `a name that is quoted as in SQL stands in single quotes, all of it: '"App"."Users"'`
	case strings.Contains(syntax.Message, "mapping value is not allowed"):
		fix = "a text with a colon and a space in it needs quotes; a key needs the indentation of its neighbours"
	case strings.Contains(syntax.Message, "reserved character"):
		fix = "a text that begins with this character needs quotes"
	}
	r.at(pos.Line, pos.Column, "not YAML: "+clean(syntax.Message), fix)
}

// value gives what stands under a key, and nil where nothing does.
func (n *node) value(key string) *node {
	for _, e := range n.keys {
		if e.name == key && e.value.kind != isNull {
			return e.value
		}
	}
	return nil
}

// has reports whether a key stands in the mapping, with a value or without.
func (n *node) has(key string) bool {
	return slices.ContainsFunc(n.keys, func(e entry) bool { return e.name == key })
}

// scalar reports whether n is one value, whatever its type.
func (n *node) scalar() bool { return n.kind == isText || n.kind == isNumber || n.kind == isBool }

// convert turns the parser's tree into ours and reports duplicate keys.
func convert(n ast.Node, r *report) *node {
	out := &node{line: 1, column: 1}
	if t := n.GetToken(); t != nil && t.Position != nil {
		out.line, out.column = t.Position.Line, t.Position.Column
		out.text = t.Value
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = isMap
		out.addKeys(n.Values, r)
	case *ast.MappingValueNode:
		out.kind = isMap
		out.addKeys([]*ast.MappingValueNode{n}, r)
	case *ast.SequenceNode:
		out.kind = isList
		for _, item := range n.Values {
			out.items = append(out.items, convert(item, r))
		}
	case *ast.StringNode:
		out.kind, out.text = isText, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = isText, n.Value.Value
		out.literal = strings.HasPrefix(n.Start.Value, "|")
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = isNumber
	case *ast.BoolNode:
		out.kind = isBool
	case *ast.NullNode:
		out.kind = isNull
	case *ast.AnchorNode:
		return convert(n.Value, r)
	case *ast.TagNode:
		return convert(n.Value, r)
	default:
		r.at(out.line, out.column, fmt.Sprintf("a YAML %s is not supported here", clean(n.Type().YAMLName())), "write a plain value")
	}
	return out
}

func (n *node) addKeys(values []*ast.MappingValueNode, r *report) {
	seen := map[string]entry{}
	for i, v := range values {
		t := v.Key.GetToken()
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			r.at(t.Position.Line, t.Position.Column, "not a key", "a key is a plain word before a colon")
			continue
		}
		e := entry{name: key.Value, line: t.Position.Line, column: t.Position.Column}
		if i == 0 && n.column > e.column {
			n.line, n.column = e.line, e.column
		}
		if first, twice := seen[e.name]; twice {
			r.at(e.line, e.column, fmt.Sprintf("the key %q again", clean(e.name)), fmt.Sprintf("it stands in line %d already: keep one of the two", first.line))
			continue
		}
		seen[e.name] = e
		e.value = convert(v.Value, r)
		if e.value.kind == isNull {
			e.value.line, e.value.column = e.line, e.column
		}
		n.keys = append(n.keys, e)
	}
}
