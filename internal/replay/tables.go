package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
)

type charterID struct {
	service string
	number  int64
}

// A charterRow is a row of charter: its columns, the hash of what it really
// holds, and that parsed, or what this process remembers of it.
type charterRow struct {
	number                  int64
	stated, hash, touches   string
	proposedAt, publishedAt int64
	proposedBy, publishedBy string
	refusedAt               int64
	decidedBy               string
	words                   bool
	forged                  bool // it isn't as it was written
	charter                 *charter.Charter
}

// readCharters reads all charters before the first entry: while entries are
// read, nothing else can be.
func (a *audit) readCharters() (map[charterID]charterRow, error) {
	rows := make(map[charterID]charterRow)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var service string
		var r charterRow
		var canonical, words []byte
		var proposed, published, refused db.Time
		err := row.Scan(&service, &r.number, &r.stated, &canonical, &proposed, &r.proposedBy, &r.touches, &published, &r.publishedBy, &refused, &r.decidedBy, &words)
		if err != nil {
			return err
		}
		r.proposedAt, r.publishedAt, r.refusedAt, r.words = fromDB(proposed), fromDB(published), fromDB(refused), len(words) > 0
		sum := sha256.Sum256(canonical)
		r.hash = hex.EncodeToString(sum[:])
		if c, err := charter.Parse(canonical); err == nil && c.Service == service {
			r.charter = c
		}
		rows[charterID{service, r.number}] = r
		return a.ctx.Err()
	}, `
		SELECT service, number, hash, canonical, proposed_at, proposed_by, touches, published_at, published_by, refused_at, decided_by, words FROM charter
		ORDER BY service, number`)
	if err == nil && a.ring != nil {
		err = catalog.EachVersion(a.ctx, a.tx, a.ring, func(service string, number int64, intact bool) error {
			r := rows[charterID{service, number}]
			r.forged = !intact
			rows[charterID{service, number}] = r
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	for at, r := range rows {
		if r.charter != nil && r.hash == r.stated {
			continue
		}
		// A damaged row. What a process remembers proves itself by its hash.
		if p, err := a.charters.Version(a.ctx, a.tx, at.service, at.number); err == nil {
			r.charter = p.Charter
			rows[at] = r
		}
	}
	return rows, nil
}

func fromDB(t db.Time) int64 { return micros(time.Time(t)) }

// compareServices compares what is few: services, offices, charters, credentials, webhooks, suspicions, takedowns, streams with their tests, incidents with their lists, and who is told of them, reports to the desk, rectifications, yearly audits with their packs, inspections, parties with their papers, keys and meters; and orders.
func (a *audit) compareServices(charters map[charterID]charterRow) error {
	for _, compare := range []func() error{a.serviceRows, a.cessationRows, a.officerRows, a.recordRows, a.impactRows, func() error { return a.charterRows(charters) },
		a.purposeRows, a.documentRows, a.pageRows, a.credentialRows, a.webhookRows, a.suspicionRows, a.takedownRows, a.streamRows, a.testRows, a.incidentRows, a.incidentNoteRows, a.planRows, a.tickRows, a.incidentListRows, a.incidentQuestionRows, a.reportRows, a.noticeRows, a.addresseeRows, a.complaintRows, a.complaintNoteRows, a.complaintFileRows, a.rectificationRows, a.rectificationNoteRows, a.yearlyRows, a.packRows, a.inspectionRows, a.inspectionLookRows, a.orderRows, a.statementRows, a.approvalRows, a.partyRows, a.paperRows, a.keyRows, a.seatRows, a.meterRows, a.raisedRows, a.crossingRows} {
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

// at is a row of a table, for what is found about it.
type at struct {
	audit                        *audit
	table, service, subject, row string
}

func (r at) found(what, field, want, got string) {
	r.audit.found(Difference{Place: -1, What: what, Table: r.table, Service: r.service, Subject: r.subject, Row: r.row,
		Field: field, Want: want, Got: got})
}

func (r at) missing() { r.found(FoundMissing, "", "", "") }
func (r at) extra()   { r.found(FoundExtra, "", "", "") }

func (r at) text(field, want, got string) {
	if want != got {
		r.found(FoundDiffers, field, orNone(want), r.audit.names.shown(got))
	}
}

func (r at) number(field string, want, got int64) {
	if want != got {
		r.found(FoundDiffers, field, number(want), number(got))
	}
}

func (r at) time(field string, want, got int64) {
	if want != got {
		r.found(FoundDiffers, field, instant(want), instant(got))
	}
}

func (r at) flag(field string, want, got bool) {
	if want != got {
		r.found(FoundDiffers, field, yesNo(want), yesNo(got))
	}
}

func (a *audit) serviceRows() error {
	seen := make(map[string]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, state, officer, deputy, closed, successor, overdue string
		var version, charter int64
		var recalled bool
		var created db.Time
		if err := row.Scan(&name, &state, &version, &charter, &officer, &deputy, &closed, &successor, &overdue, &recalled, &created); err != nil {
			return err
		}
		r := at{audit: a, table: "service", service: a.names.shown(name)}
		s := a.fold.services[name]
		if s == nil {
			r.extra()
			return nil
		}
		seen[name] = true
		now := s.now()
		r.text("state", string(s.state), state)
		r.number("version", now.number, version)
		r.number("charter", now.charter, charter)
		r.text("officer", now.officer, officer)
		r.text("deputy", now.deputy, deputy)
		r.text("closed", now.closed, closed)
		r.text("successor", now.succeeds.String(), successor)
		r.text("overdue", now.overdue, overdue)
		r.flag("recalled", now.recalled, recalled)
		r.time("created_at", s.created, fromDB(created))
		return nil
	}, `SELECT service, state, version, charter, officer, deputy, closed, successor, overdue, recalled, created_at FROM service ORDER BY service`)
	for _, name := range slices.Sorted(maps.Keys(a.fold.services)) {
		if !seen[name] && err == nil {
			at{audit: a, table: "service", service: name}.missing()
		}
	}
	return err
}

func (a *audit) officerRows() error {
	seen := make(map[*officer]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var service, id, role, name, contact string
		var salt []byte
		var appointed, ended db.Time
		if err := row.Scan(&service, &id, &role, &name, &contact, &salt, &appointed, &ended); err != nil {
			return err
		}
		r := at{audit: a, table: "officer", service: a.names.shown(service), row: a.names.shown(id)}
		s := a.fold.services[service]
		if s == nil || s.officers[id] == nil {
			r.extra()
			return nil
		}
		o := s.officers[id]
		seen[o] = true
		r.text("role", string(o.role), role)
		r.time("appointed_at", o.appointed, fromDB(appointed))
		r.time("ended_at", o.ended, fromDB(ended))
		if catalog.Who(salt, service, id, name, contact) != o.who {
			r.found(FoundHash, "name, contact", "–", "–")
		}
		return nil
	}, `SELECT service, id, role, name, contact, salt, appointed_at, ended_at FROM officer ORDER BY service, id`)
	a.eachService(func(s *service) {
		for _, id := range slices.Sorted(maps.Keys(s.officers)) {
			if !seen[s.officers[id]] && err == nil {
				at{audit: a, table: "officer", service: s.name, row: id}.missing()
			}
		}
	})
	return err
}

// recordRows compares what proves an appointment, what was learned for an office, and plans. The
// mark covers all that the ledger mustn't tell; that the document is the one with that hash
// is seen when it is opened.
func (a *audit) recordRows() error {
	seen := make(map[*record]bool)
	err := catalog.EachRecord(a.ctx, a.tx, a.ring, func(row catalog.Record, opens bool) error {
		r := at{audit: a, table: "officer_record", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		var is *record
		if s := a.fold.services[row.Service]; s != nil {
			is = s.records[row.ID]
		}
		if is == nil {
			r.extra()
			return nil
		}
		seen[is] = true
		r.text("officer", is.officer, row.Officer)
		r.text("kind", string(is.kind), string(row.Kind))
		r.time("added_at", is.at, row.AddedAt.UnixMicro())
		r.text("added_by", is.by, row.AddedBy)
		if row.Mark() != is.mark {
			r.found(FoundHash, "day, title, file, hash, salt", "–", "–")
		}
		if !opens {
			r.found(FoundDamaged, "document", "–", "–")
		}
		return nil
	})
	a.eachService(func(s *service) {
		for _, id := range slices.Sorted(maps.Keys(s.records)) {
			if !seen[s.records[id]] && err == nil {
				at{audit: a, table: "officer_record", service: s.name, row: id}.missing()
			}
		}
	})
	return err
}

// impactRows compares the assessments of purposes. The mark covers what an assessment says,
// which is sealed; and the row carries a keyed hash of itself, without which no charter
// comes into force by it.
func (a *audit) impactRows() error {
	seen := make(map[*assessed]bool)
	err := catalog.EachAssessment(a.ctx, a.tx, a.ring, func(row catalog.Assessment, mark string) error {
		r := at{audit: a, table: "impact", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		var is *assessed
		if s := a.fold.services[row.Service]; s != nil {
			is = s.impacts[row.ID]
		}
		if is == nil {
			r.extra()
			return nil
		}
		seen[is] = true
		r.text("purpose", is.purpose, row.Purpose)
		r.number("charter", is.charter, row.Charter)
		r.text("described", is.described, row.Described)
		r.text("outcome", is.outcome, string(row.Outcome))
		r.time("signed_at", is.at, row.SignedAt.UnixMicro())
		r.text("signed_by", is.by, row.SignedBy)
		r.time("until", is.until, row.Until.UnixMicro())
		if a.ring != nil && mark != is.mark {
			r.found(FoundSealed, "form, salt, bound", "–", "–")
		}
		return nil
	})
	a.eachService(func(s *service) {
		for _, id := range slices.Sorted(maps.Keys(s.impacts)) {
			if !seen[s.impacts[id]] && err == nil {
				at{audit: a, table: "impact", service: s.name, row: id}.missing()
			}
		}
	})
	return err
}

func (a *audit) eachService(fn func(*service)) {
	for _, name := range slices.Sorted(maps.Keys(a.fold.services)) {
		fn(a.fold.services[name])
	}
}

// edition returns what the ledger says of a version of a charter, or nil.
func (a *audit) edition(service string, number int64) *edition {
	if s := a.fold.services[service]; s != nil {
		return s.editions[number]
	}
	return nil
}

func (a *audit) charterRows(rows map[charterID]charterRow) error {
	for id, row := range rows {
		r := at{audit: a, table: "charter", service: a.names.shown(id.service), row: number(id.number)}
		e := a.edition(id.service, id.number)
		if e == nil {
			r.extra()
			continue
		}
		r.text("hash", e.hash, row.stated)
		if row.hash != e.hash {
			r.found(FoundDamaged, "canonical", e.hash, row.hash)
		}
		r.time("proposed_at", e.proposedAt, row.proposedAt)
		r.text("proposed_by", e.proposedBy, row.proposedBy)
		r.time("published_at", e.publishedAt, row.publishedAt)
		r.text("published_by", e.publishedBy, row.publishedBy)
		r.text("touches", e.touches, row.touches)
		r.time("refused_at", e.refusedAt, row.refusedAt)
		r.text("decided_by", e.decidedBy, row.decidedBy)
		if e.words != row.words || row.forged {
			r.found(FoundDamaged, "words, bound", "–", "–")
		}
	}
	a.eachService(func(s *service) {
		for _, n := range slices.Sorted(maps.Keys(s.editions)) {
			if _, ok := rows[charterID{s.name, n}]; !ok {
				at{audit: a, table: "charter", service: s.name, row: number(n)}.missing()
			}
		}
	})
	return nil
}

func (a *audit) purposeRows() error {
	type purpose struct {
		edition *edition
		name    string
	}
	seen := make(map[purpose]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var service, name string
		var n, since int64
		if err := row.Scan(&service, &n, &name, &since); err != nil {
			return err
		}
		r := at{audit: a, table: "charter_purpose", service: a.names.shown(service), row: number(n) + " " + a.names.shown(name)}
		e := a.edition(service, n)
		if e == nil || e.published.AskedSince[name] == 0 {
			r.extra()
			return nil
		}
		seen[purpose{e, name}] = true
		r.number("asked_since", e.published.AskedSince[name], since)
		return nil
	}, `SELECT service, charter, purpose, asked_since FROM charter_purpose ORDER BY service, charter, purpose`)
	a.eachService(func(s *service) {
		for _, n := range slices.Sorted(maps.Keys(s.editions)) {
			e := s.editions[n]
			for _, name := range slices.Sorted(maps.Keys(e.published.AskedSince)) {
				if !seen[purpose{e, name}] && err == nil {
					at{audit: a, table: "charter_purpose", service: s.name, row: number(n) + " " + name}.missing()
				}
			}
		}
	})
	return err
}

func (a *audit) documentRows() error {
	type paper struct {
		edition  *edition
		document document
	}
	seen := make(map[paper]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var service, stated, text string
		var n int64
		var d document
		if err := row.Scan(&service, &n, &d.kind, &d.lang, &stated, &text); err != nil {
			return err
		}
		name := number(n) + " " + a.names.shown(string(d.kind)) + " " + a.names.shown(string(d.lang))
		r := at{audit: a, table: "document", service: a.names.shown(service), row: name}
		e := a.edition(service, n)
		if e == nil || e.documents[d] == "" {
			r.extra()
			return nil
		}
		seen[paper{e, d}] = true
		r.text("hash", e.documents[d], stated)
		if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != e.documents[d] {
			r.found(FoundDamaged, "body", e.documents[d], hex.EncodeToString(sum[:]))
		}
		return nil
	}, `SELECT service, charter, kind, lang, hash, body FROM document ORDER BY service, charter, kind, lang`)
	a.eachService(func(s *service) {
		for _, n := range slices.Sorted(maps.Keys(s.editions)) {
			for d := range s.editions[n].documents {
				if !seen[paper{s.editions[n], d}] && err == nil {
					at{audit: a, table: "document", service: s.name, row: number(n) + " " + string(d.kind) + " " + string(d.lang)}.missing()
				}
			}
		}
	})
	return err
}

// pageRows compares the pages that guardians were shown: each is kept that an
// entry names, word for word, and no other.
func (a *audit) pageRows() error {
	seen := make(map[string]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var hash, text string
		if err := row.Scan(&hash, &text); err != nil {
			return err
		}
		r := at{audit: a, table: "shown_page", row: a.names.shown(hash)}
		if !a.fold.pages[hash] {
			r.extra()
			return nil
		}
		seen[hash] = true
		if got := consent.PageOf(text); got != hash {
			r.found(FoundDamaged, "body", hash, got)
		}
		return nil
	}, `SELECT hash, body FROM shown_page ORDER BY hash`)
	for _, hash := range slices.Sorted(maps.Keys(a.fold.pages)) {
		if !seen[hash] && err == nil {
			at{audit: a, table: "shown_page", row: hash}.missing()
		}
	}
	return err
}

// credentialRows compares key by key. Each has its mark in the ledger.
func (a *audit) credentialRows() error {
	seen := make(map[string]bool) // marks
	stray := make(map[string]int) // keys of an app that the ledger doesn't know
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var id, service, name, scopes, shown, country string
		var hash []byte
		var created, expires, revoked db.Time
		if err := row.Scan(&hash, &id, &service, &name, &scopes, &shown, &country, &created, &expires, &revoked); err != nil {
			return err
		}
		r := at{audit: a, table: "credential", service: a.names.shown(service), row: a.names.shown(id)}
		c := a.fold.apps[id]
		if c == nil {
			r.extra()
			return nil
		}
		r.text("service", c.service, service)
		if set, err := account.ParseScopes(scopes); err != nil || set != c.scopes {
			r.found(FoundDiffers, "scopes", c.scopes.String(), set.String())
		}
		r.text("country", c.country, country)
		r.time("revoked_at", c.revoked, fromDB(revoked))
		mark := account.KeyMark(hash, name)
		i := slices.IndexFunc(c.keys, func(k appKey) bool { return k.until == 0 && k.mark == mark })
		if i < 0 {
			stray[id]++
			return nil
		}
		seen[mark] = true
		r.text("shown_to", c.keys[i].shown, shown)
		r.time("created_at", c.keys[i].since, fromDB(created))
		r.time("expires_at", c.keys[i].expires, fromDB(expires))
		return nil
	}, `
		SELECT hash, id, service, name, scopes, shown_to, country, created_at, expires_at, revoked_at FROM credential
		ORDER BY id, created_at, hash`)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(a.fold.apps)) {
		c := a.fold.apps[id]
		r := at{audit: a, table: "credential", service: c.service, row: id}
		strays := stray[id]
		for _, k := range c.keys {
			switch {
			case k.until != 0 || seen[k.mark]:
			case strays > 0:
				strays--
				r.found(FoundHash, "hash, name", "–", "–") // another key or another name in its place
			default:
				r.missing()
			}
		}
		for range strays {
			r.extra()
		}
	}
	return nil
}
