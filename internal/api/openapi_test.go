package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/account"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault"
)

var update = flag.Bool("update", false, "write golden files")

// described builds the OpenAPI document without a store.
func described(t testing.TB) *mux {
	t.Helper()
	m := newMux(&Server{Vault: &vault.Vault{}, Ledger: &ledger.Log{}})
	for i := range routes {
		m.add(&routes[i])
	}
	return m
}

func TestOpenAPIGolden(t *testing.T) {
	got := append(described(t).document(), '\n')
	const name = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s isn't what the server says of itself: look at the difference, then run the test with -update", name)
	}
}

// Each route says who may ask, what it does, and how it refuses, in both
// languages.
func TestEveryRouteIsWhole(t *testing.T) {
	m := described(t)
	known := account.AllScopes()
	ids := map[string]bool{}
	for _, rt := range routes {
		if ids[rt.ID] {
			t.Errorf("%s is there twice", rt.ID)
		}
		ids[rt.ID] = true
		ofService := strings.HasPrefix(rt.Path, service)
		switch {
		case rt.Access == forApp && rt.Scope == "" && rt.ID != "get-charter" && rt.ID != "get-service":
			t.Errorf("%s wants no scope", rt.ID)
		case rt.Access == forApp && rt.Scope != "" && !known.Has(rt.Scope):
			t.Errorf("%s wants a scope that doesn't exist", rt.ID)
		case rt.Access != forApp && (ofService || rt.Scope != ""):
			t.Errorf("%s is open, and is of a service or has a scope", rt.ID)
		}
		for _, lang := range i18n.Langs {
			for _, key := range []string{"api.route." + rt.ID, "api.tag." + rt.Tag} {
				if !lang.Has(key) {
					t.Errorf("%s has no %s", lang, key)
				}
			}
		}
		item := m.oapi.Paths[rt.described()]
		if item == nil {
			t.Errorf("%s is not described", rt.ID)
			continue
		}
		op := item.Get
		switch rt.Method {
		case post:
			op = item.Post
		case put:
			op = item.Put
		case del:
			op = item.Delete
		}
		if op == nil || op.Summary == "" || op.OperationID != rt.ID || len(op.Tags) != 1 {
			t.Errorf("%s is not described", rt.ID)
			continue
		}
		if (rt.Access == forApp || rt.Access == forParty) != (len(op.Security) == 1) {
			t.Errorf("%s: its security is not described", rt.ID)
		}
		if rt.Body != (op.RequestBody != nil) {
			t.Errorf("%s: its body is not described", rt.ID)
		}
		for _, status := range []int{429, 500, 503} {
			r := op.Responses[strconv.Itoa(status)]
			if r == nil || r.Content[problemType] == nil {
				t.Errorf("%s: %d is not described as a problem", rt.ID, status)
			}
		}
		if len(op.Security) == 1 && (op.Responses["401"] == nil || op.Responses["403"] == nil) {
			t.Errorf("%s doesn't say how it refuses strangers", rt.ID)
		}
		for _, p := range op.Parameters {
			if p.Description == "" || strings.HasPrefix(p.Description, "api.") {
				t.Errorf("%s: the parameter %s has no words", rt.ID, p.Name)
			}
		}
		// Whoever creates or acts takes an Idempotency-Key.
		reads := []string{"check-age", "read", "party-read", "transfer", "disclose", "decide", "open", "screen", "identity-report"} // the last has a nonce, which serves once
		if rt.Method != get && !slices.Contains(reads, rt.ID) && !rt.Once {
			t.Errorf("%s acts and takes no Idempotency-Key", rt.ID)
		}
	}
	var doc map[string]any
	if err := json.Unmarshal(m.document(), &doc); err != nil || doc["openapi"] != "3.1.0" {
		t.Errorf("%v %v", doc["openapi"], err)
	}
}

// Every status of a refusal has a title.
func TestEveryStatusHasATitle(t *testing.T) {
	for _, rt := range routes {
		for _, status := range rt.refusals() {
			for _, lang := range i18n.Langs {
				if !lang.Has(titleKey(status)) {
					t.Errorf("%s: no title for %d", lang, status)
				}
			}
		}
	}
	for _, status := range []int{400, 402, 418, 500, 501, 504} {
		if !i18n.Chinese.Has(titleKey(status)) {
			t.Errorf("no title for %d", status)
		}
	}
}
