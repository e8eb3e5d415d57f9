package drawing

import (
	"encoding/xml"
	"strconv"

	"tminus/phases"
)

// element is one of the drawing's. encoding/xml escapes what is in it.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []*element `xml:",any"`
}

// el makes an element; attrs are names and values in turn.
func el(name string, attrs ...any) *element {
	e := &element{XMLName: xml.Name{Local: name}}
	for i := 0; i+1 < len(attrs); i += 2 {
		e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: attrs[i].(string)}, Value: value(attrs[i+1])})
	}
	return e
}

func value(v any) string {
	if n, ok := v.(float64); ok {
		return number(n)
	}
	return v.(string)
}

// number is a coordinate, to a tenth of a pixel.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', 1, 64)
	if len(text) > 2 && text[len(text)-2:] == ".0" {
		text = text[:len(text)-2]
	}
	return text
}

func (e *element) add(children ...*element) *element {
	e.Children = append(e.Children, children...)
	return e
}

// words makes an element of text, which may come from the database.
func words(name, text string, attrs ...any) *element {
	e := el(name, attrs...)
	e.Text = phases.Clean(text)
	return e
}

// titled gives an element its tooltip.
func (e *element) titled(text string) *element {
	e.Children = append([]*element{words("title", text)}, e.Children...)
	return e
}
