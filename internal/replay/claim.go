package replay

import (
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
)

// A claim is what the ledger says of one that a child is older than was said.
type claim struct {
	id            key
	by            string // "officer:st_…"
	paper         rights.Paper
	made, expires int64
}

// claims folds that one of the staff has seen a document, and that nothing came of it.
func (f *fold) claims(p ledger.Placed, c *child) fault {
	at := p.At.UnixMicro()
	if p.Kind == rights.KindClaimed {
		b, x := body[rights.ClaimedBody](p)
		k, ok := keyOf(id.BirthClaim, b.Claim)
		switch {
		case x != (fault{}):
			return x
		case !ok || c.claim != (claim{}) || b.Expires <= at:
			return impossible(ruleClaim)
		case !strings.HasPrefix(p.Actor, "officer:"):
			return impossible(ruleActor)
		}
		c.claim = claim{k, p.Actor, b.Paper, at, b.Expires}
		return fault{}
	}
	b, x := body[rights.ClaimEndedBody](p)
	switch k, ok := keyOf(id.BirthClaim, b.Claim); {
	case x != (fault{}):
		return x
	case !ok || c.claim.id != k, p.Kind == rights.KindClaimExpired && at < c.claim.expires:
		return impossible(ruleClaim)
	case p.Kind == rights.KindClaimRefused && !strings.HasPrefix(p.Actor, "officer:"):
		return impossible(ruleActor)
	}
	c.claim = claim{}
	return fault{}
}

// claimed judges a correction: one by a document rests on a claim that waited, and is
// by another person than that (edge case 3).
func (c *child) claimed(p ledger.Placed, b family.CorrectedBody) fault {
	if (b.Source == family.FromDocument) != (b.Claim != "") {
		return fault{what: FoundBody, field: p.Kind}
	}
	if b.Claim == "" {
		return fault{}
	}
	k, ok := keyOf(id.BirthClaim, b.Claim)
	switch {
	case !ok || c.claim.id != k || p.At.UnixMicro() >= c.claim.expires:
		return impossible(ruleClaim)
	case !strings.HasPrefix(p.Actor, "officer:") || p.Actor == c.claim.by:
		return impossible(ruleActor)
	}
	c.claim = claim{}
	return fault{}
}

// compareClaim compares a row of birth_claim.
func (a *audit) compareClaim(t *tally, row rights.Claim) {
	r := a.of(t, "birth_claim", string(row.Child), a.names.shown(row.ID))
	if t == nil || t.child.claim == (claim{}) || t.child.claim.id.name(id.BirthClaim) != row.ID {
		r.extra()
		return
	}
	c := t.child.claim
	t.marks[row.ID] = true
	r.text("service", a.names.text(t.child.service), row.Service)
	r.text("claimed_by", strings.TrimPrefix(c.by, "officer:"), row.By)
	r.text("paper", string(c.paper), string(row.Paper))
	r.time("claimed_at", c.made, micros(row.ClaimedAt))
	r.time("expires_at", c.expires, micros(row.ExpiresAt))
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "birth, number", "–", "–")
	}
}

// compareClaims names the claim that the ledger knows and the table doesn't.
func (a *audit) compareClaims(t *tally) {
	if c := t.child.claim; c != (claim{}) {
		if name := c.id.name(id.BirthClaim); !t.marks[name] {
			a.of(t, "birth_claim", "", name).missing()
		}
	}
}
