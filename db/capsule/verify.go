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
	var done, total int64
	var all []Stream
	for _, t := range c.manifest.Tables {
		for _, part := range Parts() {
			if s, ok := t.Streams[part]; ok {
				all, total = append(all, s), total+s.Size
			}
		}
	}
	seen := func(n int64) {
		done += n
		if progress != nil {
			progress(done, total)
		}
	}
	var out []error
	for _, s := range all {
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

// verify reads one stream.
func (c *Capsule) verify(ctx context.Context, s Stream, seen func(int64)) error {
	r, err := c.read(s, seen)
	if err != nil {
		return c.fail(s.File, err)
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	}))
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
