package cli

// The exit codes that no run decides. 3 (no-go), 4 (rolled back or aborted) and
// mostly 5 come from a run's state.
const (
	Finished   = 0
	Error      = 1
	Usage      = 2 // or a runbook with mistakes
	Left       = 4 // aborted before anything was done
	Unknown    = 5 // what the journal says is not what is in the database, or nobody knows
	Unfinished = 6
)

// Exit is an error with its exit code. A nil Err has been told already.
type Exit struct {
	Code int
	Err  error
}

// Error implements error.
func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *Exit) Unwrap() error { return e.Err }

// Failed gives an error the exit code of errors; nil stays nil.
func Failed(err error) error {
	if err == nil {
		return nil
	}
	return &Exit{Error, err}
}
