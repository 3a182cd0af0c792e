package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	knownHeader = "    values  seconds  values/s  server CPU s  RSS MB before  RSS MB  peak MB"
	knownLine   = "%10d %8.2f %9.0f %13.1f %14.0f %7.0f %8.0f"

	knownText = `{"text":"今天` + benchNickname + `1跑得最快。"}`
)

// known prints how long a server that was just started takes until it answers what is asked about a text:
// by then it has made the set of known values, one of each child, from the vault. It also prints what that
// takes of memory.
func (b *bench) known(ctx context.Context) error {
	if err := b.seed(ctx, b.Children); err != nil {
		return err
	}
	b.say("bench.known_columns")
	b.print(knownHeader)
	return b.serving(ctx, func(at *server) error {
		if err := b.settle(ctx, at); err != nil {
			return err
		}
		before, _ := at.memory()
		cpu, began := at.cpu(), time.Now()
		if err := b.screened(ctx, at); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		cpu = at.cpu() - cpu
		now, most := at.memory()
		b.print(fmt.Sprintf(knownLine, b.Children, took, float64(b.Children)/took, cpu.Seconds(), megabytes(before), megabytes(now), megabytes(most)))
		return nil
	})
}

// screened asks about a text until there is an answer.
func (b *bench) screened(ctx context.Context, at *server) error {
	w := newWire(at.address, b.world.keys[0])
	defer w.close()
	for {
		w.ask(http.MethodPost, []byte(knownText), "/screenings")
		if err := w.open(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		status, _, err := w.roundTrip()
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			return nil // there is no answer before all values were read
		case status != http.StatusServiceUnavailable:
			return fmt.Errorf("%w: %d", errBenchAnswer, status)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
