package console

import (
	"context"
	"net/http"
	"net/url"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

// cases is a list of something that is dealt with in services: a page that is narrowed by what
// the address says, and the same as a file.
type cases[R any] struct {
	name  string // one of lists, which says who may see it, and by what it is narrowed
	page  string // the page's template
	parse func(string) db.Cursor
	// read returns rows of some services, which a filter wants, from where a page begins.
	read    func(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) ([]R, db.Cursor, error)
	columns []string
	cells   func(v *visit, r R) []string
}

// A casePage is what the page of any of them shows.
type casePage[R any] struct {
	pager
	Rows     []R
	Services choices
	Filter   map[string]string
	Saved    savedPart
	Export   exportPart
}

// some reads rows of the services in which the person may see them, and which those are.
func (c cases[R]) some(ctx context.Context, tx *db.Tx, v *visit, filter url.Values, from db.Cursor, limit int) (rows []R, services []string, next db.Cursor, err error) {
	l, err := listNamed(c.name, v.in.Person)
	if err != nil {
		return nil, nil, next, err
	}
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, nil, next, err
	}
	services = mayIn(v.in.Person, l.action, all)
	rows, next, err = c.read(ctx, tx, v, only(services, filter.Get("service")), filter, from, limit)
	return rows, services, next, err
}

// show sends the page; with returns what it shows besides the list.
func (c cases[R]) show(v *visit, with func(casePage[R]) any) error {
	l, err := listNamed(c.name, v.in.Person)
	if err != nil {
		return err
	}
	filter, shown, err := v.filtered(l.fields)
	if err != nil {
		return err
	}
	from, page := c.parse(v.r.URL.Query().Get("from")), casePage[R]{Filter: shown, Export: v.exportPart(c.name, filter)}
	err = v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		var next db.Cursor
		if page.Rows, page.Services, next, err = c.some(ctx, tx, v, filter, from, perPage); err != nil {
			return err
		}
		page.pager = v.pager(from.String(), next.String())
		page.Saved, err = v.savedPart(ctx, tx, c.name, filter)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, c.page, with(page))
}

// file sends the list as a file.
func (c cases[R]) file(v *visit) error {
	l, err := listNamed(c.name, v.in.Person)
	if err != nil {
		return err
	}
	filter, err := v.filterSent(l.fields)
	if err != nil {
		return err
	}
	var from db.Cursor
	return v.sendFile(c.name, v.header(c.columns...), func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
		rows, _, next, err := c.some(ctx, tx, v, filter, from, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			each(c.cells(v, r)...)
		}
		return goOn(&from, next), nil
	})
}
