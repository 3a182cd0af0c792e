package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const (
	benchChildren = 20_000
	benchUses     = 5 // of each
)

// BenchmarkFold folds a ledger of children who have a guardian, an answered request
// with six answers, five values and five uses each, and reports what one child takes in memory.
func BenchmarkFold(b *testing.B) {
	s := begin(b, vaulttest.New(b, dbtest.New(b)))
	notice, err := charter.Notice(s.Charter, "en")
	if err != nil {
		b.Fatal(err)
	}
	for range benchChildren / 250 {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			for range 250 {
				if err := s.written(ctx, tx, notice.Hash()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ok(b, s.flush())
	b.ResetTimer()
	var entries, bytes int64
	for b.Loop() {
		err := s.Store.View(b.Context(), func(tx *db.Tx) error {
			n, size, err := replay.FoldIn(b.Context(), tx)
			entries, bytes = entries+n, size
			return err
		})
		ok(b, err)
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(bytes)/benchChildren, "B/child")
	b.ReportMetric(float64(bytes)/benchChildren*100_000/(1<<20), "MB/100k-children")
}

// written appends what the life of one child leaves in the ledger.
func (s *story) written(ctx context.Context, tx *db.Tx, notice string) error {
	now := tx.Now()
	subject, g := id.New(id.Subject), family.GuardianID(id.New(id.Guardian))
	version := int64(1)
	note := func(kind, actor string, body any) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Subject: subject, Version: version, Actor: actor, Body: body})
		return err
	}
	if err := note(family.KindRegistered, s.App.Ledger(), family.RegisteredBody{Class: age.Child, Source: family.FromApp, Until: now.Add(24 * time.Hour).UnixMicro()}); err != nil {
		return err
	}
	if err := note(family.KindGuardianAdded, s.App.Ledger(), family.GuardianAddedBody{Guardian: g, Relation: family.Parent, Known: []string{"phone"}}); err != nil {
		return err
	}
	request := id.New(id.Request)
	version++
	if err := note(consent.KindRequested, s.App.Ledger(), consent.RequestedBody{Request: request, Guardian: g, Charter: 1, Purposes: purposes[:6],
		Channel: consent.SMS, Locale: "en", Expires: now.Add(time.Hour).UnixMicro()}); err != nil {
		return err
	}
	version++
	if err := note(consent.KindSent, s.App.Ledger(), consent.RequestBody{Request: request, Sends: 1}); err != nil {
		return err
	}
	version++
	if err := note(consent.KindOpened, "link:"+request, consent.OpenedBody{Request: request, Notice: notice, Lang: "en", Channel: "page"}); err != nil {
		return err
	}
	version++
	if err := note(family.KindGuardianVerified, "guardian:"+string(g), family.GuardianVerifiedBody{Guardian: g, Strength: 1}); err != nil {
		return err
	}
	if err := note(consent.KindVerified, "guardian:"+string(g), consent.VerifiedBody{Request: request, Guardian: g, Strength: 1}); err != nil {
		return err
	}
	version++
	for _, p := range purposes[:6] {
		err := note(consent.KindGranted, "guardian:"+string(g), consent.AnswerBody{Consent: id.New(id.Consent), Guardian: g, Request: request, Purpose: p,
			Charter: 1, Notice: notice, Lang: "en", Channel: "page", Shown: now.UnixMicro(), Strength: 1})
		if err != nil {
			return err
		}
	}
	use := gate.UseBody{Activity: "collect", Purpose: "course-progress", Catalog: 5, Charter: 1, Age: "child",
		Items: []string{"nickname", "grade", "answers", "lesson_progress", "weekly_score"}}
	if err := note(gate.KindPermitted, s.App.Ledger(), use); err != nil {
		return err
	}
	version++
	purpose, _ := s.Charter.Purpose("course-progress")
	var body vault.CollectedBody
	for _, item := range use.Items {
		body.Values = append(body.Values, gate.Span{Item: item, Purpose: use.Purpose, Collected: now.UnixMicro(),
			Expires: purpose.Retention.Expiry(now).UnixMicro()})
	}
	if err := note(vault.KindCollected, s.App.Ledger(), body); err != nil {
		return err
	}
	use.Activity, use.Items = "use", use.Items[:2]
	for range benchUses {
		if err := note(gate.KindPermitted, s.App.Ledger(), use); err != nil {
			return err
		}
	}
	return nil
}
