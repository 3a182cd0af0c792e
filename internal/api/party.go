package api

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/signature"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// ErrQuota tells a party that it wants too much, and to wait. The gate's reasons are with it.
var ErrQuota = errs.New(errs.TooMany, "api.party_quota")

// spare is how long a nonce is kept beyond the window of its signature: as far as the clocks
// of two nodes may be apart.
const spare = 10 * time.Minute

// admitParty finds out which party asks: it has signed the request (RFC 9421), and nobody but
// it has the key. Who asks without a good signature is counted by address, as with a wrong key
// of an app, has no body read, and learns nothing of who is known here.
func (s *Server) admitParty(r *http.Request, w http.ResponseWriter, c *call, now time.Time) error {
	signed, err := s.verified(r, c)
	if err != nil {
		return errors.Join(s.limits.addresses.limit(w.Header(), "address", s.limits.address(r), now), err)
	}
	// It is somebody else's machine: what it asks, and is denied, is written down each time.
	if err := s.limits.parties.limit(w.Header(), "party", asked(c.party), now); err != nil {
		return err
	}
	if err := c.read(w, r); err != nil {
		return err
	}
	// The body is the one that was signed: its digest was. A request that was changed on its way
	// spends no nonce, so the right one is still good.
	if len(c.body) > 0 || signed.Covers("content-digest") {
		if !signed.Covers("content-digest") {
			return signature.ErrUncovered.At("content-digest")
		}
		if err := signature.Digest(r.Header, c.body); err != nil {
			return err
		}
	}
	return s.Store.Update(r.Context(), func(tx *db.Tx) error {
		is, err := party.Admit(r.Context(), tx, c.party.Key.ID, signed.Nonce, signed.Created.Add(signature.Window+spare), c.route.Late)
		if err == nil {
			c.party = is // else it may run again, and wants to know whom
		}
		return err
	})
}

// asked is by what the requests of a party are counted: by all of its keys together.
func asked(by party.Client) string {
	of := by.Key.Party
	return of.Service + " " + string(of.Role) + " " + of.Name
}

// nobodys is a public key that a signature is compared with where its key isn't known: so it
// takes as long.
var nobodys = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)

// verified returns the signature of a request, and sets whose it is.
func (s *Server) verified(r *http.Request, c *call) (signed signature.Signature, err error) {
	if signed, err = signature.Read(r, s.Store.Now()); err != nil {
		return signed, err
	}
	var who party.Client
	err = s.Store.View(r.Context(), func(tx *db.Tx) (err error) {
		who, err = party.ClientOf(r.Context(), tx, signed.Key)
		return err
	})
	public := ed25519.PublicKey(who.Public)
	if errors.Is(err, party.ErrKeyNotFound) {
		public, err = nobodys, nil
	}
	if err != nil {
		return signed, err
	}
	if err := signed.Verify(r, &s.at, public); err != nil {
		return signed, err
	}
	if who.Key.ID == "" {
		return signed, signature.ErrWrong // somebody has the key of nobody
	}
	c.party = who
	return signed, nil
}

// again looks once more, in the transaction that acts or answers, whether the party may still
// ask: between its admission and this an agreement may have come to its last second.
func (s *Server) again(ctx context.Context, tx *db.Tx, c *call) error {
	is, err := party.Again(ctx, tx, c.party.Key.ID, c.route.Late)
	if err == nil {
		c.party = is // else the transaction may run again, and wants to know whom
	}
	return err
}

// viewParty runs fn in a transaction that only reads, for a party that may still ask in it.
func (s *Server) viewParty(ctx context.Context, c *call, fn func(tx *db.Tx) error) error {
	return s.Store.View(ctx, func(tx *db.Tx) error {
		if err := s.again(ctx, tx, c); err != nil {
			return err
		}
		return fn(tx)
	})
}

// wanted says how a request of the route is to be signed (RFC 9421, section 5).
func (c *call) wanted() string {
	cover := []string{`"@method"`, `"@target-uri"`}
	if c.route.Body {
		cover = append(cover, `"content-digest"`)
	}
	if c.route.Once && c.header("Idempotency-Key") != "" {
		cover = append(cover, `"idempotency-key"`)
	}
	return signature.Tag + "=(" + strings.Join(cover, " ") + `);created;nonce;keyid;alg="` + signature.Algorithm + `";tag="` + signature.Tag + `"`
}

// partyStanding says how the party stands that asks, and by what.
func partyStanding(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.PartyStanding], error) {
	var out answer[wardkeep.PartyStanding]
	err := s.viewParty(ctx, c, func(tx *db.Tx) error {
		is := c.party.Standing
		paper := is.Paper()
		out.Body = wardkeep.PartyStanding{
			Service: is.Service, Role: string(is.Role), Party: is.Name, State: string(is.State(tx.Now())),
			Key: c.party.Key.ID, KeyUntil: c.party.Until, Paper: paper.ID, From: paper.From, Until: paper.Until,
			AssessedUntil: is.Assessment.Until, EndsAt: is.EndsAt, Scope: paper.Scope,
		}
		had, err := party.ReadMeter(ctx, tx, c.party.Key.Party)
		limits := s.Vault.Pulls.OrDefault()
		out.Body.Quota = wardkeep.PartyQuota{PerHour: limits.PerHour, LeftThisHour: max(0, limits.PerHour-had.InHour), PerDay: limits.PerDay, LeftToday: max(0, limits.PerDay-had.InDay)}
		return err
	})
	return out, err
}

type partyReadInput struct{ Body wardkeep.Reading }

// partyRead releases to a party what it asks for. Its answer holds values, so it is kept
// nowhere; it leaves after the commit of what records it (Invariant 2).
func partyRead(s *Server, ctx context.Context, c *call, in *partyReadInput) (answer[wardkeep.Values], error) {
	var out answer[wardkeep.Values]
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		out = answer[wardkeep.Values]{} // it may run again
		if err := s.again(ctx, tx, c); err != nil {
			return err
		}
		child, err := party.ChildBy(ctx, tx, s.Ring, c.party.Key.Party, c.param("handle"))
		if err != nil {
			return err
		}
		opened, err := s.Vault.Pull(ctx, tx, c.party, child, in.Body.Purpose, in.Body.Items)
		if err != nil {
			return s.overQuota(c, err)
		}
		out.Body, out.Entry = wardkeep.Values{Values: shown(opened.Values)}, opened.Entry
		return nil
	})
	return out, err
}

// overQuota says so of a denial that is one, and when it is worth to ask again. What was
// recorded stays so.
func (s *Server) overQuota(c *call, err error) error {
	denied, ok := errors.AsType[*gate.Denied](err)
	if !ok || !gate.OverQuota(denied.Reasons) {
		return err
	}
	now := s.Store.Now().In(age.Zone)
	next := now.Truncate(time.Hour).Add(time.Hour)
	if slices.ContainsFunc(denied.Reasons, func(r gate.Denial) bool { return r.Code == "gate.pull_day" }) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, age.Zone)
	}
	c.w.Header().Set("Retry-After", strconv.FormatInt(int64(next.Sub(now)/time.Second)+1, 10))
	return db.Recorded(errors.Join(ErrQuota, denied))
}

type pushInput struct{ Body wardkeep.Push }

// push gives values to a party that can't ask by itself. They leave later, and sealed: the
// answer holds none.
func push(s *Server, ctx context.Context, c *call, in *pushInput) (answer[wardkeep.Pushed], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Pushed], err error) {
		child, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return out, err
		}
		of := party.ID{Service: c.app.Service, Role: party.Role(in.Body.Role), Name: in.Body.Party}
		p, err := s.Vault.Push(ctx, tx, c.by, of, child, in.Body.Purpose, in.Body.Items)
		if err != nil {
			return out, s.overQuota(c, err)
		}
		// Who nothing is sent to is told so at once; nothing was recorded then, or counted.
		takes, err := webhook.Takes(ctx, tx, of.Service, of.Name)
		if err == nil && !takes {
			err = comes(ctx, tx, of)
		}
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Pushed]{Body: wardkeep.Pushed{Bundle: p.Bundle, Handle: p.Handle, Until: p.Until}, Entry: p.Entry}, nil
	})
}

// comes refuses a party that has nobody who could come for what is pushed to it.
func comes(ctx context.Context, tx *db.Tx, of party.ID) error {
	is, err := party.Find(ctx, tx, of)
	if err != nil {
		return err
	}
	if may, err := party.Comes(ctx, tx, is.Standing); may || err != nil {
		return err
	}
	return webhook.ErrNoTaker
}

// partyBundles lists what was pushed to the party and waits for it: no value, and nothing by
// which anybody else knows the child.
func partyBundles(s *Server, ctx context.Context, c *call, in *pageInput) (answer[wardkeep.PartyBundles], error) {
	out := answer[wardkeep.PartyBundles]{Body: wardkeep.PartyBundles{Bundles: []wardkeep.PartyBundle{}}}
	err := s.viewParty(ctx, c, func(tx *db.Tx) error {
		of, limit := c.party.Key.Party, in.most()
		all, err := vault.BundlesOf(ctx, tx, of) // vault.MaxWaiting at most
		if err != nil {
			return err
		}
		if in.After != "" {
			if !id.Is(id.Bundle, in.After) {
				return ErrAfter.At("after")
			}
			// One that was taken since, or whose time is over, is behind nothing: what waits still
			// begins the list.
			all = all[1+slices.IndexFunc(all, func(b vault.Bundle) bool { return b.ID == in.After }):]
		}
		if len(all) > limit {
			all = all[:limit]
			out.Body.Next = all[limit-1].ID
		}
		for _, b := range all {
			out.Body.Bundles = append(out.Body.Bundles, wardkeep.PartyBundle{ID: b.ID, Child: party.HandleOf(s.Ring, of, b.Child), Purpose: b.Purpose, Items: b.Items,
				Key: b.Key, SealedAt: b.PushedAt, Until: b.UntilAt})
		}
		return nil
	})
	return out, err
}

// partyBundle gives the party a bundle that waits for it, in the envelope in which a webhook
// would have got it. It leaves after the commit of what records it (Invariant 2).
func partyBundle(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.SealedBundle], error) {
	var got vault.Sending
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		if err := s.again(ctx, tx, c); err != nil {
			return err
		}
		var err error
		got, err = s.Vault.Fetch(ctx, tx, c.party, c.param("bundle"))
		return err
	})
	if err != nil {
		return answer[wardkeep.SealedBundle]{}, err
	}
	return answer[wardkeep.SealedBundle]{Body: webhook.Envelope(got)}, nil
}

// partyTook ends a bundle of which the party says that it has it.
func partyTook(s *Server, ctx context.Context, c *call, _ *nothing) (answer[none], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[none], err error) {
		return out, s.Vault.Take(ctx, tx, c.party, c.param("bundle"))
	})
}

type introduceInput struct{ Body wardkeep.Introduction }

// introduce tells the app by which handle a party asks for something of a child.
func introduce(s *Server, ctx context.Context, c *call, in *introduceInput) (answer[wardkeep.Handle], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Handle], err error) {
		child, err := s.child(ctx, tx, c)
		if err != nil {
			return out, err
		}
		of := party.ID{Service: c.app.Service, Role: party.Role(in.Body.Role), Name: in.Body.Party}
		out.Body.Handle, err = party.Introduce(ctx, tx, s.Ring, of, child)
		return out, err
	})
}
