package approval

import (
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
)

// ReadRows reads the requests about a stretch of children, in order, for an audit.
func ReadRows(into *[]Request, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scan, `
		SELECT `+columns+` FROM approval
		WHERE `+where+`
		ORDER BY child, id`, args...)
}

// Written returns whether something was written with the request, by the first of two,
// with the decision, and with the review.
func (r Request) Written() (note, first, reply, review bool) {
	return r.note != nil, r.firstReply != nil, r.reply != nil, r.review != nil
}

// IntactText reports whether what was written would open. Errors: those of the child's key.
func (r Request) IntactText(ring *keyring.Ring, c family.Child) error {
	for what, sealed := range map[string][]byte{"note": r.note, "first_reply": r.firstReply, "reply": r.reply, "review": r.review, "paper": r.paper} {
		if sealed == nil {
			continue
		}
		if err := c.IntactNote(ring, sealed, r.place(what)...); err != nil {
			return err
		}
	}
	return nil
}
