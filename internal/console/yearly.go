package console

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
	"wardkeep/internal/yearly"
)

// auditsPage is what yearly.html shows: the yearly audits of each service.
type auditsPage struct {
	pager
	Services []auditsOf
	By       narrowing
}

// The auditsOf a service, the newest first. There is one a year.
type auditsOf struct {
	Service string
	Rows    []auditRow
}

// An auditRow is the audit of one year.
type auditRow struct {
	yearly.Year
	Is    yearly.State
	Until string // the last day on which it isn't late
	To    string
}

func auditPath(service string, year int64) string {
	return "/console/yearly/" + service + "/" + strconv.FormatInt(year, 10)
}

func auditRowOf(y yearly.Year, now time.Time) auditRow {
	return auditRow{y, y.State(now), yearly.DueAt(y.Year).Add(-time.Microsecond).In(age.Zone).Format(time.DateOnly), auditPath(y.Service, y.Year)}
}

func auditsIn(ctx context.Context, tx *db.Tx, s catalog.Service) (rows []auditRow, err error) {
	years, err := yearly.Years(ctx, tx, s)
	for _, y := range years {
		rows = append(rows, auditRowOf(y, tx.Now()))
	}
	return rows, err
}

// audits shows which yearly audits are owed and filed (Article 22).
func (s *Server) audits(v *visit) error {
	var page auditsPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		var all []catalog.Service
		var err error
		if page.By, all, page.pager, err = v.ofServices(ctx, tx, listYearly, staff.SeeYearly); err != nil {
			return err
		}
		page.Services = nil
		for _, service := range all {
			rows, err := auditsIn(ctx, tx, service)
			if err != nil {
				return err
			}
			page.Services = append(page.Services, auditsOf{service.Name, rows})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "yearly", page)
}

func (s *Server) auditsFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	at := 0 // which service
	return v.sendFile(listYearly, v.header("service", "audited_year", "state", "until", "dated", "filed_at", "under_14", "from_14_to_17", "corrections"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeYearly, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			service, err := catalog.Find(ctx, tx, services[at])
			if err != nil {
				return nil, err
			}
			rows, err := auditsIn(ctx, tx, service)
			for _, r := range rows {
				row := []string{r.Service, strconv.FormatInt(r.Year.Year, 10), string(r.Is), r.Until, "", "", "", "", ""}
				if f := r.Last; r.Filings > 0 {
					row = append(row[:4], f.Dated, inFile(f.At), strconv.FormatInt(f.Children, 10), strconv.FormatInt(f.Minors, 10), strconv.FormatInt(f.Number, 10))
				}
				each(row...)
			}
			return func() { at++ }, err
		})
}

// auditPage is what audit.html shows: the audit of one year with what was filed, and the form.
type auditPage struct {
	auditRow
	Opens       time.Time
	Filed       []filingRow
	Packs       []packRow
	Pack        string // that is chosen in the form
	Files       bool   // whoever looks may file it
	From, Today string
	Fresh       bool
	Sent        map[string]string // the form that was sent
	Problem     string
	Field       string
}

// A filingRow is a filing, as it is shown.
type filingRow struct {
	yearly.Filing
	Authority, Reason string
	Who               string
	Broken            bool   // it was changed by hand
	Handed            string // the page of the pack that was handed in
	To                string
}

// audited returns the audit of the address, of a service in which the person may do that. Of
// others nobody learns that there are any.
func (v *visit) audited(ctx context.Context, tx *db.Tx, a staff.Action) (yearly.Year, catalog.Service, error) {
	service, err := v.of(ctx, tx, a)
	if err != nil {
		return yearly.Year{}, service, err
	}
	year, ok := v.year()
	if !ok {
		return yearly.Year{}, service, ErrNoPage
	}
	y, err := yearly.Find(ctx, tx, service, year)
	return y, service, err
}

// year returns the year of the address, and whether it is one of which there are audits.
func (v *visit) year() (int64, bool) {
	year, err := strconv.ParseInt(v.r.PathValue("year"), 10, 16)
	return year, err == nil && year >= yearly.First && year <= int64(v.now.In(age.Zone).Year())
}

func (s *Server) audit(v *visit) error { return v.auditPage(nil) }

func (v *visit) auditPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := auditPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Sent: make(map[string]string), Today: v.now.In(age.Zone).Format(time.DateOnly)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"dated", "authority", "reason"} {
			page.Sent[field] = v.value(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		y, service, err := v.audited(ctx, tx, staff.SeeYearly)
		if err != nil {
			return err
		}
		page.auditRow, page.Opens = auditRowOf(y, tx.Now()), yearly.Opens(y.Year)
		page.Service, page.To = service.Name, auditPath(service.Name, y.Year)
		page.From = page.Opens.In(age.Zone).Format(time.DateOnly)
		page.Files = page.Is != yearly.None && approval.May(v.in.Person, staff.FileYearly, service)
		if page.Packs, err = v.packs(ctx, tx, page.auditRow); err != nil {
			return err
		}
		if n := len(page.Packs); n > 0 {
			page.Pack = strconv.FormatInt(page.Packs[n-1].Number, 10)
		}
		if problem != nil {
			page.Pack = v.value("pack")
		}
		filings, err := yearly.Filings(ctx, tx, service.Name, y.Year)
		page.Filed = nil
		for _, f := range filings {
			row := filingRow{Filing: f, To: page.To + "/receipts/" + strconv.FormatInt(f.Number, 10)}
			if f.Pack > 0 {
				row.Handed = packPath(f.Service, f.Year, f.Pack)
			}
			text, err := f.Text(v.s.Ring)
			if row.Broken = errs.Of(err).Is(yearly.ErrSealed); err != nil && !row.Broken {
				return err
			}
			row.Authority, row.Reason = text.Authority.Reveal(), text.Reason.Reveal()
			if row.Who, err = v.names(tx, service.Name).of(ctx, f.By); err != nil {
				return err
			}
			page.Filed = append(page.Filed, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "audit", page)
}

// fileAudit says that an audit was filed, or corrects that.
func (s *Server) fileAudit(v *visit) error {
	receipt, err := v.document()
	if err != nil {
		return v.auditPage(err)
	}
	year, ok := v.year()
	if !ok {
		return ErrNoPage
	}
	pack, err := strconv.ParseInt(cmp.Or(v.value("pack"), "0"), 10, 32)
	if err != nil {
		return v.auditPage(yearly.ErrNoPack.At("pack"))
	}
	err = v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		_, _, err := yearly.File(ctx, tx, s.Ring, by, service, year, v.value("dated"), pack,
			yearly.Text{Authority: pii.New(v.value("authority")), Reason: pii.New(v.value("reason"))}, receipt)
		return err
	})
	switch {
	case err == nil:
		return v.to("/console/yearly/{service}/{year}")
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.auditPage(err)
}

// auditReceipt sends the receipt of a filing, to be kept by who may see it.
func (s *Server) auditReceipt(v *visit) error {
	var f yearly.Filing
	var receipt []byte
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		y, service, err := v.audited(ctx, tx, staff.SeeYearly)
		if err != nil {
			return err
		}
		number, err := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
		if err != nil {
			return yearly.ErrNoReceipt
		}
		f, receipt, err = yearly.Receipt(ctx, tx, s.Ring, service.Name, y.Year, number)
		return err
	})
	if err == nil {
		err = v.takes(fileReceipt)
	}
	if err != nil {
		return err
	}
	v.seen.Shows = "record"
	return v.attach(f.Service+"-"+strconv.FormatInt(f.Year, 10)+"-"+strconv.FormatInt(f.Number, 10), f.File, receipt)
}
