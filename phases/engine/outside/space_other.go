//go:build !linux

package outside

import "golang.org/x/sys/unix"

// blockSize is of which size the blocks are that are counted.
func blockSize(st *unix.Statfs_t) uint64 { return uint64(st.Bsize) }
