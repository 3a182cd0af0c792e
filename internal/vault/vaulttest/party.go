package vaulttest

import (
	"context"
	"crypto/ed25519"
	"strings"
	"time"

	agekey "filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
)

// Processor is the one of the world's charter.
const Processor = "yuping-assessment"

// ProcessorID is the ID of that.
func ProcessorID() party.ID {
	return party.ID{Service: Service, Role: party.Processor, Name: Processor}
}

// Identity is who a party is.
func Identity() party.Identity {
	return party.Identity{LegalName: "语评科技（杭州）有限公司", Registration: "91330106MA2CGR7T4X", Contact: "privacy@yuping-assessment.example",
		Address: "杭州市西湖区文三路 1 号", Country: charter.Home, Task: "给口语录音评分"}
}

// Assessment returns a form that passes, of what the charter gives the processor; signed
// today, and valid for 300 days.
func (w *World) Assessment(scope party.Scope) party.Form {
	today := w.Store.Now().In(age.Zone)
	a := party.Answer{Answer: "已查验。", Score: party.Adequate}
	return party.Form{By: "self", Scope: scope, Necessity: a, Range: a, Amounts: a, Place: a, Measures: a, Staff: a, Incidents: a, SubProcessors: a, Deletion: a,
		Risks:    []party.Risk{{Risk: "录音没有删除", Level: party.High, Treatment: "每月抽查", Left: party.Low}},
		SignedOn: today.Format(time.DateOnly), ValidUntil: today.AddDate(0, 0, 300).Format(time.DateOnly)}
}

// Deed returns an agreement for a period, which is cut to seconds.
func (w *World) Deed(scope party.Scope, from, until time.Time) party.Deed {
	signed := party.Signature{By: "法定代表人", On: w.Store.Now().In(age.Zone).Format(time.DateOnly)}
	return party.Deed{Matters: "口语录音评分", Nature: "自动评分", Scope: scope, OperatorDuties: "说明要求", Measures: "加密", Supervision: "每季度检查", SupervisedEvery: 3,
		Duties:   party.Duties{Instructions: "按要求处理", Assistance: "协助", Security: "保密", Deletion: "删除", NoSubProcessors: "不转委托", Others: "无"},
		Document: strings.Repeat("ab", 32), Operator: signed, Processor: signed, From: from.Format(time.RFC3339), Until: until.Format(time.RFC3339)}
}

// Engage registers and assesses the processor, and signs an agreement with it that has begun
// and runs until a moment, which is cut to its second, over all that the charter gives it.
func (w *World) Engage(until time.Time) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error { return w.engage(ctx, tx, until) })
}

func (w *World) engage(ctx context.Context, tx *db.Tx, until time.Time) error {
	of, scope := ProcessorID(), party.ScopeOf(w.Charter, party.Processor, Processor)
	if _, _, err := party.Register(ctx, tx, w.Officer, of, Identity()); err != nil {
		return err
	}
	if _, _, err := party.Assess(ctx, tx, w.Officer, of, w.Assessment(scope)); err != nil {
		return err
	}
	_, _, err := party.Agree(ctx, tx, w.Officer, of, w.Deed(scope, tx.Now().Add(-time.Hour), until))
	return err
}

// Bind binds a key to what a party stands on, and returns both its halves.
func (w *World) Bind(of party.ID) (key party.Key, private ed25519.PrivateKey) {
	w.T.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		key, _, err = party.Bind(ctx, tx, w.Officer, of, public, time.Time{})
		return err
	})
	return key, private
}

// BindSeal binds a key that what is pushed to a party is sealed to, and returns it with what
// opens that.
func (w *World) BindSeal(of party.ID) (key party.Key, identity *agekey.X25519Identity) {
	w.T.Helper()
	identity, err := agekey.GenerateX25519Identity()
	if err != nil {
		w.T.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		key, _, err = party.BindSeal(ctx, tx, w.Officer, of, identity.Recipient().String(), time.Time{})
		return err
	})
	return key, identity
}

// Push pushes items to the processor, or says why not.
func (w *World) Push(child family.ID, items ...string) (out vault.Pushed, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Push(ctx, tx, w.By(), ProcessorID(), child, "speaking-practice", items)
		return err
	})
	return out, err
}

// Waiting returns what waits for the processor, whether it is due or not.
func (w *World) Waiting() (all []vault.Bundle) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		return tx.Together(ctx, vault.ReadBundles(&all, family.Stretch{}))
	})
	return all
}
