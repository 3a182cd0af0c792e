package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/retention"
)

// A known child is what outsiders could look for in the ledger.
type known struct {
	id, subject string
	fresh       wardkeep.NewChild
	refHash     []byte
}

// tells are the texts that would lead from the ledger to the child: its id, the
// operator's reference and every contact, as they are and as hashes.
func (k known) tells() map[string][]byte {
	all := map[string][]byte{"keyed hash of the reference": k.refHash}
	for name, value := range map[string]string{
		"id": k.id, "reference": k.fresh.Ref, "phone": k.fresh.Guardian.Phone, "phone with its country": "+86" + k.fresh.Guardian.Phone,
		"e-mail": k.fresh.Guardian.Email, "name": k.fresh.Guardian.Name, "birth date": k.fresh.BirthDate,
	} {
		sum := sha256.Sum256([]byte(value))
		all[name], all["SHA-256 of the "+name] = []byte(value), sum[:]
	}
	return all
}

// in returns what of the child shows in b.
func (k known) in(b []byte) (found []string) {
	for name, tell := range k.tells() {
		for _, form := range []string{string(tell), hex.EncodeToString(tell), strings.ToUpper(hex.EncodeToString(tell)),
			base64.RawStdEncoding.EncodeToString(tell), base64.RawURLEncoding.EncodeToString(tell)} {
			if bytes.Contains(b, []byte(form)) {
				found = append(found, name)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// Invariant 6: the leaves of the ledger hold no id of a child, no reference, no
// contact and no hash of one; and after an erasure the pseudonym is nowhere but
// in the ledger, and nothing leads from it to the child once three days are over.
func TestInvariant6_TheLedgerNamesNobody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		client := in.Client(in.Serve(a))
		var children []known
		for range 5 {
			children = append(children, liveThrough(t, in, a, client))
		}
		for _, k := range children[:3] {
			if _, err := client.Erase(t.Context(), k.id); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		leavesNameNobody(t, a, children)
		for _, k := range children[:3] {
			erasedFromTables(t, in, a, k)
		}
		forgottenAfterThreeDays(t, in, a, children[:3])
	})
}

// liveThrough takes a child through all that writes entries over the API.
func liveThrough(t *testing.T, in *apptest.Installation, a *app.App, client *wardkeep.Client) known {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	k := known{fresh: apptest.NewChild()}
	k.fresh.Guardian.Name, k.fresh.Guardian.Email = text(12), strings.ToLower(k.fresh.Ref)+"@names.example"
	child, err := client.Register(ctx, k.fresh)
	must(err)
	k.id = child.ID
	r, err := client.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref(k.fresh.Ref), Channel: "sms", Locale: "zh-CN", ExternalPayload: k.fresh.Ref})
	must(err)
	_, err = client.Force(ctx, r.ID, granted)
	must(err)
	values := map[string]string{"nickname": "小溪", "answers": k.fresh.Ref}
	_, err = client.Collect(ctx, k.id, "", wardkeep.Collection{Purpose: "course-progress", Values: values})
	must(err)
	_, err = client.Read(ctx, k.id, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname", "answers"}})
	must(err)
	// Names that the charter lacks may be a child's.
	for _, wrong := range []wardkeep.Reading{{Purpose: k.fresh.Ref, Items: []string{k.id}}, {Purpose: "course-progress", Items: []string{k.fresh.Guardian.Phone, "nickname"}}} {
		if _, err = client.Read(ctx, k.id, wrong); err == nil {
			t.Error("read what no charter has")
		}
	}
	_, err = client.Report(ctx, k.id, wardkeep.Happening{Event: "account-closed"})
	must(err)
	if _, err = client.Report(ctx, k.id, wardkeep.Happening{Event: k.fresh.Ref}); err == nil {
		t.Error("an event happened that no charter has")
	}
	batch := wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{{Child: k.id, Values: values}}}
	sealed, err := client.Seal(ctx, batch)
	must(err)
	batch.Children[0].Values = sealed[0].Values
	_, err = client.Open(ctx, batch)
	must(err)
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, apptest.Service, family.ID(k.id))
		if err != nil {
			return err
		}
		k.subject = c.Subject
		k.refHash, err = db.One(ctx, tx, db.Single[[]byte], `SELECT ref_hash FROM child WHERE child = $1`, k.id)
		return err
	})
	return k
}

var childID = regexp.MustCompile(`ch_[0-9a-z]{6}`)

func leavesNameNobody(t *testing.T, a *app.App, children []known) {
	t.Helper()
	ctx := t.Context()
	var kinds []string
	about := make(map[string]int)
	err := a.Store.View(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
			kinds = append(kinds, p.Kind)
			about[p.Subject]++
			if id := childID.Find(p.Leaf); id != nil {
				t.Errorf("place %d, %s: %s", p.Place, p.Kind, id)
			}
			for _, k := range children {
				if found := k.in(p.Leaf); found != nil {
					t.Errorf("place %d, %s: the leaf holds the %s", p.Place, p.Kind, found)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	for _, want := range []string{"child.registered", "child.event", "child.erased", "consent.granted", "consent.sent", "guardian.added", "use.denied", "use.permitted", "value.collected"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("the story has no %s", want)
		}
	}
	for _, k := range children {
		if about[k.subject] < 10 {
			t.Errorf("only %d entries are about a child", about[k.subject])
		}
	}
}

// erasedFromTables looks for what is left of an erased child. For three days its
// tombstone can still be told to be that of a pseudonym, by a keyed hash.
func erasedFromTables(t *testing.T, in *apptest.Installation, a *app.App, k known) {
	t.Helper()
	for table, rows := range in.Tables() {
		if !strings.HasPrefix(table, "ledger_") && bytes.Contains(rows, []byte(k.subject)) {
			t.Errorf("%s holds the pseudonym of an erased child", table)
		}
		found := k.in(rows)
		if table == "child" || table == "erased_subject" {
			found = slices.DeleteFunc(found, func(name string) bool { return name == "id" })
		}
		if len(found) > 0 {
			t.Errorf("%s holds the %s of an erased child", table, found)
		}
	}
}

func forgottenAfterThreeDays(t *testing.T, in *apptest.Installation, a *app.App, children []known) {
	t.Helper()
	lead := func() (n int) {
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			n = 0
			for _, k := range children {
				if id, err := family.ChildOf(ctx, tx, a.Ring, k.subject); err == nil && string(id) == k.id {
					n++
				}
			}
			return nil
		})
		return n
	}
	hashes := make([][]byte, len(children))
	for i, k := range children {
		hashes[i] = a.Ring.Index("family.subject", k.subject)
		if !bytes.Contains(in.Tables()["erased_subject"], hashes[i]) {
			t.Error("right after the erasure nothing tells which child it was")
		}
	}
	if n := lead(); n != len(children) {
		t.Errorf("right after the erasure %d pseudonyms lead to their child, want %d", n, len(children))
	}
	in.Pass(72*time.Hour + time.Second)
	if n := lead(); n != 0 {
		t.Errorf("after three days, before the sweep, %d pseudonyms lead to their child", n)
	}
	if _, err := retention.Sweep(t.Context(), a.Store, a.Vault); err != nil {
		t.Fatal(err)
	}
	tables := in.Tables()
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		for i, k := range children {
			if bytes.Contains(tables[table], hashes[i]) {
				t.Errorf("after three days %s holds the hash of a pseudonym", table)
			}
			if table != "child" && bytes.Contains(tables[table], []byte(k.id)) {
				t.Errorf("after three days %s names an erased child", table)
			}
		}
	}
}
