package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// crlf makes the lines of a form, which browsers end as mail does, those of everybody else.
var crlf = strings.NewReplacer("\r\n", "\n")

func (s *Server) book() order.Book {
	return order.Book{Ring: s.Ring, Charters: s.Charters, Calendar: s.Calendar}
}

// ordersPage is what orders.html shows: what the party was told to do and hasn't attested.
type ordersPage struct {
	Rows []orderRow
	Done bool // one was attested just now
	pager
}

// An orderRow is an order as its party sees it: with the child's handle, as long as anything
// leads there.
type orderRow struct {
	ID, Number      string
	What            order.What
	Child           string // empty: nothing leads there any more
	Items, Purposes []string
	IssuedAt, DueAt time.Time
	Late            bool
}

func (v *visit) orderRow(o order.Order, l labels, now time.Time) (orderRow, error) {
	row := orderRow{ID: o.ID, Number: o.Number, What: o.What, Items: l.items(o.Items), Purposes: l.purposes(o.Purposes), IssuedAt: o.IssuedAt, DueAt: o.DueAt,
		Late: o.Open() && !now.Before(o.DueAt)}
	child, err := o.Whose(v.s.Ring)
	if errors.Is(err, order.ErrNotFound) {
		return row, nil
	}
	row.Child = party.HandleOf(v.s.Ring, l.of, child)
	return row, err
}

func (s *Server) orders(v *visit) error {
	page := ordersPage{Done: v.r.URL.Query().Has("done")}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		all, at, err := paged(v, func(id string) (order.Order, error) { return order.FindOf(ctx, tx, l.of, id) },
			func(after order.Order, limit int) ([]order.Order, error) {
				return order.ListOf(ctx, tx, l.of, after, limit)
			},
			func(o order.Order) string { return o.ID })
		if err != nil {
			return err
		}
		page.Rows, page.pager = nil, at
		for _, o := range all {
			row, err := v.orderRow(o, l, tx.Now())
			if err != nil {
				return err
			}
			page.Rows = append(page.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "orders", page)
}

// orderPage is what order.html shows: one order, and the form by which it is attested.
type orderPage struct {
	orderRow
	AttestedAt time.Time // zero while it is open
	Document   string    // what was sent, or what it was attested by
	Problem    string
}

func (s *Server) order(v *visit) error { return v.orderPage("", nil) }

func (v *visit) orderPage(document string, problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	var page orderPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		o, err := order.FindOf(ctx, tx, l.of, v.r.PathValue("order"))
		if err != nil {
			return err
		}
		row, err := v.orderRow(o, l, tx.Now())
		page = orderPage{orderRow: row, AttestedAt: o.AttestedAt, Document: document, Problem: words}
		if !o.Open() {
			page.Document = o.Document
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "order", page)
}

// attest takes that the party has done what it was told, said by its person.
func (s *Server) attest(v *visit) error {
	document, err := v.document()
	if err != nil {
		return err
	}
	err = v.act(func(ctx context.Context, tx *db.Tx) error {
		of := v.by.Key.Party
		_, _, err := s.book().Attest(ctx, tx, v.by, of.Service, v.r.PathValue("order"), of.Name, document)
		return err
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/party/orders", "done", "")
	case e.Is(order.ErrTwice):
		return v.to("/party/orders/{order}") // which says so
	case e.Is(order.ErrParty):
		return order.ErrNotFound // another's orders are none to it
	}
	return v.orderPage(document, err)
}

// document returns the SHA-256 of a document that was sent with a form, in hex, or what was
// typed in its place; empty without either. Of the document itself nothing is kept.
func (v *visit) document() (string, error) {
	if v.r.MultipartForm == nil || len(v.r.MultipartForm.File["file"]) == 0 {
		return strings.TrimSpace(v.r.PostFormValue("document")), nil
	}
	r, err := v.r.MultipartForm.File["file"][0].Open()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, r)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, r.Close())
}
