package dialog

import "time"

// burst is how long the keyboard rests at most within what ctrl+z takes back at
// once: a stray sentence goes as it came.
const burst = time.Second

// mostBack is how many steps ctrl+z goes back.
const mostBack = 200

// before is a field as it was.
type before struct {
	field    int
	value    string
	position int
}

// change lets something change the field that has the keys, and remembers what it
// was. What is typed without a rest is one change; a paste, or an example, is one
// of its own.
func (d *Dialog) change(typed bool, rested time.Duration, by func(*Field)) {
	f := &d.Fields[d.Focus]
	was := before{field: d.Focus, value: f.Edit.Value(), position: f.Edit.Position()}
	f.err = ""
	by(f)
	if f.Edit.Value() == was.value {
		return
	}
	last := len(d.past) - 1
	goesOn := typed && d.typing && rested < burst && last >= 0 && d.past[last].field == d.Focus
	d.typing = typed
	if goesOn {
		return
	}
	d.past = append(d.past[max(0, len(d.past)-mostBack+1):], was)
}

// takeBack undoes the newest change, in whichever field it was.
func (d *Dialog) takeBack() {
	last := len(d.past) - 1
	if last < 0 {
		if len(d.Fields) > 0 {
			d.message = "nothing is typed that could be taken back"
		}
		return
	}
	was := d.past[last]
	d.past, d.typing = d.past[:last], false
	d.move(was.field - d.Focus)
	f := &d.Fields[was.field]
	f.err = ""
	f.Edit.SetValue(was.value)
	f.Edit.SetCursor(was.position)
}

// textPage is how far the keys for it scroll a dialog's text.
const textPage = 4

// Scroll moves a text that has no room for all of it, by lines.
func (d *Dialog) Scroll(by int) { d.top = max(0, min(d.top+by, d.deepest)) }
