package db

import (
	"io/fs"
	"regexp"
	"testing/fstest"
)

// textColumn is a column of text in a migration.
var textColumn = regexp.MustCompile(`(?m)^(\t[a-z_]+ +)text\b`)

// forPostgres returns the migrations as PostgreSQL reads them: each column of text is ordered by
// its bytes, whatever the database's collation is, as SQLite and Go order text. Lists go on behind
// the last row of a page, and several are merged here: in another order they would leave rows out.
func forPostgres(files fs.FS) (fs.FS, error) {
	return rewritten(files, func(text string) string { return textColumn.ReplaceAllString(text, `${1}text COLLATE "C"`) })
}

// rewritten returns the migrations with a change to each text.
func rewritten(files fs.FS, change func(text string) string) (fs.FS, error) {
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
		out[name] = &fstest.MapFile{Data: []byte(change(string(text)))}
	}
	return out, nil
}
