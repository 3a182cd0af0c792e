package id_test

import (
	"testing"

	"wardkeep/internal/base/id"
)

func TestNamesAreTypedAndNeverRepeat(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		s := id.New(id.Child)
		if !id.Is(id.Child, s) || id.Is(id.Guardian, s) {
			t.Fatalf("%q is not a child's name", s)
		}
		if seen[s] {
			t.Fatalf("%q came twice", s)
		}
		seen[s] = true
	}
	for _, bad := range []string{"", "ch_", "ch_UUUUUUUUUUUUUUUUUUUUUUUUUU", "ch_123", "gu_00000000000000000000000000"} {
		if id.Is(id.Child, bad) {
			t.Errorf("%q passes as a child's name", bad)
		}
	}
}

func TestSecretHasAtLeast128Bits(t *testing.T) {
	if s := id.Secret(1); len(s) < 26 {
		t.Errorf("a secret of %d characters", len(s))
	}
}

func TestANumberLeadsToTheNamesThatBeginWithIt(t *testing.T) {
	for range 100 {
		name := id.New(id.Order)
		number, ok := id.ParseNumber(id.NumberOf(name))
		if !ok {
			t.Fatalf("%q has the number %q, which is none", name, id.NumberOf(name))
		}
		first, last := id.Numbered(id.Order, number)
		if !id.Is(id.Order, first) || !id.Is(id.Order, last) || name < first || name > last {
			t.Errorf("%q isn't between %q and %q", name, first, last)
		}
		if other := id.New(id.Order); id.NumberOf(other) != number && other >= first && other <= last {
			t.Errorf("%q has another number and is between %q and %q", other, first, last)
		}
	}
}
