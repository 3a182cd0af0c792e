package apptest

import (
	"crypto/rand"
	"slices"
	"testing"
)

// A flock finds what each canary finds by itself, in each form, wherever it begins.
func TestInvariant9_AFlockFindsWhatItsCanariesFind(t *testing.T) {
	canaries := []Canary{
		{"Chinese", "金丝雀" + rand.Text()}, {"the same beginning", "金丝雀" + rand.Text()}, {"plain", rand.Text()}, {"bytes", "\x00\xff\"" + rand.Text()},
		{"number", "13712345678"}, {"part of it", "12345678"},
	}
	flock := NewFlock(canaries)
	around := make([]byte, 4096)
	rand.Read(around)
	for i, c := range canaries {
		for _, f := range c.forms() {
			for _, at := range []int{0, 1, 7, len(around)} {
				whole := slices.Insert(slices.Clone(around), at, f.bytes...)
				if flock.In(whole)[i] == "" {
					t.Errorf("the %s isn't found as %s at %d", c.Name, f.name, at)
				}
				for _, b := range [][]byte{whole, whole[:at+len(f.bytes)-1], f.bytes[1:], nil} {
					found := flock.In(b)
					for j, other := range canaries {
						if form := other.In(b); (found[j] == "") != (form == "") {
							t.Errorf("the %s as %s at %d: the flock finds the %s as %q, and by itself it is found as %q", c.Name, f.name, at, other.Name, found[j], form)
						}
					}
				}
			}
		}
	}
}
