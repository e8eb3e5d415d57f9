package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// First gives a journal's first record. Nothing that follows is read.
func First(path string) (Record, error) {
	file, err := openRead(path)
	if err != nil {
		return Record{}, err
	}
	defer file.Close()
	rec, found, err := newCursor(path, file).next()
	if err == nil && !found {
		err = fmt.Errorf("read journal %s: %w: no run ever began in it; start a new one", path, ErrEmpty)
	}
	return rec, err
}

// peekBytes is how much of a journal's end EndsWith reads.
const peekBytes = 64 << 10

// EndsWith reports whether a journal's last line seems to be of one of the kinds. It reads
// the file's end alone and verifies nothing: it tells whether a look is worth its
// time, and no more.
func EndsWith(path string, kinds ...string) (bool, error) {
	file, err := openRead(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("read journal %s: %w", path, err)
	}
	tail := make([]byte, min(info.Size(), peekBytes))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read journal %s: %w", path, err)
	}
	line, ended := bytes.CutSuffix(tail, []byte("\n"))
	if !ended {
		return false, nil // its last line is just being written
	}
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	return slices.ContainsFunc(kinds, func(kind string) bool { return bytes.Contains(line, []byte(kindMark+kind+dataMark)) }), nil
}
