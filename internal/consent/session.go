package consent

import (
	"context"
	"crypto/subtle"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// raisedDomain is that of the hashes that say what a proof is worth.
const raisedDomain = "consent.raised"

// Session names what a guardian's browser holds, without telling it: what began
// there finds it again with Raise.
func (d Desk) Session(r Request, proof string) []byte { return d.Ring.Index(proofDomain, r.ID, proof) }

// Raise makes the proof in the browser of a session worth s: whoever sits there
// has just shown more than a one-time code. However well a guardian was proved
// some day, the next one who holds its phone has shown a code again, and may be
// the child (edge case 24); so this is of one browser, it ends with ProofLife after
// the code, and a new code begins at the code's worth. A session that is over stays so: what was
// proved of the guardian holds, and is shown anew.
func (d Desk) Raise(ctx context.Context, tx *db.Tx, r Request, session []byte, s family.Strength) error {
	now := tx.Now()
	return tx.Queue(ctx, `
		UPDATE consent_request SET raised = $1
		WHERE child = $2 AND id = $3 AND proof = $4 AND proof_until > $5`,
		d.raised(r, session, s), r.Child, r.ID, session, (*db.Time)(&now))
}

// held is what is stored of a browser's proof.
type held struct{ proof, raised []byte }

func scanHeld(row db.Row) (h held, err error) {
	err = row.Scan(&h.proof, &h.raised)
	return h, err
}

// raised hashes a worth together with the proof that has it: who writes to the
// table by hand can't raise any.
func (d Desk) raised(r Request, session []byte, s family.Strength) []byte {
	return d.Ring.Index(raisedDomain, r.ID, string(session), string(rune('0'+s)))
}

func (d Desk) worth(r Request, h held) family.Strength {
	for s := family.Document; s > family.OneTimeCode; s-- {
		if subtle.ConstantTimeCompare(d.raised(r, h.proof, s), h.raised) == 1 {
			return s
		}
	}
	return family.OneTimeCode
}
