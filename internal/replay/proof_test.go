package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

// ways are how a guardian of the player tries to prove who it is.
var ways = []string{"number", "wrong", "away", "official", "document", "refused", "waits", "forced"}

// provider answers every question as it was made to.
type provider struct {
	reply verification.Reply
	err   error
	nonce *string
}

func (p provider) Ask(_ context.Context, q verification.Question) (verification.Reply, error) {
	*p.nonce = q.Nonce
	return p.reply, p.err
}

func (p provider) Signed(http.Header, []byte, time.Time) bool { return true }

// page is the least that is taken for a page of a document.
const page = "%PDF-1.7"

// prove lets a guardian try it.
func (s *story) prove(g family.Guardian, way string) error {
	if way == "forced" {
		return s.force(g)
	}
	r, proof, err := s.sits(g)
	if err != nil {
		return err
	}
	nonce := ""
	p := provider{reply: verification.Reply{Result: "match", Reference: "r", URL: "https://id.example/"}, nonce: &nonce}
	switch way {
	case "wrong":
		p.reply.Result = "no_match"
	case "away":
		p.err = verification.ErrProvider
	}
	desk := verification.Desk{Consent: s.Desk, Number: p, Official: p, Documents: true, Hosts: []string{"id.example"}}
	switch way {
	case "official":
		return s.visits(desk, r, proof, &nonce)
	case "document", "refused", "waits":
		return s.uploads(desk, r, proof, way)
	}
	var check verification.Check
	err = s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		check, err = desk.StartNumber(ctx, tx, r, proof, verification.Identity{Name: pii.New("王芳"), Number: pii.New("11010519491231002X")})
		return err
	})
	if err == nil && check.Open() {
		reply, asked := desk.Ask(context.Background(), check)
		err = s.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := desk.FinishNumber(ctx, tx, check, reply, asked)
			return err
		})
	}
	if errors.Is(err, verification.ErrNoMatch) || errors.Is(err, verification.ErrProvider) {
		return nil
	}
	return err
}

// sits opens a request of the guardian's and types its code.
func (s *story) sits(g family.Guardian) (r consent.Request, proof string, err error) {
	if r, err = s.asks(g, "account"); err != nil {
		return r, "", err
	}
	var code consent.OneTime
	for _, step := range []func(ctx context.Context, tx *db.Tx) error{
		func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, _, err = s.Desk.Open(ctx, tx, r, "en", consent.OnPage)
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			code, err = s.Desk.SendCode(ctx, tx, r)
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			r, proof, _, err = s.Desk.VerifyCode(ctx, tx, r, code.Code)
			return err
		},
	} {
		if err := s.Try(step); err != nil {
			return r, "", err
		}
	}
	return r, proof, nil
}

func (s *story) visits(desk verification.Desk, r consent.Request, proof string, nonce *string) error {
	var v verification.Visit
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = desk.StartOfficial(ctx, tx, r, proof)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := desk.Begin(context.Background(), v); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"type": "identity.result", "verification": v.ID, "nonce": *nonce, "result": "match", "adult": true, "subject": "op"})
	if err != nil {
		return err
	}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := desk.Report(ctx, tx, nil, body)
		return err
	})
}

func (s *story) uploads(desk verification.Desk, r consent.Request, proof, way string) error {
	var a verification.Attempt
	var staff []catalog.Officer
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		if staff, err = catalog.InOffice(ctx, tx, service); err != nil {
			return err
		}
		a, err = desk.SendDocument(ctx, tx, r, proof, verification.Upload{Number: pii.New("11010519491231002X"), Pages: []pii.Text{pii.New(page)}})
		return err
	})
	if err != nil {
		return err
	}
	until := s.Store.Now().Add(300 * 24 * time.Hour).Truncate(time.Hour).UTC()
	for _, by := range staff {
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := desk.Show(ctx, tx, by, a.ID)
			return err
		})
		if err != nil {
			return err
		}
		err = s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
			if way == "refused" {
				_, _, err = desk.Refuse(ctx, tx, by, a.ID, verification.Unreadable)
			} else {
				_, _, err = desk.Approve(ctx, tx, by, a.ID, until)
			}
			return err
		})
		if err != nil || way != "document" {
			return err
		}
	}
	return nil
}

func (s *story) force(g family.Guardian) error {
	r, err := s.asks(g, "account")
	if err != nil {
		return err
	}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := s.Desk.ForceAt(ctx, tx, s.App, r, consent.ForceGranted, family.Document)
		return err
	})
}

// Nobody writes a proof that no attempt found out, nor decides about a document
// alone (edge case 24).
func TestInvariant7_ForgedProofsAreFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		lan := s.guardians(s.lan.ID)[0]
		var waits verification.Attempt
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := verification.Waiting(ctx, tx, s.Officer, 10)
			if len(all) == 1 {
				waits = all[0]
			}
			return err
		})
		if waits.First == "" {
			t.Fatalf("%+v", waits)
		}
		proved := func(change func(b *family.GuardianProvedBody)) {
			b := family.GuardianProvedBody{Guardian: lan.ID, Kind: family.Adulthood, Method: family.ByDocument, Strength: family.Document, Verification: waits.ID}
			change(&b)
			s.forge(s.lan, 1, family.KindGuardianProved, s.Officer.Ledger(), b)
		}
		for name, x := range map[string]struct {
			found string
			by    func()
		}{
			"a proof of an attempt that waits": {"impossible verification", func() { proved(func(*family.GuardianProvedBody) {}) }},
			"a proof of no attempt":            {"impossible verification", func() { proved(func(b *family.GuardianProvedBody) { b.Verification = "" }) }},
			"a proof that was played":          {"impossible actor", func() { proved(func(b *family.GuardianProvedBody) { b.Method, b.Verification = family.Played, "" }) }},
			"a proof of a stranger": {"impossible guardian", func() {
				proved(func(b *family.GuardianProvedBody) { b.Guardian = family.GuardianID(id.New(id.Guardian)) })
			}},
			"a proof of something else": {"body proof", func() { proved(func(b *family.GuardianProvedBody) { b.Kind = "wealth" }) }},
			"the first of two decides alone": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, "officer:"+waits.First, verification.AttemptBody{Verification: waits.ID})
			}},
			"who hasn't seen it decides": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, "officer:"+id.New(id.Staff), verification.AttemptBody{Verification: waits.ID})
			}},
			"who hasn't seen it decides, inside": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, "staff:"+id.New(id.Staff), verification.AttemptBody{Verification: waits.ID})
			}},
			"who stood behind the first decides": {"impossible actor", func() {
				is, first, other := id.New(id.Verification), "officer:"+waits.First, id.New(id.Staff)
				s.forge(s.lan, 1, verification.KindStarted, lan.Ledger(), verification.StartedBody{Verification: is, Request: waits.Request,
					Guardian: lan.ID, Method: family.ByDocument, Expires: s.Store.Now().Add(time.Hour).UnixMicro()})
				s.forge(s.lan, 2, verification.KindSeen, first, verification.AttemptBody{Verification: is})
				s.forge(s.lan, 3, verification.KindSeen, "staff:"+other, verification.AttemptBody{Verification: is})
				s.forge(s.lan, 4, verification.KindApproved, first, verification.ApprovedBody{Verification: is, Behind: []string{other}})
				s.forge(s.lan, 5, verification.KindSucceeded, "staff:"+other, verification.AttemptBody{Verification: is})
			}},
			"a refusal that says nothing": {"body verification", func() {
				s.forge(s.lan, 1, verification.KindFailed, "officer:"+waits.First, verification.FailedBody{Verification: waits.ID, Why: verification.RefusedBy})
			}},
			"an app decides": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, s.App.Ledger(), verification.AttemptBody{Verification: waits.ID})
			}},
			"an attempt of nobody succeeds": {"impossible verification", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, "system:x", verification.AttemptBody{Verification: id.New(id.Verification)})
			}},
			"an attempt that another began": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindStarted, s.App.Ledger(), verification.StartedBody{Verification: id.New(id.Verification),
					Guardian: lan.ID, Method: family.ByNumber, Expires: s.Store.Now().Add(time.Hour).UnixMicro()})
			}},
			"a proof that ran out early": {"impossible proof", func() {
				s.forge(s.lan, 1, family.KindProofExpired, "system:retention", family.ProofExpiredBody{Guardian: lan.ID, Kind: family.Adulthood})
			}},
		} {
			forgery(t, name, s.once(t, x.by), x.found)
		}
	})
}
