package rights

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// What can be wrong with a copy that is carried over.
var (
	ErrAtHome    = errs.New(errs.Conflict, "rights.port_at_home")      // the code is for the guardian's eyes alone
	ErrRecipient = errs.New(errs.Invalid, "rights.recipient_invalid")  // a name, and an e-mail or web address
	ErrWhere     = errs.New(errs.Invalid, "rights.port_where")         // nobody has said whether the recipient is in the country
	ErrAbroad    = errs.New(errs.Conflict, "rights.port_abroad")       // it isn't
	ErrHeldBack  = errs.New(errs.Conflict, "rights.port_held_back")    // nothing leaves for now
	ErrWaiting   = errs.New(errs.TooMany, "rights.ports_waiting")      // enough of them
	ErrNoPort    = errs.New(errs.NotFound, "rights.port_not_found")    // an address that leads nowhere, or not any more
	ErrPortCode  = errs.New(errs.Forbidden, "rights.port_code_wrong")  // and the try is counted
	ErrPortEnded = errs.New(errs.Conflict, "rights.port_ended")        // it was fetched or recalled, or its days are over
	ErrLarge     = errs.New(errs.Conflict, "rights.port_too_large")    // for one file
	ErrNone      = errs.New(errs.Conflict, "rights.port_nothing_held") // of what was chosen
)

// A Recipient is whom a guardian has a copy carried over to (PIPL 45). It is the guardian's
// own choice and nobody's whom the operator knows, so nothing is assessed (Article 17 is
// about whom the operator chooses); what it is called and how it is reached is sealed under
// the child's key, with the demand.
type Recipient struct {
	Name    pii.Text // one line
	Contact pii.Text // an e-mail address, or the web address where it says who it is
	Home    bool     // it is in the country, as the guardian says
}

const (
	maxRecipient = 100
	maxContact   = 254
	maxPorts     = 5  // that wait, of one child
	portTries    = 10 // wrong codes of one: ten in 2⁶⁰ is the chance to guess

	addressDomain = "rights.port_address"
	codeDomain    = "rights.port_code"
)

// AtHome and Abroad are where a guardian says that a recipient is.
const (
	AtHome = "home"
	Abroad = "abroad"
)

// ParseRecipient reads what a guardian typed and chose. To whoever is abroad nothing goes this way
// (edge case 20): no charter names that one, nobody has assessed it, and no mechanism can be on
// file for somebody whom the operator doesn't know. A guardian who takes the copy itself
// (PIPL 45) is held back by nothing of it. Errors: ErrRecipient, ErrWhere, ErrAbroad.
func ParseRecipient(name, contact pii.Text, where string) (Recipient, error) {
	n, at := strings.TrimSpace(name.Reveal()), strings.TrimSpace(contact.Reveal())
	switch {
	case n == "" || !isLine(n) || utf8.RuneCountInString(n) > maxRecipient:
		return Recipient{}, ErrRecipient.At("recipient")
	case !isLine(at) || len(at) > maxContact || !isEmail(at) && !isSite(at):
		return Recipient{}, ErrRecipient.At("contact")
	}
	switch where {
	case AtHome:
		return Recipient{pii.New(n), pii.New(at), true}, nil
	case Abroad:
		return Recipient{}, ErrAbroad.At("where")
	}
	return Recipient{}, ErrWhere.At("where") // a fact that is missing lets nothing leave (invariant 3)
}

// IsEmail reports whether the recipient is reached by e-mail, and otherwise only named by a
// web address.
func (to Recipient) IsEmail() bool { return isEmail(to.Contact.Reveal()) }

// text is what is sealed with the demand: the name, and on a line of its own the contact.
func (to Recipient) text() pii.Text { return pii.New(to.Name.Reveal() + "\n" + to.Contact.Reveal()) }

// To returns whom a demand names, from its words: nobody, once that is forgotten.
func (r Request) To(ring *keyring.Ring, c family.Child) (Recipient, error) {
	text, _, err := r.Text(ring, c)
	name, contact, _ := strings.Cut(text.Reveal(), "\n")
	return Recipient{pii.New(name), pii.New(contact), true}, err
}

func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func isSite(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && strings.Contains(u.Hostname(), ".") && u.User == nil
}

// A PortEnding is how a copy that waited for its recipient ended.
type PortEnding string

// The endings. One whose time is over has none: nothing has to run for that.
const (
	Fetched  PortEnding = "fetched"
	Recalled PortEnding = "recalled"
	Guessed  PortEnding = "guessed"  // too many wrong codes
	Restored PortEnding = "restored" // a store that was put back can't tell whether it was fetched

	waiting PortEnding = "waiting" // no ending, for State alone
	lapsed  PortEnding = "lapsed"
)

// A Ported is a copy that waits for its recipient, or has.
type Ported struct {
	Child   family.ID
	ID      string   // of the demand
	Items   []string // that were chosen; none: whatever is held
	Ending  PortEnding
	EndedAt time.Time
	Entry   string // "le_…", that ended it

	address, code []byte
	tries         int64
}

const portColumns = `child, id, address, code, items, tries, ending, ended_at, entry`

func scanPort(row db.Row) (p Ported, err error) {
	var items string
	err = row.Scan(&p.Child, &p.ID, &p.address, &p.code, &items, &p.tries, &p.Ending, (*db.Time)(&p.EndedAt), &p.Entry)
	p.Items = strings.Fields(items)
	return p, err
}

// PortsOf returns the copies of a child that wait for a recipient, or have, in no order.
func PortsOf(ctx context.Context, tx *db.Tx, child family.ID) ([]Ported, error) {
	return db.All(ctx, tx, scanPort, `SELECT `+portColumns+` FROM rights_port WHERE child = $1 ORDER BY id`, child)
}

// ReadPorts reads those of a stretch of children, in order, for an audit.
func ReadPorts(into *[]Ported, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanPort, `SELECT `+portColumns+` FROM rights_port WHERE `+where+` ORDER BY child, id`, args...)
}

// PortOf returns the copy that a demand hands over. Errors: ErrNoPort.
func PortOf(ctx context.Context, tx *db.Tx, r Request) (Ported, error) {
	p, err := db.One(ctx, tx, scanPort, `SELECT `+portColumns+` FROM rights_port WHERE child = $1 AND id = $2`, r.Child, r.ID)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoPort
	}
	return p, err
}

// State is how it stands: as it ended, or "waiting", or "lapsed" after its time.
func (p Ported) State(r Request, now time.Time) PortEnding {
	switch {
	case p.Ending != "":
		return p.Ending
	case p.Waits(r, now):
		return waiting
	}
	return lapsed
}

// Waits reports whether somebody may still fetch it.
func (p Ported) Waits(r Request, now time.Time) bool {
	return p.Ending == "" && now.Before(r.FetchUntil)
}

// Secrets are what opens a copy. The guardian alone sees them, once, and passes them on by
// two different ways.
type Secrets struct {
	Address pii.Text // 256 bits, that stand behind the # of an address
	Code    pii.Text // "7K2M-9QXT-4HB3", 60 bits
}

func newSecrets() Secrets {
	s := strings.ToUpper(id.Secret(16))
	return Secrets{pii.New(id.Secret(32)), pii.New(s[:4] + "-" + s[4:8] + "-" + s[8:12])}
}

var spoken = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1")

// codeHash binds a code to what it opens: with the row of another child, of another demand
// or of other items the same code is a wrong one.
func codeHash(ring *keyring.Ring, address pii.Text, p Ported, code pii.Text) []byte {
	typed := code.Reveal()
	if len(typed) > 60 {
		typed = ""
	}
	return ring.Index(codeDomain, address.Reveal(), string(p.Child), p.ID, strings.Join(p.Items, " "), spoken.Replace(strings.ToUpper(typed)))
}

// Port takes a guardian's demand that a copy is carried over to somebody of its choice (PIPL
// 45). From then on it waits for seven days at an address, for whoever has the code, and is
// made when it is fetched. By has shown who it is a moment ago: that is for the caller to see
// to. Errors: those of Receive; ErrRecipient, ErrHeldBack, ErrWaiting, ErrNone.
func (d Desk) Port(ctx context.Context, tx *db.Tx, by family.Guardian, child family.Child, ask Demand) (Request, Secrets, error) {
	ask.Kind, ask.Door, ask.Guardian, ask.Text, ask.ports = Port, ByGuardian, by.ID, ask.To.text(), true
	r, _, err := d.Receive(ctx, tx, by, child, ask)
	if err != nil {
		return r, Secrets{}, err
	}
	s, p := newSecrets(), Ported{Child: r.Child, ID: r.ID, Items: ask.Items}
	return r, s, tx.Queue(ctx, `
		INSERT INTO rights_port (`+portColumns+`) VALUES ($1, $2, $3, $4, $5, 0, '', NULL, '')`,
		p.Child, p.ID, d.Ring.Index(addressDomain, s.Address.Reveal()), codeHash(d.Ring, s.Address, p, s.Code), strings.Join(p.Items, " "))
}

// chosen refuses what can't be carried over.
func (ask Demand) chosen() error {
	where := Abroad
	if ask.To.Home {
		where = AtHome
	}
	if _, err := ParseRecipient(ask.To.Name, ask.To.Contact, where); err != nil {
		return err
	}
	for i, item := range ask.Items {
		if !slices.Contains(ask.Held, item) || slices.Contains(ask.Items[:i], item) {
			return ErrNotHeld.At("item")
		}
	}
	if ask.Item != "" {
		return ErrItem.At("item")
	}
	if len(ask.Held) == 0 {
		return ErrNone
	}
	return nil
}

// mayPort refuses what the gate would deny the recipient at once, and more than a few that
// wait: each is an address by which something leaves.
func mayPort(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c family.Child) error {
	if c.Frozen || c.InDispute(ring, tx.Now()) {
		return ErrHeldBack
	}
	now := tx.Now()
	waiting, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM rights_port JOIN rights_request ON rights_request.child = rights_port.child AND rights_request.id = rights_port.id
		WHERE rights_port.child = $1 AND rights_port.ending = '' AND rights_request.fetch_until > $2`, c.ID, (*db.Time)(&now))
	if err == nil && waiting >= maxPorts {
		err = ErrWaiting
	}
	return err
}

// PortAt returns the copy that waits at an address, with its demand. It only reads: who
// tries addresses holds up nobody. Errors: ErrNoPort, whatever is wrong with it.
func (d Desk) PortAt(ctx context.Context, tx *db.Tx, address pii.Text) (Ported, Request, error) {
	if s := address.Reveal(); s == "" || len(s) > 100 {
		return Ported{}, Request{}, ErrNoPort
	}
	p, err := db.One(ctx, tx, scanPort, `
		SELECT `+portColumns+` FROM rights_port WHERE address = $1 ORDER BY child, id LIMIT 1`, d.Ring.Index(addressDomain, address.Reveal()))
	if errors.Is(err, db.ErrNone) {
		return p, Request{}, ErrNoPort
	}
	if err != nil {
		return p, Request{}, err
	}
	r, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM rights_request WHERE child = $1 AND id = $2`, p.Child, p.ID)
	if errors.Is(err, db.ErrNone) || err == nil && (r.Kind != Port || !p.Waits(r, tx.Now())) {
		err = ErrNoPort
	}
	return p, r, err
}

// TryPort compares the code for the copy at an address, and locks its child: of two who come
// at once the second finds what the first has left. A wrong code is counted for good, so its
// refusal is Recorded; after ten the copy is nobody's. Errors: ErrNoPort, ErrPortCode, those
// of family.Lock.
func (d Desk) TryPort(ctx context.Context, tx *db.Tx, address, code pii.Text) (Ported, Request, error) {
	_, r, err := d.PortAt(ctx, tx, address)
	if err != nil {
		return Ported{}, r, err
	}
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return Ported{}, r, err
	}
	p, r, err := d.PortAt(ctx, tx, address) // as it stands under the lock
	switch {
	case err != nil:
		return p, r, err
	case p.Child != c.ID:
		return p, r, ErrNoPort
	case subtle.ConstantTimeCompare(codeHash(d.Ring, address, p, code), p.code) == 1:
		return p, r, nil
	}
	if p.tries++; p.tries >= portTries {
		if _, err := p.end(ctx, tx, c, &r, "port:"+p.ID, RecalledBody{Why: Guessed}); err != nil {
			return p, r, err
		}
	} else if err := tx.Queue(ctx, `UPDATE rights_port SET tries = $1 WHERE child = $2 AND id = $3`, p.tries, p.Child, p.ID); err != nil {
		return p, r, err
	}
	return p, r, db.Recorded(ErrPortCode)
}

// Carried ends a copy that is fetched, in the transaction that has recorded that as entry. Of a
// locked child. Errors: ErrNoPort where it is over.
func (p Ported) Carried(ctx context.Context, tx *db.Tx, entry string) error {
	return p.over(ctx, tx, Fetched, entry)
}

// over ends it, if it waits. What opened it goes with that, and whom it was for, unless that one
// has it: then guardians see who for the rest of its days (Article 12).
func (p Ported) over(ctx context.Context, tx *db.Tx, why PortEnding, entry string) error {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE rights_port SET ending = $1, ended_at = $2, entry = $3, tries = $4, address = $5, code = $5 WHERE child = $6 AND id = $7 AND ending = ''`,
		why, (*db.Time)(&now), entry, p.tries, []byte{}, p.Child, p.ID)
	if err == nil && n != 1 {
		err = ErrNoPort
	}
	if err != nil || why == Fetched {
		return err
	}
	return tx.Queue(ctx, `UPDATE rights_request SET note = NULL WHERE child = $1 AND id = $2`, p.Child, p.ID)
}

// Forgotten reports whether nothing is left of what opened it.
func (p Ported) Forgotten() bool { return len(p.address) == 0 && len(p.code) == 0 }

// DuePorts returns the demands to hand a copy over whose days are over and of which it is still
// known to whom: those behind after, the oldest first, at most limit. Its cost is what is due.
func DuePorts(ctx context.Context, tx *db.Tx, after Request, limit int) ([]Request, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request
		WHERE kind = 'port' AND note IS NOT NULL AND fetch_until <= $1 AND (fetch_until, child, id) > ($2, $3, $4)
		ORDER BY fetch_until, child, id LIMIT $5`,
		(*db.Time)(&now), after.FetchUntil.UnixMicro(), after.Child, after.ID, int64(limit))
}

// ForgetPort removes to whom a copy was to be handed whose days are over, and what would have
// opened it (Article 12). What the ledger and the demand say of it stays: by whom, of what, and
// how it ended. It changes nothing that anything rests on, so no entry tells it. If we crash
// before the commit, it is due again. Errors: those of family.Hold.
func ForgetPort(ctx context.Context, tx *db.Tx, r Request) error {
	if _, err := family.Hold(ctx, tx, r.Service, r.Child); err != nil {
		return err
	}
	if err := tx.Queue(ctx, `UPDATE rights_port SET address = $1, code = $1 WHERE child = $2 AND id = $3`, []byte{}, r.Child, r.ID); err != nil {
		return err
	}
	return tx.Queue(ctx, `UPDATE rights_request SET note = NULL WHERE child = $1 AND id = $2`, r.Child, r.ID)
}

// end ends one of a locked child that nobody has fetched, and records why.
func (p Ported) end(ctx context.Context, tx *db.Tx, c family.Child, r *Request, actor string, body RecalledBody) (string, error) {
	body.Request = r.ID
	entry, err := r.step(ctx, tx, c, KindRecalled, actor, body)
	if err != nil {
		return "", err
	}
	if err := p.over(ctx, tx, body.Why, entry); err != nil {
		return "", err
	}
	return entry, tx.Queue(ctx, `UPDATE rights_request SET steps = $1 WHERE child = $2 AND id = $3`, r.steps, r.Child, r.ID)
}

// Recall ends a copy that nobody has fetched yet. Any guardian in office may: one alone gives
// nothing away that another doesn't want to be given (edge case 7); and so may whoever answers
// demands, for a guardian who asks for it by phone. Errors: ErrMayNot, ErrNotOfKind,
// ErrPortEnded, ErrNotFound, those of family.Lock.
func (d Desk) Recall(ctx context.Context, tx *db.Tx, by family.Actor, r Request) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil && !errors.Is(err, ErrEnded) { // it is done as soon as it was taken
		return r, "", err
	}
	if g, ok := by.(family.Guardian); ok {
		err = d.speaks(ctx, tx, g, r)
	} else if err = nil; !handles(by, r) {
		err = ErrMayNot
	}
	if err != nil {
		return r, "", err
	}
	if r.Kind != Port {
		return r, "", ErrNotOfKind
	}
	p, err := PortOf(ctx, tx, r)
	if err != nil {
		return r, "", err
	}
	if !p.Waits(r, tx.Now()) {
		return r, "", ErrPortEnded
	}
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return r, "", err
	}
	entry, err := p.end(ctx, tx, c, &r, by.Ledger(), RecalledBody{Why: Recalled, Inside: inside})
	return r, entry, err
}

// RecallAgain ends a copy of which a store that was put back can't tell what has become: it
// may have been fetched, or recalled, and nobody gets it a second time. One that is over, or
// that isn't here, is left as it is. Errors: those of family.Lock.
func RecallAgain(ctx context.Context, tx *db.Tx, by family.Actor, service, request string) error {
	r, err := Find(ctx, tx, service, request)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, r, err := lock(ctx, tx, r)
	if err != nil && !errors.Is(err, ErrEnded) {
		return err
	}
	p, err := PortOf(ctx, tx, r)
	if errors.Is(err, ErrNoPort) || err == nil && p.Ending != "" {
		return nil
	}
	if err == nil {
		_, err = p.end(ctx, tx, c, &r, by.Ledger(), RecalledBody{Why: Restored})
	}
	return err
}
