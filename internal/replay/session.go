package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
	"wardkeep/internal/session"
)

// A signedIn is a session that was opened and hasn't ended.
type signedIn struct {
	channel consent.Channel
	at      int64
}

// ofSessions are the kinds about who is signed in. They belong to no child and no
// service.
var ofSessions = []string{session.KindOpened, session.KindEnded}

// sessionEntry folds who came and went.
func (f *fold) sessionEntry(p ledger.Placed) fault {
	if p.Kind == session.KindEnded {
		b, x := body[session.EndedBody](p)
		k, ok := keyOf(id.Session, b.Session)
		if _, open := f.sessions[k]; x == (fault{}) && (!ok || !open || p.Actor != "session:"+b.Session) {
			x = impossible(ruleSession)
		}
		delete(f.sessions, k)
		return x
	}
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
	f.sessions[k] = signedIn{b.Channel, p.At.UnixMicro()}
	return fault{}
}

// compareSessions compares who is signed in. Whose contact it is the ledger doesn't
// know: a session is bound to it by its secret, which lies in a browser.
func (a *audit) compareSessions() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name, channel string
		var created, ends db.Time
		if err := row.Scan(&name, &channel, &created, &ends); err != nil {
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
		r.time("created_at", s.at, fromDB(created))
		if most := s.at + session.Most.Microseconds(); fromDB(ends) > most {
			r.found(FoundDiffers, "ends_at", "≤ "+instant(most), instant(fromDB(ends)))
		}
		return nil
	}, `SELECT id, channel, created_at, ends_at FROM session ORDER BY id, secret`)
	if err != nil {
		return err
	}
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.sessions), func(x, y key) int { return slices.Compare(x[:], y[:]) }) {
		if !seen[k] {
			at{audit: a, table: "session", row: k.name(id.Session)}.missing()
		}
	}
	return nil
}
