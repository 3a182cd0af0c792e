package consent

import (
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
)

// A RequestRow is a row of consent_request, for an audit: all but the codes.
type RequestRow struct {
	Request

	due, proofUntil, readingUntil time.Time
	proof, reading                []byte
	before                        string
}

func scanRequestRow(row db.Row) (r RequestRow, err error) {
	var purposes string
	err = row.Scan(&r.Child, &r.ID, &r.Service, &r.Guardian, &r.Charter, &purposes, &r.Channel, &r.Locale, &r.State, &r.payload,
		&r.Shown.Notice, &r.Shown.Page, &r.Shown.Lang, &r.Shown.Channel, (*db.Time)(&r.Shown.At), &r.before, &r.Sends, (*db.Time)(&r.SentAt),
		&r.Takeover, (*db.Time)(&r.CreatedAt), (*db.Time)(&r.ExpiresAt), (*db.Time)(&r.VerifiedAt), (*db.Time)(&r.AnsweredAt),
		(*db.Time)(&r.due), (*db.Time)(&r.proofUntil), &r.proof, (*db.Time)(&r.readingUntil), &r.reading)
	r.Purposes = strings.Split(purposes, " ") // Fields would overlook what somebody put between them
	return r, err
}

// ReadRequestRows reads the requests about a stretch of children, in order.
func ReadRequestRows(into *[]RequestRow, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanRequestRow, `
		SELECT `+requestColumns+`, due_at, proof_until, proof, reading_until, reading FROM consent_request
		WHERE `+where+`
		ORDER BY child, id`, args...)
}

// ShownBefore returns what else was shown than Shown, as the row has it: see
// ShownText.
func (r RequestRow) ShownBefore() string { return r.before }

// HasPayload reports whether the row holds what the operator wants back.
func (r RequestRow) HasPayload() bool { return r.payload != nil }

// Intact reports whether the payload, if there is one, would open. Errors: those
// of the child's key.
func (r RequestRow) Intact(ring *keyring.Ring, c family.Child) error {
	if r.payload == nil {
		return nil
	}
	return c.IntactNote(ring, r.payload, "consent.payload", r.ID)
}

// Forgotten reports whether the request ended so long ago that its links are gone.
func (r RequestRow) Forgotten() bool {
	return r.Over() && r.due.IsZero()
}

// Unlike returns the columns that contradict the others of the row, at now: what
// the sweep would overlook, or a proof that would be good for longer than the
// guardian's was.
func (r RequestRow) Unlike(now time.Time) (columns []string) {
	switch {
	case r.waits() && !r.due.Equal(r.ExpiresAt), r.State == Answered && !r.due.IsZero(), r.due.After(now.Add(keepLinks)) && !r.waits():
		columns = append(columns, "due_at")
	case r.Forgotten() && r.payload != nil:
		columns = append(columns, "payload")
	}
	if held := r.proof != nil; held && r.Over() {
		columns = append(columns, "proof")
	} else if held == r.proofUntil.IsZero() || held && !r.proofUntil.Equal(r.VerifiedAt.Add(ProofLife)) {
		columns = append(columns, "proof_until")
	}
	if held := r.reading != nil; held && r.State != Answered {
		columns = append(columns, "reading")
	} else if held == r.readingUntil.IsZero() || held && !r.readingUntil.Equal(r.AnsweredAt.Add(ProofLife)) {
		columns = append(columns, "reading_until")
	}
	return columns
}

// ReadLinkRows reads the links of a stretch of children, in order.
func ReadLinkRows(into *[]LinkRow, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanLink, `
		SELECT token, child, request, short, bound FROM consent_link
		WHERE `+where+`
		ORDER BY child, request, token`, args...)
}
