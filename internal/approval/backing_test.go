package approval_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// Whoever makes a second person, or has the link of one, may play both: so who decides was
// not made by who asks, nor has from them alone the role to decide, nor has made who asks,
// nor were both made by one, until another who may has confirmed it.
func TestArticle15_NobodyDecidesByASecondPersonOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		door := signin.Door{Ring: w.Ring}
		manager, worker := staff.Grant{Role: staff.Manager, Service: service}, staff.Grant{Role: staff.Worker, Service: service}
		var office string
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			o, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "周远", "zhou@example.com")
			office = o.ID
			return err
		})
		deputy := w.inOffice(office, "周远")
		does := func(what string, want error, fn func(ctx context.Context, tx *db.Tx) error) {
			t.Helper()
			if err := w.Try(fn); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		invites := func(by staff.Actor, name string, g staff.Grant) (p staff.Person) {
			does("inviting", nil, func(ctx context.Context, tx *db.Tx) (err error) {
				if p, err = staff.Add(ctx, tx, by, name, g); err == nil {
					_, _, err = door.Invite(ctx, tx, by, p.ID)
				}
				return err
			})
			return p
		}
		resets := func(by staff.Actor, p staff.Person) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error { _, _, err := door.Reset(ctx, tx, by, p.ID); return err }
		}
		confirms := func(by staff.Actor, p staff.Person) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error { _, err := staff.Confirm(ctx, tx, by, p.ID); return err }
		}
		// decides has p decide about a request of the asker.
		decides := func(what string, p, asker staff.Person, want error) {
			t.Helper()
			r := w.asked(asker)
			_, err := w.decide(p, r, grant)
			wants(t, what, err, want)
			if now := w.find(r); (now.State == approval.Granted) != (want == nil) {
				t.Errorf("%s: %s", what, now.State)
			}
		}

		second := invites(w.officer, "第二个", manager)
		decides("who was invited by who asks", second, w.officer, approval.ErrMade)
		_, err := w.decide(second, w.asked(w.officer), approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Minutes: 5, Reason: approval.LessFits})
		wants(t, "and narrows it", err, approval.ErrMade)
		decides("about another's request", second, w.worker, nil)
		decides("by who was invited by nobody who asks", second, deputy, nil)
		does("the deputy confirms while a link is open", staff.ErrLinkOpen, confirms(deputy, second))
		decides("nor does that make it another", second, w.officer, approval.ErrMade)
		w.Pass(25 * time.Hour) // the link is over
		does("who has invited confirms", staff.ErrBacked, confirms(w.officer, second))
		does("the person confirms itself", staff.ErrSelf, confirms(second, second))
		does("a manager confirms", staff.ErrMayNot, confirms(w.manager, second))
		does("the deputy confirms", nil, confirms(deputy, second))
		does("and again", staff.ErrBacked, confirms(deputy, second))
		decides("who was confirmed since", second, w.officer, nil)
		does("who asks resets", nil, resets(w.officer, second))
		decides("who was reset by who asks", second, w.officer, approval.ErrMade)
		does("the deputy resets", nil, resets(deputy, second))
		decides("who was reset by another since", second, w.officer, nil)
		decides("who was reset by who asks now", second, deputy, approval.ErrMade)
		does("who asks makes another link, too", nil, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := door.Invite(ctx, tx, w.officer, second.ID)
			return err
		})
		decides("of two who made links, the one", second, w.officer, approval.ErrMade)
		decides("of two who made links, the other", second, deputy, approval.ErrMade)
		w.Pass(25 * time.Hour)
		does("one of them confirms", nil, confirms(deputy, second))
		decides("of two who made links, the one whom the other has confirmed", second, w.officer, nil)
		decides("of two who made links, who has confirmed", second, deputy, approval.ErrMade)

		raised := w.hire("提拔", staff.Worker)
		gives := func(by staff.Actor) {
			does("giving", nil, func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Give(ctx, tx, by, raised.ID, manager)
				return err
			})
		}
		gives(w.officer)
		decides("who has the role from who asks", raised, w.officer, approval.ErrMade)
		decides("who has the role from another", raised, deputy, nil)
		does("the terminal confirms", nil, confirms(terminal, raised))
		decides("whose role was confirmed", raised, w.officer, nil)

		asks := invites(w.officer, "第三个", worker)
		decides("who asks was invited by who decides", w.officer, asks, approval.ErrMaker)
		_, err = w.decide(w.officer, w.asked(asks), approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Minutes: 5, Reason: approval.LessFits})
		wants(t, "and narrows it", err, approval.ErrMaker)
		if _, err := w.decide(w.officer, w.asked(asks), approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}); err != nil {
			t.Errorf("and refuses it: %v", err)
		}
		decides("who asks was invited by another", deputy, asks, nil)
		judge := invites(w.officer, "第四个", manager)
		decides("one has invited who asks and who decides", judge, asks, approval.ErrMaker)
		decides("who has invited nobody", w.manager, asks, nil)
		w.Pass(25 * time.Hour)
		does("the deputy confirms who decides", nil, confirms(deputy, judge))
		decides("one of the two was confirmed", judge, asks, nil)
		does("the deputy confirms who asks", nil, confirms(deputy, asks))
		decides("who asks was confirmed since", w.officer, asks, nil)
		given := w.hire("第五个", staff.Auditor)
		does("giving", nil, func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Give(ctx, tx, w.officer, given.ID, worker)
			return err
		})
		decides("who asks has the role from who decides", w.officer, given, nil)
		does("who asks is made anew", nil, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := door.Invite(ctx, tx, w.officer, asks.ID)
			return err
		})

		does("an officer resets who holds an office", staff.ErrTerminal, resets(w.officer, deputy))
		does("an officer makes a link for who holds an office", staff.ErrTerminal, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := door.Invite(ctx, tx, w.officer, deputy.ID)
			return err
		})
		does("the terminal does", nil, resets(terminal, deputy))
		next := func(by staff.Actor) func(ctx context.Context, tx *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				o, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "下一任", "next@example.com")
				if err != nil {
					return err
				}
				_, err = staff.Give(ctx, tx, by, asks.ID, staff.Grant{Role: staff.Deputy, Service: service, Office: o.ID})
				return err
			}
		}
		does("an officer gives the role of an office", staff.ErrTerminal, next(w.officer))
		does("an office goes to whom somebody may play", staff.ErrUnknown, next(terminal))
		does("it is reset at the terminal", nil, resets(terminal, asks))
		does("then it may", nil, next(terminal))
	})
}
