package app_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"wardkeep/internal/app"
)

// A server that is told to stop at any moment of its start stops without an
// error.
func TestServeStopsCleanlyAtAnyMoment(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond} {
		dir := t.TempDir()
		c, err := app.LoadConfig("")
		if err != nil {
			t.Fatal(err)
		}
		c.DataDir, c.KeyFile = filepath.Join(dir, "data"), filepath.Join(dir, "key")
		a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if err := a.Serve(ctx, l); err != nil {
			t.Errorf("stopped after %v: %v", wait, err)
		}
		cancel()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}
