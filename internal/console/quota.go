package console

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
)

// What is too much for an hour.
var (
	ErrFiles   = errs.New(errs.TooMany, "console.files.many")
	ErrLookups = errs.New(errs.TooMany, "console.search.many")
	ErrReports = errs.New(errs.TooMany, "console.suspicions.many")
	ErrWords   = errs.New(errs.TooMany, "console.shields.many")
)

const (
	// filesPerHour lets somebody take every list and picture that there is, and some of them
	// filtered, and keeps who has a session from emptying the console by a script.
	filesPerHour = 40
	// missesPerHour lets somebody mistype one reference a minute. Who tries references out
	// finds none by that: they are as many as the operator likes.
	missesPerHour = 60
	// reportsPerHour lets somebody report what a school has called about, and keeps who has a
	// session from having everybody treated as a child, or from trying references out by it.
	reportsPerHour = 60
	// wordsPerHour lets somebody read what happened wherever a decision waits, and keeps who has
	// a session from reading by a script what has happened to every child.
	wordsPerHour = 20
)

// hourly counts what each person does in the console of this process: so many at once, and
// as many again within an hour. The zero hourly is ready.
type hourly struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

func (h *hourly) person(id string, most int) *rate.Limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[string]*rate.Limiter)
	}
	if h.of[id] == nil {
		h.of[id] = rate.NewLimiter(rate.Every(time.Hour/time.Duration(most)), most)
	}
	return h.of[id]
}

// takesFile counts a list that leaves as a file. Errors: ErrFiles.
func (v *visit) takesFile() error {
	if !v.s.taken.person(v.in.Person.ID, filesPerHour).AllowN(v.now, 1) {
		return ErrFiles
	}
	return nil
}

// reports counts a report of an account or a content, whatever comes of it. Errors:
// ErrReports.
func (v *visit) reports() error {
	if !v.s.reported.person(v.in.Person.ID, reportsPerHour).AllowN(v.now, 1) {
		return ErrReports
	}
	return nil
}

// readsWords counts that the person reads what was written with a shield. Errors: ErrWords.
func (v *visit) readsWords() error {
	if !v.s.worded.person(v.in.Person.ID, wordsPerHour).AllowN(v.now, 1) {
		return ErrWords
	}
	return nil
}

// looksUp returns nil if the person may look for a child by its reference still: whoever
// found too often that there is none learns no more of any, for a while. Errors: ErrLookups.
func (v *visit) looksUp() error {
	if v.s.missed.person(v.in.Person.ID, missesPerHour).TokensAt(v.now) < 1 {
		return ErrLookups
	}
	return nil
}

// foundNobody counts and records that the person looked for a child by a reference that
// nobody has, before that is answered (Article 15). What isn't a reference looked for nobody.
func (v *visit) foundNobody(typed string, services ...string) error {
	if len(services) == 0 || !family.IsRef(pii.New(strings.TrimSpace(typed))) {
		return nil
	}
	v.s.missed.person(v.in.Person.ID, missesPerHour).AllowN(v.now, 1)
	return v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		for _, service := range services {
			if err := approval.FoundNobody(ctx, tx, in.Person, service); err != nil {
				return err
			}
		}
		return nil
	})
}
