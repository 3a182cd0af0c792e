package evidence

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/stream"
	"wardkeep/internal/tally"
	"wardkeep/internal/yearly"
)

// A register is what an archive states of one thing: rows of a table, which entries of the
// ledger give, too. Making an archive reads the table; verifying it folds the entries. The
// two have nothing in common but the columns.
type register struct {
	name     string
	articles []int
	columns  string // separated by spaces
	types    string // of each: s text, n number, b yes or no; an empty number is NULL
	key      int    // so many columns name a row
	at       string // the column, a time, by which a row is in the scope
	subject  string // the column with the pseudonym of a child, whose erasure takes the row away; or empty
	query    string
}

// registers are all of them. Each row of a table that a query leaves out says nothing in
// the archive, and no entry gives it: see book.
var registers = []register{
	{"charters", []int{8, 10, 14}, "service number hash published_at", "snsn", 2, "published_at", "", `
		SELECT service, number, hash, published_at FROM charter WHERE published_at IS NOT NULL ORDER BY service, number`},
	{"documents", []int{8, 9, 10}, "service charter kind lang hash published_at", "snsssn", 4, "published_at", "", `
		SELECT d.service, d.charter, d.kind, d.lang, d.hash, c.published_at
		FROM document d JOIN charter c ON c.service = d.service AND c.number = d.charter
		WHERE c.published_at IS NOT NULL ORDER BY d.service, d.charter, d.kind, d.lang`},
	{"offices", []int{8}, "service id role appointed_at ended_at", "sssnn", 2, "appointed_at", "", `
		SELECT service, id, role, appointed_at, ended_at FROM officer ORDER BY service, id`},
	{"consents", []int{9, 10, 14, 18}, "id subject service purpose charter notice lang channel shown_at given_at granted withdraws ended_at ending", "ssssnsssnnbsns", 1,
		"given_at", "subject", `
		SELECT a.id, c.subject, c.service, a.purpose, a.charter, a.notice, a.lang, a.channel, a.shown_at, a.given_at, a.granted, a.withdraws, a.ended_at, a.ending
		FROM consent a JOIN child c ON c.child = a.child
		WHERE c.state <> 'erased' ORDER BY a.child, a.id`},
	{"approvals", []int{15}, "id subject service asker purpose asked_at looks", "sssssnn", 1, "asked_at", "subject", `
		SELECT a.id, c.subject, a.service, a.asker, a.purpose, a.asked_at, a.looks
		FROM approval a JOIN child c ON c.child = a.child
		WHERE c.state <> 'erased' ORDER BY a.child, a.id`},
	{"papers", []int{16, 17}, "id service role party kind passed from_at until_at signed_at", "sssssbnnn", 1, "signed_at", "", `
		SELECT id, service, role, party, kind, passed, from_at, until_at, signed_at FROM party_paper ORDER BY id`},
	{"demands", []int{19, 20, 24}, "id subject service kind state received_at closed_at", "sssssnn", 1, "received_at", "subject", `
		SELECT r.id, c.subject, r.service, r.kind, r.state, r.received_at, r.closed_at
		FROM rights_request r JOIN child c ON c.child = r.child
		WHERE c.state <> 'erased' ORDER BY r.child, r.id`},
	{"erasures", []int{12, 20, 23}, "service day n", "snn", 2, "day", "", `
		SELECT service, erased_at AS day, count(*) AS n FROM child WHERE state = 'erased' GROUP BY service, erased_at ORDER BY service, erased_at`},
	{"incidents", []int{21}, "id service opened_at grade closed_at", "ssnsn", 1, "opened_at", "", `
		SELECT id, service, opened_at, grade, closed_at FROM incident ORDER BY id`},
	{"complaints", []int{24}, "id service kind received_at acknowledged_at outcome closed_at", "sssnnsn", 1, "received_at", "", `
		SELECT id, service, kind, received_at, acknowledged_at, outcome, closed_at FROM complaint ORDER BY id`},
	{"rectifications", []int{25, 26, 27}, "id service what amount dated opened_at closed_at", "sssnsnn", 1, "opened_at", "", `
		SELECT id, service, what, amount, dated, opened_at, closed_at FROM rectification ORDER BY id`},
	{"audits", []int{22}, "service year number filed_at dated children minors", "snnnsnn", 3, "filed_at", "", `
		SELECT service, year, number, filed_at, dated, children, minors FROM yearly_filing ORDER BY service, year, number`},
	{"streams", []int{28}, "id service reason registered_at closed_at", "sssnn", 1, "registered_at", "", `
		SELECT id, service, reason, registered_at, closed_at FROM log_stream ORDER BY id`},
	{"days", []int{9, 14, 15, 19, 20}, "service what day purpose actor detail n", "ssnsssn", 6, "day", "", `
		SELECT service, what, day, purpose, actor, detail, n FROM tally ORDER BY service, what, day, purpose, actor, detail`},
}

// of reports whether the scope has the register.
func (r register) of(articles []int) bool {
	if articles == nil {
		return true
	}
	for _, a := range articles {
		for _, b := range r.articles {
			if a == b {
				return true
			}
		}
	}
	return false
}

func (r register) fields() []string { return strings.Fields(r.columns) }

// column returns where a column stands.
func (r register) column(name string) int {
	for i, c := range r.fields() {
		if c == name {
			return i
		}
	}
	return -1
}

func (r register) keyOf(cells []string) string { return strings.Join(cells[:r.key], " ") }

// when returns the time by which the row is in the scope, in microseconds.
func (r register) when(cells []string) int64 {
	n, _ := strconv.ParseInt(cells[r.column(r.at)], 10, 64)
	if r.name == "days" {
		return n*day - shanghai
	}
	return n
}

// service is of which one the row is.
func (r register) service(cells []string) string { return cells[r.column("service")] }

const (
	day      = 24 * int64(time.Hour/time.Microsecond)
	shanghai = 8 * int64(time.Hour/time.Microsecond) // days begin there
)

// rows calls each with the rows of the table that are in the scope.
func (r register) rows(ctx context.Context, tx *db.Tx, m Manifest, each func(cells []string) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		cells, err := r.scan(row)
		if err != nil || !m.has(r.when(cells), r.service(cells)) {
			return err
		}
		return each(cells)
	}, r.query)
}

// scan reads a row as an archive states it.
func (r register) scan(row db.Row) ([]string, error) {
	texts, numbers, flags := make([]string, len(r.types)), make([]*int64, len(r.types)), make([]bool, len(r.types))
	to := make([]any, len(r.types))
	for i, t := range r.types {
		switch t {
		case 's':
			to[i] = &texts[i]
		case 'n':
			to[i] = &numbers[i]
		default:
			to[i] = &flags[i]
		}
	}
	if err := row.Scan(to...); err != nil {
		return nil, err
	}
	for i, t := range r.types {
		switch {
		case t == 'n' && numbers[i] != nil:
			texts[i] = number(*numbers[i])
		case t == 'b':
			texts[i] = strconv.FormatBool(flags[i])
		}
	}
	return texts, nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// A book is what the entries give of each register.
type book struct {
	rows   map[string]map[string][]string // by register and key
	living map[string]string              // of which service a child is who isn't erased, by its pseudonym
	texts  map[string]string              // by the name of a file, the hash that the ledger has of it
	lines  map[tally.Line]int64
	uses   gate.Bodies
}

func newBook() *book {
	b := &book{rows: make(map[string]map[string][]string), living: make(map[string]string), texts: make(map[string]string), lines: make(map[tally.Line]int64), uses: make(gate.Bodies)}
	for _, r := range registers {
		b.rows[r.name] = make(map[string][]string)
	}
	return b
}

// index finds registers by name.
var index = func() map[string]register {
	all := make(map[string]register, len(registers))
	for _, r := range registers {
		all[r.name] = r
	}
	return all
}()

func (b *book) add(name string, cells ...string) {
	b.rows[name][index[name].keyOf(cells)] = cells
}

// set changes a column of a row that is there.
func (b *book) set(name, key, column, value string) {
	if cells := b.rows[name][key]; cells != nil {
		cells[index[name].column(column)] = value
	}
}

// of returns the rows that are in the scope, by key.
func (b *book) of(r register, m Manifest) map[string][]string {
	rows := b.rows[r.name]
	if r.name == "days" {
		for l, n := range b.lines {
			b.add("days", l.Service, string(l.What), number(l.Day), l.Purpose, string(l.Actor), l.Detail, number(n))
		}
	}
	for key, cells := range rows {
		if !m.has(r.when(cells), r.service(cells)) || r.subject != "" && b.living[cells[r.column(r.subject)]] == "" {
			delete(rows, key)
		}
	}
	return rows
}

// count counts an entry by its day.
func (b *book) count(p ledger.Placed) {
	if l, ok, err := tally.Of(p, b.uses); ok && err == nil {
		b.lines[l]++
	}
}

// entry folds an entry. One that can't be read gives nothing: the replay finds it.
func (b *book) entry(p ledger.Placed) {
	if fold := folds[p.Kind]; fold != nil {
		fold(b, p, number(p.At.UnixMicro()))
	}
}

func as[T any](p ledger.Placed) (v T) {
	if json.Unmarshal(p.Body, &v) != nil {
		var none T
		return none
	}
	return v
}

// folds says what each kind of entry gives.
var folds = map[string]func(b *book, p ledger.Placed, at string){
	catalog.KindProposed: func(b *book, p ledger.Placed, _ string) {
		e := as[catalog.ProposedBody](p)
		b.texts[charterName(p.Service, number(e.Number))] = e.Hash
	},
	catalog.KindPublished: func(b *book, p ledger.Placed, at string) {
		e := as[catalog.PublishedBody](p)
		b.texts[charterName(p.Service, number(e.Number))] = e.Hash
		b.add("charters", p.Service, number(e.Number), e.Hash, at)
		for _, d := range e.Documents {
			b.texts[documentName(p.Service, number(e.Number), string(d.Kind), string(d.Lang))] = d.Hash
			b.add("documents", p.Service, number(e.Number), string(d.Kind), string(d.Lang), d.Hash, at)
		}
	},
	catalog.KindAppointed: func(b *book, p ledger.Placed, at string) {
		e := as[catalog.AppointedBody](p)
		b.set("offices", p.Service+" "+e.Replaces, "ended_at", at)
		b.add("offices", p.Service, e.ID, string(e.Role), at, "")
	},
	catalog.KindEnded: func(b *book, p ledger.Placed, at string) {
		b.set("offices", p.Service+" "+as[catalog.EndedBody](p).ID, "ended_at", at)
	},

	consent.KindGranted:   answered,
	consent.KindRefused:   answered,
	consent.KindWithdrawn: answered,

	approval.KindAsked:   asked,
	approval.KindForeign: asked,
	gate.KindPermitted: func(b *book, p ledger.Placed, _ string) {
		if !strings.HasPrefix(p.Actor, "staff:") {
			return
		}
		e := as[gate.UseBody](p)
		if e.Look == nil {
			return
		}
		if cells := b.rows["approvals"][e.Look.Approval]; cells != nil { // Article 15: each read stands under its approval
			n, _ := strconv.ParseInt(cells[len(cells)-1], 10, 64)
			cells[len(cells)-1] = number(n + int64(max(1, len(e.Items))))
		}
	},

	party.KindAssessed: signed,
	party.KindAgreed:   signed,
	party.KindFiled:    signed,
	party.KindChecked:  signed,

	rights.KindReceived: func(b *book, p ledger.Placed, at string) {
		e := as[rights.ReceivedBody](p)
		b.add("demands", e.Request, p.Subject, p.Service, string(e.Kind), "open", at, "")
	},
	rights.KindDone:      ended("done"),
	rights.KindRefused:   ended("refused"),
	rights.KindCancelled: ended("cancelled"),

	family.KindRegistered: func(b *book, p ledger.Placed, _ string) { b.living[p.Subject] = p.Service },
	family.KindErased: func(b *book, p ledger.Placed, _ string) {
		if b.living[p.Subject] == "" {
			return
		}
		delete(b.living, p.Subject)
		on := number(p.At.Truncate(24 * time.Hour).UnixMicro())
		n := "1"
		if cells := b.rows["erasures"][p.Service+" "+on]; cells != nil {
			was, _ := strconv.ParseInt(cells[2], 10, 64)
			n = number(was + 1)
		}
		b.add("erasures", p.Service, on, n)
	},

	incident.KindOpened: func(b *book, p ledger.Placed, at string) {
		b.add("incidents", as[incident.OpenedBody](p).Case, p.Service, at, "", "")
	},
	incident.KindGraded: func(b *book, p ledger.Placed, _ string) {
		e := as[incident.GradedBody](p)
		b.set("incidents", e.Case, "grade", string(e.Grade))
	},
	incident.KindClosed: func(b *book, p ledger.Placed, at string) {
		b.set("incidents", as[incident.ClosedBody](p).Case, "closed_at", at)
	},

	complaint.KindReceived: func(b *book, p ledger.Placed, at string) {
		e := as[complaint.ReceivedBody](p)
		b.add("complaints", e.Complaint, p.Service, string(e.Kind), at, "", "", "")
	},
	complaint.KindAcknowledged: func(b *book, p ledger.Placed, at string) {
		b.set("complaints", as[complaint.AcknowledgedBody](p).Complaint, "acknowledged_at", at)
	},
	complaint.KindAnswered:  closed,
	complaint.KindDismissed: closed,
	complaint.KindReopened: func(b *book, p ledger.Placed, _ string) {
		e := as[complaint.AddedBody](p)
		b.set("complaints", e.Complaint, "outcome", "")
		b.set("complaints", e.Complaint, "closed_at", "")
	},
	complaint.KindErased: func(b *book, p ledger.Placed, _ string) {
		delete(b.rows["complaints"], as[complaint.ErasedBody](p).Complaint)
	},

	rectification.KindRecorded: func(b *book, p ledger.Placed, at string) {
		e := as[rectification.RecordedBody](p)
		b.add("rectifications", e.Matter, p.Service, string(e.What), number(e.Amount), e.Dated, at, "")
	},
	rectification.KindConfirmed: func(b *book, p ledger.Placed, at string) {
		b.set("rectifications", as[rectification.ConfirmedBody](p).Matter, "closed_at", at)
	},
	rectification.KindReopened: func(b *book, p ledger.Placed, _ string) {
		b.set("rectifications", as[rectification.MovedBody](p).Matter, "closed_at", "")
	},

	yearly.KindFiled: func(b *book, p ledger.Placed, at string) {
		e := as[yearly.FiledBody](p)
		b.add("audits", p.Service, number(e.Year), number(e.Number), at, e.Dated, number(e.Children), number(e.Minors))
	},

	stream.KindRegistered: func(b *book, p ledger.Placed, at string) {
		e := as[stream.RegisteredBody](p)
		b.add("streams", e.Stream, p.Service, string(e.Reason), at, "")
	},
	stream.KindEnded: func(b *book, p ledger.Placed, at string) {
		b.set("streams", as[stream.EndedBody](p).Stream, "closed_at", at)
	},
}

func asked(b *book, p ledger.Placed, at string) {
	e := as[approval.AskedBody](p)
	b.add("approvals", e.Request, p.Subject, p.Service, strings.TrimPrefix(p.Actor, "staff:"), e.Purpose, at, "0")
}

func answered(b *book, p ledger.Placed, at string) {
	e := as[consent.AnswerBody](p)
	ending := consent.EndedByNewAnswer
	if p.Kind == consent.KindWithdrawn {
		ending = consent.EndedByWithdrawal
	}
	if e.Ends != "" {
		b.set("consents", e.Ends, "ended_at", at)
		b.set("consents", e.Ends, "ending", string(ending))
	}
	b.add("consents", e.Consent, p.Subject, p.Service, e.Purpose, number(e.Charter), e.Notice, e.Lang, e.Channel, number(e.Shown), at,
		strconv.FormatBool(p.Kind == consent.KindGranted), e.Withdraws, "", "")
}

func signed(b *book, p ledger.Placed, at string) {
	e := as[party.PaperBody](p)
	b.add("papers", e.Paper, p.Service, string(e.Role), e.Party, string(e.Kind), strconv.FormatBool(e.Passed), number(e.From), number(e.Until), at)
}

func ended(state string) func(b *book, p ledger.Placed, at string) {
	return func(b *book, p ledger.Placed, at string) {
		e := as[rights.EndedBody](p)
		b.set("demands", e.Request, "state", state)
		b.set("demands", e.Request, "closed_at", at)
	}
}

func closed(b *book, p ledger.Placed, at string) {
	e := as[struct {
		Complaint string `json:"complaint"`
		Outcome   string `json:"outcome"`
	}](p)
	b.set("complaints", e.Complaint, "outcome", e.Outcome)
	b.set("complaints", e.Complaint, "closed_at", at)
}

// A Register is one whose rows an archive states, for whoever attaches them to something else.
type Register struct {
	Columns []string
	At      string // the column, a time in microseconds, by which a row has its place
	of      register
}

// RegisterOf returns the register of that name. Errors: ErrScope.
func RegisterOf(name string) (Register, error) {
	r, ok := index[name]
	if !ok {
		return Register{}, ErrScope
	}
	return Register{r.fields(), r.at, r}, nil
}

// Each calls each with every row, as an archive of all of the time states it.
func (r Register) Each(ctx context.Context, tx *db.Tx, each func(cells []string) error) error {
	return r.of.rows(ctx, tx, Manifest{}, each)
}
