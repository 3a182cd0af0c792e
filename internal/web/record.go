package web

import (
	"context"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/receipt"
)

// reader returns the request and who may read its receipt.
func (s *Server) reader(ctx context.Context, tx *db.Tx, r *http.Request) (consent.Request, consent.Reader, error) {
	req, err := s.find(ctx, tx, r)
	if err := answered(err); err != nil {
		return req, consent.Reader{}, err
	}
	by, err := s.desk.Reader(ctx, tx, req, proof(r))
	return req, by, err
}

// record makes the consent record of an answered request for whoever may read
// its receipt, and returns it with the charter that was answered.
func (s *Server) record(r *http.Request) (record receipt.Record, then *charter.Charter, err error) {
	ctx := r.Context()
	office := receipt.Office{Charters: s.Charters, Key: s.LedgerKey, PublicURL: s.PublicURL}
	err = s.Store.View(ctx, func(tx *db.Tx) error {
		req, by, err := s.reader(ctx, tx, r)
		if err != nil {
			return err
		}
		if record, err = office.Of(ctx, tx, by, req); err != nil {
			return err
		}
		published, err := s.Charters.Version(ctx, tx, req.Service, req.Charter)
		then = published.Charter
		return err
	})
	return record, then, err
}

// download serves the receipt as a file that `wardkeep verify` checks.
func (s *Server) download(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	record, _, err := s.record(r)
	if err != nil {
		return err
	}
	file, err := record.JSON()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="receipt-`+record.ID+`.json"`)
	_, err = w.Write(file)
	return err
}

// printPage is what guardian/print.html shows: the record on paper.
type printPage struct {
	Token    string
	Record   receipt.Record
	Purposes []printPurpose
	Minor    bool // the minor itself has answered (edge case 4)
}

func (p printPage) toMinor() bool { return p.Minor }

type printPurpose struct {
	receipt.Processing
	Events []printEvent
}

type printEvent struct {
	receipt.Event
	At                time.Time
	Granted, Withdrew bool   // a refusal with neither
	Until             string // it stands, and was granted by a code, which doesn't carry it (edge case 24): the key of what doesn't happen
}

func (s *Server) print(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	record, then, err := s.record(r)
	if err != nil {
		return err
	}
	page := printPage{Token: r.PathValue("token"), Record: record, Minor: s.asksMinor(r)}
	for _, p := range record.Processing {
		line := printPurpose{Processing: p}
		for i, e := range p.Events {
			at, err := time.Parse(time.RFC3339, e.Time)
			if err != nil {
				return err
			}
			event := printEvent{Event: e, At: at, Granted: e.State == receipt.Given, Withdrew: e.State == receipt.Withdrawn}
			if last := i == len(p.Events)-1; last && event.Granted && family.Strength(e.Strength) < consent.Needed(then, p.Purpose) {
				event.Until = consent.UntilProved(then)
			}
			line.Events = append(line.Events, event)
		}
		page.Purposes = append(page.Purposes, line)
	}
	return s.render(w, r, http.StatusOK, "guardian/print.html", page)
}
