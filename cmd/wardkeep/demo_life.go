package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/receipt"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
)

// enrol registers one more child, whose guardian agrees to everything and whose
// nickname is held then.
func (d *demo) enrol(ctx context.Context, ref, birth, phone string) (*household, wardkeep.Child, error) {
	child, err := d.client.Register(ctx, wardkeep.NewChild{Ref: ref, BirthDate: birth,
		Guardian: wardkeep.GuardianContact{Phone: phone, Relation: "parent"}})
	if err != nil {
		return nil, child, err
	}
	r, err := d.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: string(d.s.lang)})
	if err != nil {
		return nil, child, err
	}
	h := &household{child: child.ID, token: secretOf(r.URL, "/r/"), phone: phone}
	d.families = append(d.families, h)
	if err := d.guardian(ctx, h, func(string) bool { return true }); err != nil {
		return nil, child, err
	}
	return h, child, d.name(ctx, h)
}

// secretOf returns what follows a path in the first address with it in a text.
func secretOf(text, path string) string {
	_, rest, _ := strings.Cut(text, path)
	end := strings.IndexFunc(rest, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9') })
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// name collects a nickname.
func (d *demo) name(ctx context.Context, h *household) error {
	_, err := d.client.Collect(ctx, h.child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": nickname}})
	return err
}

// named reads it, as the lessons do.
func (d *demo) named(ctx context.Context, h *household) error {
	_, err := d.client.Read(ctx, h.child, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
	return err
}

// refusedWith reports whether the gate gave that reason.
func refusedWith(err error, code string) bool {
	p, ok := errors.AsType[*wardkeep.Problem](err)
	return ok && p.Has(code)
}

// demands: what a parent, a grandparent and the child itself may ask for.
func (d *demo) demands(ctx context.Context) error {
	d.chapter("demands")
	h, child, err := d.enrol(ctx, "demands", birthday(d.app.Store.Now(), 10, 100), "13900000001")
	if err != nil {
		return err
	}
	if err := d.correct(ctx, h, child.Guardians[0].ID); err != nil {
		return err
	}
	if err := d.grandparent(ctx, h, child.Guardians[0].ID); err != nil {
		return err
	}
	return d.alone(ctx, h)
}

// correct: a demand has a number and a clock (Article 19).
func (d *demo) correct(ctx context.Context, h *household, mother string) error {
	got, err := d.client.Demand(ctx, h.child, wardkeep.Demanding{Kind: "correct", Door: "guardian", Guardian: mother, Item: "nickname"})
	if err != nil {
		return err
	}
	last := workday.On(got.DueAt.Add(-time.Second))
	d.show("19", "correct_due", got.State == "open" && d.app.Calendar.Between(got.ReceivedAt, got.DueAt) == rights.Defaults.Finish,
		"Number", got.Number, "Days", rights.Defaults.Finish, "Due", last)
	if err := d.name(ctx, h); err != nil {
		return err
	}
	done, err := d.client.FinishDemand(ctx, got.ID, wardkeep.Finish{})
	d.show("19", "corrected", err == nil && done.State == "done")
	return nil
}

// grandparent: who is no guardian freezes, and a guardian decides (edge case 11).
func (d *demo) grandparent(ctx context.Context, h *household, mother string) error {
	got, err := d.client.Demand(ctx, h.child, wardkeep.Demanding{Kind: "delete", Door: "contact"})
	if err != nil {
		return err
	}
	frozen := refusedWith(d.named(ctx, h), "gate.frozen")
	err = d.try(ctx, func(tx *db.Tx) error {
		by, err := family.FindGuardian(ctx, tx, family.ID(h.child), family.GuardianID(mother))
		if err != nil {
			return err
		}
		r, err := rights.Find(ctx, tx, story, got.ID)
		if err != nil {
			return err
		}
		_, _, err = rights.Desk{Ring: d.app.Ring, Charters: d.app.Charters, Calendar: d.app.Calendar}.Keep(ctx, tx, by, r)
		return err
	})
	if err != nil {
		return err
	}
	d.show("20", "grandparent", got.EraseAt.IsZero() && frozen && d.named(ctx, h) == nil)
	return nil
}

// alone: the child closes its account by itself, and its guardians hear of it first
// (edge case 17). Whoever is told of the erasure gets a certificate.
func (d *demo) alone(ctx context.Context, h *household) error {
	got, err := d.client.Demand(ctx, h.child, wardkeep.Demanding{Kind: "close", Door: "child"})
	if err != nil {
		return err
	}
	frozen := refusedWith(d.named(ctx, h), "gate.frozen")
	d.until(got.EraseAt.Add(-time.Minute))
	if err := d.erasing(ctx); err != nil {
		return err
	}
	waits := refusedWith(d.named(ctx, h), "gate.frozen")
	d.until(got.EraseAt.Add(time.Second))
	if err := d.erasing(ctx); err != nil {
		return err
	}
	d.show("20", "alone", frozen && waits && errors.Is(d.named(ctx, h), wardkeep.ErrChildErased),
		"Received", minute(got.ReceivedAt), "Erased", minute(got.EraseAt))
	return d.certificate(ctx, h)
}

// erasing sweeps as the server does, and tells whoever is concerned.
func (d *demo) erasing(ctx context.Context) error {
	_, err := retention.SweepTelling(ctx, d.app.Store, d.app.Vault, d.app.Farewell(), retention.Terms{})
	d.app.Farewell().Wait()
	return err
}

// certificate follows the link in the last message to the guardian, downloads the
// certificate, and verifies it with the public key alone.
func (d *demo) certificate(ctx context.Context, h *household) error {
	var secret string
	for _, m := range d.outbox.Messages() {
		if secret == "" && m.Message.To.Reveal() == "+86"+h.phone {
			secret = secretOf(m.Message.Text.Reveal(), "/certificate/")
		}
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	file, err := d.get(ctx, "/certificate/"+secret+"/certificate.json")
	if err != nil {
		return err
	}
	report, err := receipt.VerifyCertificate(file, receipt.Against{Key: d.app.LedgerKey})
	held := err == nil && report.OK() && report.Certificate.Door == "child"
	forged, err := receipt.VerifyCertificate(bytes.Replace(file, []byte(`"child"`), []byte(`"guardian"`), 1), receipt.Against{Key: d.app.LedgerKey})
	d.show("20", "certificate", held && err == nil && !forged.OK(), "Number", report.Certificate.Number)
	return nil
}

// get downloads a page of the server.
func (d *demo) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+path, nil)
	if err != nil {
		return nil, err
	}
	a, err := d.client.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", r.Method, a.Status)
	}
	return io.ReadAll(a.Body)
}

// fourteen: a child grows out of the Provisions, to the second.
func (d *demo) fourteen(ctx context.Context) error {
	d.chapter("fourteen")
	born := birthday(d.app.Store.Now(), 14, -45)
	h, _, err := d.enrol(ctx, "fourteen", born, "13900000002")
	if err != nil {
		return err
	}
	birth, err := age.ParseBirth(born)
	if err != nil {
		return err
	}
	turns := birth.Turns(14)
	d.until(turns.Add(-29 * 24 * time.Hour))
	if err := d.erasing(ctx); err != nil {
		return err
	}
	told, err := d.happened(ctx, "child.turning_14", h)
	if err != nil {
		return err
	}
	d.show("2", "turning", told, "Day", workday.On(turns))
	d.until(turns.Add(-time.Second))
	before := d.named(ctx, h)
	d.until(turns)
	after := d.named(ctx, h)
	d.show("2", "turned", before == nil && refusedWith(after, "gate.not_a_child"), "At", minute(turns))
	d.tellReasons(after)
	if err := d.erasing(ctx); err != nil {
		return err
	}
	told, err = d.happened(ctx, "child.turned_14", h)
	if err != nil {
		return err
	}
	d.show("2", "turned_told", told)
	return d.minor(ctx, h)
}

// minor: from then on the young person itself is asked, in the app in which it is
// signed in (edge case 4).
func (d *demo) minor(ctx context.Context, h *household) error {
	r, err := d.client.Ask(ctx, wardkeep.Asking{Child: h.child, Answers: "minor", Purposes: []string{"course-progress"}, Channel: "link", Locale: string(d.s.lang)})
	if err != nil {
		return err
	}
	g, err := wardkeep.ForGuardian(d.base, secretOf(r.URL, "/r/"))
	if err != nil {
		return err
	}
	shown, err := g.With(d.client).Open(ctx, "zh-CN")
	if err != nil {
		return err
	}
	code, err := d.client.ShowCode(ctx, r.ID)
	if err != nil {
		return err
	}
	v, err := g.Verify(ctx, code.Code)
	if err != nil {
		return err
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: v.Proof, Answers: map[string]bool{"course-progress": true}, NoticeHash: shown.NoticeHash, Lang: "zh-CN"})
	d.show("2", "minor", err == nil && d.named(ctx, h) == nil)
	return nil
}

// happened reports whether the operator's systems are told that of a child.
func (d *demo) happened(ctx context.Context, kind string, h *household) (bool, error) {
	if err := d.settle(ctx); err != nil {
		return false, err
	}
	after := d.events
	for {
		page, err := d.client.Events(ctx, after, 1000)
		if err != nil {
			return false, err
		}
		for _, e := range page.Events {
			if e.Type == kind && e.Child == h.child {
				d.events = page.Next
				return true, nil
			}
		}
		if after = page.Next; !page.More {
			return false, nil
		}
	}
}
