package outside

import (
	"context"
	"fmt"
	"sync"
)

// turns let one at a time ask about a path.
var turns = struct {
	sync.Mutex
	of map[string]chan struct{}
}{of: map[string]chan struct{}{}}

func turnOf(path string) chan struct{} {
	turns.Lock()
	defer turns.Unlock()
	if turns.of[path] == nil {
		turns.of[path] = make(chan struct{}, 1)
	}
	return turns.of[path]
}

// patiently asks a file system about a path. One that does not answer, since
// its disk is dead or its server is gone, cannot be interrupted: it is left
// alone when ctx ends, and nobody else asks it meanwhile.
func patiently[T any](ctx context.Context, path string, ask func() (T, error)) (T, error) {
	var none T
	late := func() error {
		return fmt.Errorf("%w: the file system of %q does not answer, look at its disk or its server", context.Cause(ctx), path)
	}
	turn := turnOf(path)
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return none, late()
	}
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	go func() { // ends when the file system answers
		got, err := ask()
		answers <- answer{got, err}
		<-turn
	}()
	select {
	case a := <-answers:
		return a.got, a.err
	case <-ctx.Done():
		return none, late()
	}
}
