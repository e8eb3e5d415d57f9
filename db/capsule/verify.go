package capsule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Verify reads all of the capsule, and names every file that is not what was written.
// progress may be nil; it is told of the bytes of files.
func (c *Capsule) Verify(ctx context.Context, progress func(done, total int64)) error {
	done := int64(0)
	tell := meter(c.manifest.Size(), progress)
	seen := func(n int64) {
		done += n
		tell(n)
	}
	var out []error
	for _, s := range c.manifest.streams() {
		before := done
		err := c.verify(ctx, s, seen)
		if ctx.Err() != nil {
			return failed("verify", c.dir, context.Cause(ctx))
		}
		if err != nil {
			out = append(out, err)
			seen(before + s.Size - done) // what could not be read is over as well
		}
	}
	return errors.Join(append(out, c.verifyOthers())...)
}

// meter adds up what was read, for progress; that may be nil.
func meter(total int64, progress func(done, total int64)) func(int64) {
	done := int64(0)
	return func(n int64) {
		done += n
		if progress != nil {
			progress(done, total)
		}
	}
}

// verify reads one stream.
func (c *Capsule) verify(ctx context.Context, s Stream, seen func(int64)) error {
	r, err := c.read(s, seen)
	if err != nil {
		return c.fail(s.File, err)
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, until(ctx, r))
	return err
}

// verifyOthers reads what stands beside the streams.
func (c *Capsule) verifyOthers() error {
	var out []error
	for _, f := range c.manifest.Others {
		text, err := readFile(c.dir, f.Name)
		if sum := sha256.Sum256(text); err == nil && hex.EncodeToString(sum[:]) != f.SHA256 {
			err = errAltered
		}
		if err != nil {
			out = append(out, c.fail(f.Name, err))
		}
	}
	text, err := readFile(c.dir, sumsName)
	if err == nil && string(text) != string(c.manifest.sums(c.text)) {
		err = fmt.Errorf("%w: it and the manifest do not say the same", ErrDamaged)
	}
	if err != nil {
		out = append(out, c.fail(sumsName, err))
	}
	return errors.Join(out...)
}
