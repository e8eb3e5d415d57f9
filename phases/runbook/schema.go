package runbook

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
)

// Schema gives the JSON Schema (draft 2020-12) of the file format, for
// editors; runbook.schema.json is what it gives. What it accepts, Parse may
// still refuse: it knows one place of the file at a time.
func Schema() []byte {
	all := objects()
	root := dict{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "tminus runbook"},
		{"description", "One run of a destructive PostgreSQL maintenance. What needs more than one place of the file is checked by tminus lint."},
	}
	var defs dict
	for _, o := range all[1:] {
		defs = append(defs, member{o.name, o.schema()})
	}
	root = append(root, all[0].schema()...)
	root = append(root, member{"$defs", append(defs, formDefs()...)})
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // it holds nothing but texts, numbers and lists of them
	}
	return out.Bytes()
}

// dict is a JSON object that keeps its order: editors show keys in it.
type dict []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (d dict) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range d {
		if i > 0 {
			out = append(out, ',')
		}
		for j, v := range []any{m.name, m.value} {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(v); err != nil {
				return nil, err
			}
			if j > 0 {
				out = append(out, ':')
			}
			out = append(out, bytes.TrimSpace(b.Bytes())...)
		}
	}
	return append(out, '}'), nil
}

func (o *object) schema() dict {
	out := dict{{"type", "object"}, {"additionalProperties", false}}
	var required []string
	var properties dict
	for _, k := range o.keys {
		if k.required {
			required = append(required, k.name)
		}
		var p dict
		if k.doc != "" {
			p = dict{{"description", k.doc}}
		}
		properties = append(properties, member{k.name, append(p, k.value.schema()...)})
	}
	if required != nil {
		out = append(out, member{"required", required})
	}
	out = append(out, member{"properties", properties})
	if o.one != nil {
		out = append(out, member{"oneOf", eachRequired(o.one)})
	}
	if o.some != nil {
		out = append(out, member{"anyOf", eachRequired(o.some)})
	}
	if o.apart != (apart{}) {
		out = append(out, member{"not", dict{{"required", []string{o.apart.first, o.apart.second}}}})
	}
	if rules := append(o.partSchemas(), o.caseSchemas()...); rules != nil {
		out = append(out, member{"allOf", rules})
	}
	return out
}

func eachRequired(keys []string) []dict {
	var out []dict
	for _, k := range keys {
		out = append(out, dict{{"required", []string{k}}})
	}
	return out
}

// partSchemas say which keys go with which.
func (o *object) partSchemas() []dict {
	var out []dict
	for _, p := range o.parts {
		var with, without dict
		if p.needs != nil {
			with = append(with, member{"required", p.needs})
		}
		if p.never != nil {
			var values dict
			for _, k := range o.keyNames() {
				if v, ok := p.never[k]; ok {
					values = append(values, member{k, dict{{"not", dict{{"const", v}}}}})
				}
			}
			with = append(with, member{"properties", values})
		}
		for _, k := range o.keyNames() {
			if v, ok := p.without[k]; ok {
				without = append(without, member{k, dict{{"const", v}}})
			} else if slices.Contains(p.keys, k) {
				without = append(without, member{k, false})
			}
		}
		rule := dict{{"if", dict{{"anyOf", eachRequired(p.beside)}}}}
		if with != nil {
			rule = append(rule, member{"then", with})
		}
		out = append(out, append(rule, member{"else", dict{{"properties", without}}}))
	}
	return out
}

// caseSchemas say what each word of the object asks of the other keys.
func (o *object) caseSchemas() []dict {
	var out []dict
	for _, cs := range o.cases {
		for _, w := range cs.words {
			var then, others dict
			if w.needs != nil {
				then = append(then, member{"anyOf", eachRequired(w.needs)})
			}
			if w.all != nil {
				then = append(then, member{"required", w.all})
			}
			for _, k := range o.dependent(cs.key) {
				if !slices.Contains(w.takes, k) {
					others = append(others, member{k, false})
				}
			}
			if others != nil {
				then = append(then, member{"properties", others})
			}
			out = append(out, dict{
				{"if", dict{{"required", []string{cs.key}}, {"properties", dict{{cs.key, dict{{"const", w.name}}}}}}},
				{"then", then},
			})
		}
	}
	return out
}

func (v value) schema() dict {
	if v.most == 0 {
		return v.single()
	}
	out := dict{{"type", "array"}, {"minItems", 1}, {"maxItems", v.most}, {"items", v.single()}}
	if v.form == aTable || v.form == aName {
		out = append(out, member{"uniqueItems", true})
	}
	return out
}

func (v value) single() dict {
	switch v.form {
	case anObject:
		if v.words != nil {
			return dict{{"anyOf", []dict{v.wordSchema(), reference(v.object)}}}
		}
		return reference(v.object)
	case aVersion:
		return dict{{"const", Version}}
	case aFlag:
		return dict{{"type", "boolean"}}
	case aCount:
		out := dict{{"type", "integer"}, {"minimum", v.least}}
		if v.limit < math.MaxInt64 {
			out = append(out, member{"maximum", v.limit})
		}
		return out
	case aWord:
		return v.wordSchema()
	case anAddress:
		return dict{{"type", "string"}, {"pattern", `^https?://[^\s/@][^\s@]*$`}}
	}
	return reference(formName(v.form))
}

func (v value) wordSchema() dict {
	if len(v.words) == 1 {
		return dict{{"const", v.words[0].name}}
	}
	var described []dict
	for _, w := range v.words {
		if w.doc != "" {
			described = append(described, dict{{"const", w.name}, {"description", w.doc}})
		}
	}
	if described != nil {
		return dict{{"oneOf", described}}
	}
	return dict{{"enum", v.wordNames()}}
}

func reference(def string) dict { return dict{{"$ref", "#/$defs/" + def}} }

// formName is the definition that a form has in the schema.
func formName(f form) string {
	switch f {
	case aFieldID:
		return anID.String()
	case aCondition:
		return aStatement.String()
	case aMoment:
		return "moment"
	case anExpectation:
		return "expect"
	case aRef:
		return "gitName"
	case aSum:
		return "sha256"
	case aStart:
		return "start"
	}
	return f.String()
}

func formDefs() []member {
	text := func(limit int, pattern string, more ...member) dict {
		return append(dict{{"type", "string"}, {"minLength", 1}, {"maxLength", limit}, {"pattern", pattern}}, more...)
	}
	const some = `\S`
	return []member{
		{formName(aLine), text(maxLine, `^[^\n\t]*\S[^\n\t]*\n?$`)},
		{formName(aText), text(maxText, some)},
		{formName(anID), text(maxID, idPattern)},
		{formName(aName), text(maxName, namePattern)},
		{formName(aTable), text(2*maxName+1, tablePattern)},
		{formName(aDuration), dict{{"type", "string"}, {"minLength", 2}, {"pattern", "^" + durationPattern + "$"}, {"examples", []string{"90s", "15m", "1m30s"}}}},
		{formName(aMoment), dict{{"type", "string"}, {"minLength", 3}, {"pattern", "^T(-0|[+-]" + durationPattern + ")$"}, {"examples", []string{"T-60m", "T+15m"}}}},
		{formName(aRows), dict{
			{"oneOf", []dict{{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}, {"pattern", rowsPattern}}}},
			{"examples", []any{10, "100..500", "100..", "any"}},
		}},
		{formName(aStatement), text(maxSQL, some)},
		{formName(aPattern), text(maxLine, some, member{"format", "regex"})},
		{formName(anExpectation), text(maxLine, `^\s*([^<>=!\s].*|(=|!=|<|<=|>|>=)\s*-?[0-9]+(\.[0-9]+)?)\s*$`)},
		{formName(aRef), text(maxLine, shapely[aRef].pattern)},
		{formName(aPath), text(maxLine, shapely[aPath].pattern)},
		{formName(aHost), text(maxLine, shapely[aHost].pattern)},
		{formName(aFingerprint), text(maxLine, shapely[aFingerprint].pattern)},
		{formName(aHandle), text(maxLine, shapely[aHandle].pattern)},
		{formName(aVariable), text(maxLine, shapely[aVariable].pattern)},
		{formName(aSum), text(maxLine, shapely[aSum].pattern)},
		{formName(aLabel), text(maxLine, shapely[aLabel].pattern)},
		{formName(aStatus), dict{
			{"oneOf", []dict{{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}, {{"type", "string"}, {"pattern", statusPattern}}}},
			{"examples", []any{200, "200..299"}},
		}},
		{formName(aHeaders), dict{
			{"type", "object"},
			{"minProperties", 1},
			{"maxProperties", maxHeaders},
			{"propertyNames", dict{{"pattern", headerPattern}}},
			{"additionalProperties", reference(formName(aLine))},
		}},
		{formName(aStart), dict{{"type", "string"}, {"pattern", "^(now|T(-0|[+-]" + durationPattern + "))$"}, {"examples", []string{"now", "T-30m"}}}},
		{formName(aPeriod), text(maxLine, shapely[aPeriod].pattern)},
		{formName(aRepository), text(maxLine, shapely[aRepository].pattern)},
		{formName(aVariable), text(maxLine, shapely[aVariable].pattern)},
		{formName(aMatcher), text(maxLine, shapely[aMatcher].pattern)},
		{formName(aResource), text(maxLine, shapely[aResource].pattern)},
	}
}
