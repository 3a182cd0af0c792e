package approval_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A cabinet is a world in which somebody proposes charters, and others are in office.
type cabinet struct {
	*world
	engineer, deputy staff.Person
	next             *charter.Charter
}

func (w *world) cabinet() *cabinet {
	w.T.Helper()
	next, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
	if err != nil {
		w.T.Fatal(err)
	}
	k := &cabinet{world: w, engineer: w.hire("工程师", staff.Engineer), next: next}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		o, err := catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
		if err != nil {
			return err
		}
		g, err := staff.OfOffice(ctx, tx, service, o.ID)
		if err == nil {
			k.deputy, err = staff.Add(ctx, tx, terminal, "周远", g)
		}
		return err
	})
	return k
}

func (k *cabinet) propose(by staff.Person, c *charter.Charter) (number int64, err error) {
	err = k.Try(func(ctx context.Context, tx *db.Tx) error {
		touches, err := consent.Touched(ctx, tx, c.Service)
		if err != nil {
			return err
		}
		d, _, err := approval.ProposeCharter(ctx, tx, k.Ring, by, c, touches)
		number = d.Number
		return err
	})
	return number, err
}

func (k *cabinet) proposed(by staff.Person, c *charter.Charter) int64 {
	k.T.Helper()
	n, err := k.propose(by, c)
	if err != nil {
		k.T.Fatal(err)
	}
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		return catalogtest.Assess(ctx, tx, k.Ring, k.Officer, service, n)
	})
	return n
}

// changed is the charter that came into force first, changed.
func (k *cabinet) changed(change func(c *charter.Charter)) *charter.Charter {
	k.T.Helper()
	c, err := charter.Parse(k.Charter.Canonical())
	if err != nil {
		k.T.Fatal(err)
	}
	change(c)
	return c
}

// seen is what a page shows of a proposal.
func (k *cabinet) seen(number int64) (seen catalog.Seen) {
	k.T.Helper()
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		e, _, err := catalog.Text(ctx, tx, service, number)
		if err != nil {
			return err
		}
		s, err := catalog.Find(ctx, tx, service)
		seen = catalog.Seen{Hash: e.Hash, Against: s.Charter}
		return err
	})
	return seen
}

func (k *cabinet) approve(by staff.Person, number int64, seen catalog.Seen) error {
	return k.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := approval.ApproveCharter(ctx, tx, k.Ring, by, service, number, seen, "")
		return err
	})
}

func (k *cabinet) refuse(by staff.Person, number int64, words string) error {
	return k.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := approval.RefuseCharter(ctx, tx, k.Ring, by, service, number, words)
		return err
	})
}

func (k *cabinet) inForce() (number int64) {
	k.T.Helper()
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		s, err := catalog.Find(ctx, tx, service)
		number = s.Charter
		return err
	})
	return number
}

// kinds are the entries about the service itself with their actors, the newest last.
func (k *cabinet) kinds(n int) (all []string) {
	k.T.Helper()
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if strings.HasPrefix(p.Kind, "charter.") {
				who, _, _ := strings.Cut(p.Actor, ":")
				all = append(all, p.Kind+" "+who)
			}
			return nil
		})
	})
	return all[max(len(all)-n, 0):]
}

// Who has proposed a charter takes it back while nobody has decided: a person what is
// theirs, the terminal what was proposed there.
func TestArticle8_OnesOwnProposalIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		back := func(by staff.Person, number int64) error {
			return k.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := approval.TakeBackCharter(ctx, tx, k.Ring, by, service, number)
				return err
			})
		}
		atTerminal := func(number int64) error {
			return k.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := catalog.TakeBack(ctx, tx, k.Ring, catalog.Operator{ID: "another"}, service, number)
				return err
			})
		}
		first := k.proposed(k.engineer, k.next)
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"another in office": {back(k.deputy, first), catalog.ErrNotOwn}, "the terminal": {atTerminal(first), catalog.ErrNotOwn},
			"who may propose nothing": {back(k.worker, first), approval.ErrMayNot}, "none": {back(k.engineer, first+1), catalog.ErrNoDraft},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v", name, c.err)
			}
		}
		if err := back(k.engineer, first); err != nil {
			t.Fatal(err)
		}
		if err := k.approve(k.deputy, first, k.seen(first)); !errors.Is(err, catalog.ErrRefused) || k.inForce() != 1 {
			t.Errorf("what was taken back comes into force: %v", err)
		}
		if err := back(k.engineer, first); !errors.Is(err, catalog.ErrRefused) {
			t.Errorf("twice: %v", err)
		}
		var second int64
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			d, _, err := catalog.Propose(ctx, tx, k.Ring, terminal, k.next, nil) // the same may be proposed anew
			second = d.Number
			return err
		})
		if err := back(k.engineer, second); !errors.Is(err, catalog.ErrNotOwn) {
			t.Errorf("the terminal's: %v", err)
		}
		if err := atTerminal(second); err != nil {
			t.Error(err)
		}
		if got := k.kinds(4); !slices.Equal(got, []string{"charter.proposed staff", "charter.taken_back staff", "charter.proposed operator", "charter.taken_back operator"}) {
			t.Errorf("%v", got)
		}
	})
}

// Article 8: once somebody in office has an account, a charter comes into force by the
// approval of one who is, and hasn't proposed it, and by nothing else.
func TestArticle8_ACharterTakesTheApprovalOfAnotherInOffice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		for name, p := range map[string]staff.Person{"a worker": k.worker, "a manager": k.manager, "nobody": {}} {
			_, err := k.propose(p, k.next)
			wants(t, name+" proposes", err, approval.ErrMayNot)
		}
		n := k.proposed(k.engineer, k.next)
		seen := k.seen(n)
		for name, p := range map[string]staff.Person{"a worker": k.worker, "a manager": k.manager, "who proposed it, out of office": k.engineer, "nobody": {}} {
			wants(t, name+" approves", k.approve(p, n, seen), approval.ErrMayNot)
			wants(t, name+" refuses", k.refuse(p, n, "不"), approval.ErrMayNot)
		}
		err := k.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Publish(ctx, tx, k.Ring, k.Officer, service, n)
			return err
		})
		wants(t, "at the terminal, in the officer's name", err, catalog.ErrApproval)
		wants(t, "what nobody saw", k.approve(k.officer, n, catalog.Seen{Hash: strings.Repeat("0", 64), Against: seen.Against}), catalog.ErrMoved)
		wants(t, "compared with another", k.approve(k.officer, n, catalog.Seen{Hash: seen.Hash, Against: seen.Against + 1}), catalog.ErrMoved)
		if k.inForce() != 1 {
			t.Fatal("something came into force")
		}
		wants(t, "the officer", k.approve(k.officer, n, seen), nil)
		wants(t, "once more", k.approve(k.deputy, n, seen), catalog.ErrPublished)
		if got := strings.Join(k.kinds(2), ", "); got != "charter.approved staff, charter.published officer" || k.inForce() != n {
			t.Errorf("%s; in force is %d", got, k.inForce())
		}

		own := k.proposed(k.officer, k.Charter)
		wants(t, "one's own", k.approve(k.officer, own, k.seen(own)), catalog.ErrOwn)
		wants(t, "the deputy", k.approve(k.deputy, own, k.seen(own)), nil)

		late := k.proposed(k.engineer, k.next)
		k.leave(k.officer)
		wants(t, "who has left", k.approve(k.officer, late, k.seen(late)), approval.ErrMayNot)
		k.leave(k.deputy)
		err = k.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Publish(ctx, tx, k.Ring, k.Officer, service, late)
			return err
		})
		wants(t, "at the terminal, where nobody has an account any more", err, nil)
	})
}

// Article 8: who has made the link of who proposes may be both, and approves nothing of
// theirs until another has confirmed the person; nor once that person has left.
func TestArticle8_NobodyApprovesByASecondPersonOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		var second staff.Person
		k.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if second, err = staff.Add(ctx, tx, k.officer, "第二个", staff.Grant{Role: staff.Engineer, Service: service}); err == nil {
				_, _, err = signin.Door{Ring: k.Ring}.Invite(ctx, tx, k.officer, second.ID)
			}
			return err
		})
		n := k.proposed(second, k.next)
		wants(t, "who has made the link of who proposes", k.approve(k.officer, n, k.seen(n)), approval.ErrMaker)
		if k.inForce() != 1 {
			t.Fatal("it came into force")
		}
		k.Pass(25 * time.Hour) // the link is over
		err := k.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Confirm(ctx, tx, k.deputy, second.ID)
			return err
		})
		wants(t, "the deputy confirms", err, nil)
		wants(t, "who was confirmed since", k.approve(k.officer, n, k.seen(n)), nil)
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := signin.Door{Ring: k.Ring}.Invite(ctx, tx, k.officer, second.ID)
			return err
		})
		n = k.proposed(second, k.Charter)
		wants(t, "who has made another link since", k.approve(k.officer, n, k.seen(n)), approval.ErrMaker)
		wants(t, "who has made none", k.approve(k.deputy, n, k.seen(n)), nil)
		n = k.proposed(second, k.next)
		k.leave(second)
		wants(t, "who has made the link of who has left since", k.approve(k.officer, n, k.seen(n)), approval.ErrProposer)
		wants(t, "and refuses it", k.refuse(k.officer, n, "请重新提交"), nil)
	})
}

// Article 8: whose office ends meanwhile proposes nothing more by it.
func TestArticle8_AProposalTakesTheOfficeAtThatMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		propose := func(office catalog.Officer) error {
			return k.Try(func(ctx context.Context, tx *db.Tx) error {
				by := catalog.Colleague{Person: k.deputy.ID, Version: k.deputy.Version, Service: service, Office: office}
				_, _, err := catalog.Propose(ctx, tx, k.Ring, by, k.next, nil)
				return err
			})
		}
		var office catalog.Officer
		k.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if office, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy); err == nil {
				_, _, err = catalog.EndOffice(ctx, tx, terminal, service, office.ID)
			}
			return err
		})
		wants(t, "out of office", propose(office), catalog.ErrNotInOffice)
		wants(t, "by another role", propose(catalog.Officer{}), nil)
	})
}

// Whoever hands over to the deputy is told whose term has ended with it: of no other does
// the account follow.
func TestArticle8_TheOfficePassesToTheDeputyThatEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			deputy, err := catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
			if err != nil {
				return err
			}
			former, now, _, err := catalog.HandToDeputy(ctx, tx, k.Ring, k.Officer, service, []byte("%PDF-1.7 任命"))
			if former.ID != deputy.ID || former.EndedAt.IsZero() || now.ID == deputy.ID || now.Role != catalog.RoleOfficer || now.Name != deputy.Name {
				t.Errorf("%+v, %+v", former, now)
			}
			return err
		})
	})
}

// What comes into force is what was proposed: no change of the row passes, and what was
// refused isn't open again.
func TestArticle8_NoChangeOfAProposalPasses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		n := k.proposed(k.engineer, k.next)
		other := k.proposed(k.engineer, k.changed(func(c *charter.Charter) { c.Name.EN = "Another" }))
		exec := func(query string, args ...any) {
			t.Helper()
			k.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err })
		}
		for name, query := range map[string]string{
			"another text": `UPDATE charter SET canonical = (SELECT canonical FROM charter WHERE service = $1 AND number = $2), hash = (SELECT hash FROM charter WHERE service = $1 AND number = $2)
				WHERE service = $1 AND number = $3`,
			"proposed by somebody else": `UPDATE charter SET proposed_by = 'operator:cli' WHERE service = $1 AND number <> $2 AND number = $3`,
			"proposed at another time":  `UPDATE charter SET proposed_at = proposed_at - 1 WHERE service = $1 AND number <> $2 AND number = $3`,
			"touches nobody":            `UPDATE charter SET touches = 'account=0' WHERE service = $1 AND number <> $2 AND number = $3`,
			"another's mark": `UPDATE charter SET bound = (SELECT bound FROM charter WHERE service = $1 AND number = $2)
				WHERE service = $1 AND number = $3`,
		} {
			exec(`CREATE TABLE kept AS SELECT * FROM charter`)
			exec(query, service, other, n)
			wants(t, name, k.approve(k.officer, n, k.seen(n)), catalog.ErrForged)
			exec(`DELETE FROM charter`)
			exec(`INSERT INTO charter SELECT * FROM kept`)
			exec(`DROP TABLE kept`)
		}
		wants(t, "without a word", k.refuse(k.officer, n, ""), catalog.ErrWords)
		wants(t, "too many words", k.refuse(k.officer, n, strings.Repeat("长", 501)), catalog.ErrWords)
		wants(t, "refused", k.refuse(k.officer, n, "保存期限太长"), nil)
		wants(t, "refused again", k.refuse(k.deputy, n, "也不"), catalog.ErrRefused)
		wants(t, "approved after that", k.approve(k.deputy, n, k.seen(n)), catalog.ErrRefused)
		exec(`UPDATE charter SET refused_at = NULL WHERE service = $1 AND number = $2`, service, n)
		wants(t, "opened by hand", k.approve(k.deputy, n, k.seen(n)), catalog.ErrForged)
		if k.inForce() != 1 {
			t.Error("something came into force")
		}
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			words, err := catalog.Words(ctx, tx, k.Ring, service, n)
			if words != "保存期限太长" {
				t.Errorf("it says %q", words)
			}
			return err
		})
		if _, err := k.propose(k.engineer, k.next); err != nil {
			t.Errorf("what was refused is proposed anew: %v", err)
		}
	})
}

// Proposals touch whom they touch: the children of whom somebody had agreed to what
// changes, each once.
func TestArticle10_AProposalSaysWhomItTouches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		k.Child()
		n := k.proposed(k.engineer, k.next)
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			e, _, err := catalog.Text(ctx, tx, service, n)
			if err != nil {
				return err
			}
			if len(e.Touches) == 0 {
				t.Error("nobody")
			}
			for purpose, children := range e.Touches {
				if children != 2 {
					t.Errorf("%s: %d children", purpose, children)
				}
			}
			plan, err := catalog.Plan(ctx, tx, k.next)
			if len(plan.Material) < len(e.Touches) {
				t.Errorf("%v of %v", e.Touches, plan.Material)
			}
			return err
		})
	})
}

// Who floods a service with proposals keeps nobody else out for long: there are so many.
func TestArticle8_ProposalsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.cabinet()
		var err error
		made := 0
		for i := range 30 {
			c := k.changed(func(c *charter.Charter) { c.Name.EN = "A name " + strings.Repeat("x", i+1) })
			if _, err = k.propose(k.engineer, c); err != nil {
				break
			}
			made++
		}
		wants(t, "one too many", err, catalog.ErrMany)
		if made != 20 {
			t.Errorf("%d proposals", made)
		}
	})
}
