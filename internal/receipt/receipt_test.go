package receipt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/receipt"
	"wardkeep/internal/vault/vaulttest"
)

var update = flag.Bool("update", false, "write the golden files again")

func verify(t *testing.T, file []byte, against receipt.Against) receipt.Report {
	t.Helper()
	r, err := receipt.Verify(file, against)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return r
}

func TestArticle9_ARecordProvesWhatWasChosen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, lang := range []string{"zh-CN", "en"} {
			child, _ := d.Enrol()
			a := d.answer(child, consent.Asking{}, lang, "class-ranking")
			if _, err := d.record(a); !errors.Is(err, receipt.ErrNotYet) {
				t.Errorf("before the ledger has its place: %v", err)
			}
			file := d.file(a)
			golden(t, "record."+lang+".json", file)
			r := verify(t, file, receipt.Against{Key: d.office.Key})
			if !r.OK() || r.OwnKey || len(r.Record.Processing) != len(a.Purposes) || r.Record.Notice.Language != lang {
				t.Fatalf("%+v", r.Findings)
			}
			for i, p := range r.Record.Processing {
				want := receipt.Given
				if p.Purpose == "class-ranking" {
					want = receipt.Refused
				}
				if p.Purpose != a.Purposes[i] || len(p.Events) != 1 || p.Events[0].State != want || p.Events[0].Entity != "Guardian" {
					t.Errorf("%s: %+v", p.Purpose, p.Events)
				}
			}
			if !slices.Contains(r.Unproved, "party_identification") {
				t.Errorf("without the charter, unproved are %v", r.Unproved)
			}
			if r := verify(t, file, receipt.Against{Key: d.office.Key, Charter: loadCharter(t, d.World)}); !r.OK() || !r.Charter {
				t.Errorf("with the charter: %+v", r.Findings)
			}
			if r := verify(t, file, receipt.Against{}); !r.OK() || !r.OwnKey {
				t.Errorf("without a key: %+v", r.Findings)
			}
			// Nobody's data, and nothing that leads to the page.
			for _, secret := range []string{"13800000000", a.proof, "example.com/r/"} {
				if bytes.Contains(file, []byte(secret)) {
					t.Errorf("the record holds %q", secret)
				}
			}
		}
	})
}

func golden(t *testing.T, name string, file []byte) {
	t.Helper()
	got := times.ReplaceAllString(ids.ReplaceAllString(string(file), "${1}_…"), "…")
	got = regexp.MustCompile(`\\"(at|shown)\\":\d+`).ReplaceAllString(got, `\"$1\":…`)
	got = regexp.MustCompile(`"(checkpoint|verifier_key)": ".*"`).ReplaceAllString(got, `"$1": "…"`)
	got = regexp.MustCompile(`(?s)"hashes": \[.*?\]`).ReplaceAllString(got, `"hashes": […]`)
	got = regexp.MustCompile(`"(ledger_index|index)": \d+`).ReplaceAllString(got, `"$1": …`)
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (make golden writes it again):\n%s", name, diff)
	}
}

func TestArticle20_AWithdrawalStandsInTheRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _ := d.Enrol()
		a := d.answer(child, consent.Asking{}, "en", "class-ranking")
		before := d.file(a)
		d.withdraw(&a, "course-progress")
		after := verify(t, d.file(a), receipt.Against{Key: d.office.Key})
		at := slices.IndexFunc(after.Record.Processing, func(p receipt.Processing) bool { return p.Purpose == "course-progress" })
		events := after.Record.Processing[at].Events
		if !after.OK() || len(events) != 2 || events[0].State != receipt.Given || events[1].State != receipt.Withdrawn {
			t.Fatalf("%+v %+v", after.Findings, events)
		}
		if r := verify(t, before, receipt.Against{Key: d.office.Key}); !r.OK() {
			t.Errorf("the record of before: %+v", r.Findings)
		}
		// A new answer to a new request ends the former one, in its record too.
		again := d.answer(child, consent.Asking{Purposes: []string{"account"}}, "zh-CN")
		if r := verify(t, d.file(again), receipt.Against{Key: d.office.Key}); !r.OK() || len(r.Record.Processing) != 1 || len(r.Record.Processing[0].Events) != 1 {
			t.Errorf("%+v", r)
		}
		d.Pass(time.Hour)
		d.verify(&a)
		r := verify(t, d.file(a), receipt.Against{Key: d.office.Key})
		if events := r.Record.Processing[0].Events; !r.OK() || len(events) != 2 || events[1].State != receipt.Given {
			t.Errorf("%+v %+v", r.Findings, events)
		}
	})
}

// Each byte that is proven counts: a change of any field, entry or name is found.
func TestArticle9_ATamperedRecordIsFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _ := d.Enrol()
		a := d.answer(child, consent.Asking{}, "zh-CN", "class-ranking")
		d.withdraw(&a, "account")
		file := d.file(a)
		c := loadCharter(t, d.World)
		var whole any
		if err := json.Unmarshal(file, &whole); err != nil {
			t.Fatal(err)
		}
		// Nothing of a file is the store's, so one engine tells of each field.
		fields, every := 0, strings.HasSuffix(t.Name(), "/sqlite")
		eachField("", whole, func(path string, v any, set func(any)) {
			if fields++; !every {
				return
			}
			for _, other := range others(v) {
				set(other)
				changed, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				set(v)
				r, err := receipt.Verify(changed, receipt.Against{Key: d.office.Key, Charter: c})
				free := path == "privacy_notice.link" || path == "withdrawal_method"
				switch {
				case err == nil && !r.OK() != free:
				case errors.Is(err, receipt.ErrFormat) && !free:
				default:
					t.Errorf("%s: %.40v for %.40v: %v %v", path, other, v, r.Findings, err)
				}
			}
		})
		if fields < 200 {
			t.Errorf("only %d fields", fields)
		}
		for name, change := range map[string]func(string) string{
			"a field that is not known":   func(s string) string { return strings.Replace(s, `"record_id"`, `"王小美": 1, "record_id"`, 1) },
			"a name in another case":      func(s string) string { return strings.Replace(s, `"record_id"`, `"Record_ID"`, 1) },
			"a field twice":               func(s string) string { return strings.Replace(s, `"record_id"`, `"record_id": "cr_x", "record_id"`, 1) },
			"something behind":            func(s string) string { return s + "{}" },
			"a purpose is missing":        func(s string) string { return cut(s, `"purpose_id": "parent-reports"`) },
			"another schema":              func(s string) string { return strings.Replace(s, "iso-27560#record", "iso-27560#other", 1) },
			"cut off":                     func(s string) string { return s[:len(s)-10] },
			"bytes that are no text":      func(s string) string { return strings.Replace(s, "dpv:Consent", "dpv:\xff", 1) },
			"a yes for a no in the entry": func(s string) string { return strings.Replace(s, "consent.refused", "consent.granted", 1) },
		} {
			changed := change(string(file))
			if changed == string(file) {
				t.Fatalf("%s: nothing was changed", name)
			}
			r, err := receipt.Verify([]byte(changed), receipt.Against{Key: d.office.Key})
			if !errors.Is(err, receipt.ErrFormat) && (err != nil || r.OK()) {
				t.Errorf("%s isn't found: %v", name, err)
			}
			for _, f := range r.Findings {
				if strings.Contains(f.Part, "王小美") {
					t.Errorf("%s: a stranger's name comes back in %q", name, f.Part)
				}
			}
		}
	})
}

// cut removes the object that holds a text.
func cut(s, text string) string {
	at := strings.Index(s, text)
	if at < 0 {
		return s
	}
	from := strings.LastIndex(s[:at], "    {\n      \"purpose_id\"")
	to := strings.Index(s[at:], "\n    },\n")
	if from < 0 || to < 0 {
		return s
	}
	return s[:from] + s[at+to+len("\n    },\n"):]
}

// eachField calls fn for every field and element that isn't made of others.
func eachField(path string, v any, fn func(path string, v any, set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for name, under := range v {
			p := name
			if path != "" {
				p = path + "." + name
			}
			if !made(under) {
				fn(p, under, func(x any) { v[name] = x })
			}
			eachField(p, under, fn)
		}
	case []any:
		for i, under := range v {
			p := fmt.Sprintf("%s[%d]", path, i)
			if !made(under) {
				fn(p, under, func(x any) { v[i] = x })
			}
			eachField(p, under, fn)
		}
	}
}

func made(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// others are values that somebody might put there.
func others(v any) []any {
	switch v := v.(type) {
	case string:
		return []any{v + " ", ""}
	case float64:
		return []any{v + 1, -1.0, 1e300}
	case bool:
		return []any{!v}
	}
	return nil
}

// Whoever writes a record of things that never happened needs the ledger's key.
func TestArticle9_AForgedRecordNeedsTheLedgersKey(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		d := newDesk(t, w)
		child, _ := d.Enrol()
		file := d.file(d.answer(child, consent.Asking{}, "en"))
		_, other, err := ledger.NewSigner(origin, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		r := verify(t, file, receipt.Against{Key: other})
		if r.OK() || r.Findings[0].Code != receipt.FoundCheckpoint {
			t.Errorf("%+v", r.Findings)
		}
		forged := strings.Replace(string(file), d.office.Key, other, 1)
		if r := verify(t, []byte(forged), receipt.Against{}); r.OK() {
			t.Error("a key of one's own in the record makes it hold")
		}
		// The leaf of another kind of entry is no answer, though it is in the ledger.
		opened := d.due0(t)
		var v map[string]any
		if err := json.Unmarshal(file, &v); err != nil {
			t.Fatal(err)
		}
		v["proof"].(map[string]any)["entries"] = []any{opened}
		changed, _ := json.Marshal(v)
		r = verify(t, changed, receipt.Against{Key: d.office.Key})
		if r.OK() || r.Findings[len(r.Findings)-1].Code != receipt.FoundContent {
			t.Errorf("%+v", r.Findings)
		}
	})
}

// due0 is the first entry of the ledger, as a record holds one.
func (d *desk) due0(t *testing.T) map[string]any {
	t.Helper()
	var leaf string
	err := d.Store.View(t.Context(), func(tx *db.Tx) error {
		all, err := ledger.Since(t.Context(), tx, 0, 1)
		leaf = string(all[0].Leaf)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"index": 0, "leaf": leaf, "hashes": []any{}}
}

func TestCheckpointsFromElsewhereAreComparedAsFarAsTheyCan(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		d := newDesk(t, w)
		child, _ := d.Enrol()
		a := d.answer(child, consent.Asking{}, "en")
		file := d.file(a)
		same := verify(t, file, receipt.Against{Key: d.office.Key}).Record.Proof.Checkpoint
		d.withdraw(&a, "account")
		later := verify(t, d.file(a), receipt.Against{}).Record.Proof.Checkpoint
		r := verify(t, file, receipt.Against{Key: d.office.Key, Checkpoints: []string{same, later}})
		if !r.OK() || len(r.Later) != 1 || r.Later[0] <= r.Tree.Size {
			t.Errorf("%+v %v", r.Findings, r.Later)
		}
		r = verify(t, file, receipt.Against{Key: d.office.Key, Checkpoints: []string{"nothing\n"}})
		if r.OK() || r.Findings[0].Code != receipt.FoundElsewhere {
			t.Errorf("%+v", r.Findings)
		}
		signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
		if err != nil {
			t.Fatal(err)
		}
		fork := ledgerOf(t, signer, r.Tree.Size)
		r = verify(t, file, receipt.Against{Key: d.office.Key, Checkpoints: []string{fork}})
		if r.OK() || r.Findings[0].Code != receipt.FoundFork {
			t.Errorf("%+v", r.Findings)
		}
	})
}

// For half an hour the browser that answered reads the receipt, and does nothing
// else with that proof.
func TestArticle9_TheProofThatAnsweredOnlyReads(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _ := d.Enrol()
		a := d.answer(child, consent.Asking{}, "en", "class-ranking")
		d.flush()
		try := func(proof string) (by consent.Reader, read, act error) {
			read = d.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				by, err = d.Desk.Reader(ctx, tx, a.Request, proof)
				return err
			})
			act = d.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := d.Desk.Guardian(ctx, tx, a.Request, proof)
				return err
			})
			return by, read, act
		}
		if by, read, act := try(a.proof); read != nil || by.Acts || !errors.Is(act, consent.ErrVerified) {
			t.Errorf("right after the answer: %+v, %v, %v", by, read, act)
		}
		for _, wrong := range []string{"", "x", strings.Repeat("0", 52), strings.Repeat("0", 200)} {
			if _, read, _ := try(wrong); !errors.Is(read, consent.ErrVerified) {
				t.Errorf("%q reads: %v", wrong, read)
			}
		}
		old := a.proof
		d.verify(&a)
		if by, read, act := try(a.proof); read != nil || act != nil || !by.Acts {
			t.Errorf("a new proof: %+v, %v, %v", by, read, act)
		}
		if _, read, _ := try(old); !errors.Is(read, consent.ErrVerified) {
			t.Errorf("the former one: %v", read)
		}
		d.Pass(consent.ProofLife)
		if _, read, _ := try(a.proof); !errors.Is(read, consent.ErrVerified) {
			t.Errorf("after half an hour: %v", read)
		}
		b := d.answer(child, consent.Asking{Purposes: []string{"account"}}, "en")
		d.Pass(consent.ProofLife)
		if _, err := d.record(b); !errors.Is(err, consent.ErrVerified) {
			t.Errorf("half an hour after the answer: %v", err)
		}
		// Edge cases 8 and 24: what ends a guardian ends its reading.
		c := d.answer(child, consent.Asking{Purposes: []string{"account"}}, "en")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			_, _, err = d.Desk.Unverify(ctx, tx, d.App, child, c.Guardian)
			return err
		})
		if _, err := d.record(c); !errors.Is(err, consent.ErrVerified) {
			t.Errorf("after the proof was taken back: %v", err)
		}
		// Nobody reads the receipt of another one's request.
		err := d.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := d.office.Of(ctx, tx, consent.Reader{Child: child.ID, Guardian: "gu_other"}, c.Request)
			return err
		})
		if !errors.Is(err, consent.ErrNotYours) {
			t.Errorf("another guardian: %v", err)
		}
	})
}
