package approval

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

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with a release that no guardian has agreed to.
var (
	ErrGround    = errs.New(errs.Invalid, "approval.ground_unknown") // or not in this form: a law takes a file, a life can't wait
	ErrReceiver  = errs.New(errs.Invalid, "approval.receiver_unknown")
	ErrLevel     = errs.New(errs.Invalid, "approval.level_unknown") // nothing lower than an administrative regulation demands it
	ErrProvision = errs.New(errs.Invalid, "approval.provision_invalid")
	ErrNumber    = errs.New(errs.Invalid, "approval.number_invalid")
	ErrDocument  = errs.New(errs.Invalid, "approval.document_invalid")
	ErrAuthority = errs.New(errs.Invalid, "approval.authority_invalid")
	ErrCountry   = errs.New(errs.Invalid, "approval.country_invalid")
	ErrEnds      = errs.New(errs.Invalid, "approval.ends_invalid")
	ErrNeeds     = errs.New(errs.Invalid, "approval.needs_invalid") // a reason for each item, or it isn't the least
	ErrSilence   = errs.New(errs.Invalid, "approval.silence_invalid")
	ErrChildren  = errs.New(errs.Invalid, "approval.children_invalid")
	ErrForeign   = errs.New(errs.Forbidden, "approval.authority_foreign") // whoever signs
	ErrOfficer   = errs.New(errs.Forbidden, "approval.no_officer")        // one of the two who agree holds an office
)

// A Ground is what lets something be seen, beside what was decided: that a guardian has
// agreed to it, or what takes the place of that.
type Ground string

// The grounds.
const (
	OnConsent Ground = ""     // the grant that stands for the purpose (Article 9)
	OnLaw     Ground = "law"  // a law or an administrative regulation demands it (Article 18)
	OnLife    Ground = "life" // life or health is in danger (edge case 23, PIPL 13 (4))
)

// A Receiver is to what kind of body it goes.
type Receiver string

// The receivers.
const (
	Court         Receiver = "court"
	Procuratorate Receiver = "procuratorate"
	Police        Receiver = "police"
	Regulator     Receiver = "regulator"
	Rescue        Receiver = "rescue"
	Hospital      Receiver = "hospital"
)

// Receivers are those of each ground.
var Receivers = map[Ground][]Receiver{
	OnLaw:  {Court, Procuratorate, Police, Regulator},
	OnLife: {Rescue, Hospital, Police},
}

// A Level is how high the provision stands that demands it.
type Level string

// The levels. Article 18 knows no others.
const (
	Statute    Level = "law"
	Regulation Level = "regulation" // an administrative one
)

// Levels are both.
var Levels = []Level{Statute, Regulation}

// A Silence is why the guardian isn't told, for a time. Afterwards it is.
type Silence string

// The silences.
const (
	Told    Silence = ""        // at once
	Secret  Silence = "secret"  // a law or an administrative regulation demands that it is kept secret (PIPL 18)
	Impedes Silence = "impedes" // to tell would impede what the authority does by law (PIPL 35)
)

// Silences are those with an end.
var Silences = []Silence{Secret, Impedes}

const (
	// LongestLife is how long a window for a life may last, in minutes.
	LongestLife = 24 * 60
	usualLife   = 60
	// longestEnds and longestSilence are how far ahead the ends of a basis may lie: a demand
	// without an end is none.
	longestEnds    = 92 * 24 * time.Hour
	longestSilence = 2 * 366 * 24 * time.Hour

	maxProvision, maxNumber, maxAuthority, maxNeed = 120, 60, 60, 200
)

// A Basis is what a request rests on in place of a guardian's yes: what of it names nobody.
// The zero Basis is that of any look.
type Basis struct {
	Ground      Ground
	Receiver    Receiver
	Level       Level     // on a law
	Country     string    // of the authority, or of who comes to the rescue: its two letters
	Ends        time.Time // on a law: nothing leaves from then on
	Silence     Silence   // on a law
	SilentUntil time.Time // the guardian is told then; zero: at once
}

// Party is the name of the receiver in a use: no charter has such a name. Empty: the
// request is a look.
func (b Basis) Party() string {
	if b.Ground == OnConsent {
		return ""
	}
	return string(b.Ground) + ":" + string(b.Receiver)
}

// Parties are the names of all receivers.
func Parties() (all []string) {
	for _, g := range []Ground{OnLaw, OnLife} {
		for _, r := range Receivers[g] {
			all = append(all, Basis{Ground: g, Receiver: r}.Party())
		}
	}
	return all
}

// Activity is what is done with what is asked for.
func (b Basis) Activity() charter.Activity {
	if b.Ground == OnConsent {
		return charter.Use
	}
	return charter.Disclose
}

// Foreign reports whether the authority is none of China's. To such a one nothing stored
// here is provided without the approval of the authority in charge, which is no matter of
// this basis (PIPL 41, Data Security Law 36), nor, of a police, of a danger: that of China
// reaches it. One that nobody can place is foreign. A hospital or rescuers abroad are no
// authority; to them what saves a life may go (cross-border provisions of 2024, 5 (3)).
func (b Basis) Foreign() bool {
	return b.Country != charter.Home && (b.Ground == OnLaw || b.Ground == OnLife && b.Receiver == Police)
}

// A Paper is what is written of a basis: the number of a case leads to whoever it is about,
// so it lies sealed under the child's key, and the ledger has a salted mark of it alone.
type Paper struct {
	Provision string   `json:"provision,omitempty"` // "《…》第…条", on a law
	Number    string   `json:"number,omitempty"`    // of the document, on a law
	Document  string   `json:"document,omitempty"`  // its SHA-256, in hex, on a law
	Authority string   `json:"authority"`           // its name, or that of the hospital or the rescuers
	Needs     []string `json:"needs,omitempty"`     // on a law: why each item is needed, in the order of the items
	Salt      []byte   `json:"salt"`
}

// Mark is what the ledger keeps of a paper.
func (p Paper) Mark(request string) string {
	return ledger.Mark(p.Salt, append([]string{request, p.Provision, p.Number, p.Document, p.Authority}, p.Needs...)...)
}

// A BasisBody is what the ledger keeps of a basis. Times are microseconds.
type BasisBody struct {
	Ground      Ground   `json:"ground"`
	Receiver    Receiver `json:"receiver"`
	Level       Level    `json:"level,omitempty"`
	Country     string   `json:"country,omitempty"`
	Ends        int64    `json:"ends,omitempty"`
	Silence     Silence  `json:"silence,omitempty"`
	SilentUntil int64    `json:"silent_until,omitempty"`
	Mark        string   `json:"mark"` // of its paper
}

// Basis returns what the body says of a basis.
func (b BasisBody) Basis() Basis {
	return Basis{b.Ground, b.Receiver, b.Level, b.Country, at(b.Ends), b.Silence, at(b.SilentUntil)}
}

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// body returns what the ledger keeps of the basis, or nil for any look.
func (b Basis) body(request string, p Paper) *BasisBody {
	if b.Ground == OnConsent {
		return nil
	}
	return &BasisBody{b.Ground, b.Receiver, b.Level, b.Country, since(b.Ends), b.Silence, since(b.SilentUntil), p.Mark(request)}
}

// Fault says what is wrong with a basis at that moment, or nil. It is pure: the replay
// calls it, too. A foreign authority is no fault of it: it is refused.
func (b Basis) Fault(now time.Time) error {
	switch {
	case b.Ground == OnConsent && b != Basis{}:
		return ErrGround.At("ground")
	case b.Ground == OnConsent:
		return nil
	case !slices.Contains(Receivers[b.Ground], b.Receiver):
		return ErrReceiver.At("receiver")
	case b.Ground == OnLife && b != Basis{Ground: OnLife, Receiver: b.Receiver, Country: b.Country}:
		return ErrGround.At("ground") // it is told at once, and ends by its minutes
	case !isCountry(b.Country):
		return ErrCountry.At("country")
	case b.Ground == OnLife:
		return nil
	case !slices.Contains(Levels, b.Level):
		return ErrLevel.At("level")
	case !b.Ends.After(now) || b.Ends.Sub(now) > longestEnds:
		return ErrEnds.At("ends")
	case b.Silence == Told && !b.SilentUntil.IsZero(),
		b.Silence != Told && (!slices.Contains(Silences, b.Silence) || !b.SilentUntil.After(now) || b.SilentUntil.Sub(now) > longestSilence):
		return ErrSilence.At("silence")
	}
	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// fault says what is wrong with the paper of a basis for so many items.
func (p Paper) fault(on Ground, items int) error {
	switch hash, err := hex.DecodeString(p.Document); {
	case !isLine(p.Authority, maxAuthority):
		return ErrAuthority.At("authority")
	case on == OnLife && (p.Provision != "" || p.Number != "" || p.Document != "" || len(p.Needs) > 0):
		return ErrGround.At("ground")
	case on == OnLife:
		return nil
	case !isLine(p.Provision, maxProvision):
		return ErrProvision.At("provision")
	case !isLine(p.Number, maxNumber):
		return ErrNumber.At("number")
	case err != nil || len(hash) != 32:
		return ErrDocument.At("document")
	case len(p.Needs) != items || slices.ContainsFunc(p.Needs, func(need string) bool { return !isLine(need, maxNeed) }):
		return ErrNeeds.At("needs")
	}
	return nil
}

// isLine reports whether something is written there, on one line and not too long.
func isLine(s string, most int) bool {
	return strings.TrimSpace(s) != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// grounded refuses a basis that can't be one of what is asked for, whoever asks.
func (ask Asking) grounded(now time.Time) error {
	b := ask.Basis
	switch {
	case b.Ground != OnConsent && b.Ground != OnLaw && b.Ground != OnLife,
		b.Ground == OnLaw && (!ask.Export || ask.Reason != ForAuthority),
		b.Ground == OnLife && (!ask.Glass || ask.Reason != ForSafety):
		return ErrGround.At("ground")
	}
	if err := b.Fault(now); err != nil || b.Ground == OnConsent {
		return err
	}
	return ask.Paper.fault(b.Ground, len(ask.Items))
}

// MaxChildren is how many children one demand covers at most.
const MaxChildren = 20

// AskAll is Ask for each child that a demand on a law covers: each is a request of its own,
// with the same basis, decided about by itself. It asks about all of them or about none.
// Errors: ErrGround, ErrChildren, those of Ask.
func (d Desk) AskAll(ctx context.Context, tx *db.Tx, by staff.Person, children []family.Child, ask Asking) (all []Request, err error) {
	if ask.Basis.Ground != OnLaw {
		return nil, ErrGround.At("ground")
	}
	children = slices.Clone(children)
	slices.SortFunc(children, func(a, b family.Child) int { return strings.Compare(string(a.ID), string(b.ID)) })
	children = slices.CompactFunc(children, func(a, b family.Child) bool { return a.ID == b.ID })
	if len(children) == 0 || len(children) > MaxChildren {
		return nil, ErrChildren.At("ref")
	}
	var refused error
	for _, c := range children {
		r, _, err := d.Ask(ctx, tx, by, c, ask)
		if errors.Is(err, ErrForeign) {
			refused, err = err, nil // of each it is on record
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, refused
}

// PaperOf returns what is written of the basis of a request; nothing, of any look.
func (r Request) PaperOf(ring *keyring.Ring, c family.Child) (p Paper, err error) {
	text, err := open(ring, c, r.paper, r.place("paper"))
	if err != nil || text.IsZero() {
		return p, err
	}
	return p, json.Unmarshal([]byte(text.Reveal()), &p)
}

// PaperMark is the mark of what is written of the basis of a request, for an audit; empty
// where there is none, or none that would open.
func (r Request) PaperMark(ring *keyring.Ring, c family.Child) string {
	p, err := r.PaperOf(ring, c)
	if err != nil || r.paper == nil {
		return ""
	}
	return p.Mark(r.ID)
}

// sealPaper seals it, with a salt of its own.
func (r *Request) sealPaper(ring *keyring.Ring, c family.Child, p Paper) (Paper, error) {
	if r.Ground == OnConsent {
		return p, nil
	}
	p.Document, p.Salt = strings.ToLower(p.Document), ledger.NewSalt()
	text, err := json.Marshal(p)
	if err == nil {
		r.paper, err = c.SealNote(ring, pii.New(string(text)), r.place("paper")...)
	}
	return p, err
}

// A ReleasedBody says that something has gone to somebody to whom no guardian has agreed:
// the first of it, and what all of it may be. Tell is when the guardian is told, in
// microseconds; 0: at once.
type ReleasedBody struct {
	Request  string   `json:"request"`
	Ground   Ground   `json:"ground"`
	Receiver Receiver `json:"receiver"`
	Items    []string `json:"items"`
	Tell     int64    `json:"tell,omitempty"`
}

// A ToldBody says that the silence about a release is over: the guardian is told.
type ToldBody struct {
	Request string `json:"request"`
	Ground  Ground `json:"ground"`
}

// release notes in the row that something leaves, and says so, the first time. The row is
// written by Count, in the same transaction.
func (r *Request) release(ctx context.Context, tx *db.Tx, c family.Child, actor string) error {
	if r.Ground == OnConsent || !r.ReleasedAt.IsZero() {
		return nil
	}
	body := ReleasedBody{Request: r.ID, Ground: r.Ground, Receiver: r.Receiver, Items: r.Granted}
	r.ReleasedAt = tx.Now()
	if r.SilentUntil.After(r.ReleasedAt) {
		body.Tell = r.SilentUntil.UnixMicro()
	} else {
		r.ToldAt = r.ReleasedAt
	}
	_, err := record(ctx, tx, c, KindReleased, actor, body)
	return err
}

// Lawful returns the requests about a child that rest on a law.
func Lawful(ctx context.Context, tx *db.Tx, child family.ID) ([]Request, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM approval WHERE child = $1 AND ground = $2 ORDER BY id`, child, OnLaw)
}

// SeenFrom returns from when on guardians see what has left on a basis; zero: nothing has.
func (r Request) SeenFrom() time.Time {
	if r.ReleasedAt.IsZero() || r.ReleasedAt.After(r.SilentUntil) {
		return r.ReleasedAt
	}
	return r.SilentUntil
}

// DueToTell returns the next requests behind one whose silence is over, at most limit.
func DueToTell(ctx context.Context, tx *db.Tx, after Request, limit int) ([]Request, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM approval
		WHERE told_at IS NULL AND released_at IS NOT NULL AND silent_until <= $1 AND (silent_until, child, id) > ($2, $3, $4)
		ORDER BY silent_until, child, id LIMIT $5`, (*db.Time)(&now), after.SilentUntil.UnixMicro(), after.Child, after.ID, int64(limit))
}

// Tell ends the silence about a release when it is over: the guardians are told of what
// went out before. Again it does nothing. If we crash before the commit, it is due again.
// Errors: ErrNotFound, those of family.Lock.
func Tell(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, due Request) (told bool, err error) {
	c, r, err := lock(ctx, tx, due.Service, due.ID)
	if err != nil || !r.ToldAt.IsZero() || r.ReleasedAt.IsZero() || tx.Now().Before(r.SilentUntil) {
		return false, err
	}
	intact := r.Intact(ring)
	r.ToldAt = tx.Now()
	if intact { // what was changed by hand stays so
		r.mark = r.bind(ring)
	}
	err = tx.Queue(ctx, `UPDATE approval SET told_at = $1, bound = $2 WHERE child = $3 AND id = $4`, (*db.Time)(&r.ToldAt), r.mark, r.Child, r.ID)
	if err != nil {
		return false, err
	}
	_, err = record(ctx, tx, c, KindTold, actor, ToldBody{Request: r.ID, Ground: r.Ground})
	return err == nil, err
}
