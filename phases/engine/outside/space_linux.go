package outside

import "golang.org/x/sys/unix"

// blockSize is of which size the blocks are that are counted: what is best to
// read at once, Bsize, may be another.
func blockSize(st *unix.Statfs_t) uint64 { return uint64(max(st.Frsize, 0)) }
