package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"

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

// errEnough ends a walk over a table.
var errEnough = errors.New("evidence: enough was read")

// Rows returns rows of a register of one service that are in the scope, at most some hundreds. Of a
// table with more rows than a page may cost to read, those that the table begins with. Errors:
// db.ErrNone, where there is no such register.
func Rows(ctx context.Context, tx *db.Tx, name, service string, scope Scope) (Sheet, error) {
	r, known := index[name]
	if !known {
		return Sheet{}, db.ErrNone
	}
	s, of, seen := r.sheet(), r.column("service"), 0
	err := r.rows(ctx, tx, Manifest{}, func(cells []string) error {
		if seen++; seen > read {
			s.More = true
			return errEnough
		}
		if cells[of] == service && scope.has(r, cells) {
			s.Rows = append(s.Rows, cells)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return s, err
	}
	s.sort(r)
	return s, nil
}

// has reports whether a row is in the scope.
func (s Scope) has(r register, cells []string) bool {
	return Manifest{From: micros(s.From), To: micros(s.To)}.has(r.when(cells), r.service(cells))
}

func (r register) sheet() Sheet { return Sheet{Register: r.name, Columns: r.fields()} }

// sort puts the latest rows first, and cuts what is too much for a page.
func (s *Sheet) sort(r register) {
	slices.SortFunc(s.Rows, func(a, b []string) int {
		return cmp.Or(cmp.Compare(r.when(b), r.when(a)), cmp.Compare(r.keyOf(a), r.keyOf(b)))
	})
	if len(s.Rows) > shown {
		s.Rows, s.More = s.Rows[:shown], true
	}
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
		s := r.sheet()
		err := db.Each(ctx, tx, func(row db.Row) error {
			cells, err := r.scan(row)
			if err == nil && scope.has(r, cells) {
				s.Rows = append(s.Rows, cells)
			}
			return err
		}, query, subject, service)
		if err != nil {
			return nil, err
		}
		s.sort(r)
		all = append(all, s)
	}
	return all, nil
}

// Drawn returns the pseudonyms of at most n children of a service that a seed draws: of points that
// are computed of it, each the next pseudonym. Pseudonyms are random, so nobody picks them; and
// whoever knows the seed computes the points, and finds a child that is left out.
func Drawn(ctx context.Context, tx *db.Tx, service, seed string, n int) (some []string, err error) {
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
