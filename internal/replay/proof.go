package replay

import (
	"slices"
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/verification"
)

// A proof is what the ledger says is proved of a guardian, and in force.
type proof struct {
	guardian     uint8 // which of the child's
	kind, method sym
	strength     uint8
	at, expires  int64
}

// An attempt is a verification.
type attempt struct {
	id                      key
	guardian                uint8
	request, method, state  sym
	started, expires, until int64
	ended                   int64 // 0 while it waits
	seen                    []string
	first, behind           string
	endedVersion            int64
}

// proofEntry folds what is proved of a guardian. It rests on an attempt that
// succeeded in the same transaction; what was forced rests on a test service.
func (f *fold) proofEntry(p ledger.Placed, s source, c *child) fault {
	if p.Kind == family.KindProofExpired {
		b, x := body[family.ProofExpiredBody](p)
		if x != (fault{}) {
			return x
		}
		i := c.proofOf(f.names, b.Guardian, b.Kind)
		if i < 0 || c.proofs[i].expires == 0 || p.At.UnixMicro() < c.proofs[i].expires {
			return impossible(ruleProof)
		}
		c.proofs = slices.Delete(c.proofs, i, i+1)
		return fault{}
	}
	b, x := body[family.GuardianProvedBody](p)
	g := c.guardianNamed(b.Guardian)
	switch {
	case x != (fault{}):
		return x
	case g == nil || g.ended != 0:
		return impossible(ruleGuardian)
	case b.Strength < family.NameAndNumber || b.Strength > family.Document ||
		b.Kind != family.Adulthood && b.Kind != family.Guardianship:
		return fault{what: FoundBody, field: ruleProof}
	}
	at := p.At.UnixMicro()
	if b.HiddenBy != "" {
		if x := c.hides(g, b.HiddenBy, at); x != (fault{}) {
			return x
		}
	}
	is := proof{guardian: uint8(c.which(g.id)), kind: f.names.sym(string(b.Kind)), method: f.names.sym(string(b.Method)),
		strength: uint8(b.Strength), at: at, expires: b.Expires}
	x = f.restsOn(p, s, c, b, is)
	if i := c.proofOf(f.names, b.Guardian, b.Kind); i >= 0 {
		if was := c.proofs[i]; was.strength > is.strength && (was.expires == 0 || was.expires > at) && x == (fault{}) {
			x = impossible(ruleProof) // a stronger one stays
		}
		c.proofs[i] = is
	} else {
		c.proofs = add(c.proofs, is)
	}
	if x == (fault{}) && is.expires == 0 && b.Kind == family.Guardianship && f.names.text(g.relation) == string(family.Institution) {
		x = impossible(ruleProof) // edge case 10
	}
	return x
}

func (f *fold) restsOn(p ledger.Placed, s source, c *child, b family.GuardianProvedBody, is proof) fault {
	if b.Method == family.Played {
		if b.Verification != "" || !strings.HasPrefix(p.Actor, "app:") {
			return impossible(ruleActor)
		}
		if _, had := f.forced[p.Service]; !had {
			f.forced[p.Service] = s
		}
		return fault{}
	}
	a := c.attemptNamed(b.Verification)
	if a == nil || a.state != f.names.sym(string(verification.Succeeded)) || a.endedVersion != p.Version ||
		a.guardian != is.guardian || a.method != is.method || a.until != is.expires {
		return impossible(ruleAttempt)
	}
	return fault{}
}

// proofOf returns the number of a proof of the child, or -1.
func (c *child) proofOf(n *names, g family.GuardianID, kind family.ProofKind) int {
	k, _ := keyOf(id.Guardian, string(g))
	which := c.which(k)
	return slices.IndexFunc(c.proofs, func(p proof) bool { return int(p.guardian) == which && n.text(p.kind) == string(kind) })
}

// unprove ends all proofs of a guardian.
func (c *child) unprove(which int) {
	c.proofs = slices.DeleteFunc(c.proofs, func(p proof) bool { return int(p.guardian) == which })
}

// attemptEntry folds a step of an attempt. A document takes two of the staff who
// have both seen it (edge case 24).
func (f *fold) attemptEntry(p ledger.Placed, s source, c *child) fault {
	if p.Kind == verification.KindStarted {
		return f.started(p, c)
	}
	var name string
	var x fault
	var until int64
	var behind []string
	var inside approvals.Inside
	var seen verification.SeenBody
	state := verification.Succeeded
	switch p.Kind {
	case verification.KindFailed:
		var b verification.FailedBody
		b, x = body[verification.FailedBody](p)
		name, inside, state = b.Verification, b.Inside, verification.Failed
		if b.Why == verification.NotAsked {
			state = verification.Unavailable
		}
		if x == (fault{}) && (b.Why == verification.RefusedBy) != slices.Contains(verification.Flaws, b.Flaw) {
			x = fault{what: FoundBody, field: ruleAttempt}
		}
	case verification.KindApproved:
		var b verification.ApprovedBody
		b, x = body[verification.ApprovedBody](p)
		name, inside, until, behind = b.Verification, b.Inside, b.Until, b.Behind
	case verification.KindSeen:
		seen, x = body[verification.SeenBody](p)
		name, inside = seen.Verification, seen.Inside
	default:
		var b verification.AttemptBody
		b, x = body[verification.AttemptBody](p)
		name, inside = b.Verification, b.Inside
	}
	a := c.attemptNamed(name)
	switch {
	case x != (fault{}):
		return x
	case a == nil || a.ended != 0:
		return impossible(ruleAttempt)
	}
	var apart []key // who may not stand behind who has made the entry
	staff := staffOf(p)
	byStaff := staff != ""
	document := f.names.text(a.method) == string(family.ByDocument)
	switch p.Kind {
	case verification.KindSeen:
		if !document || !byStaff {
			return impossible(ruleActor)
		}
		if !slices.Contains(a.seen, staff) {
			a.seen = add(a.seen, f.names.text(f.names.sym(staff)))
		}
		if x = f.actedInside(p, s, inside, judging); x == (fault{}) && !strings.HasPrefix(p.Actor, "officer:") {
			f.inside.claims[len(f.inside.claims)-1].seen = &seen
		}
		return x
	case verification.KindApproved:
		x = a.decides(document, byStaff, staff)
		if x == (fault{}) && a.first != "" {
			x = impossible(ruleAttempt)
		}
		if x == (fault{}) && slices.ContainsFunc(behind, func(who string) bool { return who == staff || !id.Is(id.Staff, who) }) {
			x = fault{what: FoundBody, field: ruleAttempt}
		}
		a.first, a.behind, a.until = f.names.text(f.names.sym(staff)), strings.Join(behind, " "), until
		if x == (fault{}) {
			x = f.actedInside(p, s, inside, judging)
		}
		return x
	case verification.KindSucceeded:
		for _, who := range append(strings.Fields(a.behind), a.first) {
			if k, ok := keyOf(id.Staff, who); ok {
				apart = append(apart, k)
			}
		}
		if document {
			x = a.decides(document, byStaff, staff)
			if x == (fault{}) && (a.first == "" || a.first == staff || slices.Contains(strings.Fields(a.behind), staff)) {
				x = impossible(ruleActor)
			}
		}
		if p.At.UnixMicro() >= a.expires && x == (fault{}) {
			x = impossible(ruleExpiry)
		}
	}
	a.state, a.ended, a.endedVersion = f.names.sym(string(state)), p.At.UnixMicro(), p.Version
	if x == (fault{}) {
		x = f.actedInside(p, s, inside, judging, apart...)
	}
	return x
}

// judging is what the matrix lets those do who look at a document and say what it shows.
const judging = staff.JudgeEvidence

// decides checks that somebody of the staff who has seen the document decides.
func (a *attempt) decides(document, byStaff bool, staff string) fault {
	if !document || !byStaff || !slices.Contains(a.seen, staff) {
		return impossible(ruleActor)
	}
	return fault{}
}

func (f *fold) started(p ledger.Placed, c *child) fault {
	b, x := body[verification.StartedBody](p)
	k, ok := keyOf(id.Verification, b.Verification)
	g := c.guardianNamed(b.Guardian)
	switch {
	case x != (fault{}):
		return x
	case g == nil || g.ended != 0 || g.strength == 0:
		return impossible(ruleGuardian)
	case !ok || c.attemptNamed(b.Verification) != nil || b.Expires <= p.At.UnixMicro():
		return fault{what: FoundBody, field: ruleAttempt}
	case p.Actor != "guardian:"+string(b.Guardian):
		return impossible(ruleActor)
	}
	c.attempts = add(c.attempts, attempt{id: k, guardian: uint8(c.which(g.id)), request: f.names.sym(b.Request),
		method: f.names.sym(string(b.Method)), state: f.names.sym(string(verification.Started)),
		started: p.At.UnixMicro(), expires: b.Expires})
	return fault{}
}

func (c *child) attemptNamed(name string) *attempt {
	k, ok := keyOf(id.Verification, name)
	i := slices.IndexFunc(c.attempts, func(a attempt) bool { return a.id == k })
	if !ok || i < 0 {
		return nil
	}
	return &c.attempts[i]
}

// A proofRow and an attemptRow are rows of those tables.
type (
	proofRow struct {
		child, guardian, kind, method string
		strength, at, expires         int64
	}
	attemptRow struct {
		child, id, service, request, guardian, method, state, seen, first, behind string
		until, started, expires                                                   int64
	}
)

func scanProof(row db.Row) (p proofRow, err error) {
	var at, expires db.Time
	err = row.Scan(&p.child, &p.guardian, &p.kind, &p.method, &p.strength, &at, &expires)
	p.at, p.expires = fromDB(at), fromDB(expires)
	return p, err
}

func scanAttempt(row db.Row) (v attemptRow, err error) {
	var until, started, expires db.Time
	err = row.Scan(&v.child, &v.id, &v.service, &v.request, &v.guardian, &v.method, &v.state, &v.seen, &v.first, &v.behind, &until, &started, &expires)
	v.until, v.started, v.expires = fromDB(until), fromDB(started), fromDB(expires)
	return v, err
}

func (a *audit) compareProof(t *tally, row proofRow) {
	r := a.of(t, "proof", row.child, a.names.shown(row.guardian))
	if t == nil {
		r.extra()
		return
	}
	i := t.child.proofOf(a.names, family.GuardianID(row.guardian), family.ProofKind(row.kind))
	if i < 0 {
		r.extra()
		return
	}
	t.proofs++
	t.marks["proof "+row.guardian+" "+row.kind] = true
	p := t.child.proofs[i]
	r.text("method", a.names.text(p.method), row.method)
	r.number("strength", int64(p.strength), row.strength)
	r.time("at", p.at, row.at)
	r.time("expires_at", p.expires, row.expires)
}

// compareAttempt compares one that is there.
func (a *audit) compareAttempt(t *tally, row attemptRow) {
	r := a.of(t, "verification", row.child, a.names.shown(row.id))
	if t == nil {
		r.extra()
		return
	}
	v := t.child.attemptNamed(row.id)
	if v == nil {
		r.extra()
		return
	}
	t.marks[row.id] = true
	r.text("service", a.names.text(t.child.service), row.service)
	r.text("request", a.names.text(v.request), row.request)
	r.text("guardian", t.child.guardians[v.guardian].id.name(id.Guardian), row.guardian)
	r.text("method", a.names.text(v.method), row.method)
	r.text("state", a.names.text(v.state), row.state)
	r.text("seen", strings.Join(v.seen, " "), row.seen)
	r.text("first", v.first, row.first)
	r.text("behind", v.behind, row.behind)
	r.time("until", v.until, row.until)
	r.time("started_at", v.started, row.started)
	r.time("expires_at", v.expires, row.expires)
}

// compareProofs names what the ledger knows and the tables don't. A finished
// attempt may be gone: it was only kept to be counted.
func (a *audit) compareProofs(t *tally) {
	if t.proofs < len(t.child.proofs) {
		for _, p := range t.child.proofs {
			name := t.child.guardians[p.guardian].id.name(id.Guardian)
			if !t.marks["proof "+name+" "+a.names.text(p.kind)] {
				a.of(t, "proof", "", name).missing()
			}
		}
	}
	for _, v := range t.child.attempts {
		if name := v.id.name(id.Verification); v.ended == 0 && !t.marks[name] {
			a.of(t, "verification", "", name).missing()
		}
	}
}
