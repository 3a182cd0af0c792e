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
