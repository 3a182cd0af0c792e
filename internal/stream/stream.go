// Package stream is the register of what systems keep automatically, such as logs
// (Article 28).
//
// Its one invariant: a stream counts as a child's until a test of its own, made within
// Valid, has joined nothing of it with a child. Nobody writes that it has passed: that is
// computed of how much was joined. Time ends what a test has shown, in its second, and
// nothing has to run for that.
//
// A stream never changes: what is kept otherwise is another stream, with a test of its own.
package stream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with a stream or a test.
var (
	ErrForm     = errs.New(errs.Invalid, "stream.form_incomplete")
	ErrReason   = errs.New(errs.Invalid, "stream.reason_unknown")
	ErrMonths   = errs.New(errs.Invalid, "stream.months_invalid")  // none, or more than a register is for
	ErrShort    = errs.New(errs.Invalid, "stream.months_too_few")  // for a network log
	ErrTest     = errs.New(errs.Invalid, "stream.test_incomplete") // or a day to come
	ErrOld      = errs.New(errs.Invalid, "stream.test_too_old")    // it shows nothing any more
	ErrMany     = errs.New(errs.TooMany, "stream.too_many")
	ErrMayNot   = errs.New(errs.Forbidden, "stream.may_not")
	ErrNotFound = errs.New(errs.NotFound, "stream.not_found")
	ErrEnded    = errs.New(errs.Conflict, "stream.ended")
	ErrPurpose  = errs.New(errs.Invalid, "stream.purpose_unknown") // to the charter in force
)

// Valid is for how long a test says something of a stream: what a system writes changes with
// its releases. The law names no time; this one is ours.
const Valid = 180 * 24 * time.Hour

// Soon is how long before that somebody is reminded.
const Soon = 30 * 24 * time.Hour

const (
	leastMonths = 6   // of a network log (Cybersecurity Law)
	mostMonths  = 120 // nothing is kept for good (Article 12)
	maxStreams  = 500 // open ones of a service: all of them are read at once
	maxText     = 2000
	maxLine     = 200
	maxRecords  = 1_000_000_000
)

// A Reason is why nobody can be told by what is in a stream to be a child.
type Reason string

// The reasons.
const (
	NoPersons  Reason = "no_persons" // it tells of machines alone
	Nameless   Reason = "nameless"   // of persons, and nothing by which one is told from another
	Passing    Reason = "passing"    // by names that change, of which no table is kept
	OneWay     Reason = "one_way"    // by hashes whose key is destroyed
	Coarse     Reason = "coarse"     // cut so short that many fit
	Aggregated Reason = "aggregated" // counts of many
)

// Reasons lists them.
var Reasons = []Reason{NoPersons, Nameless, Passing, OneWay, Coarse, Aggregated}

// A Method is how a stream was tested.
type Method string

// The methods. Scanned is by this program alone, which has read each record and looked for
// what it holds of children.
const (
	Scanned  Method = "scanned"
	Queried  Method = "queried"  // joined in a database with the accounts of children
	Compared Method = "compared" // some records, by hand
)

// Told are the methods of tests that were made elsewhere, and are told here.
var Told = []Method{Queried, Compared}

// A Form is what a stream is, as somebody in office signs it.
type Form struct {
	Name    string `json:"name" doc:"这份日志叫什么|what the stream is called"`
	System  string `json:"system" doc:"哪个系统自动留存|which system keeps it"`
	Fields  string `json:"fields" doc:"里面有哪些字段|which fields are in it"`
	Place   string `json:"place" doc:"存放在哪里|where it is kept"`
	Office  string `json:"office" doc:"由哪个职务负责|which office answers for it"`
	Months  int    `json:"months" doc:"留存多少个月|for how many months it is kept"`
	Network bool   `json:"network,omitempty" doc:"是网络日志（至少留存 6 个月）|it is a network log (6 months at least)"`
	Shared  bool   `json:"shared,omitempty" doc:"其他服务也写入这份日志|other services write to it, too"`
	Reason  Reason `json:"reason" doc:"为什么认不出是儿童的信息|why it can't be told to be a child's"`
	Grounds string `json:"grounds" doc:"为什么这个理由对每个字段都成立|how that holds of each field"`
}

// check says what is missing in the form.
func (f Form) check() error {
	for _, one := range []struct{ name, text string }{{"name", f.Name}, {"system", f.System}, {"place", f.Place}, {"office", f.Office}} {
		if !isText(one.text, maxLine) || strings.ContainsRune(one.text, '\n') {
			return ErrForm.At(one.name)
		}
	}
	switch {
	case !isText(f.Fields, maxText):
		return ErrForm.At("fields")
	case f.Months < 1 || f.Months > mostMonths:
		return ErrMonths.At("months")
	case f.Network && f.Months < leastMonths:
		return ErrShort.At("months")
	case !slices.Contains(Reasons, f.Reason):
		return ErrReason.At("reason")
	case !isText(f.Grounds, maxText):
		return ErrForm.At("grounds")
	}
	return nil
}

// A Test is that somebody has tried to join a stream with the children who are held.
type Test struct {
	On       string `json:"on" doc:"测试的日期|the day of the test"`
	By       string `json:"made_by" doc:"谁测试：职务|who has made it: an office"`
	Method   Method `json:"method" doc:"怎样测试|how it was made"`
	Records  int    `json:"records" doc:"看了多少条记录|how many records were looked at"`
	Joined   int    `json:"joined" doc:"其中多少条能与儿童对上；一条都不行才算通过|how many of them could be joined with a child; it passes with none"`
	Findings string `json:"findings" doc:"怎样抽取、与什么比对、结果如何；不要写任何人的信息|how they were chosen, what they were compared with, and what was found; nothing about any person"`
	Document string `json:"document" doc:"测试记录的 SHA-256|SHA-256 of the record of the test"`
}

// check says what is missing in the test, and returns the moment at which it stops to show
// anything: where it has joined something, it shows at once what it shows.
func (t Test) check(now time.Time) (until time.Time, err error) {
	on, err := time.ParseInLocation(time.DateOnly, t.On, age.Zone)
	switch {
	case err != nil || on.After(now):
		return until, ErrTest.At("on")
	case !isText(t.By, maxLine) || strings.ContainsRune(t.By, '\n'):
		return until, ErrTest.At("made_by")
	case t.Records < 1 || t.Records > maxRecords:
		return until, ErrTest.At("records")
	case t.Joined < 0 || t.Joined > t.Records:
		return until, ErrTest.At("joined")
	case !isText(t.Findings, maxText):
		return until, ErrTest.At("findings")
	case !isHash(t.Document):
		return until, ErrTest.At("document")
	case t.Joined > 0:
		return now, nil
	case !now.Before(on.Add(Valid)):
		return until, ErrOld.At("on")
	}
	return on.Add(Valid).UTC(), nil
}

// isText reports whether s is text that a reader can see.
func isText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) < 0
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}

// A State is how a stream stands.
type State string

// The states. In those of Linkable it is treated as a child's.
const (
	Exempt   State = "exempt"   // nobody can be told by it to be a child: other rules apply
	Untested State = "untested" // nobody has tried
	Joined   State = "joined"   // somebody has, and it could be joined
	Expired  State = "expired"  // the last test is too old
	Covered  State = "covered"  // it is a child's, as the charter says; it has left the register
	Stopped  State = "stopped"  // it isn't kept any more
)

// Linkable are the states in which a stream counts as a child's, and nothing covers it.
var Linkable = []State{Untested, Joined, Expired}

// A Stream is one that a system keeps automatically, and that is to be no child's.
type Stream struct {
	ID           string // "ls_…"
	Service      string // whose office answers for it
	Shared       bool   // other services write to it, too
	Reason       Reason
	Text         string // the form, as JSON
	RegisteredAt time.Time
	RegisteredBy string // as the ledger names actors

	Test     string    // the last one, "jt_…", or empty
	Joins    int64     // what that has joined
	DueAt    time.Time // from when on it counts as a child's, unless a test shows otherwise
	RaisedAt time.Time // when the office was told that it does; zero: it wasn't
	Purpose  string    // by which the charter covers it
	ClosedAt time.Time // zero while it is on the register

	salt []byte
}

// Open reports whether the stream is on the register.
func (s Stream) Open() bool { return s.ClosedAt.IsZero() }

// State says how the stream stands (Article 28: whoever can be recognised is protected by
// all that goes before).
func (s Stream) State(now time.Time) State {
	switch {
	case !s.Open() && s.Purpose != "":
		return Covered
	case !s.Open():
		return Stopped
	case s.Test == "":
		return Untested
	case s.Joins > 0:
		return Joined
	case !now.Before(s.DueAt):
		return Expired
	}
	return Exempt
}

// Late reports whether the stream counts as a child's, and nothing covers it.
func (s Stream) Late(now time.Time) bool { return slices.Contains(Linkable, s.State(now)) }

// Number is what people call it: "7K2M-9QXT".
func (s Stream) Number() string { return id.NumberOf(s.ID) }

// Form returns what the stream is. One that was changed by hand is empty.
func (s Stream) Form() (f Form) {
	if json.Unmarshal([]byte(s.Text), &f) != nil {
		return Form{}
	}
	return f
}

// Mark is what the ledger keeps of the form.
func (s Stream) Mark() string { return ledger.Mark(s.salt, s.ID, s.Text) }

// A Made is a test as it was recorded. It never changes.
type Made struct {
	ID     string // "jt_…"
	Stream string
	Text   string // the test, as JSON
	At     time.Time
	By     string // as the ledger names actors

	salt []byte
}

// Test returns what the test says. One that was changed by hand is empty.
func (m Made) Test() (t Test) {
	if json.Unmarshal([]byte(m.Text), &t) != nil {
		return Test{}
	}
	return t
}

// Mark is what the ledger keeps of it.
func (m Made) Mark() string { return ledger.Mark(m.salt, m.ID, m.Stream, m.Text) }

const (
	columns     = `id, service, shared, reason, form, salt, registered_at, registered_by, test, joins, due_at, raised_at, purpose, closed_at`
	madeColumns = `id, stream, form, salt, made_at, made_by`
)

func scan(row db.Row) (s Stream, err error) {
	err = row.Scan(&s.ID, &s.Service, &s.Shared, &s.Reason, &s.Text, &s.salt, (*db.Time)(&s.RegisteredAt), &s.RegisteredBy,
		&s.Test, &s.Joins, (*db.Time)(&s.DueAt), (*db.Time)(&s.RaisedAt), &s.Purpose, (*db.Time)(&s.ClosedAt))
	return s, err
}

func scanMade(row db.Row) (m Made, err error) {
	err = row.Scan(&m.ID, &m.Stream, &m.Text, &m.salt, (*db.Time)(&m.At), &m.By)
	return m, err
}

var queue = db.Queue[Stream]{
	Table: "log_stream", Columns: columns, Prefix: id.Stream, Scan: scan, None: ErrNotFound,
	At: func(s Stream) db.Cursor { return db.Cursor{At: s.DueAt, ID: s.ID} },
}

// Find returns a stream of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Stream, error) {
	return queue.Find(ctx, tx, service, name)
}

// may returns what the act of somebody of the staff rests on. Errors: ErrMayNot.
func may(ctx context.Context, tx *db.Tx, by approval.Actor, a staff.Action, service string) (approval.Inside, error) {
	if who, _ := approval.StaffOf(by, service); who == "" {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

// Register puts a stream on the register. Until it is tested it counts as a child's. Errors:
// those of the form, ErrMayNot, ErrMany, catalog.ErrNotFound, catalog.ErrCeasing.
func Register(ctx context.Context, tx *db.Tx, by approval.Actor, service string, f Form) (Stream, string, error) {
	fail := func(err error) (Stream, string, error) { return Stream{}, "", err }
	inside, err := may(ctx, tx, by, staff.SignStreams, service)
	if err != nil {
		return fail(err)
	}
	if err := f.check(); err != nil {
		return fail(err)
	}
	switch of, err := catalog.Find(ctx, tx, service); {
	case err != nil:
		return fail(err)
	case of.Ceases(""):
		return fail(catalog.ErrCeasing)
	}
	open, err := queue.Open(ctx, tx, service, maxStreams)
	switch {
	case err != nil:
		return fail(err)
	case len(open) == maxStreams:
		return fail(ErrMany)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fail(err)
	}
	s := Stream{ID: id.New(id.Stream), Service: service, Shared: f.Shared, Reason: f.Reason, Text: string(text), salt: ledger.NewSalt(),
		RegisteredAt: tx.Now(), RegisteredBy: by.Ledger(), DueAt: tx.Now()}
	err = tx.Queue(ctx, `
		INSERT INTO log_stream (id, service, shared, reason, form, salt, registered_at, registered_by, test, joins, due_at, purpose)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, $9, '')`,
		s.ID, s.Service, s.Shared, s.Reason, s.Text, s.salt, (*db.Time)(&s.RegisteredAt), s.RegisteredBy, (*db.Time)(&s.DueAt))
	if err != nil {
		return fail(err)
	}
	entry, err := s.note(ctx, tx, KindRegistered, by.Ledger(), RegisteredBody{Stream: s.ID, Reason: s.Reason, Shared: s.Shared, Mark: s.Mark(), Inside: inside})
	return s, entry, err
}

// Record records a test of a stream that was made elsewhere. The last one counts: what has
// passed is no child's until the test is too old, and what could be joined is one's from this
// moment on. Errors: those of the test, ErrMayNot, ErrNotFound, ErrEnded.
func Record(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string, t Test) (Stream, Made, string, error) {
	if !slices.Contains(Told, t.Method) {
		return Stream{}, Made{}, "", ErrTest.At("method")
	}
	return record(ctx, tx, by, service, name, t)
}

// A Scan is what this program has found in a sample.
type Scan struct {
	Records, Joined int
	Findings        string // kinds, and numbers of lines
	Sample          string // its SHA-256, in hex
}

// MayTest refuses who can't record a test of the stream. Errors: ErrMayNot, ErrNotFound,
// ErrEnded.
func MayTest(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error {
	s, err := Find(ctx, tx, service, name)
	if err != nil {
		return err
	}
	if who, _ := approval.StaffOf(by, service); who == "" {
		return ErrMayNot
	}
	if !s.Open() {
		return ErrEnded
	}
	return nil
}

// RecordScan records a test that this program has made now, of a sample that somebody has
// chosen. Errors: those of Record.
func RecordScan(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string, scan Scan) (Stream, Made, string, error) {
	return record(ctx, tx, by, service, name, Test{On: tx.Now().In(age.Zone).Format(time.DateOnly), By: "wardkeep", Method: Scanned,
		Records: scan.Records, Joined: scan.Joined, Findings: scan.Findings, Document: scan.Sample})
}

func record(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string, t Test) (Stream, Made, string, error) {
	fail := func(err error) (Stream, Made, string, error) { return Stream{}, Made{}, "", err }
	// Held: of two tests at once, the second sees what the first has joined.
	if _, err := tx.Exec(ctx, `UPDATE log_stream SET joins = joins WHERE id = $1 AND service = $2`, name, service); err != nil {
		return fail(err)
	}
	s, err := Find(ctx, tx, service, name)
	if err != nil {
		return fail(err)
	}
	inside, err := may(ctx, tx, by, staff.TestStreams, service)
	if err != nil {
		return fail(err)
	}
	t.Document = strings.ToLower(t.Document)
	until, err := t.check(tx.Now())
	if err != nil {
		return fail(err)
	}
	if s.Joins > 0 && t.Joined == 0 {
		// What was joined since isn't undone by what was tried before.
		last, err := db.One(ctx, tx, scanMade, `SELECT `+madeColumns+` FROM join_test WHERE id = $1`, s.Test)
		if err != nil {
			return fail(err)
		}
		if t.On < last.Test().On {
			return fail(ErrOld.At("on"))
		}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return fail(err)
	}
	m := Made{ID: id.New(id.JoinTest), Stream: s.ID, Text: string(text), At: tx.Now(), By: by.Ledger(), salt: ledger.NewSalt()}
	s.Test, s.Joins, s.DueAt, s.RaisedAt = m.ID, int64(t.Joined), until, time.Time{}
	n, err := tx.Exec(ctx, `
		UPDATE log_stream SET test = $1, joins = $2, due_at = $3, raised_at = NULL WHERE id = $4 AND closed_at IS NULL`,
		s.Test, s.Joins, (*db.Time)(&s.DueAt), s.ID)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrEnded)
	}
	err = tx.Queue(ctx, `INSERT INTO join_test (id, stream, form, salt, made_at, made_by) VALUES ($1, $2, $3, $4, $5, $6)`,
		m.ID, m.Stream, m.Text, m.salt, (*db.Time)(&m.At), m.By)
	if err != nil {
		return fail(err)
	}
	entry, err := s.note(ctx, tx, KindTested, by.Ledger(), TestedBody{Stream: s.ID, Test: m.ID, Method: t.Method, Records: int64(t.Records), Joined: s.Joins,
		Due: s.DueAt.UnixMicro(), Mark: m.Mark(), Inside: inside})
	return s, m, entry, err
}

// Cover takes a stream off the register that is a child's, and for which the charter in force
// has a purpose: from then on it is what that says, and no more. Errors: ErrMayNot,
// ErrNotFound, ErrEnded, ErrPurpose.
func Cover(ctx context.Context, tx *db.Tx, by approval.Actor, service, name, purpose string) (Stream, string, error) {
	of, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return Stream{}, "", err
	}
	in, err := InForce(ctx, tx, of)
	if err != nil {
		return Stream{}, "", err
	}
	if !slices.Contains(in, purpose) {
		return Stream{}, "", ErrPurpose.At("purpose")
	}
	return end(ctx, tx, by, service, name, purpose)
}

// InForce returns the purposes by which the charter in force of a service covers anything.
func InForce(ctx context.Context, tx *db.Tx, of catalog.Service) (names []string, err error) {
	if of.Charter == 0 {
		return nil, nil
	}
	in, err := catalog.Version(ctx, tx, of.Name, of.Charter)
	if err != nil {
		return nil, err
	}
	for _, p := range in.Charter.Purposes {
		if !of.Ceases(p.Name) {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

// Stop takes a stream off the register that isn't kept any more. Errors: ErrMayNot,
// ErrNotFound, ErrEnded.
func Stop(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) (Stream, string, error) {
	return end(ctx, tx, by, service, name, "")
}

func end(ctx context.Context, tx *db.Tx, by approval.Actor, service, name, purpose string) (Stream, string, error) {
	s, err := Find(ctx, tx, service, name)
	if err != nil {
		return Stream{}, "", err
	}
	inside, err := may(ctx, tx, by, staff.SignStreams, service)
	if err != nil {
		return Stream{}, "", err
	}
	return s.end(ctx, tx, by.Ledger(), purpose, inside)
}

func (s Stream) end(ctx context.Context, tx *db.Tx, actor, purpose string, inside approval.Inside) (Stream, string, error) {
	s.Purpose, s.ClosedAt = purpose, tx.Now()
	n, err := tx.Exec(ctx, `UPDATE log_stream SET purpose = $1, closed_at = $2 WHERE id = $3 AND closed_at IS NULL`, s.Purpose, (*db.Time)(&s.ClosedAt), s.ID)
	switch {
	case err != nil:
		return Stream{}, "", err
	case n != 1:
		return Stream{}, "", ErrEnded
	}
	entry, err := s.note(ctx, tx, KindEnded, actor, EndedBody{Stream: s.ID, Purpose: purpose, Inside: inside})
	return s, entry, err
}

// Lapse takes streams of a service that has ended off the register, at most limit, and
// returns how many: nobody is held any more whom they could be joined with (Article 23).
func Lapse(ctx context.Context, tx *db.Tx, actor, service string, limit int) (int, error) {
	open, err := queue.Open(ctx, tx, service, limit)
	if err != nil {
		return 0, err
	}
	for _, s := range open {
		if _, _, err := s.end(ctx, tx, actor, "", approval.Inside{}); err != nil && !errors.Is(err, ErrEnded) {
			return 0, err
		}
	}
	return len(open), nil
}

// ToRaise returns streams that count as a child's, of which the office wasn't told: at most
// limit, those that are due first behind after.
func ToRaise(ctx context.Context, tx *db.Tx, after Stream, limit int) ([]Stream, error) {
	from := int64(0)
	if after.ID != "" {
		from = after.DueAt.UnixMicro()
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM log_stream
		WHERE due_at <= $1 AND raised_at IS NULL AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, tx.Now().UnixMicro(), from, after.ID, int64(limit))
}

// Raise records that a stream counts as a child's, once for each test; done is false where
// somebody has seen to it since it was read. If we crash before the commit, it is due again.
func Raise(ctx context.Context, tx *db.Tx, actor string, s Stream) (done bool, err error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE log_stream SET raised_at = $1 WHERE id = $2 AND test = $3 AND raised_at IS NULL AND closed_at IS NULL`, (*db.Time)(&now), s.ID, s.Test)
	if err != nil || n != 1 {
		return false, err
	}
	_, err = s.note(ctx, tx, KindFlipped, actor, FlippedBody{Stream: s.ID, State: s.State(now)})
	return err == nil, err
}

// The kinds of entries about streams. They are about a system and no child, and no decision
// of the gate is computed from them: their version is 0.
const (
	KindRegistered = "stream.registered"
	KindTested     = "stream.tested"
	KindFlipped    = "stream.flipped"
	KindEnded      = "stream.ended"
)

// A RegisteredBody is what the ledger keeps of a stream.
type RegisteredBody struct {
	Stream string `json:"stream"`
	Reason Reason `json:"reason"`
	Shared bool   `json:"shared,omitempty"`
	Mark   string `json:"mark"` // see Stream.Mark
	approval.Inside
}

// A TestedBody is what the ledger keeps of a test.
type TestedBody struct {
	Stream  string `json:"stream"`
	Test    string `json:"test"`
	Method  Method `json:"method"`
	Records int64  `json:"records"`
	Joined  int64  `json:"joined,omitempty"`
	Due     int64  `json:"due"`  // µs: from then on it shows nothing
	Mark    string `json:"mark"` // see Made.Mark
	approval.Inside
}

// A FlippedBody says that a stream counts as a child's, and why.
type FlippedBody struct {
	Stream string `json:"stream"`
	State  State  `json:"state"`
}

// An EndedBody says that a stream has left the register: by which purpose the charter covers
// it, or that it isn't kept any more.
type EndedBody struct {
	Stream  string `json:"stream"`
	Purpose string `json:"purpose,omitempty"`
	approval.Inside
}

func (s Stream) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: s.Service, Actor: actor, Body: body})
}
