package api_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/publication"
	"wardkeep/internal/vault/vaulttest"
)

// Article 4 over HTTP: what is about to be published is looked at, what is found is told
// by its place, and nothing of it is in the log or the answer.
func TestArticle4_ScreeningsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Publish(vaulttest.Screened(w.Charter))
		child := w.child("amy")
		if _, err := w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "王小溪"}}); err != nil {
			t.Fatal(err)
		}
		screen := func(s wardkeep.NewScreening) wardkeep.Screening {
			t.Helper()
			return w.must(w.client.Screen(ctx, s)).(wardkeep.Screening)
		}
		if got := screen(wardkeep.NewScreening{Text: "今天天气真好"}); got.Verdict != "publish" || len(got.Findings) != 0 || got.Masked != "" {
			t.Errorf("%+v", got)
		}
		got := screen(wardkeep.NewScreening{Text: "加我微信lele2016，打13812345678"})
		if got.Verdict != "hold" || len(got.Findings) != 2 || got.Findings[0].Kind != "wechat" || got.Findings[1].Kind != "phone" || got.Findings[1].StartChar != 14 || got.Findings[1].EndChar != 25 ||
			strings.Contains(got.Masked, "lele") || strings.Contains(got.Masked, "12345678") || !strings.HasPrefix(got.Masked, "加我微信") {
			t.Errorf("%+v", got)
		}
		if got := screen(wardkeep.NewScreening{Text: "大家好，我是王小溪", Child: child}); got.Verdict != "hold" || len(got.Findings) != 1 || got.Findings[0].Kind != "name" {
			t.Errorf("its own name: %+v", got)
		}
		if got := screen(wardkeep.NewScreening{Image: base64.StdEncoding.EncodeToString(located())}); got.Verdict != "hold" || len(got.Hidden) == 0 || got.Hidden[0].Kinds[0] != "place" {
			t.Errorf("a picture that says where it was taken: %+v", got)
		}
		for _, c := range []struct {
			body, code, field string
			status            int
		}{
			{`{}`, "publication.nothing", "", 422},
			{`{"image":"R0lGODlh"}`, "publication.picture_bad", "image", 422},
			{`{"image":"?"}`, "publication.picture_bad", "image", 422},
			{`{"text":7}`, "api.wrong_type", "text", 422},
			{`{"text":"a","to":"b"}`, "api.unknown_field", "", 422},
			{`{"text":"a","child":"ref:nobody"}`, "family.not_found", "", 404},
			{`{"text":"a","audience":"` + strings.Repeat("x", 101) + `"}`, "api.too_long", "audience", 422},
		} {
			x := w.send("POST", base+"/screenings", c.body)
			x.refused(t, c.status, c.code)
		}
		_, key := w.keyWith(account.ItemsRead)
		if _, err := w.connect(key).Screen(ctx, wardkeep.NewScreening{Text: "a"}); !errors.Is(err, &wardkeep.Problem{Code: "api.scope_missing"}) {
			t.Errorf("without the scope: %v", err)
		}
		for _, sent := range []string{"13812345678", "lele2016", "王小溪", child} {
			if strings.Contains(w.log.String(), sent) {
				t.Error("the log tells what was sent")
			}
		}
	})
}

// Whoever asks without end is told to wait.
func TestArticle4_ScreeningsArePaced(t *testing.T) {
	w := newWorld(t, storeOf(t), api.Limits{PerScreen: 1})
	w.must(w.client.Screen(t.Context(), wardkeep.NewScreening{Text: "a"}))
	x := w.send("POST", base+"/screenings", `{"text":"a"}`)
	x.refused(t, 429, "api.too_many_requests")
	if x.header.Get("Retry-After") == "" || x.header.Get("Ratelimit-Policy") != `"screening";q=1;w=60` {
		t.Errorf("%v", x.header)
	}
}

// located is a PNG of one dot whose EXIF has a latitude.
func located() []byte {
	const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
	b, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		panic(err)
	}
	exif := "II*\x00\x08\x00\x00\x00" + "\x01\x00" + "\x25\x88\x04\x00\x01\x00\x00\x00\x1a\x00\x00\x00" + "\x00\x00\x00\x00" +
		"\x01\x00" + "\x01\x00\x02\x00\x02\x00\x00\x00N\x00\x00\x00" + "\x00\x00\x00\x00"
	chunk := "\x00\x00\x00" + string(rune(len(exif))) + "eXIf" + exif + "\x00\x00\x00\x00"
	return []byte(string(b[:33]) + chunk + string(b[33:]))
}

// Invariant 2, Article 15: what of the author's own may be published is recorded before the answer
// says so, and who finds too much about others is told of, and then refused.
func TestArticle4_WhatAScreeningLetsOutIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Publish(vaulttest.Screened(w.Charter))
		child := w.child("amy")
		for purpose, values := range map[string]map[string]string{"course-progress": {"nickname": "王小溪"}, "account": {"guardian_phone": "13912345678"}} {
			if _, err := w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: purpose, Values: values}); err != nil {
				t.Fatal(err)
			}
		}
		asked := w.must(w.client.Ask(ctx, wardkeep.Asking{Child: child, Purposes: []string{"class-ranking"}, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := consent.ByID(ctx, tx, vaulttest.Service, asked.ID)
			if err == nil {
				_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			}
			return err
		})
		node := w.behind(t, func(s *api.Server) {
			s.Limits = noLimits
			s.Publication = &publication.Desk{Vault: w.Vault, Sets: &publication.Sets{Store: w.Store, Vault: w.Vault},
				Quota: &publication.Quota{Limits: publication.Limits{Burst: 1, BurstIn: time.Hour, PerHour: 2, PerDay: 9}}}
		})
		recorded := func(kind string) (n int) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n = 0
				return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					if p.Kind == kind {
						n++
					}
					return nil
				})
			})
			return n
		}
		before := recorded(gate.KindPermitted)
		got := w.must(node.client.Screen(ctx, wardkeep.NewScreening{Text: "大家好，我是王小溪", Child: child, Audience: "class"})).(wardkeep.Screening)
		if n := recorded(gate.KindPermitted) - before; got.Verdict != "publish" || n != 1 {
			t.Errorf("%+v, %d entries", got, n)
		}
		for i, alarms := range []int{1, 2} { // its own counts, too
			_, err := node.client.Screen(ctx, wardkeep.NewScreening{Text: "打13912345678"})
			if refused := errors.Is(err, &wardkeep.Problem{Code: "publication.quota"}); refused != (i == 1) || recorded(publication.KindAlarm) != alarms {
				t.Errorf("%d: %v, %d alarms", i, err, recorded(publication.KindAlarm))
			}
		}
	})
}
