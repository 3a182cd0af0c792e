package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"wardkeep/internal/app"
	"wardkeep/internal/witness"
)

type witnessCmd struct {
	Make  witnessMakeCmd  `cmd:"" help:"${witness_make}"`
	Key   witnessKeyCmd   `cmd:"" help:"${witness_key}"`
	Serve witnessServeCmd `cmd:"" help:"${witness_serve}"`
}

type witnessMakeCmd struct {
	Dir  string `arg:"" help:"${witness_dir}"`
	Name string `arg:"" help:"${witness_name}"`
}

// Run makes a witness and prints the key by which others verify it.
func (c witnessMakeCmd) Run(_ context.Context, s *session) error {
	key, err := witness.Make(c.Dir, c.Name)
	if err == nil {
		s.print(key)
	}
	return err
}

type witnessKeyCmd struct {
	Dir string `arg:"" help:"${witness_dir}"`
}

// Run prints the key by which others verify the witness, alone.
func (c witnessKeyCmd) Run(_ context.Context, s *session) error {
	key, err := witness.KeyOf(c.Dir)
	if err == nil {
		s.print(key)
	}
	return err
}

type witnessServeCmd struct {
	Dir         string   `arg:"" help:"${witness_dir}"`
	Listen      string   `default:"127.0.0.1:8090" placeholder:"ADDRESS" help:"${witness_listen}"`
	Log         []string `name:"ledger" required:"" placeholder:"KEY|FILE" help:"${witness_ledger}"`
	Certificate string   `placeholder:"FILE" help:"${witness_certificate}"`
	Key         string   `placeholder:"FILE" help:"${witness_tls_key}"`
}

// Run cosigns the checkpoints of other ledgers until it is told to stop.
func (c witnessServeCmd) Run(ctx context.Context, s *session) (err error) {
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	var keys []string
	for _, named := range c.Log {
		key, err := verifierKey(named)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	if c.Certificate != "" || c.Key != "" {
		if _, err := tls.LoadX509KeyPair(c.Certificate, c.Key); err != nil {
			return fmt.Errorf("%w: %w", errCertificate, err)
		}
	}
	w, err := witness.Open(c.Dir, log, keys...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "address", l.Addr().String(), "ledgers", len(keys))
	return app.ServeWitness(ctx, l, w.Handler(), app.TLS{CertificateFile: c.Certificate, KeyFile: c.Key})
}
