package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/border"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/vault"
)

// page is how many children are compared at a time.
const page = 500

// A childRow is a row of child. Of what is sealed or hashed it says whether it is
// there: 1 or 0.
type childRow struct {
	id, service, subject, state, birthFrom  string
	endings                                 string
	version, birthVersion, aged             int64
	frozen, disputed                        bool
	created, expires, erased, kept, handed  int64
	pool, key, ref, refHash, birth, turns14 int64
}

const childColumns = `child, service, subject, version, state, frozen, disputed, created_at, expires_at, erased_at, kept_until, endings, aged, handed_at,
	birth_from, birth_version, CASE WHEN pool IS NULL THEN 0 ELSE 1 END,
	CASE WHEN wrapped IS NULL THEN 0 ELSE 1 END, CASE WHEN ref IS NULL THEN 0 ELSE 1 END,
	CASE WHEN ref_hash IS NULL THEN 0 ELSE 1 END, CASE WHEN birth IS NULL THEN 0 ELSE 1 END,
	CASE WHEN turns_14 IS NULL THEN 0 ELSE 1 END`

func scanChild(row db.Row) (c childRow, err error) {
	var created, expires, erased, kept, handed db.Time
	err = row.Scan(&c.id, &c.service, &c.subject, &c.version, &c.state, &c.frozen, &c.disputed, &created, &expires, &erased, &kept, &c.endings, &c.aged, &handed,
		&c.birthFrom, &c.birthVersion, &c.pool, &c.key, &c.ref, &c.refHash, &c.birth, &c.turns14)
	c.created, c.expires, c.erased, c.kept, c.handed = fromDB(created), fromDB(expires), fromDB(erased), fromDB(kept), fromDB(handed)
	return c, err
}

// A guardianRow and a consentRow are rows of those tables.
type (
	guardianRow struct {
		child, id, relation      string
		strength                 int64
		created, verified, ended int64
		hidden                   int64
		hiddenBy                 string
	}
	consentRow struct {
		child, ending string
		ended         int64
		answerRow
	}
)

func scanGuardian(row db.Row) (g guardianRow, err error) {
	var created, verified, ended, hidden db.Time
	err = row.Scan(&g.child, &g.id, &g.relation, &g.strength, &created, &verified, &ended, &hidden, &g.hiddenBy)
	g.created, g.verified, g.ended, g.hidden = fromDB(created), fromDB(verified), fromDB(ended), fromDB(hidden)
	return g, err
}

func scanConsent(row db.Row) (c consentRow, err error) {
	var shown, given, ended db.Time
	err = row.Scan(&c.child, &c.id, &c.guardian, &c.request, &c.purpose, &c.charter, &c.notice, &c.page, &c.lang, &c.channel,
		&shown, &given, &c.granted, &c.takeover, &c.withdraws, &c.strength, &ended, &c.ending, &c.entry)
	c.shown, c.given, c.ended = fromDB(shown), fromDB(given), fromDB(ended)
	return c, err
}

// A batch is a stretch of the children's keys, with all rows that lie in it but
// the values, which are too large to be held.
type batch struct {
	family.Stretch
	children  []childRow
	records   []family.Record // of those who live
	guardians []guardianRow
	contacts  []family.ContactRecord // of the guardians, in their order
	requests  []consent.RequestRow
	links     []consent.LinkRow
	proofs    []proofRow
	attempts  []attemptRow
	demands   []rights.Request
	ports     []rights.Ported
	claims    []rights.Claim
	shields   []shield.Shield
	helps     []assistance.Task
	bundles   []vault.Bundle
	approvals []approvals.Request
	consents  []consentRow
	crossings []border.Crossing
	reached   []incident.Affected
}

// compareChildren walks through the tables of children by their key.
func (a *audit) compareChildren() error {
	erased := make(map[tomb]int64)
	for after, more := "", true; more; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		b, err := a.read(after)
		if err != nil {
			return err
		}
		if err := a.compareBatch(b, erased); err != nil {
			return err
		}
		if more = len(b.children) == page; more {
			after = b.children[page-1].id
		}
	}
	a.neverSeen()
	// An erased child can't be told from another: only their number can be compared.
	// What is told is the day.
	for of, n := range a.fold.erased {
		erased[of] -= n
	}
	for _, of := range slices.SortedFunc(maps.Keys(erased), func(x, y tomb) int {
		return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.day, y.day))
	}) {
		want := a.fold.erased[of]
		at{audit: a, table: "child", service: a.names.shown(of.service), row: moment(of.day).Format(time.DateOnly)}.
			number("erased", want, want+erased[of])
	}
	return nil
}

// read reads the children after a key, and what lies up to the last of them, or
// to the end, whether or not its child is there.
func (a *audit) read(after string) (b batch, err error) {
	b.children, err = db.All(a.ctx, a.tx, scanChild, `
		SELECT `+childColumns+` FROM child WHERE child > $1 ORDER BY child LIMIT $2`, after, page)
	if err != nil {
		return b, err
	}
	b.After = family.ID(after)
	if len(b.children) == page {
		b.Last = family.ID(b.children[page-1].id)
	}
	where, args := b.Where("child")
	return b, a.tx.Together(a.ctx,
		family.ReadRecords(&b.records, b.Stretch),
		db.ReadInto(&b.guardians, scanGuardian, `
			SELECT child, guardian, relation, strength, created_at, verified_at, ended_at, hidden_until, hidden_by FROM guardian
			WHERE `+where+`
			ORDER BY child, guardian`, args...),
		family.ReadContactRecords(&b.contacts, b.Stretch),
		consent.ReadRequestRows(&b.requests, b.Stretch),
		consent.ReadLinkRows(&b.links, b.Stretch),
		db.ReadInto(&b.proofs, scanProof, `
			SELECT child, guardian, kind, method, strength, at, expires_at FROM proof
			WHERE `+where+`
			ORDER BY child, guardian, kind`, args...),
		db.ReadInto(&b.attempts, scanAttempt, `
			SELECT child, id, service, request, guardian, method, state, seen, first, behind, until, started_at, expires_at FROM verification
			WHERE `+where+`
			ORDER BY child, id`, args...),
		rights.ReadRows(&b.demands, b.Stretch),
		rights.ReadPorts(&b.ports, b.Stretch),
		rights.ReadClaims(&b.claims, b.Stretch),
		shield.ReadRows(&b.shields, b.Stretch),
		assistance.ReadRows(&b.helps, b.Stretch),
		vault.ReadBundles(&b.bundles, b.Stretch),
		approvals.ReadRows(&b.approvals, b.Stretch),
		border.ReadCrossings(&b.crossings, b.Stretch),
		incident.ReadReached(&b.reached, b.Stretch),
		db.ReadInto(&b.consents, scanConsent, `
			SELECT child, id, guardian, request, purpose, charter, notice, page, lang, channel,
				shown_at, given_at, granted, takeover, withdraws, strength, ended_at, ending, entry FROM consent
			WHERE `+where+`
			ORDER BY child, id`, args...))
}

// A tally counts the rows of one child that were found in the ledger.
type tally struct {
	child     *child
	record    family.Record
	crossed   bool // its row was found
	locked    bool // the child's key can't be had: nothing about it opens, and that is said once
	at        at
	guardians int
	proofs    int
	standing  int
	values    int
	answered  int32
	past      uint64
	ended     int32
	pastAsked uint64
	asked     map[string]askedRow
	marks     map[string]bool // what was found, to name what wasn't
}

func (a *audit) compareBatch(b batch, erased map[tomb]int64) error {
	found := make(map[string]*tally, len(b.children))
	for _, row := range b.children {
		if row.state == string(family.Erased) {
			erased[tomb{row.service, row.erased}]++
			a.compareErased(row)
		} else if c := a.compareChild(row); c != nil {
			found[row.id] = &tally{child: c, at: at{audit: a, service: a.names.text(c.service), subject: row.subject},
				asked: make(map[string]askedRow), marks: make(map[string]bool)}
		}
		a.step()
	}
	for _, r := range b.records {
		if t := found[string(r.ID)]; t != nil {
			t.record = r
			a.compareRecord(t)
		}
	}
	for i, g := range b.guardians {
		a.compareGuardian(found[g.child], g, b.contacts[i])
	}
	for _, r := range b.requests {
		a.compareRequest(found[string(r.Child)], r)
	}
	for _, l := range b.links {
		a.compareLink(found[string(l.Child)], l)
	}
	for _, p := range b.proofs {
		a.compareProof(found[p.child], p)
	}
	for _, v := range b.attempts {
		a.compareAttempt(found[v.child], v)
	}
	for _, d := range b.demands {
		a.compareDemand(found[string(d.Child)], d)
	}
	for _, p := range b.ports {
		a.comparePort(found[string(p.Child)], p)
	}
	for _, c := range b.claims {
		a.compareClaim(found[string(c.Child)], c)
	}
	for _, w := range b.shields {
		a.compareShield(found[string(w.Child)], w)
	}
	for _, h := range b.helps {
		a.compareHelp(found[string(h.Child)], h)
	}
	for _, w := range b.bundles {
		a.compareBundle(found[string(w.Child)], w)
	}
	for _, r := range b.approvals {
		a.compareApproval(found[string(r.Child)], r)
	}
	for _, c := range b.consents {
		a.compareConsent(found[c.child], c)
	}
	if err := vault.Rows(a.ctx, a.tx, b.Stretch, func(v vault.Row) { a.compareValue(found[string(v.Child)], v) }); err != nil {
		return err
	}
	for _, row := range b.children {
		if t := found[row.id]; t != nil {
			a.compareRest(t)
			a.compareAsked(t)
		}
	}
	a.compareCrossings(b, found)
	a.compareReached(b, found)
	if err := a.compareCounts(b, found); err != nil {
		return err
	}
	return a.compareActivity(b, found)
}

// compareErased: after an erasure there is the fact, and neither key nor
// ciphertext (Article 20, invariant 8).
func (a *audit) compareErased(row childRow) {
	r := at{audit: a, table: "child", service: a.names.shown(row.service), row: a.names.shown(row.id)}
	r.text("subject", "", row.subject)
	r.text("endings", "", row.endings)
	r.number("version", 0, row.version)
	r.flag("frozen", false, row.frozen)
	r.flag("disputed", false, row.disputed)
	r.text("birth_from", "", row.birthFrom)
	r.number("birth_version", 0, row.birthVersion)
	r.number("aged", 0, row.aged)
	r.time("handed_at", 0, row.handed)
	r.time("created_at", 0, row.created)
	r.time("expires_at", 0, row.expires)
	// Edge case 14: a key outlives it exactly as long as something is kept under it.
	until := a.keptUntil[row.id]
	r.time("kept_until", until, row.kept)
	r.present(min(until, 1), 0, row)
	r.number("birth", 0, row.birth)
	r.number("turns_14", 0, row.turns14)
}

// present compares whether a key, and what else every living child has, is there.
func (r at) present(key, want int64, row childRow) {
	r.number("pool", key, row.pool)
	r.number("wrapped", key, row.key)
	r.number("ref", want, row.ref)
	r.number("ref_hash", want, row.refHash)
}

// compareChild returns the child of the fold, or nil if the ledger doesn't know it.
func (a *audit) compareChild(row childRow) *child {
	r := at{audit: a, table: "child", service: a.names.shown(row.service)}
	k, ok := keyOf(id.Subject, row.subject)
	c := a.fold.children[k]
	if !ok || c == nil || c.seen {
		r.row = a.names.shown(row.id)
		r.extra()
		return nil
	}
	r.subject = row.subject
	if c.state == erased {
		r.text("state", "erased", row.state)
		return nil
	}
	c.seen = true
	r.text("service", a.names.text(c.service), row.service)
	r.text("state", string(states[c.state]), row.state)
	r.flag("frozen", c.frozen, row.frozen)
	r.flag("disputed", c.disputed, row.disputed)
	r.time("created_at", c.created, row.created)
	r.time("expires_at", c.expires, row.expires)
	r.time("erased_at", 0, row.erased)
	r.text("endings", c.appendEndings(nil, a.names).String(), row.endings)
	r.present(1, 1, row)
	r.time("kept_until", 0, row.kept)
	r.text("birth_from", a.names.text(c.birthFrom), row.birthFrom)
	r.number("birth_version", c.birth, row.birthVersion)
	r.number("aged", int64(c.aged), row.aged)
	r.time("handed_at", c.handed, row.handed)
	known := min(c.birth, 1)
	r.number("birth", known, row.birth)
	r.number("turns_14", known, row.turns14)
	if least := max(c.version, c.used); row.version < least {
		r.found(FoundDiffers, "version", "≥ "+number(least), number(row.version))
	}
	return c
}

// of returns the place of a row of one of a child's tables. T is nil if its child
// is unknown, or erased.
func (a *audit) of(t *tally, table, child, row string) at {
	if t == nil {
		return at{audit: a, table: table, row: a.names.shown(child)}
	}
	r := t.at
	r.table, r.row = table, row
	return r
}

// compareRecord opens what is sealed in a child's row, where there are keys.
func (a *audit) compareRecord(t *tally) {
	r := t.at
	r.table = "child"
	if !t.record.Claimed() {
		a.of(t, "child_ref", "", "").missing()
	}
	if a.ring == nil {
		return
	}
	readable := true
	for _, column := range t.record.Unlike(a.ring) {
		t.locked = t.locked || column == "pool" || column == "wrapped"
		readable = readable && !t.locked && column != "birth"
		r.unlike(column)
	}
	if readable {
		r.ages(t)
	}
}

// unlike reports a sealed column that doesn't open, or a keyed hash of another
// content.
func (r at) unlike(column string) {
	if strings.HasSuffix(column, "_hash") || strings.HasSuffix(column, "_mark") || column == "turns_14" {
		r.found(FoundHash, column, "–", "–")
		return
	}
	r.found(FoundSealed, column, "–", "–")
}

// ages compares the birth date with the classes that the entries told.
func (r at) ages(t *tally) {
	ring, c := r.audit.ring, t.child
	for _, told := range []struct {
		at    int64
		class age.Class
		is    bool
	}{{c.childAt, age.Child, true}, {c.grownAt, age.Child, false}, {c.minorAt, age.Adult, false}, {c.adultAt, age.Adult, true}} {
		if told.at == 0 {
			continue
		}
		if class, err := t.record.Class(ring, moment(told.at)); err != nil || (class == told.class) != told.is {
			r.found(FoundAge, "birth", "–", "–")
			return
		}
	}
}

func (a *audit) compareGuardian(t *tally, row guardianRow, contact family.ContactRecord) {
	r := a.of(t, "guardian", row.child, a.names.shown(row.id))
	if t == nil {
		r.extra()
		return
	}
	g := t.child.guardianNamed(family.GuardianID(row.id))
	if g == nil {
		r.extra()
		return
	}
	t.guardians++
	t.marks[row.id] = true
	r.text("relation", a.names.text(g.relation), row.relation)
	r.number("strength", int64(g.strength), row.strength)
	r.time("created_at", g.created, row.created)
	r.time("verified_at", g.verified, row.verified)
	r.time("ended_at", g.ended, row.ended)
	r.time("hidden_until", g.hidden, row.hidden)
	r.text("hidden_by", maybe(g.hider, id.Shield), row.hiddenBy)
	r.flag("hidden_who", g.recalled, contact.Remembers())
	for i, what := range family.Known {
		r.flag(what, g.known&(1<<i) != 0, contact.Has(what))
	}
	if a.ring == nil || t.locked {
		return
	}
	for _, column := range contact.Unlike(a.ring, t.record.Child) {
		r.unlike(column)
	}
}

func (a *audit) compareConsent(t *tally, row consentRow) {
	r := a.of(t, "consent", row.child, a.names.shown(row.id))
	if t == nil {
		r.extra()
		return
	}
	t.answered++
	sum := a.names.sumAnswer(row.answerRow)
	k, _ := keyOf(id.Consent, row.id)
	i := slices.IndexFunc(t.child.answers, func(s answer) bool { return s.id == k })
	if i < 0 {
		if row.ended == 0 {
			r.extra()
			return
		}
		t.past += a.names.sumEnded(sum, row.ended, row.ending)
		return
	}
	t.standing++
	t.marks[row.id] = true
	s := t.child.answers[i]
	r.time("ended_at", 0, row.ended)
	r.text("ending", "", row.ending)
	if sum == s.sum {
		return
	}
	person := t.child.guardians[s.guardian].id.name(id.Guardian)
	r.text("guardian", person, row.guardian)
	r.text("purpose", a.names.text(s.purpose), row.purpose)
	r.number("charter", int64(s.charter), row.charter)
	r.flag("granted", s.granted, row.granted)
	r.flag("takeover", s.takeover, row.takeover)
	r.number("strength", int64(s.strength), row.strength)
	r.time("given_at", s.given, row.given)
	if person == row.guardian && a.names.text(s.purpose) == row.purpose && int64(s.charter) == row.charter &&
		s.granted == row.granted && s.takeover == row.takeover && int64(s.strength) == row.strength && s.given == row.given {
		r.found(FoundDiffers, "notice, page, lang, channel, shown_at, request, withdraws, entry", "–", "–")
	}
}

func (a *audit) compareValue(t *tally, row vault.Row) {
	r := a.of(t, "value", string(row.Child), a.names.shown(row.Item))
	if t == nil {
		r.extra()
		return
	}
	y, known := a.names.syms[row.Item]
	i := slices.IndexFunc(t.child.values, func(v value) bool { return known && v.item == y })
	if i < 0 {
		r.extra()
		return
	}
	t.values++
	t.marks["value "+row.Item] = true
	v := t.child.values[i]
	r.text("service", t.record.Service, row.Service)
	r.text("purpose", a.names.text(v.purpose), row.Purpose)
	r.number("version", v.version, row.Version)
	r.time("collected_at", v.collected, row.Collected)
	r.time("expires_at", v.expires, row.Expires)
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.unlike("sealed")
	}
}

// compareRest names what the ledger knows of a child and the tables don't.
func (a *audit) compareRest(t *tally) {
	c := t.child
	if t.guardians < len(c.guardians) {
		for _, g := range c.guardians {
			if name := g.id.name(id.Guardian); !t.marks[name] {
				a.of(t, "guardian", "", name).missing()
			}
		}
	}
	a.compareProofs(t)
	a.compareDemands(t)
	a.comparePorts(t)
	a.compareApprovals(t)
	a.compareClaims(t)
	a.compareShields(t)
	if t.standing < len(c.answers) {
		for _, s := range c.answers {
			if name := s.id.name(id.Consent); !t.marks[name] {
				a.of(t, "consent", "", name).missing()
			}
		}
	}
	if t.values < len(c.values) {
		for _, v := range c.values {
			if name := a.names.text(v.item); !t.marks["value "+name] {
				a.of(t, "value", "", name).missing()
			}
		}
	}
	if t.standing == len(c.answers) && t.answered != c.answered {
		a.of(t, "consent", "", "").number("answers", int64(c.answered), int64(t.answered))
	} else if t.standing == len(c.answers) && t.past != c.past {
		a.of(t, "consent", "", "").found(FoundDiffers, "ended", "–", "–")
	}
}

// neverSeen names children that the ledger knows and the table doesn't.
func (a *audit) neverSeen() {
	var lost []string
	for k, c := range a.fold.children {
		if c.state != erased && !c.seen {
			lost = append(lost, k.name(id.Subject))
		}
	}
	slices.Sort(lost)
	for _, subject := range lost {
		k, _ := keyOf(id.Subject, subject)
		at{audit: a, table: "child", service: a.names.text(a.fold.children[k].service), subject: subject}.missing()
	}
}
