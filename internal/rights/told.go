package rights

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// A Telling is that a guardian was told of a demand to erase the child, which somebody
// else has made: a gateway took the message. That it was read nobody knows.
type Telling struct {
	Guardian family.GuardianID
	Channel  string // sms, email
	At       time.Time
}

// teller is who tells, in the ledger.
const teller = "system:messages"

// Tell records that a guardian was told of a demand that is still open, once the gateway
// has taken the message. If we crash before that, the same message goes out again, and then
// it is on record. Errors: ErrEnded, ErrNotOfKind; those of family.Lock.
func Tell(ctx context.Context, tx *db.Tx, r Request, guardian family.GuardianID, channel string) error {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return err
	case !r.Kind.Erases():
		return ErrNotOfKind
	}
	r.Told = append(r.Told, Telling{guardian, channel, tx.Now()})
	err = tx.Queue(ctx, `UPDATE rights_request SET told = $1 WHERE child = $2 AND id = $3`, tellings(r.Told), r.Child, r.ID)
	if err != nil {
		return err
	}
	_, err = record(ctx, tx, c, KindTold, teller, ToldBody{Request: r.ID, Guardian: guardian, Channel: channel})
	return err
}

// Untold returns who of these is a verified guardian in office and isn't known to have been
// told of a demand of somebody else's to erase the child: no message of it was taken by a
// gateway, for want of a contact, because it is on its way, or because it was refused.
func (r Request) Untold(guardians []family.Guardian) (untold []family.GuardianID) {
	if !r.Warns() {
		return nil
	}
	for _, g := range guardians {
		if g.MayAnswer() && !slices.ContainsFunc(r.Told, func(t Telling) bool { return t.Guardian == g.ID }) {
			untold = append(untold, g.ID)
		}
	}
	return untold
}

// Warns reports whether guardians are told of an open demand before the child is erased
// (edge cases 11 and 17).
func (r Request) Warns() bool { return r.State == Open && r.Kind.Erases() && r.Door != ByGuardian }

// tellings writes what the row has: guardian, channel and microseconds of each.
func tellings(all []Telling) string {
	texts := make([]string, 0, len(all))
	for _, t := range all {
		texts = append(texts, string(t.Guardian)+"/"+t.Channel+"/"+strconv.FormatInt(t.At.UnixMicro(), 10))
	}
	return strings.Join(texts, " ")
}

// readTellings reads what tellings has written. What isn't that tells of nobody: the audit
// finds it.
func readTellings(text string) (all []Telling) {
	for one := range strings.FieldsSeq(text) {
		guardian, rest, _ := strings.Cut(one, "/")
		channel, at, _ := strings.Cut(rest, "/")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			continue
		}
		all = append(all, Telling{family.GuardianID(guardian), channel, time.UnixMicro(n).UTC()})
	}
	return all
}
