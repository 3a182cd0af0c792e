// Package party keeps who else gets items: processors, who work on behalf of the operator
// (Article 16), recipients, who have purposes of their own (Article 17), who runs the
// storage, where that is abroad, and who reads from abroad. It says who each of them is, how it was assessed, what was
// agreed with it, and by which mechanism something crosses a border to it (edge case 20).
//
// Its one invariant: what a party stands on is a paper that was signed and never changes.
// The row of the party says which assessment, agreement and mechanism hold, and how it
// stands is computed of those and the moment; so nothing has to happen for an agreement to
// be over. No verb removes a paper, nor a party: PIPL 56 wants them for three years at
// least, and they are here for as long as the store is.
package party

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// What can be wrong with a party and its papers.
var (
	ErrRole          = errs.New(errs.Invalid, "party.role_unknown")
	ErrNotFound      = errs.New(errs.NotFound, "party.not_found")
	ErrUnnamed       = errs.New(errs.Invalid, "party.unnamed") // the charter in force knows no such party
	ErrIdentity      = errs.New(errs.Invalid, "party.identity_invalid")
	ErrRegistration  = errs.New(errs.Invalid, "party.registration_invalid")
	ErrCountry       = errs.New(errs.Invalid, "party.country_differs") // from the charter's
	ErrForm          = errs.New(errs.Invalid, "party.form_invalid")
	ErrScope         = errs.New(errs.Invalid, "party.scope_beyond")        // beyond what the charter in force gives
	ErrUnassessed    = errs.New(errs.Conflict, "party.not_assessed")       // nothing is signed without a valid assessment
	ErrScopeAssessed = errs.New(errs.Conflict, "party.scope_not_assessed") // beyond what was assessed
	ErrPeriod        = errs.New(errs.Invalid, "party.period_invalid")
	ErrGap           = errs.New(errs.Conflict, "party.leaves_gap") // one holds, and this begins later
	ErrOverdue       = errs.New(errs.Conflict, "party.orders_overdue")
	ErrReason        = errs.New(errs.Invalid, "party.reason_unknown")
	ErrSuspended     = errs.New(errs.Conflict, "party.suspended")
	ErrNotSuspended  = errs.New(errs.Conflict, "party.not_suspended")
	ErrSubs          = errs.New(errs.Conflict, "party.has_sub_processors")
	ErrEnded         = errs.New(errs.Conflict, "party.ended")
	ErrParting       = errs.New(errs.Conflict, "party.parting")       // not all was ordered yet that follows its end
	ErrAnother       = errs.New(errs.Conflict, "party.another")       // the papers are another company's
	ErrUnagreed      = errs.New(errs.Conflict, "party.not_agreed")    // and so there is nothing to check
	ErrLongAgo       = errs.New(errs.Invalid, "party.check_long_ago") // the next check is owed
	ErrBefore        = errs.New(errs.Invalid, "party.check_before")   // the agreement began, and so it was none of that
)

// A Role is what a party is to the operator.
type Role string

// The roles. Storage is where a service keeps its items, of which there is one. It is on the
// register while the charter says that it is abroad, so that what it stands on, a mechanism,
// is signed, runs out and is reminded of as that of everybody else is. Access is a country or
// region abroad from which somebody reads, of which there is one each, and likewise.
const (
	Processor Role = "processor"
	Recipient Role = "recipient"
	Storage   Role = "storage"
	Access    Role = "access"
)

// Place reports whether who has the role is there for a place abroad, and for nothing that it is
// given: it stands on a mechanism alone.
func (r Role) Place() bool { return r == Storage || r == Access }

// Article returns the article that a party of the role stands under. The Provisions hold
// inside the country (Article 3); what is stored or read outside stands on PIPL 38.
func (r Role) Article() string {
	switch r {
	case Recipient:
		return "17"
	case Storage, Access:
		return "3"
	}
	return "16"
}

// An ID says which party: of a service, in a role, as the charter calls it. A company may
// be both to a service, and is assessed for each.
type ID struct {
	Service string
	Role    Role
	Name    string
}

// StorageOf is what a service's storage goes by: there is one.
func StorageOf(service string) ID {
	return ID{Service: service, Role: Storage, Name: string(Storage)}
}

// AccessFrom is what those who read in a country or region abroad go by.
func AccessFrom(service, country string) ID {
	return ID{Service: service, Role: Access, Name: country}
}

// A Scope says which items a party gets, by purpose.
type Scope map[string][]string

// Has reports whether an item is in the scope for a purpose.
func (s Scope) Has(purpose, item string) bool { return slices.Contains(s[purpose], item) }

// Within reports whether all of the scope is in another.
func (s Scope) Within(other Scope) bool {
	for purpose, items := range s {
		for _, item := range items {
			if !other.Has(purpose, item) {
				return false
			}
		}
	}
	return true
}

// sorted returns the scope with its items in order, each once.
func (s Scope) sorted() Scope {
	out := make(Scope, len(s))
	for purpose, items := range s {
		out[purpose] = slices.Compact(slices.Sorted(slices.Values(items)))
	}
	return out
}

// String writes the scope as its row has it: as JSON, in the order of its names.
func (s Scope) String() string {
	if len(s) == 0 {
		return "{}"
	}
	text, err := json.Marshal(map[string][]string(s))
	if err != nil {
		return "{}" // names can't fail to be written; and an empty scope opens nothing
	}
	return string(text)
}

func parseScope(text string) (s Scope, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}

// ScopeOf returns what a charter gives a party. A place is given nothing.
func ScopeOf(c *charter.Charter, role Role, name string) Scope {
	given, s := c.Entrusted, make(Scope)
	switch role {
	case Recipient:
		given = c.Transferred
	case Storage, Access:
		return s
	}
	for _, p := range c.Purposes {
		if items := given(p.Name, name); len(items) > 0 {
			s[p.Name] = items
		}
	}
	return s
}

// CountryOf returns where a charter says that a party is; empty if it doesn't name it. It
// names a storage while that is abroad, and a country from which something is read.
func CountryOf(c *charter.Charter, of ID) string {
	switch of.Role {
	case Processor:
		q, _ := c.Processor(of.Name)
		return q.Country
	case Recipient:
		r, _ := c.Recipient(of.Name)
		return r.Country
	case Storage:
		if of.Name == string(Storage) && c.Storage.Country != charter.Home {
			return c.Storage.Country
		}
	case Access:
		if slices.Contains(c.ReadAbroad(), charter.Region(of.Name)) {
			return of.Name
		}
	}
	return ""
}

// A Kind is what a paper is.
type Kind string

// The kinds of papers. The last three are mechanisms by which something may cross a border
// (PIPL 38).
const (
	Assessed  Kind = "assessment"
	Agreed    Kind = "agreement"
	Checked   Kind = "check" // of a processor, from its day until the next one is owed
	CAC       Kind = Kind(charter.SecurityAssessment)
	Contract  Kind = Kind(charter.StandardContract)
	Certified Kind = Kind(charter.Certification)
)

// Mechanisms are the kinds of papers by which something may cross a border.
var Mechanisms = []Kind{CAC, Contract, Certified}

// A Term is what a paper says, as far as something rests on it. The zero Term is none.
type Term struct {
	ID     string // "pp_…"
	Kind   Kind
	Passed bool  // of an assessment: see Form.Passes; of a check: it has found no breach
	Scope  Scope // of an assessment and an agreement
	From   time.Time
	Until  time.Time
}

// Exists reports whether there is a paper.
func (t Term) Exists() bool { return t.ID != "" }

// Holds reports whether the moment is in its period. At its end it is over.
func (t Term) Holds(at time.Time) bool {
	return t.Exists() && !at.Before(t.From) && at.Before(t.Until)
}

// A Reason is why a party was suspended.
type Reason string

// The reasons. Restored is that of a store which was put back, and can't know how the
// party stood.
const (
	SubProcessor Reason = "sub_processor"
	Incident     Reason = "incident"
	Instructions Reason = "instructions" // it has gone beyond them
	Authority    Reason = "authority"    // of the state has said so
	Supervision  Reason = "supervision"  // it wasn't let check, or found something
	Other        Reason = "other"
	Restored     Reason = "restored"
)

// Reasons are those that an officer gives.
var Reasons = []Reason{SubProcessor, Incident, Instructions, Authority, Supervision, Other}

// A Standing is what the gate reads of a party. The zero Standing is nobody.
type Standing struct {
	ID
	Version    int64 // of its service, at the party's last change
	Country    string
	Halted     Reason    // empty: it isn't suspended
	Subs       []string  // sub-processors that it has declared
	EndsAt     time.Time // zero: no end was set but those of its papers
	Assessment Term
	Agreement  Term // of a processor
	Mechanism  Term
}

// A State is how a party stands at a moment.
type State string

// The states. A recipient is active once it is assessed: there is no agreement to sign. A
// place is active while its mechanism holds, and unfiled while none does.
const (
	Draft     State = "draft"    // registered, and not assessed, or not well enough
	Ready     State = "assessed" // and an agreement may be signed
	Signed    State = "agreed"   // and the agreement hasn't begun
	Active    State = "active"
	Suspended State = "suspended" // by somebody's word, by a sub-processor, or since its assessment is over
	Ended     State = "ended"     // by somebody's word, or with its agreement
	Unfiled   State = "unfiled"
)

// State returns how the party stands; empty for nobody. It is pure.
func (s Standing) State(now time.Time) State {
	assessed := s.Assessment.Passed && s.Assessment.Holds(now)
	switch {
	case s.Name == "":
		return ""
	case s.Over(now), s.Agreement.Exists() && !now.Before(s.Agreement.Until):
		return Ended
	// Edge case 19: a sub-processor suspends at once.
	case s.Halted != "", len(s.Subs) > 0:
		return Suspended
	case s.Role.Place() && s.Mechanism.Holds(now):
		return Active
	case s.Role.Place() && s.Mechanism.Exists() && now.Before(s.Mechanism.From):
		return Signed
	case s.Role.Place():
		return Unfiled
	case s.Role == Recipient && assessed:
		return Active
	case s.Role == Recipient && s.Assessment.Passed:
		return Suspended
	case !s.Agreement.Exists() && assessed:
		return Ready
	case !s.Agreement.Exists():
		return Draft
	case now.Before(s.Agreement.From):
		return Signed
	case assessed:
		return Active
	}
	return Suspended
}

// Over reports whether an end that was set has come.
func (s Standing) Over(now time.Time) bool { return !s.EndsAt.IsZero() && !now.Before(s.EndsAt) }

// Gets reports whether anything may be given to the party at a moment, as far as its own papers
// say: it stands, and where it is abroad, its mechanism does.
func (s Standing) Gets(now time.Time) bool {
	return s.State(now) == Active && (s.Country == charter.Home || s.Mechanism.Holds(now))
}

// A Phase says which of its periods a moment is in: all that the gate makes of a Standing
// stays the same while its Version and its Phase do.
type Phase struct{ Over, Assessed, Begun, Agreed, Crosses bool }

// Phase returns the phase of a moment.
func (s Standing) Phase(now time.Time) Phase {
	return Phase{Over: s.Over(now), Assessed: s.Assessment.Holds(now), Begun: !now.Before(s.Agreement.From), Agreed: s.Agreement.Holds(now),
		Crosses: s.Mechanism.Holds(now)}
}

// An Identity is who a party is. Nothing of it but the country is in the ledger, which has
// a mark of the whole.
type Identity struct {
	LegalName    string `json:"legal_name" doc:"登记的名称|registered name" example:""`
	Registration string `json:"registration" doc:"统一社会信用代码；境外的写当地的登记号|unified social credit code; abroad, the number in the register there" example:""`
	Contact      string `json:"contact" doc:"怎样联系：职务和电话或邮箱，不写个人姓名|how to reach it: an office with phone or mail, no person's name" example:""`
	Address      string `json:"address" doc:"处理信息的地点|place where it processes" example:""`
	Country      string `json:"country" doc:"该地点的国家或地区的两位代码，与章程一致|two-letter code of that place's country or region, as in the charter" example:"CN"`
	Task         string `json:"task" doc:"为运营者做什么；接收方写它自己用来做什么|what it does for the operator; of a recipient, what it wants the information for" example:""`
}

// A Party is a party of the register with what it stands on.
type Party struct {
	Standing
	Identity
	Salt         []byte // of the mark
	RegisteredAt time.Time
	RegisteredBy string    // as the ledger names actors
	CheckBy      time.Time // when the next check of a processor is owed; zero: none ever was
	ToldAt       time.Time // since when somebody in office has yet to look at what it told by itself: see Tell; zero: nobody has to
	PartedUpto   string    // how far the orders are that follow its end: see Walked
	PartedAt     time.Time // when all were issued that followed an end; zero: none was
	Holding
	Narrowed   int64     // the version in which it narrowed, until all were issued that follow; 0: nothing is left of that
	NarrowedAt time.Time // when that was
	Bereft     bool      // its service has ended, and nothing is held there that the party could be given; of a place, nothing that a law keeps either
}

// Mark is what the ledger keeps of who the party is.
func (p Party) Mark() string {
	return ledger.Mark(p.Salt, p.Service, string(p.Role), p.Name, p.LegalName, p.Registration, p.Contact, p.Address, p.Identity.Country, p.Task)
}

// standing reads what the gate needs in one row. The papers are found by their names.
const standing = `p.service, p.role, p.name, p.version, p.country, p.halted, p.subs, p.ends_at,
	p.assessment, coalesce(a.kind, ''), coalesce(a.passed, false), coalesce(a.scope, '{}'), a.from_at, a.until_at,
	p.agreement, coalesce(g.kind, ''), coalesce(g.passed, false), coalesce(g.scope, '{}'), g.from_at, g.until_at,
	p.mechanism, coalesce(m.kind, ''), coalesce(m.passed, false), coalesce(m.scope, '{}'), m.from_at, m.until_at`

const joined = `FROM party p
	LEFT JOIN party_paper a ON a.id = p.assessment
	LEFT JOIN party_paper g ON g.id = p.agreement
	LEFT JOIN party_paper m ON m.id = p.mechanism`

func scanStanding(row db.Row) (s Standing, err error) {
	err = scanInto(row, &s)
	return s, err
}

func scanInto(row db.Row, s *Standing, also ...any) error {
	var subs string
	var scopes [3]string
	into := []any{&s.Service, &s.Role, &s.Name, &s.Version, &s.Country, &s.Halted, &subs, (*db.Time)(&s.EndsAt)}
	terms := []*Term{&s.Assessment, &s.Agreement, &s.Mechanism}
	for i, t := range terms {
		into = append(into, &t.ID, &t.Kind, &t.Passed, &scopes[i], (*db.Time)(&t.From), (*db.Time)(&t.Until))
	}
	if err := row.Scan(append(into, also...)...); err != nil {
		return err
	}
	s.Subs = lines(subs)
	for i, t := range terms {
		var err error
		if t.Scope, err = parseScope(scopes[i]); err != nil {
			return errors.New("party: the scope of a paper can't be read") // and nothing is decided by it
		}
	}
	return nil
}

// lines splits what a row keeps of names, one a line.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// ReadStanding appends how a party stands to into, or nothing if there is no such party.
func ReadStanding(into *[]Standing, id ID) db.Read {
	return db.ReadInto(into, scanStanding, `
		SELECT `+standing+` `+joined+`
		WHERE p.service = $1 AND p.role = $2 AND p.name = $3`, id.Service, id.Role, id.Name)
}

// ReadAll appends how all parties of a service stand to into. There are few.
func ReadAll(into *[]Standing, service string) db.Read {
	return db.ReadInto(into, scanStanding, `
		SELECT `+standing+` `+joined+`
		WHERE p.service = $1
		ORDER BY p.role, p.name`, service)
}

const identity = `p.legal_name, p.registration, p.contact, p.address, p.task, p.salt, p.registered_at, p.registered_by, p.check_by, p.told_at, p.parted_upto, p.parted_at,
	p.held, p.excess, p.narrowed, p.narrowed_at,
	CASE WHEN NOT EXISTS (SELECT 1 FROM cessation e WHERE e.service = p.service AND e.purpose = '' AND e.ended_at IS NOT NULL) THEN false
		WHEN p.role IN ('storage', 'access') THEN NOT EXISTS (SELECT 1 FROM kept_value k WHERE k.service = p.service) ELSE true END`

func scan(row db.Row) (p Party, err error) {
	var held, excess string
	err = scanInto(row, &p.Standing, p.rest(&held, &excess)...)
	if err == nil {
		err = p.holds(held, excess)
	}
	p.Identity.Country = p.Standing.Country
	return p, err
}

// rest is where the columns of identity go.
func (p *Party) rest(held, excess *string) []any {
	return []any{&p.LegalName, &p.Registration, &p.Contact, &p.Address, &p.Task, &p.Salt, (*db.Time)(&p.RegisteredAt), &p.RegisteredBy,
		(*db.Time)(&p.CheckBy), (*db.Time)(&p.ToldAt), &p.PartedUpto, (*db.Time)(&p.PartedAt), held, excess, &p.Narrowed, (*db.Time)(&p.NarrowedAt), &p.Bereft}
}

// shown reads a scope for an audit: what can't be read is none that the ledger says.
func shown(text string) Scope {
	s, err := parseScope(text)
	if err != nil {
		return Scope{"": {"?"}}
	}
	return s
}

// holds reads what the row says of what the party holds.
func (p *Party) holds(held, excess string) (err error) {
	if p.Held, err = parseScope(held); err == nil {
		p.Excess, err = parseScope(excess)
	}
	if err != nil {
		err = errors.New("party: what a party holds can't be read") // and nothing is taken for deleted by it
	}
	return err
}

// List returns the parties of a service: processors first, each by name. There are few.
func List(ctx context.Context, tx *db.Tx, service string) ([]Party, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+standing+`, `+identity+` `+joined+`
		WHERE p.service = $1
		ORDER BY p.role, p.name`, service)
}

// Find returns a party. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, id ID) (Party, error) {
	p, err := db.One(ctx, tx, scan, `
		SELECT `+standing+`, `+identity+` `+joined+`
		WHERE p.service = $1 AND p.role = $2 AND p.name = $3`, id.Service, id.Role, id.Name)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return p, err
}

// Each calls fn with every party of the store, for an audit: of its papers, with their names
// alone. It must not use tx.
func Each(ctx context.Context, tx *db.Tx, fn func(Party) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var p Party
		var subs, held, excess string
		into := []any{&p.Service, &p.Role, &p.Name, &p.Version, &p.Standing.Country, &p.Halted, &subs, (*db.Time)(&p.EndsAt),
			&p.Assessment.ID, &p.Agreement.ID, &p.Mechanism.ID}
		if err := row.Scan(append(into, p.rest(&held, &excess)...)...); err != nil {
			return err
		}
		p.Held, p.Excess = shown(held), shown(excess)
		p.Subs, p.Identity.Country = lines(subs), p.Standing.Country
		return fn(p)
	}, `
		SELECT p.service, p.role, p.name, p.version, p.country, p.halted, p.subs, p.ends_at, p.assessment, p.agreement, p.mechanism, `+identity+`
		FROM party p
		ORDER BY p.service, p.role, p.name`)
}

// check says what is wrong with who a party is.
func (i Identity) check() error {
	for _, f := range []struct{ name, text string }{{"legal_name", i.LegalName}, {"registration", i.Registration}, {"contact", i.Contact},
		{"address", i.Address}, {"task", i.Task}} {
		if !isLine(f.text, 300) {
			return ErrIdentity.At(f.name)
		}
	}
	if i.Country == charter.Home && !isCreditCode(i.Registration) {
		return ErrRegistration.At("registration")
	}
	return nil
}

// isLine reports whether s is one line that a reader can see.
func isLine(s string, limit int) bool { return isText(s, limit) && !strings.ContainsRune(s, '\n') }

// isText is isLine of a text that may have several.
func isText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) < 0
}

// codeDigits are those of a unified social credit code, by their value (GB 32100-2015).
const codeDigits = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// isCreditCode reports whether s is a unified social credit code: 18 characters, of which
// the last is computed from the others.
func isCreditCode(s string) bool {
	if len(s) != 18 {
		return false
	}
	sum, weight := 0, 1
	for i := range 17 {
		v := strings.IndexByte(codeDigits, s[i])
		if v < 0 {
			return false
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	return strings.IndexByte(codeDigits, s[17]) == (31-sum%31)%31
}
