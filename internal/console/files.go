package console

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/due"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
)

// deliveryFields are the fields of the filter of what receivers haven't taken.
var deliveryFields = []string{"service", "endpoint"}

// dueFields are the fields of the filter of what has a clock.
var dueFields = []string{"kind", "service"}

// where returns the services in which the person may do something, of those that a filter
// wants.
func (v *visit) where(ctx context.Context, tx *db.Tx, a staff.Action, filter url.Values) ([]string, error) {
	all, err := catalog.List(ctx, tx)
	return mayIn(v.in.Person, a, slices.DeleteFunc(all, func(s catalog.Service) bool { return !fitsService(s, filter) })), err
}

// dueFile sends what has a clock: what it is about in words, and no child.
func (s *Server) dueFile(v *visit) error {
	filter, err := v.filterSent(dueFields)
	if err != nil {
		return err
	}
	var from due.Cursor
	return v.sendFile(listDue, v.header("until", "kind", "what", "number", "about", "count", "service"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return nil, err
			}
			all, next, err := due.List(ctx, tx, due.Asking{Person: v.in.Person, Services: services, Kind: due.Kind(filter.Get("kind")), Service: filter.Get("service"), Patience: s.mayBeLate()}, from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			lines, err := v.dueLines(ctx, tx, all)
			if err != nil {
				return nil, err
			}
			for _, l := range lines {
				about := l.Subject
				if about == "" {
					about = l.About
				}
				each(inFile(l.At), string(l.Kind), v.lang.T("console.due.kind."+string(l.Kind)), l.Number, about, strconv.FormatInt(l.N, 10), l.Service)
			}
			return goOn(&from, next), nil
		})
}

// boardFile sends how each article stands for each service, a row for each number of it.
func (s *Server) boardFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	wanted := filter.Get("service")
	from := "" // the service behind which the next page of the file begins
	return v.sendFile(listBoard, v.header("article", "what", "state", "figure", "count", "service"), func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return nil, err
		}
		services = slices.DeleteFunc(services, func(one catalog.Service) bool {
			return one.Name <= from || wanted != "" && one.Name != wanted || !approval.May(v.in.Person, staff.SeeBoard, one)
		})
		next := services[min(perPage, len(services)):]
		some := services[:len(services)-len(next)]
		of, err := s.board().Each(ctx, tx, some)
		if err != nil {
			return nil, err
		}
		for i, articles := range of {
			boardRows(v.lang, some[i].Name, articles, each)
		}
		if len(next) == 0 {
			return nil, nil
		}
		upto := services[perPage-1].Name
		return func() { from = upto }, nil
	})
}

// boardRows are the rows of one service.
func boardRows(lang i18n.Lang, service string, all []board.Article, each func(...string)) {
	for _, a := range all {
		number := strconv.Itoa(a.Number)
		says := []string{number, lang.T("console.board.article." + number), lang.T("console.board.state." + string(a.State))}
		if len(a.Figures) == 0 {
			each(append(says, "", "", service)...)
		}
		for _, f := range a.Figures {
			each(append(slices.Clone(says), lang.T("console.board.figure."+f.Name), strconv.FormatInt(f.N, 10), service)...)
		}
	}
}

// urgentFile sends the requests that wait for a second person.
func (s *Server) urgentFile(v *visit) error {
	filter, err := v.filterSent(decisionFields)
	if err != nil {
		return err
	}
	return v.requestsFile(listUrgent, func(ctx context.Context, tx *db.Tx, from db.Cursor) ([]approval.Request, db.Cursor, error) {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return nil, db.Cursor{}, err
		}
		joins, _ := joinsIn(v.in.Person, services)
		return approval.ToJoin(ctx, tx, only(joins, filter.Get("service")), v.in.Person.ID, accessFilter(filter), from, rowsAtOnce)
	})
}

// reviewsFile sends the windows that two persons opened without the office.
func (s *Server) reviewsFile(v *visit) error {
	filter, err := v.filterSent(reviewFields)
	if err != nil {
		return err
	}
	var from db.Cursor
	return v.sendFile(listReviews, v.header("number", "id", "service", "asker", "joined_by", "since", "review_by", "finding", "reviewed_at"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.ReviewAccess, filter)
			if err != nil {
				return nil, err
			}
			all, next, err := approval.Broken(ctx, tx, services, approval.Finding(filter.Get("finding")), from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			rows, err := v.broken(ctx, tx, all)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				each(r.Number, r.Request, r.Service, r.Who, r.With, inFile(r.OpenedAt), inFile(r.ReviewBy), string(r.Finding), inFile(r.ReviewedAt))
			}
			return goOn(&from, next), nil
		})
}

// officesFile sends who holds and held an office, by term. How to reach somebody is public
// while they hold it, and nobody's business afterwards.
func (s *Server) officesFile(v *visit) error {
	filter, err := v.filterSent(standingFields)
	if err != nil {
		return err
	}
	at := 0 // which service
	return v.sendFile(listOffices, v.header("service", "roles", "name", "contact", "since", "until", "id"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeOffice, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			all, err := catalog.Offices(ctx, tx, services[at])
			if err != nil {
				return nil, err
			}
			for _, o := range all {
				if !o.EndedAt.IsZero() {
					o.Contact = ""
				}
				each(services[at], v.lang.T("console.role."+string(o.Role)), o.Name, o.Contact, inFile(o.AppointedAt), inFile(o.EndedAt), o.ID)
			}
			return func() { at++ }, nil
		})
}

// recordsFile sends the records about who holds an office, and plans, without their documents.
func (s *Server) recordsFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	at, from := 0, catalog.RecordCursor{} // which service, and behind which record of it
	return v.sendFile(listRecords, v.header("service", "day", "name", "kind", "title", "hash", "id"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeOffice, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			all, next, err := catalog.Records(ctx, tx, services[at], from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			names := v.names(tx, services[at])
			for _, r := range all {
				who, err := names.about(ctx, r)
				if err != nil {
					return nil, err
				}
				each(r.Service, r.Day, who, v.lang.T("console.offices.record."+string(r.Kind)), r.Title, r.Hash, r.ID)
			}
			if next.ID != "" {
				return func() { from = next }, nil
			}
			return func() { at, from = at+1, catalog.RecordCursor{} }, nil
		})
}

// appsFile sends the apps and what each may; no key is among it.
func (s *Server) appsFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	at, after := 0, "" // which service, and behind which app of it
	return v.sendFile(listApps, v.header("service", "id", "name", "scopes", "added", "until", "used_at"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeSystem, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			all, err := account.List(ctx, tx, services[at], after, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, a := range all {
				each(a.Service, a.ID, a.Name, strings.Join(a.Scopes.List(), " "), inFile(a.IssuedAt), inFile(a.ExpiresAt), inFile(a.UsedAt))
			}
			if len(all) == rowsAtOnce {
				return func() { after = all[len(all)-1].ID }, nil
			}
			return func() { at, after = at+1, "" }, nil
		})
}

// receivers returns the receivers of events of the services that the person sees and a
// filter wants.
func (v *visit) receivers(ctx context.Context, tx *db.Tx, filter url.Values) (all []webhook.Endpoint, err error) {
	services, err := v.where(ctx, tx, staff.SeeSystem, filter)
	if err != nil {
		return nil, err
	}
	for _, name := range services {
		some, err := webhook.Of(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// receiversFile sends where events go: the host alone, for an address may hold a secret of
// its own.
func (s *Server) receiversFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	return v.sendFile(listReceivers, v.header("service", "id", "host", "party", "types", "added", "paused_at", "delivered", "failed"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			all, err := v.receivers(ctx, tx, filter)
			for _, e := range all {
				each(e.Service, e.ID, v.hookRow(e).Host, e.Party, strings.Join(e.Types, " "), inFile(e.CreatedAt), inFile(e.PausedAt), strconv.FormatInt(e.Delivered, 10), strconv.FormatInt(e.Failed, 10))
			}
			return nil, err
		})
}

// deliveriesFile sends what receivers haven't taken: the place of each event in the ledger,
// which says the rest.
func (s *Server) deliveriesFile(v *visit) error {
	filter, err := v.filterSent(deliveryFields)
	if err != nil {
		return err
	}
	if one := filter.Get("endpoint"); one != "" && !id.Is(id.Webhook, one) {
		return ErrFilter
	}
	done, after := "", int64(-1) // the last receiver that is done, and behind which place of the next
	return v.sendFile(listDeliveries, v.header("service", "receiver", "place", "state", "since", "next_try", "tries", "failure", "status"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			receivers, err := v.receivers(ctx, tx, filter)
			if err != nil {
				return nil, err
			}
			slices.SortFunc(receivers, func(a, b webhook.Endpoint) int { return strings.Compare(a.ID, b.ID) })
			i := slices.IndexFunc(receivers, func(e webhook.Endpoint) bool {
				return e.ID > done && (filter.Get("endpoint") == "" || e.ID == filter.Get("endpoint"))
			})
			if i < 0 {
				return nil, nil
			}
			e := receivers[i]
			all, err := e.Deliveries(ctx, tx, false, after, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, d := range all {
				each(e.Service, e.ID, strconv.FormatInt(d.Place, 10), v.lang.T("console.settings.delivery."+delivery{Delivery: d}.State()), inFile(d.QueuedAt), inFile(d.DueAt),
					strconv.FormatInt(d.Tries, 10), d.Failure, strconv.FormatInt(d.Status, 10))
			}
			if len(all) == rowsAtOnce {
				return func() { after = all[len(all)-1].Place }, nil
			}
			return func() { done, after = e.ID, -1 }, nil
		})
}
