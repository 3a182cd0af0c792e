package web

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// from is a request of one of many addresses.
func from(n int) *http.Request {
	return &http.Request{RemoteAddr: fmt.Sprintf("10.%d.%d.%d:1000", n>>16&255, n>>8&255, n&255)}
}

// Whoever has more addresses than are remembered gives nobody a new count, and
// keeps nobody out.
func TestAFloodFromManyAddressesResetsNobodysCount(t *testing.T) {
	l := newLimits(nil)
	l.Rate = 0 // no time goes by
	guesser := &http.Request{RemoteAddr: "192.0.2.1:1000"}
	for i := range burst + 1 {
		if err := l.take(guesser); errors.Is(err, ErrSlowDown) != (i == burst) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	for i := range 2*addresses + 1 {
		if err := l.take(from(i)); err != nil {
			t.Fatalf("newcomer %d: %v", i, err)
		}
		if i%(addresses/2) == 0 && l.take(guesser) == nil {
			t.Fatalf("after %d addresses the guesser counts anew", i)
		}
	}
	if n := l.Len(); n != addresses {
		t.Errorf("%d addresses are remembered, want %d", n, addresses)
	}
}
