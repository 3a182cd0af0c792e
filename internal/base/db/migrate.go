package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// FileURI returns the address of a file of SQLite, to which "?" and options can be added: a
// path may hold what ends one there.
func FileURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

func (e *lite) migrate(ctx context.Context) error {
	pool, err := sql.Open("sqlite", FileURI(e.path)+"?_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer pool.Close()
	return up(ctx, goose.DialectSQLite3, pool)
}

// migrate holds a session lock, so that nodes that start together migrate once. It is the
// schema's: whoever migrates another one in the same database is not waited for.
func (e *postgres) migrate(ctx context.Context) error {
	pool := stdlib.OpenDBFromPool(e.pool)
	defer pool.Close()
	var id int64
	err := pool.QueryRowContext(ctx, `SELECT hashtextextended(coalesce(current_schema(), ''), $1)`, lock.DefaultLockID).Scan(&id)
	if err != nil {
		return fmt.Errorf("migrations: %w", pgError(err))
	}
	const every, times = 1, 300 // seconds
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(id), lock.WithLockTimeout(every, times))
	if err != nil {
		return err
	}
	return up(ctx, goose.DialectPostgres, pool, goose.WithSessionLocker(locker))
}

// up runs the files that have not run yet, each in its own transaction: a crash
// leaves a whole number of them done. Files never change after a release.
func up(ctx context.Context, dialect goose.Dialect, pool *sql.DB, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	read := forPostgres
	if dialect == goose.DialectSQLite3 {
		read = forSQLite
	}
	if files, err = read(files); err != nil {
		return err
	}
	options = append(options, goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	stored, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", liteError(pgError(err)))
	}
	if known := Schema(); stored > known {
		return fmt.Errorf("%w: the store is at version %d, this binary knows %d", ErrNewer, stored, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", liteError(pgError(err)))
	}
	return nil
}

// Schema returns the version of the tables that this binary knows: the number of
// its last migration.
func Schema() (last int64) {
	files, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is one
	for _, name := range files {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return last
}

// CheckSchema returns ErrNewer where the tables aren't those of this binary any more: a
// later release has migrated the store while this process runs.
func CheckSchema(ctx context.Context, tx *Tx) error {
	stored, err := One(ctx, tx, Single[int64], `SELECT max(version_id) FROM goose_db_version WHERE is_applied = $1`, true)
	if err == nil && stored != Schema() {
		err = fmt.Errorf("%w: the store is at version %d, this binary knows %d", ErrNewer, stored, Schema())
	}
	return err
}
