package runbook

// Parse reads a runbook from src. file is the name that mistakes carry; it is
// not opened. Every mistake is reported at once, as Mistakes.
func Parse(file string, src []byte) (*Runbook, error) {
	panic("not written yet")
}
