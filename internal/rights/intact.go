package rights

import (
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
)

// ReadRows reads the demands about a stretch of children, in order, for an audit.
func ReadRows(into *[]Request, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scan, `
		SELECT `+columns+` FROM rights_request
		WHERE `+where+`
		ORDER BY child, id`, args...)
}

// Says is what a row says that the ledger says too, and isn't exported otherwise.
type Says struct {
	Froze, Note, Answer, Paper bool
	Told, Steps                string
}

// Says returns whether the demand froze the child, what was written, who was told, and what
// became of it.
func (r Request) Says() Says {
	return Says{r.froze, r.note != nil, r.answer != nil, r.paper != nil, r.told, r.steps}
}

// Intact reports whether what was written would open. Errors: those of the child's
// key.
func (r Request) Intact(ring *keyring.Ring, c family.Child) error {
	for what, sealed := range map[string][]byte{"note": r.note, "answer": r.answer, "paper": r.paper} {
		if sealed == nil {
			continue
		}
		if err := c.IntactNote(ring, sealed, r.bound(what)...); err != nil {
			return err
		}
	}
	return nil
}
