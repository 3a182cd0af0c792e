package notify

import (
	"context"
	"slices"
	"sync"
	"time"
)

// An Outbox keeps messages in memory instead of sending them, for the demo,
// whose user plays the guardian and opens it. It holds the newest and forgets
// the rest. It must never be configured where real guardians are asked.
type Outbox struct {
	mu    sync.Mutex
	limit int
	sent  []Sent // the oldest first
}

// Sent is a message in the Outbox.
type Sent struct {
	At time.Time
	Message
}

// NewOutbox returns an Outbox of at most limit messages, and at least one.
func NewOutbox(limit int) *Outbox { return &Outbox{limit: max(limit, 1)} }

// Send keeps the message. It refuses what a real gateway would refuse.
func (o *Outbox) Send(_ context.Context, m Message) error {
	m, err := m.ready(m.Channel)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sent) == o.limit {
		o.sent = slices.Delete(o.sent, 0, 1)
	}
	o.sent = append(o.sent, Sent{At: time.Now(), Message: m})
	return nil
}

// Messages returns what is kept, the newest first.
func (o *Outbox) Messages() []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.sent)
	slices.Reverse(all)
	return all
}
