package notify_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"wardkeep/internal/notify"
)

// hanging is a receiver that says nothing until we leave, and whose server says 200 by
// itself just then: the client may hear that.
type hanging struct{ here chan struct{} }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	close(h.here)
	<-r.Context().Done()
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// Invariant 12: who hangs until we give up has taken nothing.
func TestPost_AnAnswerThatComesWhenWeLeaveIsNone(t *testing.T) {
	post := func(ctx context.Context, h hanging, timeout time.Duration) (int, error) {
		client := &http.Client{Transport: h, Timeout: timeout}
		status, _, err := notify.Post(ctx, client, "https://receiver.example", "le_1", []byte("{}"), 1<<10, make([]byte, 32))
		return status, err
	}
	ctx, leave := context.WithCancel(t.Context())
	h := hanging{make(chan struct{})}
	go func() { <-h.here; leave() }()
	if status, err := post(ctx, h, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("it was cut off, and is believed to have said %d, %v", status, err)
	}
	if status, err := post(t.Context(), hanging{make(chan struct{})}, 5*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it took too long, and is believed to have said %d, %v", status, err)
	}
}
