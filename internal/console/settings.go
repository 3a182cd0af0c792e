package console

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/notify"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
	"wardkeep/internal/witness"
)

// A System is what the pages of settings are told of the process around them, and have it
// do. What is nil isn't here.
type System struct {
	// Checks are those of /readyz, as they are now.
	Checks func() []Check
	// Late counts what was left undone past its day.
	Late func(ctx context.Context, tx *db.Tx) (Late, error)
	// Swept is when a sweep last left nothing due; zero: never.
	Swept func(ctx context.Context, tx *db.Tx) (time.Time, error)

	KEK  string // the name of the key-encryption key
	Keys func(ctx context.Context, tx *db.Tx) ([]Key, error)
	// Rotate has a pool key replaced, by a job.
	Rotate func(ctx context.Context) error

	Channels notify.Router
	Site     string           // what links to guardians begin with
	Allowed  webhook.Networks // in which receivers of events may be, beside the internet

	// Queues are those of jobs; none are told before jobs are worked on.
	Queues func(ctx context.Context) (Queues, error)
	// Jobs is River's own page of jobs, or nil before they are worked on.
	Jobs func() http.Handler
}

// A Check is one of those that /readyz makes.
type Check struct {
	Name string // store, keys, ledger, draining
	Code string // of what is wrong; empty: nothing is
}

// Late is what was left undone past its day, by what it is; 1000 at most of each.
type Late []Left

// A Left is one kind of what was left undone.
type Left struct {
	What  string // demands, erasures, …
	Count int64
}

// A Key is what may be told of a stored key.
type Key struct {
	ID, Purpose, Suite, State, KEK string
	Since                          time.Time
}

// Queues are what is told of jobs.
type Queues struct {
	Queues  []Queue
	Again   int64 // jobs that failed and are tried again
	GivenUp int64 // that were tried as often as they are
}

// A Queue is one of jobs.
type Queue struct {
	Name             string
	Waiting, Running int64
}

// What the settings refuse.
var (
	ErrDate    = errs.New(errs.Invalid, "console.settings.date_invalid")
	ErrChannel = errs.New(errs.Invalid, "console.settings.channel_unknown")
	ErrTests   = errs.New(errs.TooMany, "console.settings.many_tests")
)

// settingsPage is what settings.html shows.
type settingsPage struct {
	pager
	System   bool // how all of it does is shown: who sees one service alone sees the service
	Checks   []Check
	Late     Late
	Swept    time.Time
	Behind   bool // that was too long ago (Article 12)
	Copies   backup.Watch
	Keepers  []witness.Keeper // of checkpoints, outside
	Services []serviceRow
	Lists    []exportPart // of the services, and of how all of it does
}

// A serviceRow is a service in a list.
type serviceRow struct {
	catalog.Service
	To string
}

// settings shows how the system does, and the services.
func (s *Server) settings(v *visit) error {
	page := settingsPage{System: v.in.Person.MayEverywhere(staff.SeeSystem, v.all), Lists: []exportPart{{List: listServices}, {List: listHealth}}}
	if page.System && s.System.Checks != nil {
		page.Checks = s.System.Checks() // before the transaction: it has its own
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		all, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		all, page.pager = v.some(all, func(s catalog.Service) bool { return v.in.Person.May(staff.SeeSystem, s.Name) })
		page.Services = nil
		for _, one := range all {
			page.Services = append(page.Services, serviceRow{one, servicePath(one.Name)})
		}
		if !page.System {
			return nil
		}
		if page.Copies, err = backup.Look(ctx, tx); err != nil {
			return err
		}
		keepers, err := witness.Keepers(ctx, tx)
		if err != nil {
			return err
		}
		page.Keepers = slices.SortedFunc(maps.Values(keepers), func(x, y witness.Keeper) int { return cmp.Compare(x.Name, y.Name) })
		if s.System.Late != nil {
			if page.Late, err = s.System.Late(ctx, tx); err != nil {
				return err
			}
		}
		if s.System.Swept != nil {
			page.Swept, err = s.System.Swept(ctx, tx)
			page.Behind = !page.Swept.IsZero() && tx.Now().Sub(page.Swept) > s.mayBeLate()
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "settings", page)
}

// servicePath is the page of a service's settings.
func servicePath(service string) string { return "/console/settings/services/" + service }

// service returns the service of the address, if the person may see how it is set up: of
// others nobody learns that there are any.
func (v *visit) service(ctx context.Context, tx *db.Tx, in signin.Session) (catalog.Service, error) {
	one, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
	if err == nil && !in.Person.May(staff.SeeSystem, one.Name) {
		v.notTheirs()
		err = catalog.ErrNotFound
	}
	return one, err
}

// operate does something about the service of the address, in the name of the person, who
// is held to the end of the transaction and has shown within minutes who it is: the session that is found in this transaction counts.
func (v *visit) operate(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		one, err := v.service(ctx, tx, in)
		if err != nil {
			return err
		}
		by, err := staff.Acts(ctx, tx, in.Person, v.rule)
		if err != nil {
			return err
		}
		if !by.Governs(one.Name) {
			return staff.ErrMayNot
		}
		return fn(ctx, tx, by, one.Name)
	})
}

// day reads a day of a form as the moment at which it is over in Beijing; zero: none was
// given.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, shanghai)
	if err != nil {
		return time.Time{}, ErrDate.At("until")
	}
	return at.AddDate(0, 0, 1), nil
}

// overlaps are for how long a former secret may stay good, in hours.
var overlaps = []int{24, 0, 72, 168, 720}

// overlap reads hours of a form.
func overlap(text string, otherwise *errs.Error) (time.Duration, error) {
	hours, err := strconv.Atoi(text)
	if err != nil || hours < 0 || hours > 30*24 {
		return 0, otherwise.At("overlap")
	}
	return time.Duration(hours) * time.Hour, nil
}

// systemPage is what settings_system.html shows.
type systemPage struct {
	Channels []channelRow
	KEK      string
	Keys     []Key
	Newest   time.Time // backup
	Copies   []backup.KeyCopy
	Queues   *Queues
	Lists    []exportPart // of keys, and of queues
	May      bool         // have the system do something
	Fresh    bool
	Jobs     bool // they can be looked at
	Problem  string
	Done     string // a key: what has just been done
}

// A channelRow is a way to guardians.
type channelRow struct {
	Name notify.Channel
	On   bool
}

func (s *Server) system(v *visit) error { return v.systemPage(nil) }

func (v *visit) systemPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	s := v.s.System
	page := systemPage{KEK: s.KEK, May: v.in.Person.MayEverywhere(staff.ManageSystem, v.all), Fresh: v.in.IsFresh(v.now) == nil,
		Jobs: s.Jobs != nil && s.Jobs() != nil, Lists: []exportPart{{List: listKeys}, {List: listQueues}}, Problem: words}
	for _, done := range []string{"sent", "rotating"} {
		if v.r.Method == http.MethodGet && v.r.URL.Query().Has(done) {
			page.Done = done
		}
	}
	for _, c := range guardianChannels {
		page.Channels = append(page.Channels, channelRow{c, s.Channels.Has(c)})
	}
	if s.Queues != nil {
		queues, err := s.Queues(v.r.Context())
		if err != nil {
			return err
		}
		page.Queues = &queues
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		copies, err := backup.Look(ctx, tx)
		page.Newest = copies.Newest
		if err == nil {
			page.Copies, err = backup.KeyCopies(ctx, tx)
		}
		if err == nil && s.Keys != nil {
			page.Keys, err = s.Keys(ctx, tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "settings_system", page)
}

// operated records what the person has the system do, before it is done.
func (v *visit) operated(what staff.Doing, about string) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Operated(ctx, tx, in.Person, what, about)
		return err
	})
}

// rotateKeys has a new pool key made, and the keys of all children moved to it.
func (s *Server) rotateKeys(v *visit) error {
	if s.System.Rotate == nil {
		return ErrNoJobs
	}
	err := v.operated(staff.RotatedKeys, "")
	if err == nil {
		err = s.System.Rotate(v.r.Context())
	}
	if err != nil {
		return v.systemPage(err)
	}
	return v.to("/console/settings/system", "rotating", "")
}

// testChannel sends a message to a contact of the person's own, as guardians get theirs.
// The contact is in no log, no table and no entry of the ledger.
func (s *Server) testChannel(v *visit) error {
	channel, doing := notify.Channel(v.r.PostFormValue("channel")), staff.TestedSMS
	switch channel {
	case notify.SMS:
	case notify.Email:
		doing = staff.TestedEmail
	default:
		return v.systemPage(ErrChannel.At("channel"))
	}
	if !s.System.Channels.Has(channel) {
		return v.systemPage(notify.ErrNoChannel)
	}
	if !s.tests.allow(v.in.Person.ID) {
		return v.systemPage(ErrTests)
	}
	err := v.operated(doing, "")
	if err == nil {
		to := notify.To{Channel: channel, Address: pii.New(strings.TrimSpace(v.r.PostFormValue("to"))), Lang: v.lang, Site: s.System.Site}
		err = s.System.Channels.Send(v.r.Context(), notify.News{Kind: notify.KindTest, At: v.now}.Message(to))
	}
	if err != nil {
		return v.systemPage(err)
	}
	return v.to("/console/settings/system", "sent", "")
}

// tests limit how many test messages a person may have sent: 5, and another one every 12
// minutes. The zero tests are ready.
type tests struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

func (t *tests) allow(person string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = make(map[string]*rate.Limiter)
	}
	if t.of[person] == nil {
		t.of[person] = rate.NewLimiter(rate.Every(12*time.Minute), 5)
	}
	return t.of[person].Allow()
}
