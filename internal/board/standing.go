package board

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/tally"
)

// month is how many days the numbers of what happened are of.
const month = 30

// looked is how many of the last entries are read to see what uses rest on.
const looked = 256

// A standing is what several articles rest on, of one service.
type standing struct {
	Desk
	catalog.Service
	charter    *charter.Charter // in force; nil: there is none, or it can't be read
	unreadable int64            // 1: there is one, and what is stored isn't what was published
	documents  int64            // rules, agreement and notices, in each language
	lost       int64            // of them, those that aren't there as they were published
	happened   map[tally.What]map[string]int64
	uses       strange
}

// strange is what the last permitted uses rest on that no charter has.
type strange struct {
	looked, purposes, activities, items, audiences int64
	parties                                        map[party.Role][]string // to which something went
}

func (d Desk) standing(ctx context.Context, tx *db.Tx, s catalog.Service, uses []gate.UseBody) (*standing, error) {
	one := &standing{Desk: d, Service: s}
	if err := one.readCharter(ctx, tx); err != nil {
		return nil, err
	}
	if err := one.readTallies(ctx, tx); err != nil {
		return nil, err
	}
	return one, one.look(ctx, tx, uses)
}

// readCharter reads what is published, and whether it is what is stored.
func (s *standing) readCharter(ctx context.Context, tx *db.Tx) error {
	if s.Charter == 0 {
		return nil
	}
	c, err := s.version(ctx, tx, s.Charter)
	switch {
	case err != nil:
		return err
	case c == nil:
		s.unreadable = 1
	}
	s.charter = c
	kinds := []catalog.DocumentKind{catalog.Rules, catalog.Agreement, catalog.Notice}
	s.documents = int64(len(kinds) * len(charter.Langs))
	whole := int64(0)
	err = db.Each(ctx, tx, func(row db.Row) error {
		var kind, lang, hash, body string
		err := row.Scan(&kind, &lang, &hash, &body)
		if hashOf([]byte(body)) == hash && slices.Contains(kinds, catalog.DocumentKind(kind)) {
			whole++
		}
		return err
	}, `SELECT kind, lang, hash, body FROM document WHERE service = $1 AND charter = $2 ORDER BY kind, lang`, s.Name, s.Charter)
	s.lost = s.documents - whole
	return err
}

// version returns a charter that was published, or nil if it isn't there as it was. What is
// stored is hashed each time, and parsed once.
func (s *standing) version(ctx context.Context, tx *db.Tx, number int64) (*charter.Charter, error) {
	whole, err := db.One(ctx, tx, func(row db.Row) (bool, error) {
		var hash string
		var canonical []byte
		err := row.Scan(&hash, &canonical)
		return hashOf(canonical) == hash, err
	}, `SELECT hash, canonical FROM charter WHERE service = $1 AND number = $2`, s.Name, number)
	if errors.Is(err, db.ErrNone) || err == nil && !whole {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := s.Charters.Version(ctx, tx, s.Name, number)
	if errors.Is(err, catalog.ErrDamaged) || errors.Is(err, catalog.ErrVersionNotFound) {
		return nil, nil
	}
	return p.Charter, err
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// readTallies reads what has happened in the last month, by what and its detail.
func (s *standing) readTallies(ctx context.Context, tx *db.Tx) error {
	s.happened = make(map[tally.What]map[string]int64)
	since := access.DayOf(tx.Now()) - month + 1
	for _, what := range []tally.What{tally.Shown, tally.Granted, tally.Refused, tally.Withdrawn, tally.Permitted, tally.Denied, tally.Demanded,
		tally.Answered, tally.Erased, tally.Asked, tally.Alarm} {
		sums, err := tally.Sums(ctx, tx, s.Name, what, since)
		if err != nil {
			return err
		}
		s.happened[what] = sums
	}
	return nil
}

// sum is how often something was, whatever its detail.
func (s *standing) sum(what tally.What) (n int64) {
	for _, times := range s.happened[what] {
		n += times
	}
	return n
}

// lastUses reads the last permitted uses, by service.
func lastUses(ctx context.Context, tx *db.Tx) (map[string][]gate.UseBody, error) {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	uses := make(map[string][]gate.UseBody)
	return uses, ledger.ReadKind(ctx, tx, max(0, head.Size-looked), head.Size, gate.KindPermitted, func(p ledger.Placed) error {
		var b gate.UseBody
		err := p.Into(&b)
		uses[p.Service] = append(uses[p.Service], b)
		return err
	})
}

// look looks at what the last uses of the service rest on: the charter that an entry names
// must have its purpose, its activity and its items (Articles 3, 11, 14 and 18).
func (s *standing) look(ctx context.Context, tx *db.Tx, uses []gate.UseBody) (err error) {
	versions := map[int64]*charter.Charter{s.Charter: s.charter}
	for _, u := range uses {
		c, known := versions[u.Charter]
		if !known {
			if c, err = s.version(ctx, tx, u.Charter); err != nil {
				return err
			}
			versions[u.Charter] = c
		}
		s.uses.add(c, u)
	}
	return nil
}

// went notes to which party a use went.
func (n *strange) went(u gate.UseBody) {
	role, ok := map[string]party.Role{string(charter.Entrust): party.Processor, string(charter.Transfer): party.Recipient}[u.Activity]
	if !ok || slices.Contains(n.parties[role], u.Party) {
		return
	}
	if n.parties == nil {
		n.parties = make(map[party.Role][]string)
	}
	n.parties[role] = append(n.parties[role], u.Party)
}

// add looks at one use. Of a charter that can't be read nothing is declared.
func (n *strange) add(c *charter.Charter, u gate.UseBody) {
	n.looked++
	n.went(u)
	if c == nil {
		c = &charter.Charter{}
	}
	purpose, ok := c.Purpose(u.Purpose)
	if !ok {
		n.purposes++
		return
	}
	activity := charter.Activity(u.Activity)
	// Article 18: what a law or a danger demands goes beyond the purpose, and to no audience.
	grounded := u.Look != nil && slices.Contains(approval.Parties(), u.Party)
	if !purpose.Does(activity) && !grounded {
		n.activities++
	}
	if slices.ContainsFunc(u.Items, func(item string) bool { return !purpose.Has(item) }) {
		n.items++
	}
	if _, ok := purpose.Audience(u.Party); activity == charter.Disclose && !ok && !grounded {
		n.audiences++
	}
}
