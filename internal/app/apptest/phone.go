package apptest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A Phone is an SMS gateway that keeps the last message of each kind to each
// number of eleven digits.
type Phone struct {
	URL string

	mu    sync.Mutex
	last  map[phoned]string
	taken map[phoned]int
	broke http.HandlerFunc
}

type phoned struct{ number, kind string }

func newPhone(t testing.TB) *Phone {
	p := &Phone{last: make(map[phoned]string), taken: make(map[phoned]int)}
	s := httptest.NewServer(http.HandlerFunc(p.take))
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

func (p *Phone) take(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	broke := p.broke
	p.mu.Unlock()
	if broke != nil {
		broke(w, r)
		return
	}
	var m struct{ To, Text, Kind string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	about := phoned{strings.TrimPrefix(m.To, "+86"), m.Kind}
	p.last[about] = m.Text
	p.taken[about]++
}

// Received returns the last message of a kind to a number, or "", and how many
// there were.
func (p *Phone) Received(number, kind string) (text string, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	about := phoned{number, kind}
	return p.last[about], p.taken[about]
}

// Break has something else answer instead; nil mends it.
func (p *Phone) Break(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broke = h
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// Code returns the one-time code in the last message to a number, or "".
func (p *Phone) Code(number string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sixDigits.FindString(p.last[phoned{number, "consent.code"}])
}

// NewPhoneNumber returns a mobile number that is nobody else's in this test.
func NewPhoneNumber() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_0000_0000))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("139%08d", n)
}
