package inspection_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/inspection"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

// A house is a service whose officer invites inspectors.
type house struct {
	*vaulttest.World
	officer, manager, auditor staff.Person
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		h := &house{World: w}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			held, err := catalog.Holder(ctx, tx, service, catalog.RoleOfficer)
			var g staff.Grant
			if err == nil {
				g, err = staff.OfOffice(ctx, tx, service, held.ID)
			}
			for of, g := range map[*staff.Person]staff.Grant{&h.officer: g, &h.manager: {Role: staff.Manager, Service: service}, &h.auditor: {Role: staff.Auditor, Service: service}} {
				if err == nil {
					*of, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", g)
				}
			}
			return err
		})
		fn(t, h)
	})
}

func acts(p staff.Person, a staff.Action) staff.Acting { return staff.Acting{Person: p, Action: a} }

var said = inspection.NewText("赵督", "某市网信办", "第二十二条", "网信检〔2026〕3号")

func (h *house) invite(scope inspection.Scope, days int) (i inspection.Invitation, keys inspection.Keys) {
	h.T.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		i, keys, err = inspection.Invite(ctx, tx, h.Ring, acts(h.officer, staff.InviteInspectors), service, scope, days, said)
		return err
	})
	return i, keys
}

func (h *house) enter(link, code string) (secret string, err error) {
	err = h.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		_, secret, err = inspection.Enter(ctx, tx, h.Ring, link, code)
		return err
	})
	return secret, err
}

func (h *house) look(secret string, l inspection.Look) (looked inspection.Look, err error) {
	err = h.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		_, looked, err = inspection.Looks(ctx, tx, h.Ring, secret, l)
		return err
	})
	return looked, err
}

func (h *house) code(i inspection.Invitation) (code string) {
	h.T.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		_, code, err = inspection.Code(ctx, tx, h.Ring, acts(h.manager, staff.ReceiveInspectors), service, i.ID)
		return err
	})
	return code
}

// Article 22: an inspector sees what is in the invitation while it stands, each page once it is on
// record, and nothing else.
func TestArticle22_AnInspectorSeesWhatTheInvitationSays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		want := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		i, keys := h.invite(inspection.Scope{Articles: []int{9, 15}}, 3)
		_, other := h.invite(inspection.Scope{}, 30)

		// The link alone, the code alone, and those of another open nothing.
		_, err := h.enter(keys.Link, other.Code)
		want("the code of another invitation", err, inspection.ErrCode)
		for _, link := range []string{"", "x", keys.Code, keys.Link + "x"} {
			_, err := h.enter(link, keys.Code)
			want("a link that is none", err, inspection.ErrLink)
		}
		secret, err := h.enter(keys.Link, " "+keys.Code[:4]+keys.Code[5:])
		want("link and code", err, nil)
		_, err = h.enter(keys.Link, keys.Code)
		want("the code once more", err, inspection.ErrNoCode)

		for _, l := range []inspection.Look{{Page: inspection.Matrix}, {Page: inspection.Article, Article: 9}, {Page: inspection.Register, Article: 15, About: "approvals"},
			{Page: inspection.Samples}, {Page: inspection.Sample, About: id.New(id.Subject)}, {Page: inspection.Bundle}} {
			_, err := h.look(secret, l)
			want("in the scope", err, nil)
		}
		for _, l := range []inspection.Look{{}, {Page: "values"}, {Page: inspection.Article, Article: 16}, {Page: inspection.Article, Article: 30}, {Page: inspection.Article},
			{Page: inspection.Register, Article: 10, About: "consents"}, {Page: inspection.Register, Article: 15, About: "王小明"}, {Page: inspection.Sample, About: id.New(id.Child)}} {
			_, err := h.look(secret, l)
			want("outside of the scope", err, inspection.ErrScope)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			looks, err := inspection.LooksOf(ctx, tx, i, 0, 100)
			if len(looks) != 6 || looks[0].Page != inspection.Bundle || looks[5].Number != 1 {
				t.Errorf("on record is %+v", looks)
			}
			now, err2 := inspection.Named(ctx, tx, service, i.ID)
			text, err3 := now.Text(h.Ring)
			if text.Authority.Reveal() != "某市网信办" || now.State(tx.Now()) != inspection.Open {
				t.Errorf("%v %v", text, now.State(tx.Now()))
			}
			plain, err4 := db.All(ctx, tx, db.Single[[]byte], `SELECT sealed FROM inspection`)
			for _, sealed := range plain {
				if bytes.Contains(sealed, []byte("赵督")) {
					t.Error("who is invited is kept in plain")
				}
			}
			return errors.Join(err, err2, err3, err4)
		})

		// Nobody reads 60 pages in a minute.
		for err = nil; err == nil; {
			_, err = h.look(secret, inspection.Look{Page: inspection.Matrix})
		}
		want("in a hurry", err, inspection.ErrFast)
		h.Pass(time.Minute)
		_, err = h.look(secret, inspection.Look{Page: inspection.Matrix})
		want("a minute later", err, nil)

		// A new code lets the next browser in, and the one before is out.
		code := h.code(i)
		_, err = h.look(secret, inspection.Look{Page: inspection.Matrix})
		want("while a new code is open", err, nil)
		again, err := h.enter(keys.Link, code)
		want("by the new code", err, nil)
		_, err = h.look(secret, inspection.Look{Page: inspection.Matrix})
		want("the browser of before", err, inspection.ErrSignedOut)

		// Idle, and after the most: out, whatever the browser holds.
		h.Pass(inspection.Idle)
		_, err = h.look(again, inspection.Look{Page: inspection.Matrix})
		want("idle", err, inspection.ErrSignedOut)

		// Five wrong codes void the one that is open; each is on record.
		code = h.code(i)
		for range 5 {
			_, err = h.enter(keys.Link, "0000-0000")
			want("a wrong code", err, inspection.ErrCode)
		}
		_, err = h.enter(keys.Link, code)
		want("the right one after five wrong ones", err, inspection.ErrNoCode)

		// It ends in its second, with all that is open by it.
		h.Pass(i.Until.Sub(h.Store.Now()) - time.Minute)
		last, err := h.enter(keys.Link, h.code(i))
		want("in the last minute", err, nil)
		_, err = h.look(last, inspection.Look{Page: inspection.Matrix})
		want("a look in the last minute", err, nil)
		h.Pass(time.Minute)
		_, err = h.look(last, inspection.Look{Page: inspection.Matrix})
		want("a look after it", err, inspection.ErrOver)
		_, err = h.enter(keys.Link, keys.Code)
		want("coming in after it", err, inspection.ErrOver)

		// The office ends another at once. That nobody holds an office ends none.
		secret, err = h.enter(other.Link, other.Code)
		want("another inspector", err, nil)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, service, h.Officer.ID)
			return err
		})
		_, err = h.look(secret, inspection.Look{Page: inspection.Article, Article: 8})
		want("while an office is vacant", err, nil)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			all, _, err := inspection.List(ctx, tx, []string{service}, false, db.Cursor{}, 10)
			if len(all) != 2 || err != nil {
				t.Errorf("%d stand, %v", len(all), err)
			}
			_, err = inspection.End(ctx, tx, h.Ring, acts(h.manager, staff.ReceiveInspectors), service, all[1].ID)
			return err
		})
		_, err = h.look(secret, inspection.Look{Page: inspection.Matrix})
		want("after the end", err, inspection.ErrEnded)
		_, err = h.enter(other.Link, other.Code)
		want("coming in after the end", err, inspection.ErrEnded)
	})
}

// Whoever may not invites nobody, and what can't be an invitation is none. A row that was made wider
// by hand opens nothing.
func TestArticle22_WhatAnInvitationRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		day := func(s string) time.Time { d, _ := inspection.DayOf(s); return d }
		officer := acts(h.officer, staff.InviteInspectors)
		for name, c := range map[string]struct {
			by    staff.Acting
			scope inspection.Scope
			days  int
			text  inspection.Text
			want  error
		}{
			"a manager":           {acts(h.manager, staff.InviteInspectors), inspection.Scope{}, 3, said, inspection.ErrMayNot},
			"by another action":   {acts(h.officer, staff.SeeInspections), inspection.Scope{}, 3, said, inspection.ErrMayNot},
			"for no day":          {officer, inspection.Scope{}, 0, said, inspection.ErrDays},
			"for too long":        {officer, inspection.Scope{}, 31, said, inspection.ErrDays},
			"of no article":       {officer, inspection.Scope{Articles: []int{0}}, 3, said, inspection.ErrArticles},
			"of one twice":        {officer, inspection.Scope{Articles: []int{9, 9}}, 3, said, inspection.ErrArticles},
			"before it begins":    {officer, inspection.Scope{From: day("2026-02-01"), Before: day("2026-01-01")}, 3, said, inspection.ErrTime},
			"without a document":  {officer, inspection.Scope{}, 3, inspection.NewText("赵督", "某市网信办", "第二十二条", ""), inspection.ErrLine},
			"a name of two lines": {officer, inspection.Scope{}, 3, inspection.NewText("赵\n督", "某市网信办", "第二十二条", "3号"), inspection.ErrLine},
		} {
			err := h.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := inspection.Invite(ctx, tx, h.Ring, c.by, service, c.scope, c.days, c.text)
				return err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if _, err := inspection.DayOf("2026-13-01"); !errors.Is(err, inspection.ErrTime) {
			t.Errorf("a day that is none: %v", err)
		}
		if got := inspection.Ascending([]int{15, 9, 15}); !slices.Equal(got, []int{9, 15}) {
			t.Errorf("%v", got)
		}

		i, keys := h.invite(inspection.Scope{Articles: []int{9}}, 3)
		second, _ := h.invite(inspection.Scope{}, 3)
		for name, fn := range map[string]func(ctx context.Context, tx *db.Tx) error{
			"an auditor gives a code": func(ctx context.Context, tx *db.Tx) error {
				_, _, err := inspection.Code(ctx, tx, h.Ring, acts(h.auditor, staff.ReceiveInspectors), service, i.ID)
				return err
			},
			"an auditor ends it": func(ctx context.Context, tx *db.Tx) error {
				_, err := inspection.End(ctx, tx, h.Ring, acts(h.auditor, staff.ReceiveInspectors), service, i.ID)
				return err
			},
		} {
			if err := h.Try(fn); !errors.Is(err, inspection.ErrMayNot) {
				t.Errorf("%s: %v", name, err)
			}
		}
		secret, err := h.enter(keys.Link, keys.Code)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{`UPDATE inspection SET articles = ''`, `UPDATE inspection SET due_at = due_at + 1`, `UPDATE inspection SET before_at = 1`,
			`UPDATE inspection SET code = bound`, `UPDATE inspection SET entered_at = entered_at + 1 WHERE entered_at IS NOT NULL`,
			`UPDATE inspection SET seen_at = seen_at + 1 WHERE seen_at IS NOT NULL`, `UPDATE inspection SET looks = looks + 1`, `UPDATE inspection SET tries = tries + 1`,
			`UPDATE inspection SET salt = link`, `UPDATE inspection SET sealed = link`} {
			changed := errors.New("undone")
			err := h.Try(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, query); err != nil {
					return err
				}
				_, _, err := inspection.Looks(ctx, tx, h.Ring, secret, inspection.Look{Page: inspection.Matrix})
				if !errors.Is(err, inspection.ErrSealed) || errs.Of(err).Kind != errs.Internal {
					t.Errorf("%s: %v", query, err)
				}
				return changed
			})
			if !errors.Is(err, changed) {
				t.Fatal(err)
			}
		}
		// Nor does it once a store was put back, where all are signed out and each code is void.
		err = h.Try(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE inspection SET articles = '' WHERE id = $1`, i.ID); err != nil {
				return err
			}
			if n, err := inspection.ShutAll(ctx, tx, h.Ring, catalog.Operator{ID: "test"}, 10); n != 2 || err != nil {
				t.Errorf("%d were shut, %v", n, err)
			}
			if _, _, err := inspection.Code(ctx, tx, h.Ring, acts(h.officer, staff.ReceiveInspectors), service, second.ID); err != nil {
				t.Errorf("a code for one that is whole: %v", err)
			}
			_, _, err := inspection.Code(ctx, tx, h.Ring, acts(h.officer, staff.ReceiveInspectors), service, i.ID)
			return err
		})
		if !errors.Is(err, inspection.ErrSealed) {
			t.Errorf("a code for one that was made wider: %v", err)
		}
		// A link that was moved to a wider invitation opens it for nobody.
		err = h.Try(func(ctx context.Context, tx *db.Tx) error {
			link, err := db.One(ctx, tx, db.Single[[]byte], `SELECT link FROM inspection WHERE id = $1`, i.ID)
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE inspection SET link = salt WHERE id = $1`, i.ID)
			}
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE inspection SET link = $1 WHERE id = $2`, link, second.ID)
			}
			if err == nil {
				_, err = inspection.At(ctx, tx, h.Ring, keys.Link)
			}
			return err
		})
		if !errors.Is(err, inspection.ErrSealed) {
			t.Errorf("a link that was moved: %v", err)
		}
	})
}
