package receipt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
)

// said are the fields of a record that nothing in it proves.
type said struct {
	link, withdrawal string
	parties          []Party
}

func (r Record) said() said { return said{r.Notice.Link, r.Withdrawal, r.Parties} }

// A given is an answer or a withdrawal as its entry has it.
type given struct {
	ledger.Placed
	consent.AnswerBody
}

// Why no record can be made of a proof.
var (
	errNotice   = errors.New("the notice isn't the one that was answered")
	errEntry    = errors.New("an entry isn't an answer")
	errTogether = errors.New("the entries don't belong together")
)

// build computes a record. It is the one place where its fields are filled in:
// whoever makes a record and whoever checks one call it.
func build(document string, p Proof, s said) (Record, error) {
	all, err := p.given()
	if err != nil {
		return Record{}, err
	}
	first := all[0]
	sum := sha256.Sum256([]byte(document))
	var n charter.NoticeDoc
	if hex.EncodeToString(sum[:]) != first.Notice || json.Unmarshal([]byte(document), &n) != nil ||
		n.Service != first.Service || string(n.Lang) != first.Lang {
		return Record{}, errNotice
	}
	r := Record{
		Context: vocabulary, Type: kind, Schema: schema, ID: first.Request, Principal: first.Subject, Service: first.Service,
		Notice: Notice{
			Hash: first.Notice, Version: first.Charter, Charter: n.CharterHash, Language: first.Lang,
			Shown: moment(time.UnixMicro(first.Shown)), Channel: first.Channel, Link: s.link, Document: document,
		},
		Withdrawal: s.withdrawal, Parties: s.parties, Proof: p,
	}
	r.Proof.Type = proofs
	for _, g := range all {
		if err := r.add(n, g, first); err != nil {
			return Record{}, err
		}
	}
	return r, nil
}

// given reads the entries of a proof. There is at least one.
func (p Proof) given() (all []given, err error) {
	for i, e := range p.Entries {
		g := given{}
		if g.Placed, err = ledger.ParseLeaf(e.Index, []byte(e.Leaf)); err != nil {
			return nil, fmt.Errorf("%w: entry %d", errEntry, i)
		}
		if !answers(g.Kind) || g.Into(&g.AnswerBody) != nil {
			return nil, fmt.Errorf("%w: entry %d", errEntry, i)
		}
		all = append(all, g)
	}
	if len(all) == 0 || all[0].Request == "" {
		return nil, errEntry
	}
	return all, nil
}

// answers reports whether entries of that kind say what a guardian chose.
func answers(kind string) bool {
	return kind == consent.KindGranted || kind == consent.KindRefused || kind == consent.KindWithdrawn
}

// add adds what an entry says: the answer to a purpose of the request, or what
// the same guardian ended such an answer by.
func (r *Record) add(n charter.NoticeDoc, g, first given) error {
	if g.Service != first.Service || g.Subject != first.Subject || g.Guardian != first.Guardian {
		return errTogether
	}
	at := slices.IndexFunc(r.Processing, func(p Processing) bool { return p.Purpose == g.Purpose })
	if g.Request != r.ID {
		if at < 0 || len(r.Processing[at].Events) != 1 || g.Ends != r.Processing[at].Events[0].ID {
			return errTogether
		}
		r.Processing[at].Events = append(r.Processing[at].Events, g.event())
		return nil
	}
	p, told := n.Purpose(g.Purpose)
	if at >= 0 || !told || g.Kind == consent.KindWithdrawn || g.Notice != first.Notice || g.Charter != first.Charter ||
		g.Lang != first.Lang || g.Channel != first.Channel || g.Shown != first.Shown {
		return errTogether
	}
	r.Processing = append(r.Processing, processing(p, n.Lang, g.event()))
	return nil
}

func processing(p charter.NoticePurpose, lang charter.Lang, e Event) Processing {
	all := Processing{
		Purpose: p.Name, Label: p.Label, Why: p.Why, Necessary: p.Necessary, Separate: p.SeparateConsent, Basis: "dpv:Consent",
		Activities: p.Activities, Method: p.How, Storage: p.Where, Retention: p.HowLong, AtExpiry: p.AtExpiry,
		Recipients: p.WhoElse, ReadFrom: cmp.Or(p.ReadFrom, charter.CountryIn(charter.Home, lang)), IfRefused: p.IfRefused, Events: []Event{e},
	}
	for _, it := range p.Items {
		all.Items = append(all.Items, Item{it.Name, it.Label, it.Sensitivity})
	}
	return all
}

func (g given) event() Event {
	e := Event{
		State: Given, Type: "dpv:ExplicitlyExpressedConsent", Time: moment(g.At), Entity: "Guardian",
		EntityID: string(g.Guardian), Strength: int(g.Strength), ID: g.Consent, Entry: g.Placed.ID, Index: g.Place,
	}
	switch g.Kind {
	case consent.KindGranted:
		e.Duration = "dpv:UntilEventDuration" // until it is withdrawn or answered anew
	case consent.KindRefused:
		e.State = Refused
	case consent.KindWithdrawn:
		e.State = Withdrawn
	}
	switch {
	case g.Actor != "guardian:"+string(g.Guardian):
		e.Entity = "Test"
	case g.Self:
		e.Entity = "DataSubject" // edge case 4
	}
	return e
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// parties returns who runs the service, and who works or receives for the
// purposes, as the charter has them.
func parties(c *charter.Charter, lang charter.Lang, purposes []string) []Party {
	all := []Party{{
		ID: c.Service, Type: "dpv:DataController", Name: c.Operator.Name.In(lang), Address: c.Operator.Address.In(lang), Contact: []string{},
	}}
	for _, route := range c.Operator.Contact {
		how := route.How.In(lang)
		if route.To != "" {
			how += " " + route.To
		}
		all[0].Contact = append(all[0].Contact, how)
	}
	of := func(p Party, has func(charter.Purpose) []string) {
		for _, name := range purposes {
			if q, _ := c.Purpose(name); slices.Contains(has(q), p.ID) {
				p.Purposes = append(p.Purposes, name)
			}
		}
		if len(p.Purposes) > 0 {
			all = append(all, p)
		}
	}
	for _, q := range c.Processors {
		of(Party{ID: q.Name, Type: "dpv:DataProcessor", Name: q.Label.In(lang), Country: q.Country, Contact: []string{q.Contact}},
			func(p charter.Purpose) []string { return p.Processors })
	}
	for _, q := range c.Recipients {
		of(Party{ID: q.Name, Type: "dpv:ThirdParty", Name: q.Label.In(lang), Country: q.Country, Contact: []string{q.Contact}},
			func(p charter.Purpose) []string { return p.Recipients })
	}
	return all
}

// purposes are the names of those that the record is about.
func (r Record) purposes() (names []string) {
	for _, p := range r.Processing {
		names = append(names, p.Purpose)
	}
	return names
}
