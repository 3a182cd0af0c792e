//go:build unix

package keyring

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs reports whether the file belongs to this process's user or to root.
// Root, who can read everything anyway, may use anyone's.
func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	me := uint32(os.Geteuid())
	return me == 0 || st.Uid == me || st.Uid == 0
}
