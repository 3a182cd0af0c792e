package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
	"wardkeep/internal/session"
)

// A signedIn is a session that was opened and hasn't ended.
type signedIn struct {
	channel consent.Channel
	passkey string // that opened it, or ""
	at      int64
}

// A passkey is one that was added and isn't removed.
type passkey struct {
	channel     consent.Channel
	added, used int64
}

// ofSessions are the kinds about who is signed in and by what. They belong to no
// child and no service.
var ofSessions = []string{session.KindOpened, session.KindEnded, session.KindAdded, session.KindRemoved}

// sessionEntry folds who came and went, and what opens.
func (f *fold) sessionEntry(p ledger.Placed) fault {
	switch p.Kind {
	case session.KindOpened:
		return f.opened(p)
	case session.KindEnded:
		b, x := body[session.EndedBody](p)
		k, ok := keyOf(id.Session, b.Session)
		if _, open := f.sessions[k]; x == (fault{}) && (!ok || !open || p.Actor != "session:"+b.Session) {
			x = impossible(ruleSession)
		}
		delete(f.sessions, k)
		return x
	case session.KindAdded:
		return f.passkeyAdded(p)
	}
	b, x := body[session.RemovedBody](p)
	k, ok := keyOf(id.Passkey, b.Passkey)
	if _, there := f.passkeys[k]; x == (fault{}) && (!ok || !there) {
		x = impossible(rulePasskey)
	}
	delete(f.passkeys, k)
	return x
}

func (f *fold) opened(p ledger.Placed) fault {
	b, x := body[session.OpenedBody](p)
	k, ok := keyOf(id.Session, b.Session)
	_, twice := f.sessions[k]
	switch {
	case x != (fault{}):
		return x
	case !ok, b.Channel != consent.SMS && b.Channel != consent.Email:
		return fault{what: FoundBody, field: ruleSession}
	case twice, p.Actor != "session:"+b.Session:
		return impossible(ruleSession)
	}
	if b.Passkey != "" {
		by, ok := keyOf(id.Passkey, b.Passkey)
		with, there := f.passkeys[by]
		if !ok || !there || with.channel != b.Channel {
			return impossible(rulePasskey)
		}
		with.used = max(with.used, p.At.UnixMicro())
		f.passkeys[by] = with
	}
	f.sessions[k] = signedIn{b.Channel, b.Passkey, p.At.UnixMicro()}
	return fault{}
}

// passkeyAdded folds a passkey. Only who is signed in by a code adds one.
func (f *fold) passkeyAdded(p ledger.Placed) fault {
	b, x := body[session.AddedBody](p)
	k, ok := keyOf(id.Passkey, b.Passkey)
	by, isSession := strings.CutPrefix(p.Actor, "session:")
	in, known := keyOf(id.Session, by)
	s, open := f.sessions[in]
	_, twice := f.passkeys[k]
	switch {
	case x != (fault{}):
		return x
	case !ok:
		return fault{what: FoundBody, field: rulePasskey}
	case twice, !isSession, !known, !open, s.passkey != "", s.channel != b.Channel:
		return impossible(rulePasskey)
	}
	f.passkeys[k] = passkey{channel: b.Channel, added: p.At.UnixMicro()}
	return fault{}
}

// compareSessions compares who is signed in. Whose contact it is the ledger doesn't
// know: a session is bound to it by its secret, which lies in a browser.
func (a *audit) compareSessions() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, channel, passkey string
		var created, ends db.Time
		if err := row.Scan(&name, &channel, &passkey, &created, &ends); err != nil {
			return err
		}
		r := at{audit: a, table: "session", row: a.names.shown(name)}
		k, ok := keyOf(id.Session, name)
		s, open := a.fold.sessions[k]
		if !ok || !open || seen[k] {
			r.extra()
			return nil
		}
		seen[k] = true
		r.text("channel", string(s.channel), channel)
		r.text("passkey", s.passkey, passkey)
		r.time("created_at", s.at, fromDB(created))
		if most := s.at + session.Most.Microseconds(); fromDB(ends) > most {
			r.found(FoundDiffers, "ends_at", "≤ "+instant(most), instant(fromDB(ends)))
		}
		return nil
	}, `SELECT id, channel, passkey, created_at, ends_at FROM session ORDER BY id, secret`)
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.sessions) {
		if !seen[k] {
			at{audit: a, table: "session", row: k.name(id.Session)}.missing()
		}
	}
	return a.comparePasskeys()
}

// comparePasskeys compares what opens. Whose contact it is, and which key, the
// ledger doesn't know; each row carries a keyed hash of that.
func (a *audit) comparePasskeys() error {
	seen := make(map[key]bool)
	err := session.EachPasskey(a.ctx, a.tx, func(p session.Passkey) error {
		r := at{audit: a, table: "passkey", row: a.names.shown(p.ID)}
		k, ok := keyOf(id.Passkey, p.ID)
		want, there := a.fold.passkeys[k]
		if !ok || !there {
			r.extra()
			return nil
		}
		seen[k] = true
		r.text("channel", string(want.channel), string(p.Channel))
		r.time("added_at", want.added, micros(p.AddedAt))
		r.time("used_at", want.used, micros(p.UsedAt))
		if a.ring != nil && !p.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.passkeys) {
		if !seen[k] {
			at{audit: a, table: "passkey", row: k.name(id.Passkey)}.missing()
		}
	}
	return nil
}

func sorted[V any](all map[key]V) []key {
	return slices.SortedFunc(maps.Keys(all), func(x, y key) int { return slices.Compare(x[:], y[:]) })
}
