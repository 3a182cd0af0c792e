package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// atDesk takes demands and answers them.
func (s *Server) atDesk() rights.Desk {
	return rights.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters, Calendar: s.Calendar, Clocks: s.Clocks}
}

// handler returns who the person is to the demands of a service: who holds an office acts
// by it, as at the terminal; anybody else as the person. Errors: staff.ErrMayNot, whether
// there is such a service or not.
func handler(ctx context.Context, tx *db.Tx, p staff.Person, name string) (rights.Handler, error) {
	return actor(ctx, tx, p, staff.HandleDemands, name)
}

func demandPath(r rights.Request) string { return "/console/demands/" + r.Service + "/" + r.ID }

// demandFields are the fields of the filter of demands.
var demandFields = []string{"service", "kind", "state"}

// demandsPage is what demands.html shows.
type demandsPage struct {
	pager
	Demands  []demandRow
	Services choices
	Kinds    []rights.Kind
	States   []rights.State
	Filter   map[string]string
	Saved    savedPart
	Export   exportPart
}

// A demandRow is a row of the list. The child isn't named there, nor what is held: an item
// goes by what a parent calls it.
type demandRow struct {
	rights.Request
	Label string // of the item, or ""
	Who   string // handles it, or ""
	Clock clock
	Free  bool // somebody should handle it by now, and nobody does
	To    string
}

// A clock is how a demand stands in time.
type clock struct {
	At   time.Time
	Late bool
	Left int // working days
}

// clockOf tells it by the calendar of working days.
func (s *Server) clockOf(r rights.Request, now time.Time) clock {
	return clock{r.DueAt, r.State == rights.Open && !now.Before(r.DueAt), s.Calendar.Between(now, r.DueAt)}
}

// demandFilter reads a filter. What there isn't finds nothing.
func demandFilter(q url.Values, services []string) rights.Wanted {
	return rights.Wanted{Services: only(services, q.Get("service")), Kind: rights.Kind(q.Get("kind")), State: rights.State(q.Get("state"))}
}

// demands lists what children and guardians demand, of the services whose demands the
// person handles.
func (s *Server) demands(v *visit) error {
	filter, shown, err := v.filtered(demandFields)
	if err != nil {
		return err
	}
	from := rights.ParseCursor(v.r.URL.Query().Get("from"))
	page := demandsPage{Kinds: rights.Kinds, States: rights.States, Filter: shown, Export: v.exportPart(listDemands, filter)}
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		page.Services = mayIn(v.in.Person, staff.HandleDemands, services)
		if page.Saved, err = v.savedPart(ctx, tx, listDemands, filter); err != nil {
			return err
		}
		all, next, err := rights.List(ctx, tx, demandFilter(filter, page.Services), from, perPage)
		if err != nil {
			return err
		}
		page.pager = v.pager(from.String(), next.String())
		page.Demands, err = v.demandRows(ctx, tx, all)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "demands", page)
}

func (v *visit) demandRows(ctx context.Context, tx *db.Tx, all []rights.Request) (rows []demandRow, err error) {
	charters := make(map[string]*charter.Charter)
	owners := make(map[string][]string)
	names := v.names(tx, "")
	for _, r := range all {
		if charters[r.Service] == nil {
			if charters[r.Service], err = v.s.inForce(ctx, tx, r.Service); err != nil {
				return nil, err
			}
			if owners[r.Service], err = rights.StillHandle(ctx, tx, r.Service, all); err != nil {
				return nil, err
			}
		}
		row := demandRow{Request: r, Label: v.itemOf(charters[r.Service], r.Item), Clock: v.s.clockOf(r, tx.Now()), To: demandPath(r),
			Free: v.s.atDesk().Unclaimed(r, owners[r.Service], tx.Now())}
		if row.Who, err = names.in(r.Service).ofStaff(ctx, r.Owner); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// itemOf is what a parent calls an item that something is demanded of, or its name.
func (v *visit) itemOf(in *charter.Charter, item string) string {
	if item == rights.BirthDate {
		return v.lang.T("console.demand.birth_date")
	}
	i, _ := in.Item(item)
	return v.label(i.Label, item)
}

// demandsFile sends demands: codes, names of items, who handles them, when, and no child.
func (s *Server) demandsFile(v *visit) error {
	filter, err := v.filterSent(demandFields)
	if err != nil {
		return err
	}
	var from rights.Cursor
	return v.sendFile(listDemands, v.header("number", "state", "service", "what", "who_asks", "items", "received_at", "answer_by", "ended_at", "extended", "reason", "handled_by", "working_days"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return nil, err
			}
			all, next, err := rights.List(ctx, tx, demandFilter(filter, mayIn(v.in.Person, staff.HandleDemands, services)), from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			rows, err := v.demandRows(ctx, tx, all)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				left := ""
				if r.State == rights.Open {
					left = strconv.Itoa(r.Clock.Left)
				}
				each(r.Number, string(r.State), r.Service, string(r.Kind), string(r.Door), r.Item, inFile(r.ReceivedAt), inFile(r.DueAt), inFile(r.ClosedAt),
					string(r.Extended), string(r.Reason), r.Who, left)
			}
			return goOn(&from, next), nil
		})
}
