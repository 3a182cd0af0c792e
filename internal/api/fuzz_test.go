package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/base/errs"
)

// Whatever body comes, it is read or refused with a code; and what the
// hand-written readers let in is what encoding/json reads.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{"purpose":"p","items":["a","b"]}`, `{"items":["\u0061\n"],"purpose":"\ud83d\ude00"}`, `{"purpose":"\ud800","items":[]}`,
		`{"checks":[{"child":"ch_x","activity":"use","purpose":"p","items":[],"party":"q"}]}`, `{"checks":[{},7]}`,
		` { "a" : [ 1 , -2.5e3 , true , null , "x" ] } `, `{"a":1,"a":2}`, `{"a":{"b":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}}`, "\"\x00\"", `{"a`, `[`, ``, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		refused(t, strict(body))
		purpose, items, err := parseReading(body)
		refused(t, err)
		if err == nil {
			agrees(t, body, wardkeep.Reading{Purpose: purpose, Items: items})
		}
		checks, err := parseChecks(body)
		refused(t, err)
		if err == nil {
			var got wardkeep.Checks
			for _, c := range checks {
				got.Checks = append(got.Checks, wardkeep.Check{Child: c.child, Activity: string(c.use.Activity), Purpose: c.use.Purpose, Items: c.use.Items, Party: c.use.Party})
			}
			agrees(t, body, got)
		}
	})
}

// agrees fails unless the strict reader and encoding/json read the same.
func agrees[T any](t *testing.T, body []byte, got T) {
	t.Helper()
	if err := strict(body); err != nil {
		t.Errorf("let in, and not strict: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	var want T
	if err := d.Decode(&want); err != nil {
		t.Errorf("let in, and not JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Error("something follows")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// refused fails unless err is nil or a refusal.
func refused(t *testing.T, err error) {
	t.Helper()
	if e := errs.Of(err); err != nil && (e.Kind == errs.Internal || e.Code == "") {
		t.Errorf("not a refusal: %v", err)
	}
}
