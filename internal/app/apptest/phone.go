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

// A Phone is an SMS gateway that keeps the last message to each number of
// eleven digits.
type Phone struct {
	URL string

	mu    sync.Mutex
	last  map[string]string
	broke http.HandlerFunc
}

func newPhone(t testing.TB) *Phone {
	p := &Phone{last: make(map[string]string)}
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
	var m struct{ To, Text string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[strings.TrimPrefix(m.To, "+86")] = m.Text
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
	return sixDigits.FindString(p.last[number])
}

// NewPhoneNumber returns a mobile number that is nobody else's in this test.
func NewPhoneNumber() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_0000_0000))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("139%08d", n)
}
