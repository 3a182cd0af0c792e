package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// What of a register is shown at a time, and how many rows are read for it: a table may have
// millions.
const (
	shown = 500
	read  = 200_000
)

// Registers returns the names of the registers that are evidence for an article.
func Registers(article int) (names []string) {
	for _, r := range registers {
		if r.of([]int{article}) {
			names = append(names, r.name)
		}
	}
	return names
}

// A Sheet is some rows of a register, as an archive states them: under pseudonyms, and no value.
type Sheet struct {
	Register string
	Columns  []string
	Rows     [][]string // those of the latest time first
	More     bool       // there are more rows, which an archive has
}

// Rows returns rows of a register of one service that are in the scope, at most some hundreds. Of a
// table that has more of the service than a page may cost to read, some.
// Errors: db.ErrNone, where there is no such register.
func Rows(ctx context.Context, tx *db.Tx, name, service string, scope Scope) (Sheet, error) {
	r, known := index[name]
	if !known {
		return Sheet{}, db.ErrNone
	}
	return r.latest(ctx, tx, scope, r.ofService(), service, int64(read+1))
}

// ofService is the query of the register for one service, in no order: what others have is neither
// read nor counted, and nothing is sorted that a page then leaves out.
func (r register) ofService() string {
	query, _, _ := strings.Cut(r.query, " ORDER BY ")
	return `SELECT ` + strings.Join(r.fields(), ", ") + ` FROM (` + query + `) AS r WHERE service = $1 LIMIT $2`
}

// latest returns the latest rows of a query that are in the scope, and has in memory little more
// than it returns.
func (r register) latest(ctx context.Context, tx *db.Tx, scope Scope, query string, args ...any) (Sheet, error) {
	type row struct {
		at    int64
		key   string
		cells []string
	}
	var rows []row
	s, seen := Sheet{Register: r.name, Columns: r.fields()}, 0
	within := Manifest{From: micros(scope.From), To: micros(scope.To)}
	cut := func() {
		slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(a.key, b.key)) })
		if len(rows) > shown {
			clear(rows[shown:])
			rows, s.More = rows[:shown], true
		}
	}
	err := db.Each(ctx, tx, func(one db.Row) error {
		cells, err := r.scan(one)
		if err != nil {
			return err
		}
		if seen++; seen > read {
			s.More = true
			return nil
		}
		if at := r.when(cells); within.has(at, "") {
			rows = append(rows, row{at, r.keyOf(cells), cells})
		}
		if len(rows) == 4*shown {
			cut()
		}
		return nil
	}, query, args...)
	cut()
	for _, one := range rows {
		s.Rows = append(s.Rows, one.cells)
	}
	return s, err
}

// ofChild are the queries of the registers about children, for one of them by its pseudonym.
var ofChild = map[string]string{
	"consents": `
		SELECT a.id, c.subject, c.service, a.purpose, a.charter, a.notice, a.lang, a.channel, a.shown_at, a.given_at, a.granted, a.withdraws, a.ended_at, a.ending
		FROM child c JOIN consent a ON a.child = c.child
		WHERE c.subject = $1 AND c.service = $2 AND c.state <> 'erased' ORDER BY a.id`,
	"approvals": `
		SELECT a.id, c.subject, a.service, a.asker, a.purpose, a.asked_at, a.looks
		FROM child c JOIN approval a ON a.child = c.child
		WHERE c.subject = $1 AND c.service = $2 AND c.state <> 'erased' ORDER BY a.id`,
	"demands": `
		SELECT r.id, c.subject, r.service, r.kind, r.state, r.received_at, r.closed_at
		FROM child c JOIN rights_request r ON r.child = c.child
		WHERE c.subject = $1 AND c.service = $2 AND c.state <> 'erased' ORDER BY r.id`,
}

// OfChild returns what the registers about children have of one, in the scope: of its articles and
// in its time.
func OfChild(ctx context.Context, tx *db.Tx, subject, service string, scope Scope) (all []Sheet, err error) {
	for _, r := range registers {
		query, is := ofChild[r.name]
		if !is || !r.of(scope.Articles) {
			continue
		}
		s, err := r.latest(ctx, tx, scope, query, subject, service)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Drawn returns the pseudonyms of at most n children of a service that a seed draws: of points that
// are computed of it, each the next pseudonym. Pseudonyms are random, so nobody picks them; and
// whoever knows the seed computes the points, and finds a child that is left out. Where there are no
// more than n, all of them are.
func Drawn(ctx context.Context, tx *db.Tx, service, seed string, n int) (some []string, err error) {
	// Of few among the many of other services each point would be far from the next of them.
	some, err = db.All(ctx, tx, db.Single[string], `SELECT subject FROM child WHERE service = $1 AND state <> 'erased' ORDER BY child LIMIT $2`, service, int64(n+1))
	if err != nil || len(some) <= n {
		slices.Sort(some)
		return some, err
	}
	some = nil
	next := func(point string) (string, error) {
		subject, err := db.One(ctx, tx, db.Single[string], `
			SELECT subject FROM child WHERE subject >= $1 AND service = $2 AND state <> 'erased' ORDER BY subject, child LIMIT 1`, point, service)
		if errors.Is(err, db.ErrNone) {
			return "", nil
		}
		return subject, err
	}
	for i := range 2 * n {
		sum := sha256.Sum256([]byte(seed + " " + strconv.Itoa(i)))
		subject, err := next(string(id.Subject) + "_" + id.Text(sum[:16]))
		if err == nil && subject == "" {
			subject, err = next(string(id.Subject)) // behind the last comes the first
		}
		if err != nil {
			return nil, err
		}
		if subject != "" && !slices.Contains(some, subject) {
			some = append(some, subject)
		}
		if len(some) == n {
			break
		}
	}
	slices.Sort(some)
	return some, nil
}
