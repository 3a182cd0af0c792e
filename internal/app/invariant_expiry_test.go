package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/charter"
)

// Invariant 10: with no sweep at all, a value that is past its time comes out of
// no route: not where it was collected, not for another purpose, not sealed.
func TestInvariant10_WithoutASweepNothingExpiredComesOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		client := in.Client(in.Serve(in.Open(apptest.Discard())))
		ctx := t.Context()
		child := agreed(t, client, nil)
		values := map[string]string{"nickname": "小溪", "school": "文三路小学"}
		batch := wardkeep.Batch{Purpose: "class-ranking", Children: []wardkeep.ChildValues{{Child: child, Values: values}}} // six months
		if _, err := client.Collect(ctx, child, "", wardkeep.Collection{Purpose: batch.Purpose, Values: values}); err != nil {
			t.Fatal(err)
		}
		sealed, err := client.Seal(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		batch.Children[0].Values = sealed[0].Values
		uses := func() (works []string) {
			for _, r := range []wardkeep.Reading{{Purpose: "class-ranking", Items: []string{"nickname", "school"}}, {Purpose: "class-ranking", Items: []string{"school"}},
				{Purpose: "course-progress", Items: []string{"nickname"}}, {Purpose: "parent-reports", Items: []string{"nickname"}}} {
				name := fmt.Sprint(r.Purpose, r.Items)
				v, err := client.Read(ctx, child, r)
				if err == nil && len(v.Values) == len(r.Items) {
					works = append(works, "read "+name)
				} else if !errors.Is(err, wardkeep.ErrValueExpired) {
					t.Errorf("read %s: %v, %v", name, v.Values, err)
				}
				d, err := client.Decide(ctx, wardkeep.Check{Child: child, Activity: "use", Purpose: r.Purpose, Items: r.Items})
				if err == nil && d[0].Permitted {
					works = append(works, "decide "+name)
				}
			}
			if out, err := client.Open(ctx, batch); err == nil && out[0].Problem == nil {
				works = append(works, "open")
			}
			return works
		}
		const month = 31 * 24 * time.Hour
		in.Pass(5 * month)
		if works := uses(); len(works) != 9 {
			t.Errorf("a month before the end only %v", works)
		}
		in.Pass(month)
		if works := uses(); works != nil {
			t.Errorf("after the end: %v", works)
		}
		if !bytes.Contains(in.Tables()["value"], []byte("school")) {
			t.Error("the value was swept: the test proves nothing")
		}
	})
}

// Invariant 1: whatever is asked for, with or without consent, values come out
// exactly of the uses that the charter and the guardian allow.
func TestInvariant1_OnlyPermittedUsesRelease(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		client := in.Client(in.Serve(in.Open(apptest.Discard())))
		asked := []string{"course-progress", "parent-reports", "safety-audit"}
		child := agreed(t, client, asked)
		held := map[string]string{"nickname": text(12), "answers": text(30), "remarks": text(20), "device_id": text(16)}
		from := map[string]string{"nickname": "course-progress", "answers": "course-progress", "remarks": "parent-reports", "device_id": "safety-audit"}
		for item, value := range held {
			if _, err := client.Collect(t.Context(), child, "", wardkeep.Collection{Purpose: from[item], Values: map[string]string{item: value}}); err != nil {
				t.Fatal(err)
			}
		}
		released, denied := 0, 0
		for range 150 {
			p := in.Charter.Purposes[pick(len(in.Charter.Purposes))]
			if pick(2) == 0 {
				p, _ = in.Charter.Purpose(asked[pick(len(asked))])
			}
			r := wardkeep.Reading{Purpose: p.Name}
			for range 1 + pick(3) {
				r.Items = append(r.Items, anyOf(p.Items...))
			}
			switch pick(6) { // half of the uses are spoilt
			case 0:
				r.Purpose = anyOf("", "nothing")
			case 1:
				r.Items[0] = anyOf("unknown", "voice", "device_id")
			case 2:
				r.Items = append(r.Items, r.Items[0])
			}
			v, err := client.Read(t.Context(), child, r)
			want := allowed(in.Charter, asked, r)
			switch {
			case (err == nil) != want:
				t.Errorf("read %v: %v, want it allowed: %v", r, err, want)
			case err == nil:
				released++
				for item, value := range v.Values {
					if value != held[item] || !slices.Contains(r.Items, item) {
						t.Errorf("read %v: got %s", r, item)
					}
				}
			case len(v.Values) > 0:
				t.Errorf("read %v: a refusal with values", r)
			default:
				denied++
			}
		}
		if released < 5 || denied < 5 {
			t.Errorf("%d released and %d denied prove little", released, denied)
		}
	})
}

// allowed is what the charter and the guardian's answers mean, said simply.
func allowed(c *charter.Charter, asked []string, r wardkeep.Reading) bool {
	p, ok := c.Purpose(r.Purpose)
	if !ok || !slices.Contains(asked, r.Purpose) {
		return false
	}
	for i, item := range r.Items {
		if !slices.Contains(p.Items, item) || slices.Contains(r.Items[:i], item) {
			return false
		}
	}
	return true
}

func anyOf(texts ...string) string { return texts[pick(len(texts))] }

// agreed registers a child whose guardian has agreed to some purposes, or to all.
func agreed(t *testing.T, client *wardkeep.Client, purposes []string) (child string) {
	t.Helper()
	c, err := client.Register(t.Context(), apptest.NewChild())
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Ask(t.Context(), wardkeep.Asking{Child: c.ID, Purposes: purposes, Channel: "link", Locale: "en"})
	if err == nil {
		_, err = client.Force(t.Context(), r.ID, granted)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}
