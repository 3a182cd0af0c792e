package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// page is how many children are compared at a time.
const page = 500

// A childRow is a row of child.
type childRow struct {
	id, service, subject, state        string
	endings                            string
	version                            int64
	frozen, disputed                   bool
	created, expires, erased           int64
	keyLeft, refLeft, birthLeft, hashs int64 // 1 if there is one
}

const childColumns = `child, service, subject, version, state, frozen, disputed, created_at, expires_at, erased_at, endings,
	CASE WHEN wrapped IS NULL THEN 0 ELSE 1 END, CASE WHEN ref IS NULL THEN 0 ELSE 1 END,
	CASE WHEN birth IS NULL THEN 0 ELSE 1 END, CASE WHEN ref_hash IS NULL AND turns_14 IS NULL THEN 0 ELSE 1 END`

func scanChild(row db.Row) (c childRow, err error) {
	var created, expires, erased db.Time
	err = row.Scan(&c.id, &c.service, &c.subject, &c.version, &c.state, &c.frozen, &c.disputed, &created, &expires, &erased, &c.endings,
		&c.keyLeft, &c.refLeft, &c.birthLeft, &c.hashs)
	c.created, c.expires, c.erased = fromDB(created), fromDB(expires), fromDB(erased)
	return c, err
}

// A guardianRow, consentRow and valueRow are rows of those tables.
type (
	guardianRow struct {
		child, id, relation string
		strength            int64
		verified, ended     int64
	}
	consentRow struct {
		child, ending string
		ended         int64
		answerRow
	}
	valueRow struct {
		child, item, purpose        string
		version, collected, expires int64
	}
)

func scanGuardian(row db.Row) (g guardianRow, err error) {
	var verified, ended db.Time
	err = row.Scan(&g.child, &g.id, &g.relation, &g.strength, &verified, &ended)
	g.verified, g.ended = fromDB(verified), fromDB(ended)
	return g, err
}

func scanConsent(row db.Row) (c consentRow, err error) {
	var shown, given, ended db.Time
	err = row.Scan(&c.child, &c.id, &c.guardian, &c.request, &c.purpose, &c.charter, &c.notice, &c.lang, &c.channel,
		&shown, &given, &c.granted, &c.withdraws, &c.strength, &ended, &c.ending, &c.entry)
	c.shown, c.given, c.ended = fromDB(shown), fromDB(given), fromDB(ended)
	return c, err
}

func scanValue(row db.Row) (v valueRow, err error) {
	var collected, expires db.Time
	err = row.Scan(&v.child, &v.item, &v.purpose, &v.version, &collected, &expires)
	v.collected, v.expires = fromDB(collected), fromDB(expires)
	return v, err
}

// A batch is a stretch of the children's keys, with all rows that lie in it.
type batch struct {
	children  []childRow
	guardians []guardianRow
	consents  []consentRow
	values    []valueRow
}

// compareChildren walks through the tables of children by their key.
func (a *audit) compareChildren() error {
	erased := make(map[string]int64)
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
	for y, n := range a.fold.erased {
		erased[a.names.text(y)] -= n
	}
	for _, service := range slices.Sorted(maps.Keys(erased)) {
		n := erased[service]
		if y, known := a.names.syms[service]; n != 0 {
			want := int64(0)
			if known {
				want = a.fold.erased[y]
			}
			at{audit: a, table: "child", service: a.names.shown(service)}.number("erased", want, want+n)
		}
	}
	return nil
}

// read reads the children after a key, and all that lies up to the last of them,
// or to the end, whether or not its child is there.
func (a *audit) read(after string) (b batch, err error) {
	b.children, err = db.All(a.ctx, a.tx, scanChild, `
		SELECT `+childColumns+` FROM child WHERE child > $1 ORDER BY child LIMIT $2`, after, page)
	if err != nil {
		return b, err
	}
	where, args := ` WHERE child > $1`, []any{after}
	if len(b.children) == page {
		where, args = ` WHERE child > $1 AND child <= $2`, append(args, b.children[page-1].id)
	}
	return b, a.tx.Together(a.ctx,
		db.ReadInto(&b.guardians, scanGuardian, `
			SELECT child, guardian, relation, strength, verified_at, ended_at FROM guardian`+where+`
			ORDER BY child, guardian`, args...),
		db.ReadInto(&b.consents, scanConsent, `
			SELECT child, id, guardian, request, purpose, charter, notice, lang, channel,
				shown_at, given_at, granted, withdraws, strength, ended_at, ending, entry FROM consent`+where+`
			ORDER BY child, id`, args...),
		db.ReadInto(&b.values, scanValue, `
			SELECT child, item, purpose, version, collected_at, expires_at FROM value`+where+`
			ORDER BY child, item`, args...))
}

// A tally counts the rows of one child that were found in the ledger.
type tally struct {
	child     *child
	at        at
	guardians int
	standing  int
	values    int
	answered  int32
	past      uint64
	marks     map[string]bool // what was found, to name what wasn't
}

func (a *audit) compareBatch(b batch, erased map[string]int64) error {
	found := make(map[string]*tally, len(b.children))
	for _, row := range b.children {
		if row.state == string(family.Erased) {
			erased[row.service]++
			a.compareErased(row)
		} else if c := a.compareChild(row); c != nil {
			found[row.id] = &tally{child: c, at: at{audit: a, service: a.names.text(c.service), subject: row.subject}, marks: make(map[string]bool)}
		}
		a.step()
	}
	for _, g := range b.guardians {
		a.compareGuardian(found[g.child], g)
	}
	for _, c := range b.consents {
		a.compareConsent(found[c.child], c)
	}
	for _, v := range b.values {
		a.compareValue(found[v.child], v)
	}
	for _, row := range b.children {
		if t := found[row.id]; t != nil {
			a.compareRest(t)
		}
	}
	return a.compareAges(b.children, found)
}

// compareErased: after an erasure there is the fact, and neither key nor
// ciphertext (Article 20, invariant 8).
func (a *audit) compareErased(row childRow) {
	r := at{audit: a, table: "child", service: a.names.shown(row.service), row: a.names.shown(row.id)}
	r.text("subject", "", row.subject)
	r.text("endings", "", row.endings)
	r.number("wrapped", 0, row.keyLeft)
	r.number("ref", 0, row.refLeft)
	r.number("birth", 0, row.birthLeft)
	r.number("ref_hash", 0, row.hashs)
	if row.erased == 0 {
		r.found(FoundDiffers, "erased_at", "…", instant(0))
	}
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
	if row.keyLeft == 0 {
		r.number("wrapped", 1, 0)
	}
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

func (a *audit) compareGuardian(t *tally, row guardianRow) {
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
	r.time("verified_at", g.verified, row.verified)
	r.time("ended_at", g.ended, row.ended)
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
	if sum == s.sum {
		return
	}
	person := t.child.guardians[s.guardian].id.name(id.Guardian)
	r.text("guardian", person, row.guardian)
	r.text("purpose", a.names.text(s.purpose), row.purpose)
	r.number("charter", int64(s.charter), row.charter)
	r.flag("granted", s.granted, row.granted)
	r.number("strength", int64(s.strength), row.strength)
	r.time("given_at", s.given, row.given)
	if person == row.guardian && a.names.text(s.purpose) == row.purpose && int64(s.charter) == row.charter &&
		s.granted == row.granted && int64(s.strength) == row.strength && s.given == row.given {
		r.found(FoundDiffers, "notice, lang, channel, shown_at, request, withdraws, entry", "–", "–")
	}
}

func (a *audit) compareValue(t *tally, row valueRow) {
	r := a.of(t, "value", row.child, a.names.shown(row.item))
	if t == nil {
		r.extra()
		return
	}
	y, known := a.names.syms[row.item]
	i := slices.IndexFunc(t.child.values, func(v value) bool { return known && v.item == y })
	if i < 0 {
		r.extra()
		return
	}
	t.values++
	t.marks["value "+row.item] = true
	v := t.child.values[i]
	r.text("purpose", a.names.text(v.purpose), row.purpose)
	r.number("version", v.version, row.version)
	r.time("collected_at", v.collected, row.collected)
	r.time("expires_at", v.expires, row.expires)
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

// compareAges opens the birth dates of the children that were used, where there
// is a ring, and compares the classes that the uses told.
func (a *audit) compareAges(rows []childRow, found map[string]*tally) error {
	if a.ring == nil {
		return nil
	}
	var used []family.Child
	var reads []db.Read
	for _, row := range rows {
		if t := found[row.id]; t != nil && (t.child.childAt != 0 || t.child.grownAt != 0) {
			reads = append(reads, family.ReadChild(&used, family.ID(row.id)))
		}
	}
	if len(reads) == 0 {
		return nil
	}
	if err := a.tx.Together(a.ctx, reads...); err != nil {
		return err
	}
	for _, child := range used {
		t := found[string(child.ID)]
		r := t.at
		r.table = "child"
		birth, err := child.Birth(a.ring)
		if err != nil {
			r.found(FoundDamaged, "birth", "–", "–")
			continue
		}
		c := t.child
		if c.childAt != 0 && birth.ClassAt(moment(c.childAt)) != age.Child || c.grownAt != 0 && birth.ClassAt(moment(c.grownAt)) == age.Child {
			r.found(FoundAge, "birth", "–", "–")
		}
	}
	return nil
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
