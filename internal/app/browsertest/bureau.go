package browsertest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"wardkeep/internal/notify"
	"wardkeep/internal/verification"
)

// Bureaus is where the official service has its pages. Nobody gets there.
const Bureaus = "id.example"

// A Bureau is whoever knows who somebody is. Its zero value can't be reached.
type Bureau struct {
	mu    sync.Mutex
	reply verification.Reply
}

// Say sets what the bureau answers; "" that it can't be reached.
func (b *Bureau) Say(result string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reply = verification.Reply{Result: result, URL: "https://" + Bureaus + "/begin"}
}

// Ask answers as it was made to.
func (b *Bureau) Ask(context.Context, verification.Question) (verification.Reply, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reply.Result == "" {
		return verification.Reply{}, notify.ErrUnavailable
	}
	return b.reply, nil
}

// Signed believes no report.
func (b *Bureau) Signed(http.Header, []byte, time.Time) bool { return false }
