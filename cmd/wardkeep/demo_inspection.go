package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/inspection"
	"wardkeep/internal/inspector"
	"wardkeep/internal/ledger"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// aSample is the page of one at the portal.
var aSample = regexp.MustCompile(`/inspector/samples/su_[0-9a-z]{26}`)

// inspected: the officer invites somebody of the authority, who looks at the articles and at a sample,
// each look on record, and at nothing outside of the invitation (Article 22).
func (d *demo) inspected(ctx context.Context) error {
	d.chapter("inspected")
	var by staff.Person
	var one inspection.Invitation
	var keys inspection.Keys
	err := d.try(ctx, func(tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, story, d.officer.ID)
		if err == nil {
			by, err = staff.Add(ctx, tx, operator, d.officer.Name, g)
		}
		if err == nil {
			one, keys, err = inspection.Invite(ctx, tx, d.app.Ring, staff.Acting{Person: by, Action: staff.InviteInspectors}, story,
				inspection.Scope{Articles: []int{9, 15, 22}}, 7, inspection.NewText("Zhao", "CAC", "Article 22", "No. 3 (2026)"))
		}
		return err
	})
	if err != nil {
		return err
	}
	var standing inspection.Invitation
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		standing, err = inspection.Named(ctx, tx, story, one.ID)
		return err
	})
	if err != nil {
		return err
	}
	waits := standing.State(d.app.Store.Now()) == inspection.Waits && slices.Equal(standing.Scope.Articles, []int{9, 15, 22}) && standing.Coded()
	d.show("22", "inspector_invited", waits, "Number", one.Number(), "Until", lastDay(one.Until))
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	defer browser.CloseIdleConnections()
	open := func(path string) (status int, page string, err error) {
		answer, err := browser.Get(d.base + path)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body), err
	}
	entered, err := browser.PostForm(inspector.EntryURL(d.base, keys.Link), url.Values{"code": {keys.Code}})
	if err != nil {
		return err
	}
	entered.Body.Close()
	_, matrix, err := open("/inspector")
	if err != nil {
		return err
	}
	_, drawn, err := open("/inspector/samples")
	if err != nil {
		return err
	}
	sample := aSample.FindString(drawn)
	seen, page, err := open(sample)
	if err != nil {
		return err
	}
	beyond, _, err := open("/inspector/articles/20")
	if err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	looked := 0
	err = d.app.Store.View(ctx, func(tx *db.Tx) error {
		looked = 0
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.ReadKind(ctx, tx, 0, head.Size, inspection.KindLooked, func(ledger.Placed) error { looked++; return nil })
	})
	if err != nil {
		return err
	}
	// Of who came in by the link of this page, and by following it: the first page is looked at twice.
	d.show("22", "inspector_looked", strings.Contains(matrix, one.Number()) && sample != "" && seen == http.StatusOK && strings.Contains(page, "su_") && looked == 4, "Count", looked)
	d.show("22", "inspector_beyond", beyond == http.StatusNotFound)
	err = d.try(ctx, func(tx *db.Tx) error {
		if _, err := inspection.End(ctx, tx, d.app.Ring, staff.Acting{Person: by, Action: staff.ReceiveInspectors}, story, one.ID); err != nil {
			return err
		}
		_, err := signin.Leave(ctx, tx, operator, by.ID)
		return err
	})
	if err != nil {
		return err
	}
	over, _, err := open("/inspector")
	d.show("22", "inspector_ended", over == http.StatusGone)
	return err
}
