package db

import (
	"io/fs"
	"strings"
	"testing/fstest"
)

// clustered is what ends a table whose rows lie in the order of their key. PostgreSQL reads a
// comment; SQLite keeps such a table in one tree instead of two. It is for what is found by its key
// alone, and for what a child has: whoever erases all children in the order of their ids passes each
// tree once, however many there are.
const clustered = "); -- clustered"

// forSQLite returns the migrations as SQLite reads them.
func forSQLite(files fs.FS) (fs.FS, error) {
	out := make(fstest.MapFS)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		out[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(text), clustered, ") WITHOUT ROWID;"))}
	}
	return out, nil
}
