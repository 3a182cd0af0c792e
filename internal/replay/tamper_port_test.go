package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// portChanges are what somebody may do to copies that are handed over, and what is found.
var portChanges = []struct{ name, query, found string }{
	{"a copy doesn't wait any more", `DELETE FROM rights_port`, "row_missing rights_port "},
	{"a copy waits that nobody demanded", `INSERT INTO rights_port SELECT child, 'rr_00000000000000000000000000', address, code, items, tries, ending, ended_at, entry FROM rights_port WHERE ending = ''`, "row_extra rights_port "},
	{"a copy is another demand's", `UPDATE rights_port SET id = '王小明' WHERE ending = ''`, "row_extra rights_port "},
	{"a copy is of another child", `UPDATE rights_port SET child = (SELECT max(child) FROM child WHERE child <> rights_port.child)`, "row_extra rights_port "},
	{"a copy holds more", `UPDATE rights_port SET items = '王小明'`, "row_differs rights_port items"},
	{"a copy can be fetched again", `UPDATE rights_port SET ending = '' WHERE ending = 'fetched'`, "row_differs rights_port ending"},
	{"a copy that was recalled opens again", `UPDATE rights_port SET address = 'x' WHERE ending = 'recalled'`, "row_differs rights_port address, code"},
	{"it is forgotten before its time to whom", `UPDATE rights_request SET note = NULL WHERE kind = 'port'`, "row_differs rights_request note"},
	{"a copy was fetched at another time", `UPDATE rights_port SET ended_at = 1`, "row_differs rights_port ended_at"},
	{"a copy was fetched by another entry", `UPDATE rights_port SET entry = '王小明'`, "row_differs rights_port entry"},
}

// What is decided when a copy is fetched by whom a guardian has named is decided again; and
// copies that were changed, that never were, or that went twice or too late, are found.
func TestPIPL45_WhatIsHandedOverIsDecidedAgain(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		s.mei, s.bo = s.Child(), s.Child()
		ok(t, s.put(s.mei.ID, "course-progress", map[string]string{"nickname": "小梅", "weekly_score": "76"}))
		desk, mother := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, s.Guardian(s.mei)
		port := func() (r rights.Request, secret rights.Secrets) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, secret, err = s.Vault.DemandPort(ctx, tx, desk, mother, s.mei, rights.Demand{Items: []string{"nickname"},
					To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
				return err
			})
			return r, secret
		}
		fetch := func(secret rights.Secrets, code string, needs family.Strength) error {
			return s.Try(func(ctx context.Context, tx *db.Tx) error {
				p, r, err := desk.TryPort(ctx, tx, secret.Address, pii.New(code))
				if err == nil {
					_, err = s.Vault.Port(ctx, tx, r, p, needs, []string{"nickname"})
				}
				return err
			})
		}
		fetched, secret := port()
		denied(t, fetch(secret, secret.Code.Reveal(), family.Document), "gate.access_weak")
		ok(t, fetch(secret, secret.Code.Reveal(), family.OneTimeCode))
		recalled, _ := port()
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Recall(ctx, tx, mother, recalled)
			return err
		})
		_, guessed := port()
		for range 10 {
			if fetch(guessed, "", family.OneTimeCode) == nil {
				t.Error("without a code")
			}
		}
		waits, _ := port()
		s.Pass(time.Second)
		ok(t, s.flush())
		s.replays(t)
		tried := make(tries)
		for _, c := range portChanges {
			if tried.enough(t, c.query) {
				continue
			}
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, c.query)
					return err
				})
			})
			found(t, c.name, report, c.found)
		}

		// Nobody says that something went which never waited, was over, or wasn't chosen.
		by := "port:" + waits.ID
		look := func(demand, item string) gate.AccessBody {
			return gate.AccessBody{Items: []string{item}, Age: "child", Strength: family.OneTimeCode, Needs: family.OneTimeCode, Demand: demand}
		}
		weak := look(waits.ID, "nickname")
		weak.Needs = family.Document
		for name, c := range map[string]struct {
			found, kind, actor string
			body               any
		}{
			"it is fetched twice":              {"impossible port", gate.KindPorted, "port:" + fetched.ID, look(fetched.ID, "nickname")},
			"it is fetched and was recalled":   {"impossible port", gate.KindPorted, "port:" + recalled.ID, look(recalled.ID, "nickname")},
			"what wasn't chosen is fetched":    {"impossible port", gate.KindPorted, by, look(waits.ID, "weekly_score")},
			"a guardian fetches it":            {"actor actor", gate.KindPorted, mother.Ledger(), look(waits.ID, "nickname")},
			"one is fetched that never was":    {"actor actor", gate.KindPorted, by, look(id.New(id.Rights), "nickname")},
			"a guardian was proved too weakly": {"verdict ", gate.KindPorted, by, weak},
			"it is denied for no reason":       {"verdict ", gate.KindPortDenied, by, look(waits.ID, "nickname")},
			"it is recalled twice":             {"impossible port", rights.KindRecalled, mother.Ledger(), rights.RecalledBody{Request: recalled.ID, Why: rights.Recalled}},
			"a stranger recalls it":            {"impossible port", rights.KindRecalled, by, rights.RecalledBody{Request: waits.ID, Why: rights.Recalled}},
			"a guardian guesses":               {"impossible port", rights.KindRecalled, mother.Ledger(), rights.RecalledBody{Request: waits.ID, Why: rights.Guessed}},
			"it ends by itself":                {"body port", rights.KindRecalled, mother.Ledger(), rights.RecalledBody{Request: waits.ID, Why: "x"}},
			"a restore has ended it":           {"impossible actor", rights.KindRecalled, mother.Ledger(), rights.RecalledBody{Request: waits.ID, Why: rights.Restored}},
		} {
			raised := int64(0)
			if c.kind == rights.KindRecalled {
				raised = 1
			}
			forgery(t, name, s.once(t, func() { s.forge(s.mei, raised, c.kind, c.actor, c.body) }), c.found)
		}
		demands := func(change func(b *rights.ReceivedBody)) rights.ReceivedBody {
			b := rights.ReceivedBody{Request: id.New(id.Rights), Number: "7K2M-9QXT", Kind: rights.Port, Door: rights.ByGuardian, Guardian: mother.ID, Note: true, Home: true,
				Due: s.Store.Now().Add(time.Hour).UnixMicro(), Fetch: s.Store.Now().Add(time.Hour).UnixMicro()}
			change(&b)
			return b
		}
		for name, change := range map[string]func(b *rights.ReceivedBody){
			"to nobody":                func(b *rights.ReceivedBody) { b.Note = false },
			"to somebody abroad":       func(b *rights.ReceivedBody) { b.Home = false },
			"by the child":             func(b *rights.ReceivedBody) { b.Door = rights.ByChild },
			"of what nobody knows":     func(b *rights.ReceivedBody) { b.Items = []string{"王小明"} },
			"that has no end":          func(b *rights.ReceivedBody) { b.Fetch = 0 },
			"for somebody else to get": func(b *rights.ReceivedBody) { b.Kind, b.Items = rights.Copy, []string{"nickname"} },
		} {
			forgery(t, name, s.once(t, func() { s.forge(s.mei, 1, rights.KindReceived, mother.Ledger(), demands(change)) }), "impossible port")
		}
	})
}
