package look

// KeyRow is a key, or some that do the same, and what it does: a line of a page of
// keys.
type KeyRow struct {
	Group string   // the heading that it stands under
	Keys  []string // as tea.KeyPressMsg.String gives them
	Help  string   // a sentence's part
}
