package apptest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver, for a look past the program's own store
)

// Tables returns every row of every table, jobs included, as bytes: columns one
// after the other, binary ones as they are. It looks past the program's own store.
func (in *Installation) Tables() map[string][]byte {
	in.T.Helper()
	all := make(map[string][]byte)
	var err error
	if in.URL != "" {
		err = in.postgresTables(all)
	} else {
		for _, name := range []string{"wardkeep.db", "jobs.db"} {
			if _, missing := os.Stat(filepath.Join(in.Data(), name)); missing == nil && err == nil {
				err = sqliteTables(filepath.Join(in.Data(), name), all)
			}
		}
	}
	if err != nil {
		in.T.Fatal(err)
	}
	return all
}

func (in *Installation) postgresTables(all map[string][]byte) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, in.URL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		rows, err := conn.Query(ctx, "SELECT * FROM "+pgx.Identifier{name}.Sanitize())
		if err != nil {
			return err
		}
		var b bytes.Buffer
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			writeRow(&b, values)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		all[name] = b.Bytes()
	}
	return nil
}

func sqliteTables(path string, all map[string][]byte) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	var names []string
	err = sqliteRows(db, `SELECT name FROM sqlite_master WHERE type = 'table'`, func(values []any) { names = append(names, values[0].(string)) })
	for _, name := range names {
		if err != nil {
			return err
		}
		var b bytes.Buffer
		err = sqliteRows(db, `SELECT * FROM "`+name+`"`, func(values []any) { writeRow(&b, values) })
		all[name] = b.Bytes()
	}
	return err
}

func sqliteRows(db *sql.DB, query string, each func([]any)) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		each(values)
	}
	return rows.Err()
}

func writeRow(b *bytes.Buffer, values []any) {
	for _, v := range values {
		switch v := v.(type) {
		case []byte:
			b.Write(v)
		case string:
			b.WriteString(v)
		default:
			fmt.Fprint(b, v)
		}
		b.WriteByte('|')
	}
	b.WriteByte('\n')
}

// Files returns the bytes of every file of the data directory: databases, their
// logs, and whatever else lies there.
func (in *Installation) Files() map[string][]byte {
	in.T.Helper()
	all := make(map[string][]byte)
	err := filepath.WalkDir(in.Data(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[filepath.Base(path)] = b
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		in.T.Fatal(err)
	}
	return all
}
