package db

import (
	"io/fs"
	"strings"
)

// clustered is what ends a table whose rows lie in the order of their key. PostgreSQL reads a
// comment; SQLite keeps such a table in one tree instead of two. It is for what is found by its key
// alone, and for what a child has: whoever erases all children in the order of their ids passes each
// tree once, however many there are.
const clustered = "); -- clustered"

// forSQLite returns the migrations as SQLite reads them.
func forSQLite(files fs.FS) (fs.FS, error) {
	return rewritten(files, func(text string) string { return strings.ReplaceAll(text, clustered, ") WITHOUT ROWID;") })
}
