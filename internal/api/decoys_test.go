package api_test

import (
	"context"
	"strings"
	"testing"

	"wardkeep/client"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/decoy"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// Article 15: whatever an app's key reads of a child that nobody is raises an alarm in
// the key's name: items, sealed values, a transfer, and what is refused. The app is answered
// as of any child, and no event tells it.
func TestArticle15_WhatAnAppReadsOfADecoyRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Publish(vaulttest.Takeover(w.Charter))
		real, fake := w.child("amy"), w.child("nobody")
		for _, child := range []string{real, fake} {
			w.must(w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Amy"}}))
		}
		sealed, err := w.client.Seal(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{
			{Child: real, Values: map[string]string{"nickname": "Amy"}}, {Child: fake, Values: map[string]string{"nickname": "Amy"}}}})
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, w.Ring, w.Officer, family.ID(fake))
		})
		narrow, key := w.keyWith("items:read", "seal")
		thief := w.connect(key)
		alarms := func() (n int) {
			t.Helper()
			w.sequence()
			for {
				if n, err := decoy.Watch(ctx, w.Store, w.Ring); err != nil || n == 0 {
					break
				}
			}
			w.sequence()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n = 0
				head, err := ledger.Head(ctx, tx)
				if err != nil {
					return err
				}
				return ledger.ReadKinds(ctx, tx, 0, head.Size, []string{approval.KindAlarm}, func(p ledger.Placed) error {
					if p.Actor != narrow.Ledger() {
						t.Errorf("by %s", p.Actor)
					}
					n++
					return nil
				})
			})
			return n
		}
		want := 0
		for name, does := range map[string]func(child string, sealed map[string]string) (string, error){
			"items:read": func(child string, _ map[string]string) (string, error) {
				v, err := thief.Read(ctx, child, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
				return v.Values["nickname"], err
			},
			"open": func(child string, sealed map[string]string) (string, error) {
				v, err := thief.Open(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{{Child: child, Values: sealed}}})
				if err != nil {
					return "", err
				}
				return v[0].Values["nickname"], nil
			},
			"what is refused": func(child string, _ map[string]string) (string, error) {
				_, err := thief.Read(ctx, child, wardkeep.Reading{Purpose: "nothing", Items: []string{"nickname"}})
				return strings.ReplaceAll(errorText(err), child, ""), nil
			},
			"a transfer": func(child string, _ map[string]string) (string, error) {
				v, err := thief.Transfer(ctx, child, wardkeep.Handover{Purpose: vaulttest.Handover, Recipient: vaulttest.Successor, Items: []string{"nickname"}})
				return v.Values["nickname"] + errorText(err), nil
			},
		} {
			one, err := does(real, sealed[0].Values)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if n := alarms(); n != want {
				t.Errorf("%s of a child: %d alarms, want %d", name, n, want)
			}
			other, err := does(fake, sealed[1].Values)
			if err != nil || one != other {
				t.Errorf("%s: the decoy is answered %q, %v, a child %q", name, other, err, one)
			}
			want++
			if n := alarms(); n != want {
				t.Errorf("%s of the decoy: %d alarms, want %d", name, n, want)
			}
		}
		for after := ""; ; {
			page, err := w.client.Events(ctx, after, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				if e.Type == approval.KindAlarm {
					t.Errorf("an event tells of it: %+v", e)
				}
			}
			if page.Next == "" || page.Next == after {
				break
			}
			after = page.Next
		}
	})
}

// errorText is what an app is answered, without the id of the request.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	text, _, _ := strings.Cut(err.Error(), " (rq_")
	return text
}
