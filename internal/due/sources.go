package due

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault"
	"wardkeep/internal/warning"
	"wardkeep/internal/webhook"
	"wardkeep/internal/yearly"
)

// clock returns how a row of a kind is read: its id, its number, what it is about, and
// when its time is over.
func (q query) clock(k Kind) func(db.Row) (Clock, error) {
	return func(row db.Row) (Clock, error) {
		c := Clock{Kind: k, Service: q.service.Name, N: 1}
		err := row.Scan(&c.ID, &c.Number, &c.About, (*db.Time)(&c.At))
		return c, err
	}
}

// of returns the child of the row that the bound is behind, for an index in which the child
// comes before the id. A row that is gone is none that anything stands behind: the list
// goes on at its time.
func (b bound) of(ctx context.Context, tx *db.Tx, text string) (child string, id string, err error) {
	if b.id == "" {
		return "", "", nil
	}
	child, err = db.One(ctx, tx, db.Single[string], text, b.id)
	if errors.Is(err, db.ErrNone) {
		return "", "", nil
	}
	return child, b.id, err
}

// Articles 19 and 20: what is demanded has a day by which it is answered.
func demands(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	child, id, err := q.after.of(ctx, tx, `SELECT child FROM rights_request WHERE id = $1`)
	if err != nil {
		return nil, err
	}
	return db.All(ctx, tx, q.clock(Demand), `
		SELECT id, number, kind, due_at FROM rights_request
		WHERE service = $1 AND state = 'open' AND (due_at, child, id) > ($2, $3, $4)
		ORDER BY due_at, child, id LIMIT $5`, q.service.Name, q.after.at, child, id, int64(q.limit))
}

// Article 15: another person decides, and an answer that comes too late is none. Whoever
// asks is no other person, nor is whoever was the first of two to agree; an emergency waits
// for a second person, and not for a decision.
func looks(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	b := q.after
	if now := tx.Now().UnixMicro(); b.at <= now {
		b = past(now)
	}
	return db.All(ctx, tx, q.clock(Look), `
		SELECT id, number, purpose, answer_by FROM approval
		WHERE service = $1 AND state IN ('open', 'agreed') AND NOT glass AND (answer_by, id) > ($2, $3) AND asker <> $4 AND first_by <> $4
		ORDER BY answer_by, id LIMIT $5`, q.service.Name, b.at, b.id, q.Person.ID, int64(q.limit))
}

func reviews(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Review), `
		SELECT request, '', '', review_by FROM broken_glass
		WHERE reviewed_at IS NULL AND (review_by, request) > ($1, $2) AND service = $3
		ORDER BY review_by, request LIMIT $4`, q.after.at, q.after.id, q.service.Name, int64(q.limit))
}

// Article 2: until somebody has decided, the account is a child's.
func suspicions(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Suspicion), `
		SELECT id, '', source, due_at FROM suspicion
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Article 4: until it is decided that the content may stay, or it is down.
func takedowns(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Takedown), `
		SELECT id, '', harm, due_at FROM takedown
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Edge case 22: somebody decides about what another asked for; what is hidden is told of from a week
// before it ends, since longer takes a new decision by two.
func shields(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	until := tx.Now().Add(endsSoon)
	return db.All(ctx, tx, q.clock(Shield), `
		SELECT id, '', state, due_at FROM shield
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3) AND (state = 'asked' OR due_at > $4 AND due_at <= $5)
		ORDER BY due_at, id LIMIT $6`, q.service.Name, q.after.at, q.after.id, tx.Now().UnixMicro(), (*db.Time)(&until), int64(q.limit))
}

// endsSoon is how long before its end what is hidden from a guardian is told of.
const endsSoon = 7 * 24 * time.Hour

// Article 24: until it is acknowledged, and then until it is answered.
func complaints(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Complaint), `
		SELECT id, '', kind, due_at FROM complaint
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Articles 25 to 27: until it is proved by who looks after it, and another has confirmed that.
func rectifications(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, func(row db.Row) (Clock, error) {
		c := Clock{Kind: Rectification, Service: q.service.Name, N: 1}
		err := row.Scan(&c.ID, &c.About, &c.Owner, (*db.Time)(&c.At))
		return c, err
	}, `
		SELECT id, what, owner, due_at FROM rectification
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Article 22: from 1 November on, until the audit of the year is filed. There are few.
func audits(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	owed, err := yearly.Owed(ctx, tx, q.service)
	for _, y := range owed {
		year := strconv.FormatInt(y.Year, 10)
		all = append(all, Clock{Kind: Yearly, Service: q.service.Name, At: yearly.DueAt(y.Year), ID: year, Number: year, N: 1})
	}
	return q.few(all), err
}

// Article 21: until it is said how grave it is, and then until it is over.
func incidents(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Incident), `
		SELECT id, '', CASE WHEN drill THEN 'drill' ELSE kind END, due_at FROM incident
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Article 21: who comes to the list of a case after its notice has gone through it is told timely,
// and by nobody else's word than that of those who have confirmed it: somebody has it extended, at
// once, so its time is over since it was prepared. There are few.
func untold(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	some, err := warning.Behinds(ctx, tx, q.service.Name)
	for _, n := range some {
		all = append(all, Clock{Kind: Untold, Service: q.service.Name, At: n.PreparedAt, ID: n.Incident + ":" + n.ID, Number: n.Number(), N: n.Untold})
	}
	return q.few(all), err
}

// Article 28: from a month before on, a stream whose test shows nothing any more; one that the
// charter in force has stopped covering is due since it was to be covered. There are few.
func streams(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	now := tx.Now()
	some, err := stream.Clocks(ctx, tx, q.service, now.Add(stream.Soon))
	for _, s := range some {
		c := Clock{Kind: Stream, Service: s.Service, At: s.DueAt, ID: s.ID, About: string(s.State(now)), N: 1}
		if !s.Open() {
			c.At = s.ClosedAt
		}
		all = append(all, c)
	}
	return q.few(all), err
}

// Edge case 24: two look at a document, before it is erased unseen.
func papers(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	b := q.after
	if now := tx.Now().UnixMicro(); b.at <= now {
		b = past(now)
	}
	return db.All(ctx, tx, q.clock(Document), `
		SELECT id, '', '', expires_at FROM verification
		WHERE service = $1 AND method = 'document' AND state = 'started' AND (expires_at, id) > ($2, $3)
		ORDER BY expires_at, id LIMIT $4`, q.service.Name, b.at, b.id, int64(q.limit))
}

// Edge case 3: older makes a child a document that two have seen.
func claims(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	child, _, err := q.after.of(ctx, tx, `SELECT child FROM birth_claim WHERE id = $1`)
	if err != nil {
		return nil, err
	}
	at := max(q.after.at, tx.Now().UnixMicro())
	return db.All(ctx, tx, q.clock(Claim), `
		SELECT id, '', paper, expires_at FROM birth_claim
		WHERE service = $1 AND (expires_at, child) > ($2, $3)
		ORDER BY expires_at, child LIMIT $4`, q.service.Name, at, child, int64(q.limit))
}

// Article 16: what processors and recipients must do, until they have attested it. The
// entry in which it was issued tells orders of one day apart.
func orders(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Order), `
		SELECT issued, number, party, due_at FROM party_order
		WHERE service = $1 AND attested_at IS NULL AND (due_at, issued) > ($2, $3)
		ORDER BY due_at, issued LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Article 16(2): what parties are asked to help with, until they have answered.
func helps(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, q.clock(Help), `
		SELECT id, '', party, due_at FROM party_task
		WHERE service = $1 AND answered_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, q.service.Name, q.after.at, q.after.id, int64(q.limit))
}

// Article 16: from a month before on, what a party stands on is told of, and the check that
// is owed; of an end that it has, or of a narrowing, only that its orders are late. There are few.
func parties(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	now := tx.Now()
	clocks, err := party.ClocksOf(ctx, tx, q.service.Name, now.Add(soon))
	for _, c := range clocks {
		if !c.Ordering() || !now.Before(c.At) {
			all = append(all, Clock{Kind: Party, Service: q.service.Name, At: c.At, ID: strings.Join([]string{string(c.Party.Role), c.Party.Name, string(c.What)}, ":"),
				Number: c.Party.Name, About: string(c.What), N: 1})
		}
	}
	return q.few(all), err
}

// few returns those lines that lie behind the bound, of lines that are few.
func (q query) few(all []Clock) []Clock {
	all = slices.DeleteFunc(all, func(c Clock) bool { return !q.after.behind(c) })
	slices.SortFunc(all, func(a, b Clock) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all[:min(len(all), q.limit)]
}

// together makes one line of the times of several, the first of which is the first to end.
func (q query) together(ctx context.Context, tx *db.Tx, k Kind, text string, args ...any) ([]Clock, error) {
	c := Clock{Kind: k, Service: q.service.Name, ID: string(k)}
	err := db.Each(ctx, tx, func(row db.Row) error {
		var at time.Time
		err := row.Scan((*db.Time)(&at))
		if c.N++; c.N == 1 {
			c.At = at
		}
		return err
	}, text, args...)
	if err != nil || c.N == 0 {
		return nil, err
	}
	return q.few([]Clock{c}), nil
}

// Article 10: after a material change, and before anything is collected, guardians are
// asked; what nobody answers runs out, and then nothing is used.
func answers(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return q.together(ctx, tx, Answer, `
		SELECT due_at FROM consent_request
		WHERE service = $1 AND due_at > $2 AND state IN ('pending', 'opened', 'verified')
		ORDER BY due_at LIMIT $3`, q.service.Name, tx.Now().UnixMicro(), int64(Many))
}

// soon is how long before their end proofs are told of: an institution's is renewed by a
// document, which takes its time (edge case 10).
const soon = 30 * 24 * time.Hour

// A proof that ends leaves the answers that rest on it without ground.
func proofs(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	now := tx.Now()
	return q.together(ctx, tx, Proof, `
		SELECT p.expires_at FROM proof p JOIN child c ON c.child = p.child
		WHERE c.service = $1 AND p.expires_at > $2 AND p.expires_at <= $3
		ORDER BY p.expires_at, p.child, p.guardian, p.kind LIMIT $4`, q.service.Name, now.UnixMicro(), now.Add(soon).UnixMicro(), int64(Many))
}

// Article 8: a vacancy closes the gate, from the moment on that it began.
func offices(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	if q.service.Ceases("") {
		return nil, nil // nobody has to hold it any more
	}
	for _, o := range []struct {
		role   catalog.Role
		holder string
	}{{catalog.RoleOfficer, q.service.OfficerID}, {catalog.RoleDeputy, q.service.DeputyID}} {
		if o.holder != "" {
			continue
		}
		since, err := db.One(ctx, tx, db.Single[int64], `
			SELECT coalesce(max(o.ended_at), max(s.created_at)) FROM service s LEFT JOIN officer o ON o.service = s.service AND o.role = $1
			WHERE s.service = $2`, o.role, q.service.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, Clock{Kind: Office, Service: q.service.Name, At: time.UnixMicro(since).UTC(), ID: string(o.role), About: string(o.role), N: 1})
	}
	return q.few(all), nil
}

// Article 8: a proposal waits for somebody in office who hasn't made it. It has no day by
// which it is decided: its time is since when it waits. There are few.
func proposals(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	if q.service.Ceases("") {
		return nil, nil // nothing comes into force any more
	}
	waiting, err := catalog.Waiting(ctx, tx, q.service)
	for _, e := range waiting {
		if number := strconv.FormatInt(e.Number, 10); e.ProposedBy != q.Person.Ledger() {
			all = append(all, Clock{Kind: Charter, Service: q.service.Name, At: e.ProposedAt, ID: number, Number: number, About: "proposal", N: 1})
		}
	}
	return q.few(all), err
}

// PIPL 55: what purposes do to children is assessed, and assessed again before that is out of
// date. Nothing that goes on is stopped by it: what ends is that it can be published. There
// are few.
func impacts(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	if q.service.Charter == 0 || q.service.Ceases("") {
		return nil, nil // nothing is done by it, or not for long
	}
	p, err := catalog.Version(ctx, tx, q.service.Name, q.service.Charter)
	if errors.Is(err, catalog.ErrDamaged) {
		return nil, nil // the board says so
	}
	if err != nil {
		return nil, err
	}
	standings, err := catalog.Standings(ctx, tx, nil, q.service.Name, p.Number, p.Charter)
	for _, s := range standings {
		c := Clock{Kind: Impact, Service: q.service.Name, At: s.By.Until, ID: s.Purpose, Number: strconv.FormatInt(p.Number, 10), About: s.Purpose, N: 1}
		switch {
		case q.service.Ceases(s.Purpose):
			continue
		case s.Lack == catalog.NotPassed:
			c.At = s.By.SignedAt
		case s.By.ID == "":
			c.At = p.PublishedAt
		case c.At.After(tx.Now().Add(soon)):
			continue
		}
		all = append(all, c)
	}
	return q.few(all), err
}

// Article 21: a plan is looked through and tried again before it counts no more. That there never
// was one the board says: it has no day.
func plans(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	owes, err := q.service.OwesPlan(ctx, tx)
	if err != nil || !owes {
		return nil, err
	}
	planned, err := incident.PlannedUntil(ctx, tx, q.service.Name)
	if err != nil {
		return nil, err
	}
	drill, err := catalog.LastPlan(ctx, tx, q.service.Name, catalog.EmergencyDrill)
	if err != nil && !errors.Is(err, catalog.ErrRecordNotFound) {
		return nil, err
	}
	ends := []struct {
		of catalog.RecordKind
		at time.Time
	}{{catalog.EmergencyPlan, planned}, {catalog.EmergencyDrill, time.Time{}}}
	if err == nil {
		ends[1].at = drill.Until()
	}
	for _, end := range ends {
		if !end.at.IsZero() && !end.at.After(tx.Now().Add(soon)) {
			all = append(all, Clock{Kind: Plan, Service: q.service.Name, At: end.at, ID: string(end.of), About: string(end.of), N: 1})
		}
	}
	return q.few(all), nil
}

// Article 15: whoever has left is to know nothing that opens: what they were shown of an app or of
// a receiver is replaced, and its time is since when they are gone. There are few.
func secrets(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	apps, err := account.KnownOutside(ctx, tx, q.service.Name)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		all = append(all, Clock{Kind: Secret, Service: q.service.Name, At: a.LeftAt, ID: a.ID + ":" + a.Person, Number: a.Name, About: "app", N: 1})
	}
	hooks, err := webhook.KnownOutside(ctx, tx, q.service.Name)
	for _, h := range hooks {
		all = append(all, Clock{Kind: Secret, Service: q.service.Name, At: h.LeftAt, ID: h.Endpoint + ":" + h.Person, Number: h.Endpoint, About: "webhook", N: 1})
	}
	return q.few(all), err
}

// Article 23: guardians look until then, the last of them; after that all is erased. Where some of the
// service's systems haven't taken an order to delete by then, the end isn't over.
func ends(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	all, err := db.All(ctx, tx, func(row db.Row) (Clock, error) {
		c := Clock{Kind: End, Service: q.service.Name, N: 1}
		err := row.Scan(&c.About, (*db.Time)(&c.At))
		c.ID = cmp.Or(c.About, catalog.All)
		return c, err
	}, `SELECT c.purpose, CASE WHEN c.last_at > c.ends_at THEN c.last_at ELSE c.ends_at END FROM cessation c WHERE c.service = $1 AND (c.ended_at IS NULL OR `+catalog.Undelivered+`) ORDER BY c.purpose`, q.service.Name)
	return q.few(all), err
}

// Article 20: who is to be erased is, with the next sweep.
func erasures(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return q.together(ctx, tx, Erasure, `
		SELECT erase_at FROM rights_request WHERE service = $1 AND erase_at <= $2
		ORDER BY erase_at LIMIT $3`, q.service.Name, tx.Now().Add(-q.Patience).UnixMicro(), int64(Many))
}

// Article 12: no value outlives its time. None is readable from that second on, erased or
// not.
func values(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	purposes, err := vault.Purposes(ctx, tx, q.service.Name, tx.Now().Add(-q.Patience))
	for _, p := range purposes {
		if p.Overdue > 0 {
			all = append(all, Clock{Kind: Value, Service: p.Service, At: p.Ends, ID: p.Purpose, About: p.Purpose, N: p.Overdue})
		}
	}
	return q.few(all), err
}

// Article 12: that nothing is due is found out by a sweep, often.
func sweep(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	swept, err := retention.LastSweep(ctx, tx)
	if err != nil || swept.IsZero() || tx.Now().Sub(swept) <= q.Patience {
		return nil, err
	}
	return q.few([]Clock{{Kind: Sweep, At: swept.Add(q.Patience), ID: string(Sweep), N: 1}}), nil
}

// Edge case 15: a copy holds the keys of children who are erased later, so it has an end.
func backups(ctx context.Context, tx *db.Tx, q query) ([]Clock, error) {
	return db.All(ctx, tx, func(row db.Row) (Clock, error) {
		c := Clock{Kind: Backup, N: 1}
		err := row.Scan(&c.ID, (*db.Time)(&c.At))
		return c, err
	}, `
		SELECT id, until FROM backup WHERE gone_at IS NULL AND (until, id) > ($1, $2)
		ORDER BY until, id LIMIT $3`, q.after.at, q.after.id, int64(q.limit))
}

// Article 13: without the key file, or a copy of it, nothing of the store can be read again. It is copied
// at once, and again within a year.
func keyCopies(ctx context.Context, tx *db.Tx, q query) (all []Clock, err error) {
	copies, err := backup.KeyCopies(ctx, tx)
	for _, c := range copies {
		if !c.Due().After(tx.Now().Add(soon)) {
			all = append(all, Clock{Kind: Key, At: c.Due(), ID: c.KEK, N: 1})
		}
	}
	return q.few(all), err
}
