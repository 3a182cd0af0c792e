package receipt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
)

// ErrNoCertificate says that a link leads to no certificate, or to none any more.
var ErrNoCertificate = errs.New(errs.NotFound, "receipt.no_certificate")

// A Certificate says that everything about one child was erased, why, and what it
// was (Article 20). It names nobody: who holds it knows whom it is about. All that
// it says is computed from its ledger entries, but which document it was that a law
// demands to keep something by, or that a party has attested with: of those they have a mark.
type Certificate struct {
	Type     string   `json:"@type"`
	Schema   string   `json:"schema"`
	Service  string   `json:"service"`
	Subject  string   `json:"subject"`               // the pseudonym in the ledger, "su_…"
	Number   string   `json:"number,omitempty"`      // of the demand, if one was made
	Door     string   `json:"demanded_by,omitempty"` // guardian, child, contact
	Demanded string   `json:"demanded_at,omitempty"`
	Ground   string   `json:"ground"`
	Erased   string   `json:"erased_at"`
	Items    []string `json:"items"`       // whose values were held, by the names of the charter
	Gone     []string `json:"destroyed"`   // what else went with them
	Kept     []string `json:"kept"`        // what stays
	Held     []Held   `json:"kept_by_law"` // what a law demands to keep, which nobody reads
	Ordered  []Told   `json:"ordered"`     // who else was told to delete
	Open     []string `json:"open"`        // who of them hadn't said yet that it has, when this was made

	// Who took over the service, by the name of the charter, and when something of the
	// child first went there; empty: nothing did (edge case 18).
	Successor string `json:"successor,omitempty"`
	Handed    string `json:"handed_over_at,omitempty"`

	Proof Proof `json:"proof"`

	ordered int64 // the child's version with which the orders were issued
}

// A Held is a value that a law demands to keep (edge case 14).
type Held struct {
	Item   string `json:"item"`
	Basis  string `json:"basis"`
	Number string `json:"document_number,omitempty"`
	Hash   string `json:"document"`      // SHA-256 of it
	Salt   []byte `json:"document_salt"` // with which both give the mark in the ledger
	Until  string `json:"until"`

	until    time.Time
	approval string
	mark     string
}

// name says which document it is, if the ledger has its mark.
func (h *Held) name(p legal.Paper) {
	if p.Mark(h.approval) == h.mark {
		h.Number, h.Hash, h.Salt = p.Number, p.Document, p.Salt
	}
}

// A Told is a processor or a recipient that was told to delete what it may have of the
// child.
type Told struct {
	Party    string   `json:"party"` // by the name of the charter
	Role     string   `json:"role"`  // processor, recipient
	Number   string   `json:"number"`
	Items    []string `json:"items"`
	Due      string   `json:"due_at"`
	Attested string   `json:"attested_at,omitempty"`   // that it has deleted it
	Document string   `json:"document,omitempty"`      // SHA-256 of what it has written
	Salt     []byte   `json:"document_salt,omitempty"` // with which it gives the mark in the ledger

	order string
	mark  string
}

// name says what the party has written, if the ledger has its mark.
func (t *Told) name(document string, salt []byte) {
	if o := (order.Order{ID: t.order, Document: document, Salt: salt}); t.mark != "" && o.Mark() == t.mark {
		t.Document, t.Salt = document, salt
	}
}

const (
	certificateType   = "ErasureCertificate"
	certificateSchema = "wardkeep.erasure-certificate/1"
)

// What goes with a child besides its values, and what stays of it.
var (
	gone = []string{"child_key", "sealed_values", "contacts", "consents", "links", "documents", "sessions", "demands"}
	kept = []string{"ledger_entries_under_pseudonym"}
)

// certificateLife is how long a link to a certificate leads to it: as long as an
// impact assessment is kept.
const certificateLife = 3 * 366 * 24 * time.Hour

const (
	certificateDomain = "receipt.certificate"
	// maxEntries bounds the entries that a certificate rests on: the demand, that it was
	// taken on by the child and by a guardian, the end of the values, the orders with
	// their attestations, the end of the child.
	maxEntries = 5 + 2*maxOrders + maxKept
	maxOrders  = 500
	maxKept    = 500 // entries that tell of what is kept
)

// An evidence is what is kept of a certificate.
type evidence struct {
	Entries []string               `json:"entries"`
	Papers  map[string]legal.Paper `json:"papers,omitempty"` // by approval
}

// secretLen is how long a secret is in text, 32 bytes of it.
const secretLen = 52

// NewSecret makes that of a link to a certificate.
func NewSecret() string { return id.Secret(32) }

// CertificateURL is the link to a certificate, on the site of that address.
func CertificateURL(site, secret string) string { return site + "/certificate/" + secret }

// Keep makes a certificate of entries that tx has appended, for whoever has the
// secret. What is kept is sealed under the secret itself and lies under a keyed hash of it:
// nothing leads from it to a child, nor from a child to it, and without the link
// not even this server can read it. Of what a law demands to keep it holds which
// documents say so, which the ledger doesn't tell. The last entry is that of the erasure.
func Keep(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string, kept []legal.Keep, entries ...string) error {
	of := evidence{Entries: entries, Papers: make(map[string]legal.Paper)}
	for _, k := range kept {
		of.Papers[k.Approval] = k.Paper
	}
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	sealed, err := ring.Seal(certificateDomain+" "+secret, text)
	if err != nil {
		return err
	}
	// A day, and not a moment: the time of an erasure is found in the ledger.
	until := tx.Now().Add(certificateLife).Truncate(24 * time.Hour)
	return tx.Queue(ctx, `INSERT INTO certificate (secret, sealed, until) VALUES ($1, $2, $3)`,
		ring.Index(certificateDomain, secret), sealed, (*db.Time)(&until))
}

// Certificate returns the certificate that a link leads to. Errors:
// ErrNoCertificate, ErrNotYet.
func (o Office) Certificate(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string) (Certificate, error) {
	if len(secret) != secretLen {
		return Certificate{}, ErrNoCertificate
	}
	now := tx.Now()
	sealed, err := db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM certificate WHERE secret = $1 AND until > $2`,
		ring.Index(certificateDomain, secret), (*db.Time)(&now))
	if errors.Is(err, db.ErrNone) {
		err = ErrNoCertificate
	}
	if err != nil {
		return Certificate{}, err
	}
	text, err := ring.Open(certificateDomain+" "+secret, sealed)
	if err != nil {
		return Certificate{}, err
	}
	var of evidence
	if err := json.Unmarshal(text, &of); err != nil {
		return Certificate{}, err
	}
	attested, err := order.Attested(ctx, tx, of.Entries)
	if err != nil {
		return Certificate{}, err
	}
	proof, err := o.erasure(ctx, tx, of.Entries, attested)
	if err != nil {
		return Certificate{}, err
	}
	c, err := certify(proof)
	if err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
	}
	for i := range c.Held {
		c.Held[i].name(of.Papers[c.Held[i].approval])
	}
	for _, o := range attested {
		if i := slices.IndexFunc(c.Ordered, func(t Told) bool { return t.order == o.ID }); i >= 0 {
			c.Ordered[i].name(o.Document, o.Salt)
		}
	}
	return c, nil
}

// erasure proves the entries of an erasure, with the attestations that have come since.
func (o Office) erasure(ctx context.Context, tx *db.Tx, entries []string, attested []order.Order) (Proof, error) {
	if len(attested) == 0 {
		return o.include(ctx, tx, entries)
	}
	last := len(entries) - 1
	all := slices.Clone(entries[:last])
	for _, a := range attested {
		all = append(all, a.Attested)
	}
	proof, err := o.include(ctx, tx, append(all, entries[last]))
	if errors.Is(err, ErrNotYet) {
		return o.include(ctx, tx, entries) // what was attested a moment ago is open until it has its place
	}
	return proof, err
}

// ForgetCertificates removes those whose time is over, at most limit.
func ForgetCertificates(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		DELETE FROM certificate WHERE secret IN (
			SELECT secret FROM certificate WHERE until <= $1 LIMIT $2)`, (*db.Time)(&now), int64(limit))
	return int(n), err
}

// certify computes a certificate from its entries: the one place where its fields
// are filled in. Each is of one child, and the last says that it was erased.
func certify(p Proof) (Certificate, error) {
	p.Type = proofs
	c := Certificate{Type: certificateType, Schema: certificateSchema, Items: []string{}, Gone: gone, Kept: kept, Held: []Held{}, Ordered: []Told{}, Open: []string{}, Proof: p}
	if len(p.Entries) == 0 || len(p.Entries) > maxEntries {
		return c, errEntry
	}
	var demand rights.ReceivedBody
	var values ledger.Placed
	for i, e := range p.Entries {
		entry, err := ledger.ParseLeaf(e.Index, []byte(e.Leaf))
		if err != nil {
			return c, fmt.Errorf("%w: entry %d", errEntry, i)
		}
		if i == 0 {
			c.Service, c.Subject = entry.Service, entry.Subject
		}
		of := c.Subject
		if entry.Kind == order.KindAttested {
			of = "" // it comes after the end of the child, and is about the service
		}
		if entry.Service != c.Service || entry.Subject != of || c.Subject == "" {
			return c, errTogether
		}
		if err := c.add(entry, i == len(p.Entries)-1, &demand, &values); err != nil {
			return c, err
		}
	}
	for _, t := range c.Ordered {
		if t.Attested == "" {
			c.Open = append(c.Open, t.Party)
		}
	}
	return c, nil
}

// add adds what an entry says. The values ended with the child, in one transaction and
// for one reason, and all of them are told, as are the orders and what is kept; the demand is one that ends so.
func (c *Certificate) add(e ledger.Placed, last bool, demand *rights.ReceivedBody, values *ledger.Placed) error {
	if last != (e.Kind == family.KindErased) {
		return errEntry
	}
	switch e.Kind {
	case rights.KindReceived:
		if e.Into(demand) != nil || !demand.Kind.Erases() || c.Number != "" {
			return errEntry
		}
		c.Number, c.Door, c.Demanded = demand.Number, string(demand.Door), moment(e.At)
	case rights.KindConfirmed:
		var b rights.ConfirmedBody
		if e.Into(&b) != nil || b.Request != demand.Request {
			return errEntry
		}
		c.Door = string(b.Door)
	case vault.KindErased:
		var b vault.ErasedBody
		if e.Into(&b) != nil || len(c.Items) > 0 {
			return errEntry
		}
		c.Items, c.Ground, *values = b.Items, b.Ground, e
	case legal.KindKept:
		var b legal.KeptBody
		if e.Into(&b) != nil {
			return errEntry
		}
		for _, s := range b.Values {
			until := time.UnixMicro(s.Until)
			c.Held = append(c.Held, Held{Item: s.Item, Basis: string(s.Basis), Until: moment(until), until: until, approval: s.Approval, mark: s.Mark})
		}
	case order.KindIssued:
		return c.told(e)
	case order.KindAttested:
		return c.attested(e)
	case family.KindErased:
		var b family.ErasedBody
		// What was kept before and has ended by then isn't kept any more.
		c.Held = slices.DeleteFunc(c.Held, func(h Held) bool { return !h.until.After(e.At) })
		if e.Into(&b) != nil || b.Kept != int64(len(c.Held)) || b.Values != int64(len(c.Items)) || b.Orders != int64(len(c.Ordered)) || c.ordered != 0 && c.ordered != e.Version ||
			len(c.Items) > 0 && (values.Version != e.Version || c.Ground != string(b.Ground)) ||
			demand.Request != "" && demand.Kind.Ground() != b.Ground {
			return errTogether
		}
		c.Ground, c.Erased, c.Successor = string(b.Ground), moment(e.At), b.Successor
		if b.Handed != 0 {
			c.Handed = moment(time.UnixMicro(b.Handed))
		}
	default:
		return errEntry
	}
	return nil
}

// told adds an order that was issued with the end of the child.
func (c *Certificate) told(e ledger.Placed) error {
	var b order.IssuedBody
	if e.Into(&b) != nil || b.What != order.Delete || len(c.Ordered) >= maxOrders || c.ordered != 0 && c.ordered != e.Version ||
		slices.ContainsFunc(c.Ordered, func(t Told) bool { return t.order == b.Order }) {
		return errEntry
	}
	c.ordered = e.Version
	c.Ordered = append(c.Ordered, Told{Party: b.Party, Role: string(b.Role), Number: b.Number, Items: b.Items,
		Due: moment(time.UnixMicro(b.Due)), order: b.Order})
	return nil
}

// attested adds that a party has said that it has deleted what it was told to.
func (c *Certificate) attested(e ledger.Placed) error {
	var b order.AttestedBody
	if e.Into(&b) != nil {
		return errEntry
	}
	i := slices.IndexFunc(c.Ordered, func(t Told) bool { return t.order == b.Order })
	if i < 0 || c.Ordered[i].Attested != "" || c.Ordered[i].Party != b.Party {
		return errTogether
	}
	c.Ordered[i].Attested, c.Ordered[i].mark = moment(e.At), b.Mark
	return nil
}

// JSON returns the certificate as a file.
func (c Certificate) JSON() ([]byte, error) { return file(c) }

// IsCertificate reports whether a file says that it is a certificate.
func IsCertificate(file []byte) bool {
	var c struct {
		Type string `json:"@type"`
	}
	return len(file) <= MaxSize && json.Unmarshal(file, &c) == nil && c.Type == certificateType
}

// An ErasureReport is what a verification of a certificate found.
type ErasureReport struct {
	Report
	Certificate Certificate
}

// VerifyCertificate checks a certificate, as a file, offline. An error says that it
// is none: ErrFormat; what is wrong with it is in the report.
func VerifyCertificate(text []byte, against Against) (ErasureReport, error) {
	var c Certificate
	said, err := values(text)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Type != certificateType || c.Schema != certificateSchema {
		return ErasureReport{}, ErrFormat
	}
	r := ErasureReport{Certificate: c}
	key := against.Key
	if key == "" {
		key, r.OwnKey = c.Proof.Key, true
	}
	if r.Tree, err = ledger.OpenCheckpoint(c.Proof.Checkpoint, key); err != nil {
		r.found(FoundCheckpoint, "proof.checkpoint")
	} else {
		r.included(c.Proof)
	}
	r.elsewhere(against.Checkpoints, key)
	again, err := certify(c.Proof)
	if err != nil {
		r.found(FoundContent, "proof.entries")
		return r, nil
	}
	again.Proof.Key = key
	// Which document it is the certificate says alone: rightly, if that gives the mark. One that
	// says nothing of it says too little.
	for i := range min(len(again.Held), len(c.Held)) {
		is := &again.Held[i]
		is.name(legal.Paper{Number: c.Held[i].Number, Document: c.Held[i].Hash, Salt: c.Held[i].Salt})
		if is.Hash == "" && c.Held[i].Hash == "" {
			r.found(FoundField, fmt.Sprintf("kept_by_law[%d].document", i))
		}
	}
	for i := range min(len(again.Ordered), len(c.Ordered)) {
		is := &again.Ordered[i]
		is.name(c.Ordered[i].Document, c.Ordered[i].Salt)
		if is.mark != "" && is.Document == "" && c.Ordered[i].Document == "" {
			r.found(FoundField, fmt.Sprintf("ordered[%d].document", i))
		}
	}
	right, err := again.JSON()
	if err != nil {
		return r, err
	}
	want, err := values(right)
	if err != nil {
		return r, err
	}
	for _, path := range differ("", want, said) {
		r.found(FoundField, path)
	}
	return r, nil
}
