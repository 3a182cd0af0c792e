// Package register writes the register of processing activities of a service (Article 3),
// with those who work on its behalf and those who receive something, as a list (Network
// Data Regulations 21 and 22).
//
// Its one invariant: nothing of it is stored. Whoever asks gets what the charter in force
// says at that moment, so it can't be out of date, and it can't say anything else than
// what guardians read and the gate enforces.
package register

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// A Register is what a service does with children's information, in one language.
type Register struct {
	Service    string
	Name       string // of the service
	Operator   Operator
	Officers   []catalog.Officer // in office
	Charter    int64
	Hash       string // of the charter
	Since      time.Time
	Safeguards []string
	Purposes   []Purpose
	Processors []Party
	Recipients []Party
	CountedAt  time.Time // zero: nobody was counted
}

// An Operator is who answers for the service.
type Operator struct{ Name, Registration, Address string }

// A Purpose is what information is processed for. Words are those of the charter.
type Purpose struct {
	Name, Label, Why, Manner string
	Necessary                bool
	Basis                    string // on which it is processed
	HowLong, AtExpiry        string
	Ended                    bool // its end was announced: nothing is collected or used for it any more (Article 23)
	Activities               []Activity
	Children                 int64 // of whom somebody has a standing grant; see Register.CountedAt
}

// An Activity is one thing that is done for a purpose: one for each party, where there are
// several.
type Activity struct {
	Does    charter.Activity
	Word    string
	Channel string   // how the information gets there
	Party   string   // whom it is handed or shown to, as people call them; empty: nobody
	Contact string   // of the party, where it has one
	Where   string   // the place, or the country of the party
	Country string   // its code
	Items   []string // as people call them
}

// A Party works on behalf of the operator, or receives something for purposes of its own.
// What is known of it beside the charter, such as its assessment and its agreement, is
// found by its name.
type Party struct {
	Name, Label, Contact string
	Country              string // code
	Where                string // the country in words
	What                 string // its task, or what it wants them for
	Items, Purposes      []string
	Nothing              bool // that is what it gets at present: see Gets
}

// Of writes the register of a published charter.
func Of(p catalog.Published, officers []catalog.Officer, lang i18n.Lang) Register {
	c, l := p.Charter, charter.Lang(lang)
	r := Register{
		Service: c.Service, Name: c.Name.In(l), Charter: p.Number, Hash: p.Hash, Since: p.PublishedAt, Officers: officers,
		Operator: Operator{c.Operator.Name.In(l), c.Operator.Registration, c.Operator.Address.In(l)},
	}
	for _, s := range c.Safeguards {
		r.Safeguards = append(r.Safeguards, s.Label.In(l))
	}
	w := writer{c, lang, l}
	for _, q := range c.Purposes {
		r.Purposes = append(r.Purposes, w.purpose(q))
	}
	for _, q := range c.Processors {
		r.Processors = append(r.Processors, Party{q.Name, q.Label.In(l), q.Contact, q.Country, charter.CountryIn(q.Country, l), q.Task.In(l), w.labels(q.Items),
			w.naming(func(p charter.Purpose) bool { return slices.Contains(p.Processors, q.Name) }), false})
	}
	for _, q := range c.Recipients {
		r.Recipients = append(r.Recipients, Party{q.Name, q.Label.In(l), q.Contact, q.Country, charter.CountryIn(q.Country, l), q.Why.In(l), w.labels(q.Items),
			w.naming(func(p charter.Purpose) bool { return slices.Contains(p.Recipients, q.Name) }), false})
	}
	return r
}

// Read writes the register of the charter in force. Errors: catalog.ErrNotFound,
// catalog.ErrNoCharter, catalog.ErrDamaged.
func Read(ctx context.Context, tx *db.Tx, charters *catalog.Cache, service string, lang i18n.Lang) (Register, error) {
	p, err := charters.Current(ctx, tx, service)
	if err != nil {
		return Register{}, err
	}
	now, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return Register{}, err
	}
	officers, err := catalog.InOffice(ctx, tx, service)
	r := Of(p, officers, lang)
	for i, q := range r.Purposes {
		r.Purposes[i].Ended = now.Ceases(q.Name)
	}
	if err != nil {
		return r, err
	}
	gets, err := Gets(ctx, tx, now)
	for i, q := range r.Processors {
		r.Processors[i].Nothing = err == nil && !gets(party.Processor, q.Name)
	}
	for i, q := range r.Recipients {
		r.Recipients[i].Nothing = err == nil && !gets(party.Recipient, q.Name)
	}
	return r, err
}

// Gets returns which parties of a service may be given anything at this moment. Who isn't
// registered, is suspended or has ended, lacks its assessment, its agreement or its mechanism, or
// hasn't attested in time what it was told to do, gets nothing (Articles 16 and 17, edge case 13),
// whatever the charter names it for.
func Gets(ctx context.Context, tx *db.Tx, service catalog.Service) (func(role party.Role, name string) bool, error) {
	all, err := party.List(ctx, tx, service.Name)
	now := tx.Now()
	return func(role party.Role, name string) bool {
		i := slices.IndexFunc(all, func(p party.Party) bool { return p.Role == role && p.Name == name })
		return i >= 0 && all[i].Standing.Gets(now) && !service.IsOverdue(name)
	}, err
}

// Tag changes with whatever the register says: an ETag, quoted.
func (r Register) Tag() string {
	r.CountedAt = time.Time{} // that they were counted again changes nothing
	text, err := json.Marshal(r)
	if err != nil {
		return "" // it is made of texts and numbers
	}
	sum := sha256.Sum256(text)
	return `"r` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// A writer has the words of one charter in one language.
type writer struct {
	c    *charter.Charter
	lang i18n.Lang
	l    charter.Lang
}

func (w writer) purpose(p charter.Purpose) Purpose {
	q := Purpose{Name: p.Name, Label: p.Label.In(w.l), Why: p.Why.In(w.l), Manner: p.Manner.In(w.l), Necessary: p.Necessary,
		Basis: w.basis(p), HowLong: p.Retention.In(w.l), AtExpiry: p.AtExpiry.In(w.l)}
	for _, a := range charter.Activities {
		if p.Does(a) {
			q.Activities = append(q.Activities, w.activities(p, a)...)
		}
	}
	return q
}

// basis is on which basis a purpose is processed: a guardian's consent and nothing else
// (Article 9, PIPL 31), its own where something leaves the country, and then on a
// mechanism, too (PIPL 38 and 39).
func (w writer) basis(p charter.Purpose) string {
	key := "register.basis.consent"
	if p.SeparateConsent {
		key = "register.basis.separate"
	}
	text := w.lang.T(key)
	if m := p.CrossBorder; m != nil {
		text = w.lang.T("register.basis.abroad", "Basis", text, "Mechanism", m.Mechanism.In(w.l), "Reference", m.Reference)
	}
	return text
}

// reading is the verb under which a purpose says from where abroad it is read: its use, or, where it
// is handed on and used by nobody here, the first of what it does.
func reading(p charter.Purpose) charter.Activity {
	for _, a := range charter.Activities {
		if p.Does(a) && (a == charter.Use || !p.Does(charter.Use)) {
			return a
		}
	}
	return ""
}

// activities are what is done for a purpose by one of the verbs.
func (w writer) activities(p charter.Purpose, a charter.Activity) (all []Activity) {
	one := Activity{Does: a, Word: a.In(w.l), Channel: w.lang.T("register.channel." + string(a)), Where: w.c.Storage.Place.In(w.l), Country: w.c.Storage.Country}
	at := func(party, contact, country string, items []string) {
		to := one
		to.Party, to.Contact, to.Where, to.Country, to.Items = party, contact, charter.CountryIn(country, w.l), country, w.labels(items)
		all = append(all, to)
	}
	switch a {
	case charter.Entrust:
		for _, name := range p.Processors {
			q, _ := w.c.Processor(name)
			at(q.Label.In(w.l), q.Contact, q.Country, w.c.Entrusted(p.Name, name))
		}
	case charter.Transfer:
		for _, name := range p.Recipients {
			q, _ := w.c.Recipient(name)
			at(q.Label.In(w.l), q.Contact, q.Country, w.c.Transferred(p.Name, name))
		}
	case charter.Disclose:
		for _, q := range p.Audiences {
			to := one
			to.Party, to.Items = q.Label.In(w.l), w.labels(q.Items)
			all = append(all, to)
		}
	default:
		one.Items = w.labels(p.Items)
		all = append(all, one)
	}
	if a != reading(p) {
		return all
	}
	for _, country := range p.AccessFrom {
		to := one
		to.Where, to.Country, to.Items = charter.CountryIn(string(country), w.l), string(country), w.labels(p.Items)
		all = append(all, to)
	}
	return all
}

// labels are items as people call them.
func (w writer) labels(items []string) []string {
	all := make([]string, len(items))
	for i, name := range items {
		it, _ := w.c.Item(name)
		all[i] = it.Label.In(w.l)
	}
	return all
}

// naming are the purposes that name a party.
func (w writer) naming(names func(charter.Purpose) bool) []string {
	labels := []string{}
	for _, p := range w.c.Purposes {
		if names(p) {
			labels = append(labels, p.Label.In(w.l))
		}
	}
	return labels
}
