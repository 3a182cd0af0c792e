package session

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/width"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

const (
	tries = 5              // of one code
	wrong = 25             // of all codes to one contact: 25 in 10⁶ is the chance to guess
	rest  = 24 * time.Hour // without codes wipes the wrong ones out

	codeDomain    = "session.code"
	browserDomain = "session.browser"
	// confirmDomain is that of codes that confirm something: one lets nobody in, and one that does
	// confirms nothing, whichever of a browser's secrets somebody sends with it. A message says what
	// its code is for, and its reader goes by that.
	confirmDomain = "session.confirm"
	// sendDomain has a count of its own: who asks for codes here, where anybody
	// may, uses up none of those by which a guardian answers and withdraws.
	sendDomain = "session.code_contact"
)

// SendCode makes a one-time code for whoever is reached by the handle, bound to
// what the browser holds that asked. It writes the same for a contact that nobody
// has as for a guardian's, and returns the zero OneTime if the code must not be
// sent. The visitor is answered before it is called: neither the answer nor its
// time tells whether somebody is known.
func (d Door) SendCode(ctx context.Context, tx *db.Tx, browser string, h family.Handle) (consent.OneTime, error) {
	return d.send(ctx, tx, d.Ring.Index(browserDomain, browser), h)
}

// send is SendCode for what the code is bound to: the hash of what the browser holds.
func (d Door) send(ctx context.Context, tx *db.Tx, held []byte, h family.Handle) (consent.OneTime, error) {
	to := consent.Contact{Channel: channel(h), To: h.To}
	err := consent.CountSend(ctx, tx, d.Ring, sendDomain, to)
	if errors.Is(err, consent.ErrCodeSends) {
		return consent.OneTime{}, nil
	}
	if err != nil {
		return consent.OneTime{}, err
	}
	known, err := ties(ctx, tx, d.Ring, h)
	if err != nil {
		return consent.OneTime{}, err
	}
	code, err := consent.Digits()
	if err != nil {
		return consent.OneTime{}, err
	}
	kept, err := d.keep(ctx, tx, held, h, code)
	if err != nil || !kept || len(known) == 0 {
		return consent.OneTime{}, err
	}
	return consent.OneTime{Contact: to, Code: pii.New(code), Life: consent.CodeLife}, nil
}

// keep stores the hash of a code, unless too many were wrong; the former one is
// void.
func (d Door) keep(ctx context.Context, tx *db.Tx, held []byte, h family.Handle, code string) (bool, error) {
	hash := d.hash(held, h, code)
	if len(held) == 0 || len(hash) == 0 {
		return false, fmt.Errorf("session: no ring to hash codes with")
	}
	now, until, rested := tx.Now(), tx.Now().Add(consent.CodeLife), tx.Now().Add(-rest)
	n, err := tx.Exec(ctx, `
		INSERT INTO sign_in (contact, channel, browser, code, code_until, tries, wrong, since)
		VALUES ($1, $2, $3, $4, $5, 0, 0, $6)
		ON CONFLICT (contact) DO UPDATE SET
			channel = excluded.channel, browser = excluded.browser, code = excluded.code, code_until = excluded.code_until, tries = 0,
			wrong = CASE WHEN sign_in.since <= $7 THEN 0 ELSE sign_in.wrong END, since = excluded.since
		WHERE sign_in.wrong < $8 OR sign_in.since <= $7`,
		h.Hash, channel(h), held, hash, (*db.Time)(&until), (*db.Time)(&now), (*db.Time)(&rested), int64(wrong))
	return n == 1, err
}

func (d Door) hash(held []byte, h family.Handle, code string) []byte {
	return d.Ring.Index(codeDomain, hex.EncodeToString(held), hex.EncodeToString(h.Hash), code)
}

// Waits returns ErrCode unless a code was made for this browser, whoever's contact it
// asked for: Enter would refuse it, too. It counts no try.
func (d Door) Waits(ctx context.Context, tx *db.Tx, browser string) error {
	if browser == "" || len(browser) > 100 {
		return ErrCode
	}
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM sign_in WHERE browser = $1`, d.Ring.Index(browserDomain, browser))
	if err == nil && n == 0 {
		err = ErrCode
	}
	return err
}

// Enter lets a guardian in by the code that was sent for this browser, and returns
// the session with the secret to keep there. Former is the secret that the browser
// holds, or empty: its session ends. A wrong code is counted for good: its refusal
// is Recorded. Errors: ErrCode, whatever is wrong.
func (d Door) Enter(ctx context.Context, tx *db.Tx, browser, former string, code pii.Text) (Session, string, error) {
	fail := func(err error) (Session, string, error) { return Session{}, "", err }
	if browser == "" || len(browser) > 100 {
		return fail(ErrCode)
	}
	h, err := d.try(ctx, tx, d.Ring.Index(browserDomain, browser), code)
	if err != nil {
		return fail(err)
	}
	known, err := ties(ctx, tx, d.Ring, h)
	switch {
	case err != nil:
		return fail(err)
	case len(known) == 0:
		return fail(db.Recorded(ErrCode)) // the contact is nobody's, or not any more
	}
	return d.admit(ctx, tx, former, h, "", known)
}

// A waiting code is one that was made for a browser.
type waiting struct {
	family.Handle
	code []byte
}

// try compares a code. The try is taken before the code is looked at, so that many
// at once get no more of them than one after the other.
func (d Door) try(ctx context.Context, tx *db.Tx, held []byte, code pii.Text) (family.Handle, error) {
	now := tx.Now()
	found, err := db.All(ctx, tx, func(row db.Row) (w waiting, err error) {
		var by consent.Channel
		err = row.Scan(&w.Hash, &by, &w.code)
		w.Email = by == consent.Email
		return w, err
	}, `
		UPDATE sign_in SET tries = tries + 1, wrong = wrong + 1
		WHERE browser = $1 AND code IS NOT NULL AND code_until > $2 AND tries < $3 AND wrong < $4
		RETURNING contact, channel, code`, held, (*db.Time)(&now), int64(tries), int64(wrong))
	if err != nil {
		return family.Handle{}, err
	}
	// A browser that asked for codes to several contacts has several.
	for _, w := range found {
		if subtle.ConstantTimeCompare(d.hash(held, w.Handle, meant(code)), w.code) == 1 {
			return w.Handle, tx.Queue(ctx, `DELETE FROM sign_in WHERE contact = $1`, w.Hash)
		}
	}
	return family.Handle{}, db.Recorded(ErrCode)
}

// meant is the code that somebody typed, with spaces, or with the wide digits of a
// Chinese keyboard.
func meant(typed pii.Text) string {
	s := typed.Reveal()
	if len(s) > 60 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, width.Narrow.String(s))
}

func channel(h family.Handle) consent.Channel {
	if h.Email {
		return consent.Email
	}
	return consent.SMS
}

// Challenge makes a one-time code for whoever is signed in, bound to what the browser holds,
// for something that a session alone isn't enough for (edge case 24). It goes to the contact
// that the session is of, by one of its ties. Errors: consent.ErrCodeSends while no code may
// be sent there; those of the child's key.
func (d Door) Challenge(ctx context.Context, tx *db.Tx, s Session, by family.Tie, browser string) (consent.OneTime, error) {
	phone, email, _, err := family.Contact(ctx, tx, d.Ring, by.Of, by.ID)
	if err != nil {
		return consent.OneTime{}, err
	}
	h := s.handle()
	if h.To = phone; h.Email {
		h.To = email
	}
	code, err := d.send(ctx, tx, d.Ring.Index(confirmDomain, browser), h)
	if err == nil && code.Code.IsZero() {
		err = consent.ErrCodeSends
	}
	return code, err
}

// Confirm compares the code that Challenge has made for this browser and session. A wrong one is
// counted for good: its refusal is Recorded. Errors: ErrCode, whatever is wrong.
func (d Door) Confirm(ctx context.Context, tx *db.Tx, s Session, browser string, code pii.Text) error {
	if browser == "" || len(browser) > 100 {
		return ErrCode
	}
	h, err := d.try(ctx, tx, d.Ring.Index(confirmDomain, browser), code)
	if err == nil && !(bytes.Equal(h.Hash, s.contact) && channel(h) == s.Channel) {
		err = db.Recorded(ErrCode)
	}
	return err
}
