package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// orderFields are the fields of the filter, as they stand in an address.
var orderFields = []string{"service", "stands", "party", "role", "what", "due"}

// stated, in a filter, wants what parties have said after their ends, and no orders.
const stated = "stated"

// ordersPage is what orders.html shows: what parties were told to do with what they have of
// children, and what they say of it (Articles 16, 17, 19 and 20).
type ordersPage struct {
	pager
	Rows       []orderRow
	Statements []statementRow
	Services   choices
	States     []order.State
	Whats      []order.What
	Filter     map[string]string
	Saved      savedPart
	Export     exportPart
	Term       int // working days to attest
}

// An orderRow is a row of the list: nothing of the child.
type orderRow struct {
	order.Order
	Late bool
	To   string
}

// State is how the order stands.
func (r orderRow) State() order.State {
	switch {
	case !r.Open():
		return order.IsAttested
	case r.Late:
		return order.IsOverdue
	}
	return order.IsOpen
}

// A statementRow is a party's word that it has deleted all after an end.
type statementRow struct {
	order.Statement
	Who string
	To  string // its party
}

func orderPath(service, name string) string { return "/console/orders/" + service + "/" + name }

// ordersOf is the list of the orders to a party, narrowed to how they stand.
func (v *visit) ordersOf(of party.ID, stands string) string {
	q := url.Values{"lang": {string(v.lang)}, "service": {of.Service}, "role": {string(of.Role)}, "party": {of.Name}}
	if stands != "" {
		q.Set("stands", stands)
	}
	return "/console/orders?" + q.Encode()
}

// An ordersPart is what the page of a party says of the orders to it.
type ordersPart struct {
	order.Count
	All, Overdue, Attested string // lists of them
}

// Many reports whether there may be more than are counted.
func (p ordersPart) Many() bool { return p.Open == order.Most }

func (v *visit) ordersPart(ctx context.Context, tx *db.Tx, of party.ID) (ordersPart, error) {
	n, err := order.CountTo(ctx, tx, of)
	return ordersPart{n, v.ordersOf(of, ""), v.ordersOf(of, string(order.IsOverdue)), v.ordersOf(of, string(order.IsAttested))}, err
}

func orderRowOf(o order.Order, now time.Time) orderRow {
	return orderRow{o, o.Open() && !now.Before(o.DueAt), orderPath(o.Service, o.ID)}
}

// ordered reads a page of the list that a filter wants, of the services in which the person
// may see who gets children's information.
func (v *visit) ordered(ctx context.Context, tx *db.Tx, filter url.Values, from db.Cursor, limit int) (rows []orderRow, services []string, next db.Cursor, err error) {
	if services, err = v.where(ctx, tx, staff.SeeParties, nil); err != nil {
		return nil, nil, next, err
	}
	by, err := day(filter.Get("due"))
	if err != nil {
		return nil, nil, next, ErrFilter.At("due")
	}
	found, next, err := order.Page(ctx, tx, only(services, filter.Get("service")), order.Wanted{State: order.State(filter.Get("stands")), Party: filter.Get("party"),
		Role: order.Role(filter.Get("role")), What: order.What(filter.Get("what")), DueBy: by}, from, limit)
	if errs.Of(err).Is(order.ErrState) {
		err = ErrFilter.At("stands")
	}
	for _, o := range found {
		rows = append(rows, orderRowOf(o, tx.Now()))
	}
	return rows, services, next, err
}

// statements reads a page of what parties have said after their ends.
func (v *visit) statements(ctx context.Context, tx *db.Tx, filter url.Values, from order.Place, limit int) (rows []statementRow, services []string, next order.Place, err error) {
	if services, err = v.where(ctx, tx, staff.SeeParties, nil); err != nil {
		return nil, nil, next, err
	}
	all, next, err := order.StatementsIn(ctx, tx, only(services, filter.Get("service")), party.Role(filter.Get("role")), filter.Get("party"), from, limit)
	if err != nil {
		return nil, nil, next, err
	}
	names := v.names(tx, "")
	for _, st := range all {
		row, err := names.in(st.Party.Service).statement(ctx, st)
		if err != nil {
			return nil, nil, next, err
		}
		rows = append(rows, row)
	}
	return rows, services, next, nil
}

func (n naming) statement(ctx context.Context, st order.Statement) (statementRow, error) {
	who, err := n.of(ctx, st.AttestedBy)
	return statementRow{st, who, partyPath(st.Party)}, err
}

// orders lists what parties were told to do, or what they have said after their ends.
func (s *Server) orders(v *visit) error {
	filter, shown, err := v.filtered(orderFields)
	if err != nil {
		return err
	}
	at := v.r.URL.Query().Get("from")
	page := ordersPage{States: []order.State{order.IsOverdue, order.IsAttested}, Whats: order.Whats, Filter: shown, Export: v.exportPart(listOrders, filter), Term: order.Term}
	err = v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if filter.Get("stands") == stated {
			from, next := order.ParsePlace(at), order.Place{}
			page.Statements, page.Services, next, err = v.statements(ctx, tx, filter, from, perPage)
			page.pager = v.pager(from.String(), next.String())
		} else {
			from, next := order.ParseCursor(at), db.Cursor{}
			page.Rows, page.Services, next, err = v.ordered(ctx, tx, filter, from, perPage)
			page.pager = v.pager(from.String(), next.String())
		}
		if err != nil {
			return err
		}
		page.Saved, err = v.savedPart(ctx, tx, listOrders, filter)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "orders", page)
}

func (s *Server) ordersFile(v *visit) error {
	filter, err := v.filterSent(orderFields)
	if err != nil {
		return err
	}
	var from db.Cursor
	var behind order.Place // of statements
	return v.sendFile(listOrders, v.header("number", "id", "service", "party", "role", "told", "items", "state", "issued_at", "due_by", "overdue_at", "attested_at", "attested_by", "document"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			if filter.Get("stands") == stated {
				all, _, next, err := v.statements(ctx, tx, filter, behind, rowsAtOnce)
				for _, st := range all {
					each("", "", st.Party.Service, st.Party.Name, string(st.Party.Role), "end", "", string(order.IsAttested), inFile(st.EndedAt), "", "", inFile(st.AttestedAt), st.AttestedBy, st.Document)
				}
				return goOn(&behind, next), err
			}
			rows, _, next, err := v.ordered(ctx, tx, filter, from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				each(r.Number, r.ID, r.Service, r.Party, string(r.Role), string(r.What), strings.Join(r.Items, " "), string(r.State()), inFile(r.IssuedAt), inFile(r.DueAt),
					inFile(r.OverdueAt), inFile(r.AttestedAt), r.AttestedBy, r.Document)
			}
			return goOn(&from, next), nil
		})
}

// An orderCause is why a party was told, with the articles that ask for it.
type orderCause struct {
	Word     string // console.orders.why.…
	Articles []int
}

// cause says why, as far as the order tells: an erasure and a deletion on demand look alike to
// the party, and so they do here. Ended is when its party came to its end, or zero.
func cause(o order.Order, ended time.Time) orderCause {
	switch {
	case o.What == order.Correct:
		return orderCause{"correct", []int{19}}
	case o.Narrowed != 0:
		return orderCause{"narrowed", []int{16, 20}}
	case len(o.Purposes) > 0:
		return orderCause{"withdrawn", []int{20}}
	case !ended.IsZero() && !o.IssuedAt.Before(ended):
		return orderCause{"ended", []int{16, 20}}
	}
	return orderCause{"erased", []int{20}}
}

// orderPage is what order.html shows: one order, its clock, and what its party says of it.
type orderPage struct {
	orderRow
	Label     string // of the party, in the charter in force
	PartyTo   string
	Items     []string
	Purposes  []string
	Why       orderCause
	By        string // who attested
	End       statementRow
	Issued    string // the page of its entry, for who may read the ledger
	Attested  string
	Command   string // by which the child is named to who is in office, as long as anything leads there
	Suspended bool   // its party gets nothing new because of an order
}

// order shows one order. Which child it is about it doesn't say.
func (s *Server) order(v *visit) error {
	var page orderPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeParties)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = order.ErrNotFound // of services in which the person sees none, nobody learns that there are any
		}
		if err != nil {
			return err
		}
		o, err := order.Find(ctx, tx, service.Name, v.r.PathValue("order"))
		if err != nil {
			return err
		}
		of := party.ID{Service: o.Service, Role: party.Role(o.Role), Name: o.Party}
		c, _, err := s.wordsInForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		names := v.names(tx, service.Name)
		page = orderPage{orderRow: orderRowOf(o, tx.Now()), Label: v.label(partyWords(c, of), of.Name), PartyTo: partyPath(of), Suspended: service.IsOverdue(o.Party)}
		for _, name := range o.Items {
			item, _ := c.Item(name)
			page.Items = append(page.Items, v.label(item.Label, name))
		}
		for _, name := range o.Purposes {
			p, _ := c.Purpose(name)
			page.Purposes = append(page.Purposes, v.label(p.Label, name))
		}
		if o.Child != "" || o.Open() {
			page.Command = "wardkeep order show --service " + o.Service + v.as(o.Service) + " " + o.ID
		}
		if page.By, err = names.of(ctx, o.AttestedBy); err != nil {
			return err
		}
		if err := page.ended(ctx, tx, names, of); err != nil {
			return err
		}
		if !approval.May(v.in.Person, staff.SeeLedger, service) {
			return nil
		}
		if page.Issued, err = entryOf(ctx, tx, o.Issued); err == nil {
			page.Attested, err = entryOf(ctx, tx, o.Attested)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "order", page)
}

// ended finds out whether the order followed an end of its party, and what that has said of it.
func (p *orderPage) ended(ctx context.Context, tx *db.Tx, names naming, of party.ID) error {
	is, err := party.Find(ctx, tx, of)
	if err != nil && !errors.Is(err, party.ErrNotFound) {
		return err
	}
	ended := is.EndedAt(tx.Now())
	p.Why = cause(p.Order, ended)
	if ended.IsZero() {
		return nil
	}
	st, err := order.StatementOf(ctx, tx, of, ended)
	if err == nil && !st.AttestedAt.IsZero() {
		p.End, err = names.statement(ctx, st)
	}
	return err
}

// partyWords is what a charter calls a party.
func partyWords(c *charter.Charter, of party.ID) charter.Words {
	if of.Role == party.Recipient {
		r, _ := c.Recipient(of.Name)
		return r.Label
	}
	p, _ := c.Processor(of.Name)
	return p.Label
}

// entryOf returns the page of an entry, or "" while it has no place yet.
func entryOf(ctx context.Context, tx *db.Tx, entry string) (string, error) {
	if entry == "" {
		return "", nil
	}
	placed, err := ledger.Find(ctx, tx, entry)
	switch {
	case errs.Of(err).Is(ledger.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	return entryPath(placed.Place), nil
}
