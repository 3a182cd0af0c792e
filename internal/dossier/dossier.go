// Package dossier draws up what is handed in with the yearly audit of minors' information (Minors'
// network protection regulation 37, and the CAC notice of 2025-12-29): the form that the authority
// asks for, an answer to each of the 29 articles, what is attached, and the gaps (Article 22).
//
// Its one invariant: nobody types an answer. What a pack says of an article, of numbers and of what
// is missing is computed from what is stored, at the moment at which the pack is drawn up;
// what the office fills in beside that is marked as its words, and can't contradict it.
package dossier

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/yearly"
)

// format is the first word of each document.
const format = "wardkeep-yearly/1"

// A Document is a pack as it is kept and given away. It holds codes; each reader's language has the
// words. Moments are Beijing's.
type Document struct {
	Format  string `json:"format"`
	Salt    string `json:"salt"` // so that its hash, which is in the ledger, can't be guessed
	Service string `json:"service"`
	Year    int64  `json:"year"`
	Number  int64  `json:"number"`
	Drawn   string `json:"drawn"`   // the moment of which all of it is
	Entries int64  `json:"entries"` // how long the ledger was then

	Counts  Counts   `json:"counts"`
	Form    Form     `json:"form"`
	Answers []Answer `json:"answers"` // to the 29 articles, in order
	Numbers []Number `json:"numbers"` // what happened in the year
	Tables  []Table  `json:"tables"`  // what is attached
	Gaps    []Gap    `json:"gaps"`
}

// Counts are how many persons something is held of, by their birth dates at the moment of the pack.
// The form asks for those under 18, of whom those under 14 are a part, and for these.
type Counts struct {
	Under14    int64 `json:"under_14"` // whose age is unknown is among them
	From14To17 int64 `json:"from_14_to_17"`
	Under18    int64 `json:"under_18"`
}

// An Answer is how an article stands: its state on the board, and each number behind it.
type Answer struct {
	Article int         `json:"article"`
	State   board.State `json:"state"`
	Figures []Figure    `json:"figures"`
}

// A Figure is a number behind a state.
type Figure struct {
	Name   string `json:"name"`
	N      int64  `json:"n"`
	Speaks bool   `json:"speaks"` // it keeps the article from holding
}

// A Number is how often something happened in the year.
type Number struct {
	What string `json:"what"`
	N    int64  `json:"n"`
}

// Draw draws up the pack of a year, with what the office has filled in. Errors: those of
// yearly.Draw; ErrForm, ErrRegistration, ErrTotal, ErrFew, ErrAuditor, ErrDay, ErrReport, ErrConclusion.
func Draw(ctx context.Context, tx *db.Tx, d board.Desk, by staff.Acting, service string, year int64, f Form) (yearly.Pack, string, error) {
	return yearly.Draw(ctx, tx, d.Ring, by, service, year, func(p yearly.Pack) ([]byte, int64, error) {
		if err := f.check(year, p.At); err != nil {
			return nil, 0, err
		}
		s, err := catalog.Find(ctx, tx, p.Service)
		if err != nil {
			return nil, 0, err
		}
		doc, err := compute(ctx, tx, d, s, year)
		if err != nil {
			return nil, 0, err
		}
		doc.Number, doc.Form, doc.Salt = p.Number, f, id.Secret(16)
		doc.Counts = Counts{p.Children, p.Minors, p.Children + p.Minors}
		doc.Gaps = append(doc.Gaps, f.blanks()...)
		if err := doc.contradicted(); err != nil {
			return nil, 0, err
		}
		return doc.text(), int64(len(doc.Gaps)), nil
	})
}

// compute returns all of a document that nobody fills in, but for the ages.
func compute(ctx context.Context, tx *db.Tx, d board.Desk, s catalog.Service, year int64) (Document, error) {
	doc := Document{Format: format, Service: s.Name, Year: year, Drawn: moment(tx.Now())}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return doc, err
	}
	doc.Entries = head.Size
	of, err := d.Each(ctx, tx, []catalog.Service{s})
	if err != nil {
		return doc, err
	}
	for _, a := range of[0] {
		answer := Answer{Article: a.Number, State: a.State, Figures: []Figure{}}
		for _, f := range a.Figures {
			answer.Figures = append(answer.Figures, Figure{f.Name, f.N, f.Speaks()})
		}
		doc.Answers = append(doc.Answers, answer)
	}
	if doc.Numbers, err = numbers(ctx, tx, s.Name, year); err != nil {
		return doc, err
	}
	if doc.Tables, err = tables(ctx, tx, s.Name, year); err != nil {
		return doc, err
	}
	doc.Gaps, err = doc.gaps(ctx, tx, d, s)
	return doc, err
}

// contradicted refuses what the office fills in and the rest of the document doesn't bear: that there
// are fewer persons in all than minors alone; and that all conforms, while an article is broken or the
// ledger didn't give the tables when it was last replayed.
func (doc Document) contradicted() error {
	if f := doc.Form; f.Total != "" && mostOf(f.Total) < doc.Counts.Under18 {
		return ErrFew.At("total")
	}
	if doc.Form.Conclusion == Conforms &&
		(slices.ContainsFunc(doc.Answers, func(a Answer) bool { return a.State == board.Broken }) ||
			slices.ContainsFunc(doc.Gaps, func(g Gap) bool { return g.Code == GapTampered })) {
		return ErrConclusion.At("conclusion")
	}
	return nil
}

// Read returns a version of the pack of a year, and the document as it is given away. Errors: those
// of yearly.Document.
func Read(ctx context.Context, tx *db.Tx, d board.Desk, service string, year, number int64) (yearly.Pack, Document, []byte, error) {
	p, text, err := yearly.Document(ctx, tx, d.Ring, service, year, number)
	if err != nil {
		return p, Document{}, nil, err
	}
	var doc Document
	if json.Unmarshal(text, &doc) != nil || doc.Format != format {
		err = yearly.ErrSealed
	}
	return p, doc, text, err
}

func (doc Document) text() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		panic(err) // it is made of texts and numbers
	}
	return b.Bytes()
}

// span is the year that was audited, in microseconds: from the first to before the second.
func span(year int64) (from, to time.Time) {
	return time.Date(int(year), 1, 1, 0, 0, 0, 0, age.Zone), time.Date(int(year)+1, 1, 1, 0, 0, 0, 0, age.Zone)
}

func moment(t time.Time) string { return t.In(age.Zone).Format("2006-01-02T15:04:05.000000Z07:00") }
