package catalog

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong with who is to take over a service (edge case 18).
var (
	ErrSuccessor  = errs.New(errs.Invalid, "catalog.successor_unknown")  // no recipient of the charter in force
	ErrHandover   = errs.New(errs.Invalid, "catalog.handover_absent")    // no purpose asks about it, and about nothing else
	ErrAssessment = errs.New(errs.Invalid, "catalog.assessment_invalid") // no document
	ErrAssessed   = errs.New(errs.Invalid, "catalog.assessed_invalid")   // no day, or one to come
)

// A Takeover is on what a recipient may take over a service that ends: guardians are
// asked about it once it was assessed (Article 17, edge case 18).
type Takeover struct {
	Recipient string `json:"recipient"`  // as the charter calls it
	Purpose   string `json:"purpose"`    // of the charter, that hands over to it and does nothing else
	Document  string `json:"-"`          // by which the security assessment is found; empty where it was announced again
	Salt      string `json:"-"`          // of the mark, in hex
	Mark      string `json:"assessment"` // of the document: it may say more than the ledger may (invariant 6)
	Assessed  string `json:"assessed"`   // the day of it, as in 2026-05-06
}

// Proves returns the mark that the document gives, with its salt, for a service; empty where
// there is none.
func (t Takeover) Proves(service string) string {
	if t.Document == "" && t.Salt == "" {
		return ""
	}
	return ledger.Mark([]byte(t.Salt), service, t.Document)
}

// A Tally is what became of the question about who takes over, in children.
type Tally struct {
	Asked   int64 `json:"asked"`   // of whom somebody was asked
	Agreed  int64 `json:"agreed"`  // of whom somebody has said yes to this, and nobody no
	Refused int64 `json:"refused"` // of whom somebody has said no, whenever it was
	Handed  int64 `json:"handed"`  // of whom something was handed over
}

// A Successor is who takes over a service that ends, as the gate reads it. The zero
// Successor is nobody.
type Successor struct {
	Purpose   string
	Recipient string
	Until     time.Time // the end of the window: from then on nothing is handed over
}

// Open reports whether guardians may answer about it, and something may be handed
// over, at that moment.
func (s Successor) Open(at time.Time) bool {
	return s.Recipient != "" && at.Before(s.Until)
}

// String writes it as the row has it.
func (s Successor) String() string {
	if s == (Successor{}) {
		return ""
	}
	return s.Purpose + " " + s.Recipient + " " + strconv.FormatInt(s.Until.UnixMicro(), 10)
}

// parseSuccessor reads what String wrote. What somebody else wrote is nobody: nothing
// is handed over to it.
func parseSuccessor(text string) Successor {
	f := strings.Fields(text)
	if len(f) != 3 {
		return Successor{}
	}
	until, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Successor{}
	}
	return Successor{Purpose: f[0], Recipient: f[1], Until: time.UnixMicro(until).UTC()}
}

// Asks reports whether guardians may be asked about the purpose, and may answer: it
// goes on, or the service ends and this hands it over to its successor (edge case 18).
func (s Service) Asks(purpose string, at time.Time) bool {
	return !s.Ceases(purpose) || s.Succeeds(purpose, at)
}

// Succeeds reports whether the purpose hands a service that ends over to its successor,
// at that moment. One that was given up by itself before doesn't.
func (s Service) Succeeds(purpose string, at time.Time) bool {
	return s.Ceases("") && !s.GaveUp(purpose) && s.Successor.Purpose == purpose && s.Successor.Open(at)
}

// GaveUp reports whether the end of the purpose was announced by itself, and not only
// that of its service.
func (s Service) GaveUp(purpose string) bool {
	return purpose != All && slices.Contains(strings.Fields(s.Closed), purpose)
}

// CeaseTo is Cease of a service that a recipient of its charter takes over: at a merger or
// a sale (edge case 18). Nothing is handed over but what a guardian agrees to after this;
// all is erased in the end. The purpose that asks is found in the charter in force: the
// one that transfers to this recipient, and does and names nothing else, so that the
// yes is to this alone, and the notice says who it is. No purpose can be taken over by itself.
// Errors: those of Cease, ErrSuccessor, ErrHandover, ErrAssessment, ErrAssessed.
func CeaseTo(ctx context.Context, tx *db.Tx, by Officer, service string, why Reason, ends time.Time, to Takeover) (Cessation, string, error) {
	to.Salt, to.Mark = "", "" // they are made here
	return cease(ctx, tx, by, service, "", why, ends, &to, false)
}

// takenOver returns the takeover with its purpose, if all of it is in order.
func (s Service) takenOver(p Published, to Takeover, now time.Time) (Takeover, error) {
	if p.Charter == nil {
		return to, ErrSuccessor.At("successor")
	}
	if _, ok := p.Charter.Recipient(to.Recipient); !ok {
		return to, ErrSuccessor.At("successor")
	}
	var asks []string
	for _, q := range p.Charter.Purposes {
		if slices.Equal(q.Recipients, []string{to.Recipient}) && slices.Equal(q.Activities, []charter.Activity{charter.Transfer}) &&
			len(q.Processors) == 0 && len(q.Audiences) == 0 && !q.Necessary && !s.GaveUp(q.Name) {
			asks = append(asks, q.Name)
		}
	}
	if len(asks) != 1 {
		return to, ErrHandover.At("successor")
	}
	to.Purpose = asks[0]
	// Article 17: the assessment comes first.
	day, err := time.ParseInLocation(time.DateOnly, to.Assessed, age.Zone)
	switch {
	case to.Mark == "" && !isDocument(to.Document):
		return to, ErrAssessment.At("assessment")
	case err != nil || day.After(now):
		return to, ErrAssessed.At("assessed")
	}
	if to.Mark == "" { // else it was announced before, and the ledger tells no more of it
		to.Salt = hex.EncodeToString(ledger.NewSalt())
		to.Mark = to.Proves(s.Name)
	}
	return to, nil
}

// isDocument reports whether s can be how a document is found: one line that a reader can see.
func isDocument(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 100 && strings.TrimSpace(s) == s &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
