package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// compareStaff compares the persons, what they may, and how they sign in. What they
// typed the ledger doesn't know: a row carries a keyed hash of it.
func (a *audit) compareStaff() error {
	for _, compare := range []func() error{a.personRows, a.roleRows, a.makerRows, a.recipientRows, a.contactRows, a.loginRows, a.recoveryRows, a.inviteRows, a.identityRows, a.staffPasskeyRows, a.staffSessionRows, a.looksRows, a.glassRows, a.decoyRows} {
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

// person returns what the ledger says of a person, or nil.
func (a *audit) person(name string) (key, *person) {
	k, ok := keyOf(id.Staff, name)
	if !ok {
		return k, nil
	}
	return k, a.fold.inside.persons[k]
}

// lost reports what the ledger has and no row had: those for which wants is true.
func (a *audit) lost(table string, seen map[key]bool, wants func(*person) bool) {
	for _, k := range sorted(a.fold.inside.persons) {
		if !seen[k] && wants(a.fold.inside.persons[k]) {
			at{audit: a, table: table, row: k.name(id.Staff)}.missing()
		}
	}
}

func (a *audit) personRows() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, called, state, seat, country string
		var salt []byte
		var version int64
		var added, left db.Time
		if err := row.Scan(&name, &called, &salt, &state, &version, &seat, &country, &added, &left); err != nil {
			return err
		}
		r := at{audit: a, table: "person", row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil {
			r.extra()
			return nil
		}
		seen[k] = true
		want := staff.Active
		if who.left != 0 {
			want = staff.Left
		}
		r.text("state", string(want), state)
		r.text("seat", who.seat, seat)
		r.text("country", who.country, country)
		r.time("added_at", who.added, fromDB(added))
		r.time("left_at", who.left, fromDB(left))
		if version < who.version { // what was refused raises it, too
			r.number("version", who.version, version)
		}
		if staff.Who(salt, name, called) != who.who {
			r.found(FoundHash, "name", "–", "–")
		}
		return nil
	}, `SELECT id, name, salt, state, version, seat, country, added_at, left_at FROM person ORDER BY id`)
	if err == nil {
		a.lost("person", seen, func(*person) bool { return true })
	}
	return err
}

func (a *audit) roleRows() error {
	type held struct {
		key
		staff.Grant
	}
	seen := make(map[held]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name string
		var g staff.Grant
		var granted db.Time
		var by string
		if err := row.Scan(&name, &g.Service, &g.Role, &g.Office, &granted, &by); err != nil {
			return err
		}
		r := at{audit: a, table: "person_role", service: a.names.shown(g.Service), row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil || who.roles[g].at == 0 {
			r.extra()
			return nil
		}
		seen[held{k, g}] = true
		r.time("granted_at", who.roles[g].at, fromDB(granted))
		r.text("granted_by", who.roles[g].by, by)
		return nil
	}, `SELECT person, service, role, office, granted_at, granted_by FROM person_role ORDER BY person, service, role, office`)
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.inside.persons) {
		for _, g := range slices.SortedFunc(maps.Keys(a.fold.inside.persons[k].roles), compareGrants) {
			if !seen[held{k, g}] {
				at{audit: a, table: "person_role", service: g.Service, row: k.name(id.Staff)}.missing()
			}
		}
	}
	return nil
}

// makerRows compares who stands behind whom.
func (a *audit) makerRows() error {
	seen := make(map[[2]string]bool)
	err := staff.EachMaker(a.ctx, a.tx, func(name, maker string) error {
		if _, who := a.person(name); who == nil || !slices.Contains(who.makers, maker) {
			at{audit: a, table: "person_maker", row: a.names.shown(name)}.extra()
		}
		seen[[2]string{name, maker}] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.inside.persons) {
		for _, maker := range a.fold.inside.persons[k].makers {
			if name := k.name(id.Staff); !seen[[2]string{name, maker}] {
				at{audit: a, table: "person_maker", row: name}.missing()
			}
		}
	}
	return nil
}

// recipientRows compares the keys to which files are sealed: each with a hash of it.
func (a *audit) recipientRows() error {
	seen := make(map[key]bool)
	err := staff.EachRecipient(a.ctx, a.tx, func(row staff.Recipient) error {
		r := at{audit: a, table: "person_recipient", row: a.names.shown(row.Person)}
		k, who := a.person(row.Person)
		if who == nil || who.recipient == (recipient{}) {
			r.extra()
			return nil
		}
		seen[k] = true
		r.time("set_at", who.recipient.set, micros(row.SetAt))
		r.time("good_from", who.recipient.good, micros(row.GoodFrom))
		if a.ring != nil && row.Mark(a.ring) != who.recipient.mark {
			r.found(FoundHash, "recipient", "–", "–")
		}
		if a.ring != nil && !row.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err == nil {
		a.lost("person_recipient", seen, func(p *person) bool { return p.recipient != (recipient{}) })
	}
	return err
}

// contactRows compares where persons are told of alarms: each with a hash of it.
func (a *audit) contactRows() error {
	seen := make(map[key]bool)
	err := staff.EachContact(a.ctx, a.tx, a.ring, func(row staff.Contact) error {
		r := at{audit: a, table: "person_contact", row: a.names.shown(row.Person)}
		k, who := a.person(row.Person)
		if who == nil || who.reached == (reached{}) {
			r.extra()
			return nil
		}
		seen[k] = true
		r.time("set_at", who.reached.set, micros(row.SetAt))
		switch {
		case a.ring == nil:
		case !row.Intact(a.ring):
			r.found(FoundHash, "bound", "–", "–")
		case row.Mark(a.ring) != who.reached.mark:
			r.found(FoundHash, "sealed", "–", "–")
		}
		return nil
	})
	if err == nil {
		a.lost("person_contact", seen, func(p *person) bool { return p.reached != (reached{}) })
	}
	return err
}

func compareGrants(x, y staff.Grant) int {
	return strings.Compare(x.Service+" "+string(x.Role)+" "+x.Office, y.Service+" "+string(y.Role)+" "+y.Office)
}

func (a *audit) loginRows() error {
	seen := make(map[key]bool)
	err := signin.EachLogin(a.ctx, a.tx, func(l signin.Kept) error {
		r := at{audit: a, table: "person_login", row: a.names.shown(l.Person)}
		k, who := a.person(l.Person)
		if who == nil || who.loginSet == 0 {
			r.extra()
			return nil
		}
		seen[k] = true
		r.time("set_at", who.loginSet, micros(l.SetAt))
		if a.ring != nil && !l.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err == nil {
		a.lost("person_login", seen, func(p *person) bool { return p.loginSet != 0 })
	}
	return err
}

// recoveryRows counts the codes that are left. Each is a keyed hash with its person: one
// that was made another's, or another one, is nobody's.
func (a *audit) recoveryRows() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name string
		var n int64
		if err := row.Scan(&name, &n); err != nil {
			return err
		}
		r := at{audit: a, table: "person_recovery", row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil {
			r.extra()
			return nil
		}
		seen[k] = true
		r.number("person", who.codes, n)
		return nil
	}, `SELECT person, count(*) FROM person_recovery GROUP BY person ORDER BY person`)
	if err == nil {
		a.lost("person_recovery", seen, func(p *person) bool { return p.codes != 0 })
	}
	return err
}

func (a *audit) inviteRows() error {
	seen, now := make(map[key]bool), a.tx.Now().UnixMicro()
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, session, renewing string
		var until db.Time
		if err := row.Scan(&name, &session, &until); err != nil {
			return err
		}
		r := at{audit: a, table: "person_invite", row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil || who.invited == 0 {
			r.extra()
			return nil
		}
		seen[k] = true
		r.time("until", who.invited, fromDB(until))
		if who.renewing != (key{}) {
			renewing = who.renewing.name(id.StaffSession)
		}
		r.text("session", renewing, session)
		return nil
	}, `SELECT person, session, until FROM person_invite ORDER BY person`)
	if err == nil {
		a.lost("person_invite", seen, func(p *person) bool { return p.invited > now }) // the sweep removes the others
	}
	return err
}

func (a *audit) identityRows() error {
	seen := make(map[key]bool)
	err := signin.EachLinked(a.ctx, a.tx, func(l signin.Linked) error {
		r := at{audit: a, table: "person_identity", row: a.names.shown(l.Person)}
		k, who := a.person(l.Person)
		if who == nil || who.linked == 0 {
			r.extra()
			return nil
		}
		seen[k] = true
		r.time("linked_at", who.linked, micros(l.LinkedAt))
		if a.ring != nil && !l.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err == nil {
		a.lost("person_identity", seen, func(p *person) bool { return p.linked != 0 })
	}
	return err
}

func (a *audit) staffPasskeyRows() error {
	seen := make(map[key]bool)
	err := signin.EachPasskey(a.ctx, a.tx, func(p signin.Passkey) error {
		r := at{audit: a, table: "person_passkey", row: a.names.shown(p.ID)}
		k, ok := keyOf(id.StaffPasskey, p.ID)
		want, there := a.fold.inside.passkeys[k]
		if !ok || !there {
			r.extra()
			return nil
		}
		seen[k] = true
		r.text("person", want.person.name(id.Staff), p.Person)
		r.time("added_at", want.added, micros(p.AddedAt))
		if a.ring != nil && !p.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.inside.passkeys) {
		if !seen[k] {
			at{audit: a, table: "person_passkey", row: k.name(id.StaffPasskey)}.missing()
		}
	}
	return nil
}

func (a *audit) staffSessionRows() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, person, way string
		var created, fresh, most, ends db.Time
		if err := row.Scan(&name, &person, &way, &created, &fresh, &most, &ends); err != nil {
			return err
		}
		r := at{audit: a, table: "person_session", row: a.names.shown(name)}
		k, ok := keyOf(id.StaffSession, name)
		s, open := a.fold.inside.sessions[k]
		if !ok || !open || seen[k] {
			r.extra()
			return nil
		}
		seen[k] = true
		r.text("person", s.person.name(id.Staff), person)
		r.text("way", string(s.way), way)
		r.time("created_at", s.at, fromDB(created))
		r.time("fresh_at", s.fresh, fromDB(fresh))
		r.time("most_until", s.most, fromDB(most))
		if fromDB(ends) > s.most {
			r.found(FoundDiffers, "ends_at", "≤ "+instant(s.most), instant(fromDB(ends)))
		}
		return nil
	}, `SELECT id, person, way, created_at, fresh_at, most_until, ends_at FROM person_session ORDER BY id`)
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.inside.sessions) {
		if !seen[k] {
			at{audit: a, table: "person_session", row: k.name(id.StaffSession)}.missing()
		}
	}
	return nil
}
