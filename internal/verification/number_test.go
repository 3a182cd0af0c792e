package verification_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

func TestEdgeCase24_NameAndNumberProveAdulthoodAndAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		if err := w.number(s, strings.ToLower(adult)); err != nil {
			t.Fatal(err)
		}
		w.strengths(s, family.NameAndNumber, family.NameAndNumber)
		if q := w.asked[0]; q.Type != verification.QuestionMatch || q.Number.Reveal() != adult || q.Name.Reveal() != "王芳" || q.Nonce != "" {
			t.Errorf("asked %q", q.Type)
		}
		// Two proofs: this one says that she is grown up, and nothing else.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			proofs, err := family.Proofs(ctx, tx, c.ID)
			if err != nil || len(proofs) != 1 || proofs[0].Kind != family.Adulthood || proofs[0].Method != family.ByNumber {
				t.Errorf("%+v, %v", proofs, err)
				return err
			}
			child, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
			if err != nil {
				return err
			}
			ref, err := proofs[0].Reference(w.Ring, child)
			if ref != "ref-1" {
				t.Errorf("the reference is %q", ref)
			}
			return err
		})
		w.silent(adult, "王芳", "ref-1")
	})
}

func TestEdgeCase24_WhoComesBackTypesTheNumberAndNobodyIsAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		if err := w.number(s, adult); err != nil {
			t.Fatal(err)
		}
		// A code alone, by whoever holds the phone now, is a code.
		w.code(&s)
		w.strengths(s, family.NameAndNumber, family.OneTimeCode)
		w.refused(w.number(s, another), verification.ErrNoMatch)
		w.strengths(s, family.NameAndNumber, family.OneTimeCode)
		if err := w.number(s, adult); err != nil {
			t.Fatal(err)
		}
		w.strengths(s, family.NameAndNumber, family.NameAndNumber)
		if len(w.asked) != 1 {
			t.Errorf("the provider was asked %d times", len(w.asked))
		}
		// Half an hour, as any proof in a browser.
		w.Pass(consent.ProofLife)
		w.refused(w.number(s, adult), consent.ErrVerified)
	})
}

func TestEdgeCase24_OneNumberIsOnePersonOfAChild(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.family()
		father := w.add(c, family.Person{Phone: pii.New("13900000002"), Relation: family.Parent})
		if err := w.number(w.sit(c, mother), adult); err != nil {
			t.Fatal(err)
		}
		s := w.sit(c, father)
		w.refused(w.number(s, adult), verification.ErrNoMatch)
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		if err := w.number(s, another); err != nil {
			t.Fatal(err)
		}
		// Of another child she is the same person, and nothing leads from one to the other.
		sibling, again := w.family()
		if err := w.number(w.sit(sibling, again), adult); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEdgeCase24_AChildCantBeItsOwnGuardian(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		now := w.Store.Now()
		young := number(now.AddDate(-18, 0, 2).Format(time.DateOnly), 7)
		for bad, want := range map[string]error{
			young: verification.ErrMinor,
			number(now.Format(time.DateOnly)[:4]+"-13-01", 1): verification.ErrNumber,
			adult[:17] + "?":         verification.ErrNumber,
			"":                       verification.ErrNumber,
			strings.Repeat("1", 200): verification.ErrNumber,
			adult[:16] + string('0'+(adult[16]-'0'+1)%10) + adult[17:]: verification.ErrNumber,
		} {
			w.refused(w.number(s, bad), want)
		}
		if n := w.count("verification", c.ID); n != 0 || len(w.asked) != 0 {
			t.Errorf("%d attempts, %d questions", n, len(w.asked))
		}
		if err := w.number(s, number(now.AddDate(-18, 0, -2).Format(time.DateOnly), 7)); err != nil {
			t.Error(err)
		}
	})
}

func TestEdgeCase24_TriesAreCountedPerGuardianAndPerContact(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		w.said.Result = verification.ResultNoMatch
		s := w.sit(c, g)
		for range 5 {
			w.refused(w.number(s, adult), verification.ErrNoMatch)
		}
		w.refused(w.number(s, adult), verification.ErrTries)
		// The phone has ten, whosever children they are.
		sibling, same := w.family()
		s2 := w.sit(sibling, same)
		for range 5 {
			w.refused(w.number(s2, adult), verification.ErrNoMatch)
		}
		third, other := w.family()
		s3 := w.sit(third, other)
		w.refused(w.number(s3, adult), verification.ErrTries)
		w.said.Result = verification.ResultMatch
		w.sweep()
		w.refused(w.number(s3, adult), verification.ErrTries)
	})
}

func TestEdgeCase24_AProviderThatIsAwayCostsNoTry(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		w.down = true
		for range 7 {
			w.refused(w.number(s, adult), verification.ErrProvider)
		}
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		w.down = false
		if err := w.number(s, adult); err != nil {
			t.Error(err)
		}
	})
}

// A crash while the provider is asked: the try is used, nothing is proved, and a
// late answer changes nothing.
func TestEdgeCase24_ALateAnswerProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		var check verification.Check
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			check, err = w.desk.StartNumber(ctx, tx, s.request, s.proof, verification.Identity{Name: pii.New("王芳"), Number: pii.New(adult)})
			return err
		})
		w.Pass(3 * time.Minute)
		finish := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.desk.FinishNumber(ctx, tx, check, w.said, nil)
				return err
			})
		}
		w.refused(finish(), verification.ErrEnded)
		if done := w.sweep(); done.Attempts != 1 {
			t.Errorf("%+v", done)
		}
		w.refused(finish(), verification.ErrEnded)
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		w.Pass(25 * time.Hour)
		if w.sweep(); w.count("verification", c.ID) != 0 {
			t.Error("the attempt is kept longer than it is counted")
		}
	})
}

// The whole of it: what leaves the operator needs more than a code, and has it.
func TestEdgeCase24_AStrongerProofOpensWhatACodeDoesNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		disclose := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				u := gate.Use{Service: vaulttest.Service, Child: c.ID, Activity: charter.Disclose, Purpose: "class-ranking", Items: []string{"nickname"}, Party: "class"}
				_, err := w.Vault.Open(ctx, tx, w.By(), u, nil)
				return err
			})
		}
		answer := func(s seat) []consent.Answer {
			var given []consent.Answer
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				by, err := w.Desk.Guardian(ctx, tx, s.request, s.proof)
				if err != nil {
					return err
				}
				yes := map[string]bool{}
				for _, p := range s.request.Purposes {
					yes[p] = true
				}
				r, _, err := w.Desk.ShowPage(ctx, tx, s.request, "<p>a page with questions</p>")
				if err != nil {
					return err
				}
				given, err = w.Desk.Give(ctx, tx, by, r, r.Shown, yes)
				return err
			})
			return given
		}
		if n := consent.Needed(w.Charter, "class-ranking"); n != family.NameAndNumber {
			t.Errorf("class-ranking needs %d", n)
		}
		if n := consent.Needed(w.Charter, "account"); n != family.OneTimeCode {
			t.Errorf("account needs %d", n)
		}
		answer(w.sit(c, g, "class-ranking"))
		if err := disclose(); err == nil || !strings.Contains(err.Error(), "gate.verification_too_weak") {
			t.Errorf("with a code: %v", err)
		}
		force := g
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			force, err = family.FindGuardian(ctx, tx, c.ID, g.ID)
			return err
		})
		s := w.sit(c, force, "class-ranking")
		if err := w.number(s, adult); err != nil {
			t.Fatal(err)
		}
		if given := answer(s); given[0].Strength != family.NameAndNumber {
			t.Errorf("recorded with strength %d", given[0].Strength)
		}
		if err := disclose(); err != nil {
			t.Errorf("with name and number: %v", err)
		}
		// Taken back, it carries nothing, and the number must be asked about anew.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
			if err != nil {
				return err
			}
			_, _, err = w.Desk.Unverify(ctx, tx, catalog.Operator{ID: "cli"}, child, g.ID)
			return err
		})
		if w.count("proof", c.ID) != 0 || disclose() == nil {
			t.Error("a proof that was taken back is used")
		}
	})
}
