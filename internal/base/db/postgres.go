package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgres is PostgreSQL: any number of nodes share it, so a transaction may
// lose against another and run again.
type postgres struct{ pool *pgxpool.Pool }

// minConns is how many transactions may run at once at least, unless the URL
// says otherwise (pool_max_conns): while one waits for its commit to reach the
// disk, others work, and PostgreSQL syncs them together.
const minConns = 16

// sessionParameters are what the server must promise, whatever the role's or database's
// defaults are: an acknowledged commit is on the disk (Invariant 12), and who
// waits for a row too long is told (ErrLocked). The URL may ask for more, such
// as synchronous_commit=remote_apply.
var sessionParameters = map[string]string{
	"synchronous_commit":                  "on",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "60s",
}

// OpenPostgres opens the store at url (a libpq URL or DSN). Nothing is sent
// before the first transaction.
func OpenPostgres(url string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL can't be read: write postgres://user@host/database") // err may hold the password
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = int32(max(minConns, 4*runtime.GOMAXPROCS(0)))
	}
	for name, value := range sessionParameters {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return &DB{engine: &postgres{pool}, Now: time.Now}, nil
}

func (e *postgres) name() string { return "postgres" }

func (e *postgres) stats() Stats {
	s := e.pool.Stat()
	return Stats{InUse: int64(s.AcquiredConns()), Most: int64(s.MaxConns()), Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime()}
}

func (e *postgres) close() error {
	e.pool.Close()
	return nil
}

// scrub leaves dead rows to autovacuum, and the log to the server's archiving:
// docs/operations.md says how to set them.
func (e *postgres) scrub(context.Context) error { return nil }

// scrubTable writes a table anew once no older transaction could read what was deleted, or
// after patience anyway. Whoever reads the table waits behind it, so it doesn't wait for long
// for one that has read it.
func (e *postgres) scrubTable(ctx context.Context, table string, patience time.Duration, anyway bool) (whole bool, err error) {
	var now uint32
	if err := e.pool.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::xid`).Scan(&now); err != nil {
		return false, pgError(err)
	}
	for end := time.Now().Add(patience); ; {
		var older int64
		if err := e.pool.QueryRow(ctx, olderThan, now).Scan(&older); err != nil {
			return false, pgError(err)
		}
		if whole = older == 0; whole || !time.Now().Before(end) {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if !whole && !anyway {
		return false, nil
	}
	_, err = e.pool.Exec(ctx, "VACUUM (FULL) "+pgx.Identifier{table}.Sanitize())
	if codeOf(err) == lockTimeout {
		return false, nil
	}
	return whole && err == nil, pgError(err)
}

// lockTimeout is the SQLSTATE of a lock that wasn't had within lock_timeout.
const lockTimeout = "55P03"

// olderThan counts what keeps rows that were deleted before a transaction: running ones
// that began or looked earlier, prepared ones, standbys and their slots.
const olderThan = `
	SELECT count(*) FROM (
		SELECT backend_xmin AS since FROM pg_stat_activity
			WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
		UNION ALL SELECT backend_xid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
		UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()
		UNION ALL SELECT xmin FROM pg_replication_slots
	) AS held WHERE age(since) > age($1::xid)`

func (e *postgres) snapshot(context.Context, string) error { return ErrEngine }

// place is the cluster, the database in it, and a table: what a dump is put back into has
// another number, even in the same database. All are kept by an upgrade in place but the first.
func (e *postgres) place(ctx context.Context) (place string, err error) {
	err = e.pool.QueryRow(ctx, `
		SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'whereabouts'::regclass::oid
		FROM pg_control_system()`).Scan(&place)
	return place, pgError(err)
}

func (e *postgres) size(ctx context.Context) (n int64, err error) {
	err = e.pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
	return n, pgError(err)
}

// shared holds a row as it is, together with others who only read it.
const shared = " FOR SHARE"

func (e *postgres) update(ctx context.Context, now func() time.Time, fn func(*Tx) error) error {
	const attempts = 8
	var err error
	hold := shared
	for n := range attempts {
		err = e.run(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED", hold, n > 0, now, fn)
		switch {
		case errors.Is(err, errExclusive):
			hold = " FOR NO KEY UPDATE"
		case errors.Is(err, errOutlived):
		case !lostRace(err):
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

func (e *postgres) view(ctx context.Context, now func() time.Time, fn func(*Tx) error) error {
	return e.run(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "", true, now, fn)
}

func (e *postgres) run(ctx context.Context, begin, share string, careful bool, now func() time.Time, fn func(*Tx) error) error {
	conn, err := e.pool.Acquire(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer conn.Release()
	s := &pgSession{conn: conn.Conn(), pending: &pgx.Batch{}, careful: careful, hold: share}
	s.pending.Queue(begin)
	// A connection that is not back to idle is closed by Release.
	defer s.abandon()
	err = fn(&Tx{session: s, now: microseconds(now()), clock: now, share: share})
	if !Keeps(err) {
		return err
	}
	if s.pending.Len() == 1 && !s.begun {
		return err // fn sent nothing
	}
	if e := s.commit(ctx, share == ""); e != nil {
		return e
	}
	// To the COMMIT of a transaction in which a statement failed the server
	// answers ROLLBACK, and no error: fn has passed over that failure.
	if s.last != "COMMIT" {
		return fmt.Errorf("db: the transaction was undone: %w", errors.Join(errUndone, err))
	}
	return err
}

// errUndone says that fn returned as if all were well after a statement failed.
var errUndone = errors.New("a statement had failed")

// pgSession sends statements as late as it can, so that BEGIN travels with the
// first statement and queued writes travel with COMMIT.
type pgSession struct {
	conn    *pgx.Conn
	pending *pgx.Batch
	begun   bool
	careful bool   // asks whether something has changed at once
	hold    string // how a row that is only read is held
	last    string // what the server said to the last statement that nobody read
	unheard int    // how many of what was pending have no answer yet
}

// commit ends the transaction. When the connection breaks, what the server has
// said decides what may be said: after its answer to COMMIT all is durable; if it
// told of its end before it came to COMMIT, nothing is; and if it said neither,
// the commit and the break may have come in either order (ErrUnknown).
func (s *pgSession) commit(ctx context.Context, reading bool) error {
	if s.conn.IsClosed() { // fn has passed over that failure
		return fmt.Errorf("%w: %w", ErrAway, errUndone)
	}
	s.pending.Queue("COMMIT")
	results, err := s.send(ctx)
	if err == nil {
		s.begun = false
		if err = results.Close(); err != nil && s.last == "COMMIT" {
			return nil
		}
	}
	if err == nil || !s.conn.IsClosed() {
		return pgError(err)
	}
	if before := s.unheard > 1; reading || before && codeOf(err) != "" {
		return s.lost(ctx, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknown, pgError(err))
}

// lost is pgError for a transaction that has sent no COMMIT: when its connection
// is gone, nothing of it was done, and nothing will be.
func (s *pgSession) lost(ctx context.Context, err error) error {
	if err == nil || !s.conn.IsClosed() || ctx.Err() != nil {
		return pgError(err)
	}
	return fmt.Errorf("%w: %w", ErrAway, pgError(err))
}

// abandon rolls back what was begun and not committed.
func (s *pgSession) abandon() {
	if s.begun && !s.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
			s.conn.Close(ctx)
		}
	}
}

// send sends what is pending and last with it, and reads the answers of what
// was pending. The caller reads the answers of last, then closes.
func (s *pgSession) send(ctx context.Context, last ...Read) (pgx.BatchResults, error) {
	s.unheard = s.pending.Len()
	for _, r := range last {
		s.pending.Queue(r.query, r.args...)
	}
	results := s.conn.SendBatch(ctx, s.pending)
	s.pending = &pgx.Batch{} // the results still read the old one
	s.begun = true
	for ; s.unheard > 0; s.unheard-- {
		tag, err := results.Exec()
		if err != nil {
			results.Close()
			return nil, err
		}
		s.last = tag.String()
	}
	return results, nil
}

func (s *pgSession) exec(ctx context.Context, query string, args []any) (int64, error) {
	results, err := s.send(ctx, Read{query: query, args: args})
	if err != nil {
		return 0, s.lost(ctx, err)
	}
	tag, err := results.Exec()
	return tag.RowsAffected(), s.lost(ctx, errors.Join(err, results.Close()))
}

func (s *pgSession) queue(_ context.Context, query string, args []any) error {
	s.pending.Queue(query, args...)
	return nil
}

func (s *pgSession) rows(ctx context.Context, query string, args []any, each func(Row) error) error {
	return s.together(ctx, []Read{{query, args, each}})
}

func (s *pgSession) together(ctx context.Context, reads []Read) error {
	results, err := s.send(ctx, reads...)
	if err != nil {
		return s.lost(ctx, err)
	}
	for _, r := range reads {
		if err := readAll(results, r.each); err != nil {
			return s.lost(ctx, errors.Join(err, results.Close()))
		}
	}
	return s.lost(ctx, results.Close())
}

// unchanged divides by zero where a row has another number, or isn't there: that
// fails the transaction in the server, whatever of it has been sent already.
func (s *pgSession) unchanged(ctx context.Context, versions []Version) error {
	if s.careful {
		return s.compare(ctx, versions)
	}
	var query strings.Builder
	args := make([]any, 0, 2*len(versions))
	for i, v := range versions {
		lock, lead := "", "SELECT "
		if v.Hold {
			lock = s.hold
		}
		if i > 0 {
			lead = ", "
		}
		fmt.Fprintf(&query, "%s1 / coalesce((SELECT CASE WHEN %s = $%d THEN 1 ELSE 0 END FROM %s WHERE %s = $%d%s), 0)",
			lead, v.Column, 2*i+1, v.Table, v.Key, 2*i+2, lock)
		args = append(args, v.Want, v.Row)
	}
	return s.queue(ctx, query.String(), args)
}

// compare is unchanged where the transaction goes on after a difference.
func (s *pgSession) compare(ctx context.Context, versions []Version) error {
	found := make([][]int64, len(versions))
	reads := make([]Read, len(versions))
	for i, v := range versions {
		lock := ""
		if v.Hold {
			lock = s.hold
		}
		reads[i] = ReadInto(&found[i], Single[int64], "SELECT "+v.Column+" FROM "+v.Table+" WHERE "+v.Key+" = $1"+lock, v.Row)
	}
	if err := s.together(ctx, reads); err != nil {
		return err
	}
	for i, v := range versions {
		if len(found[i]) != 1 || found[i][0] != v.Want {
			return ErrChanged
		}
	}
	return nil
}

const divisionByZero = "22012"

func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func readAll(results pgx.BatchResults, each func(Row) error) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lostRace reports a serialization failure, a deadlock, or that something has
// changed: the transaction was undone and may run again.
func lostRace(err error) bool {
	switch codeOf(err) {
	case "40001", "40P01", divisionByZero:
		return true
	}
	return false
}

// pgError turns what PostgreSQL reports into what a caller may be told. It
// matches codes only: on a distributed database names carry shard numbers.
func pgError(err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "53100": // disk_full
			return fmt.Errorf("%w: %w", ErrFull, err)
		case lockTimeout, "57014": // lock_not_available, query_canceled
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case "23503": // foreign_key_violation
			return fmt.Errorf("%w: %w", ErrGone, &pgconnError{code: e.Code, message: e.Message, cause: e})
		}
		// The detail of a PgError can quote a row; its message and code do not.
		return &pgconnError{code: e.Code, message: e.Message, cause: e}
	}
	return err
}

// pgconnError is a PgError whose text holds no values.
type pgconnError struct {
	code, message string
	cause         *pgconn.PgError
}

func (e *pgconnError) Error() string { return "postgres " + e.code + ": " + e.message }
func (e *pgconnError) Unwrap() error { return e.cause }
