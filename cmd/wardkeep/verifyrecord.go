package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
	"wardkeep/internal/receipt"
)

// errRecord is a file that can't be read.
var errRecord = errs.New(errs.NotFound, "cmd.verify_record")

// record verifies a guardian's receipt, or a certificate of an erasure, offline.
func (c verifyCmd) record(s *session, checkpoints []string) error {
	file, err := readRecord(c.Dir)
	if err != nil {
		return err
	}
	against := receipt.Against{Checkpoints: checkpoints}
	if c.Key != "" {
		if against.Key, err = verifierKey(c.Key); err != nil {
			return err
		}
	}
	if c.Charter != "" {
		if against.Charter, err = loadCharter(s, c.Charter); err != nil {
			return err
		}
	}
	if ledger.IsEvidence(file) {
		return s.verifiedEvidence(string(file), against.Key)
	}
	if receipt.IsCertificate(file) {
		report, err := receipt.VerifyCertificate(file, against)
		if err != nil {
			return fmt.Errorf("%w: %s", err, c.Dir)
		}
		return s.verifiedCertificate(report)
	}
	report, err := receipt.Verify(file, against)
	if err != nil {
		return fmt.Errorf("%w: %s", err, c.Dir)
	}
	return s.verifiedRecord(report)
}

// errEvidence is a proof of an entry that doesn't hold.
var errEvidence = errs.New(errs.Invalid, "cmd.verify_evidence")

// verifiedEvidence verifies the proof of one entry offline, by a key that doesn't come
// with it, and prints the entry.
func (s *session) verifiedEvidence(file, key string) error {
	if key == "" {
		return errVerifierKey
	}
	entry, tree, err := ledger.CheckEvidence(file, key)
	if err != nil {
		return fmt.Errorf("%w: %w", errEvidence, err)
	}
	s.print(printable(string(entry.Leaf)))
	s.say("cmd.verify.evidence_good", "Place", entry.Place, "Size", tree.Size, "Origin", printable(tree.Origin))
	return nil
}

func readRecord(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, receipt.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	return b, nil
}

// bad prints what is wrong, and returns how that ends the command; nil if nothing is.
func (s *session) bad(r receipt.Report) error {
	if r.OK() {
		return nil
	}
	for _, f := range r.Findings {
		s.say("cmd.verify.finding", "Finding", f.In(s.lang), "Code", f.Code)
	}
	s.say("cmd.verify.record_bad", "Count", len(r.Findings))
	return exit(exitFailed)
}

// verifiedCertificate prints a report and returns how it ends the command.
func (s *session) verifiedCertificate(r receipt.ErasureReport) error {
	if err := s.bad(r.Report); err != nil {
		return err
	}
	c := r.Certificate
	s.say("cmd.verify.certificate", "Service", printable(c.Service), "Subject", printable(c.Subject), "At", printable(c.Erased),
		"Ground", printable(c.Ground), "Items", printable(strings.Join(c.Items, ", ")))
	if c.Number != "" {
		s.say("cmd.verify.certificate_demand", "Number", printable(c.Number), "At", printable(c.Demanded), "Door", printable(c.Door))
	}
	for _, h := range c.Held {
		s.say("cmd.verify.certificate_held", "Item", printable(h.Item), "Basis", printable(h.Basis), "Number", printable(h.Number), "Until", printable(h.Until))
	}
	for _, t := range c.Ordered {
		s.say("cmd.verify.certificate_order", "Party", printable(t.Party), "Number", printable(t.Number), "Due", printable(t.Due), "Attested", printable(t.Attested))
	}
	s.say("cmd.verify.record_entries", "Size", r.Tree.Size, "Origin", printable(r.Tree.Origin))
	for _, size := range r.Later {
		s.say("cmd.verify.record_later", "Size", size, "Own", r.Tree.Size)
	}
	if r.OwnKey {
		s.say("cmd.verify.record_own_key", "Key", printable(c.Proof.Key))
		return nil
	}
	s.say("cmd.verify.certificate_good")
	return nil
}

// verifiedRecord prints a report and returns how it ends the command.
func (s *session) verifiedRecord(r receipt.Report) error {
	if err := s.bad(r); err != nil {
		return err
	}
	s.say("cmd.verify.record", "Record", printable(r.Record.ID), "Service", printable(r.Record.Service),
		"Language", printable(r.Record.Notice.Language), "Version", r.Record.Notice.Version)
	for _, p := range r.Record.Processing {
		for _, e := range p.Events {
			s.say(stateWords[e.State], "Purpose", printable(p.Label), "At", printable(e.Time), "Place", e.Index)
		}
	}
	s.say("cmd.verify.record_entries", "Size", r.Tree.Size, "Origin", printable(r.Tree.Origin))
	s.say("cmd.verify.record_notice", "Hash", r.Record.Notice.Hash)
	s.say("cmd.verify.record_fields")
	if r.Charter {
		s.say("cmd.verify.record_charter")
	}
	for _, size := range r.Later {
		s.say("cmd.verify.record_later", "Size", size, "Own", r.Tree.Size)
	}
	s.say("cmd.verify.record_unproved", "Fields", strings.Join(r.Unproved, ", "))
	s.say("cmd.verify.record_after", "Size", r.Tree.Size)
	if r.OwnKey {
		s.say("cmd.verify.record_own_key", "Key", printable(r.Record.Proof.Key))
		return nil
	}
	s.say("cmd.verify.record_good")
	return nil
}

var stateWords = map[string]string{
	receipt.Given:     "cmd.verify.record_given",
	receipt.Refused:   "cmd.verify.record_refused",
	receipt.Withdrawn: "cmd.verify.record_withdrawn",
}

// printable drops what a stranger's file could do to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
