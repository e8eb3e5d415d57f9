package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// found is what reading one table's rows has found.
type found struct {
	rows  int64 // before the end mark
	raw   int64 // bytes, unpacked
	fault string
}

func dumpOf(location string) string { return filepath.Join(location, dumpName) }

// open opens an entry's file, packed or not.
func open(location string, number int) (*os.File, error) {
	name := filepath.Join(dumpOf(location), strconv.Itoa(number)+".dat")
	f, err := os.Open(name + ".gz")
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(name)
	}
	return f, err
}

// readRows reads an entry's file to its end, and counts its rows: COPY writes
// one on each line, whatever is in it. The error is ctx's.
func readRows(ctx context.Context, location string, e Entry, count func(bytes int)) (found, error) {
	f, err := open(location, e.Number)
	if err != nil {
		return found{fault: "its file cannot be opened: " + plain(err)}, nil
	}
	defer f.Close()
	counted := &counting{ctx: ctx, r: f, count: count}
	var text io.Reader = bufio.NewReaderSize(counted, 1<<16)
	if strings.HasSuffix(f.Name(), ".gz") {
		z, err := gzip.NewReader(text)
		if err != nil {
			return found{fault: "its file is damaged: " + plain(err)}, ctx.Err()
		}
		text = z
	}
	out, err := countLines(text)
	switch {
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case err != nil:
		out.fault = "its file is damaged: " + plain(err)
	case out.rows < 0:
		out.fault = "its file ends before its rows do"
	}
	return out, nil
}

// countLines counts lines up to the one that ends a COPY, and reads on to the
// end: what is packed has its checksum there. Rows are -1 without such a line.
func countLines(r io.Reader) (found, error) {
	out := found{rows: -1}
	var lines int64
	in := bufio.NewReaderSize(r, 1<<16)
	begins := true // whether what comes is a line's begin
	for {
		part, err := in.ReadSlice('\n')
		out.raw += int64(len(part))
		ends := bytes.HasSuffix(part, []byte("\n"))
		switch {
		case out.rows >= 0: // what follows the mark is empty lines
		case begins && ends && string(part) == "\\.\n":
			out.rows = lines
		case ends:
			lines++
		}
		begins = ends
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return out, err
		}
	}
}

// counting counts what is read, and ends with its context.
type counting struct {
	ctx   context.Context
	r     io.Reader
	count func(int)
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.count(n)
	return n, err
}

// plain is an error of a file in plain words, without its path.
func plain(err error) string {
	switch path := (*fs.PathError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return "it is not there"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it is cut off"
	case errors.Is(err, gzip.ErrChecksum):
		return "its checksum is wrong"
	case errors.Is(err, gzip.ErrHeader):
		return "it is no gzip file"
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return "it cannot be unpacked"
}

// blobs are the problems of a dump's large objects: each that their lists name
// is there, and can be read to its end.
func blobs(ctx context.Context, location string, count func(int)) ([]string, error) {
	lists, err := filepath.Glob(filepath.Join(globbed(dumpOf(location)), "blobs*.toc"))
	if err != nil {
		return nil, fmt.Errorf("look for large objects: %w", err)
	}
	var out []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			return nil, fmt.Errorf("read the list of large objects: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) != 2 {
				out = append(out, "large objects: their list "+filepath.Base(list)+" is damaged")
				break
			}
			fault, err := readBlob(ctx, filepath.Join(dumpOf(location), filepath.Base(fields[1])), count)
			if err != nil {
				return nil, err
			}
			if fault != "" {
				out = append(out, "large object "+fields[0]+": "+fault)
			}
		}
	}
	return out, nil
}

// globbed is a path as a pattern that matches it alone.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func readBlob(ctx context.Context, name string, count func(int)) (fault string, err error) {
	f, err := os.Open(name + ".gz")
	packed := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(name)
	}
	if err != nil {
		return "its file cannot be opened: " + plain(err), nil
	}
	defer f.Close()
	var text io.Reader = &counting{ctx: ctx, r: f, count: count}
	if packed {
		z, err := gzip.NewReader(text)
		if err != nil {
			return "its file is damaged: " + plain(err), ctx.Err()
		}
		text = z
	}
	if _, err := io.Copy(io.Discard, text); err != nil {
		return "its file is damaged: " + plain(err), ctx.Err()
	}
	return "", nil
}
