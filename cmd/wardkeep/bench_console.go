package main

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pquerna/otp/totp"
	"golang.org/x/sync/errgroup"

	"wardkeep/internal/access"
	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault"
	"wardkeep/internal/yearly"
)

// An office is the persons inside of whom the pages of the console are asked, and what
// the pages are about.
type office struct {
	officer, engineer string       // cookies of their sessions
	boss              staff.Person // the officer
	seat              string       // the cookie of a person of a processor
	task, order       string       // that the processor owes

	person  string   // one of those inside
	pending []string // requests to see values, as numbers
	subject string   // the pseudonym of a child
	refs    []string // what the operator calls some children, each as a number of ours reads
	entries int64    // of the ledger that have a place
}

const (
	insiders = 300  // beside the two
	lookings = 2000 // requests to see values, that wait
	looked   = 50   // children that are searched for
)

// inhabit adds uses to the ledger until it has so many entries, and makes the office: last,
// since sessions are short.
func (w *world) inhabit(ctx context.Context, s *session, a *app.App, entries int) error {
	if err := w.use(ctx, s, a, int64(entries)); err != nil {
		return err
	}
	// What follows the ledger has caught up in a server that has grown by and by.
	for _, count := range []func(context.Context, *db.DB) (int64, error){access.Count, tally.Count} {
		for n := int64(1); n > 0; {
			var err error
			if n, err = count(ctx, a.Store); err != nil {
				return err
			}
		}
	}
	asker, err := w.hire(ctx, a)
	if err != nil {
		return err
	}
	if err := w.lookings(ctx, a, asker); err != nil {
		return err
	}
	if err := w.findable(ctx, a); err != nil {
		return err
	}
	if err := w.entrust(ctx, a); err != nil {
		return err
	}
	if err := a.Ledger.Flush(ctx); err != nil {
		return err
	}
	return a.Store.View(ctx, func(tx *db.Tx) error {
		root, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		w.office.entries = root.Size
		child, err := family.Find(ctx, tx, benchService, family.ID(w.children[len(w.children)/2]))
		w.office.subject = child.Subject
		return err
	})
}

// hire makes the accounts. The person returned asks to see values.
func (w *world) hire(ctx context.Context, a *app.App) (asker staff.Person, err error) {
	err = a.Store.Update(ctx, func(tx *db.Tx) error {
		holder, err := db.One(ctx, tx, db.Single[string], `SELECT officer FROM service WHERE service = $1`, benchService)
		if err != nil {
			return err
		}
		inOffice, err := staff.OfOffice(ctx, tx, benchService, holder)
		if err != nil {
			return err
		}
		if w.office.boss, w.office.officer, err = w.enter(ctx, tx, a, "林静", inOffice); err != nil {
			return err
		}
		_, w.office.engineer, err = w.enter(ctx, tx, a, "陈工", staff.Grant{Role: staff.Engineer})
		return err
	})
	if err != nil {
		return asker, err
	}
	err = a.Store.Update(ctx, func(tx *db.Tx) error {
		for i := range insiders {
			if asker, err = staff.Add(ctx, tx, operator, "员工"+strconv.Itoa(i), staff.Grant{Role: staff.Worker, Service: benchService}); err != nil {
				return err
			}
		}
		return nil
	})
	w.office.person = asker.ID
	return asker, err
}

// enter makes an account, sets up how to sign in to it, and returns the cookie of the
// browser in which that was done.
func (w *world) enter(ctx context.Context, tx *db.Tx, a *app.App, name string, g staff.Grant) (p staff.Person, cookie string, err error) {
	door := signin.Door{Ring: a.Ring}
	if p, err = staff.Add(ctx, tx, operator, name, g); err != nil {
		return p, "", err
	}
	link, _, err := door.Invite(ctx, tx, operator, p.ID)
	if err != nil {
		return p, "", err
	}
	secret, err := setUp(ctx, tx, door, link)
	return p, "wardkeep_staff=" + secret, err
}

// setUp sets up behind a link how to sign in, as a browser does it, and returns its session.
func setUp(ctx context.Context, tx *db.Tx, door signin.Door, link string) (secret string, err error) {
	by := signin.Browser{Kept: signin.Keep()}
	at, err := door.Open(ctx, tx, link, by)
	if err != nil {
		return "", err
	}
	code, err := totp.GenerateCode(at.Secret, tx.Now())
	if err != nil {
		return "", err
	}
	chosen := signin.Chosen{Name: pii.New("n-" + id.Secret(16)), Password: pii.New(id.Secret(16)), Code: pii.New(code)}
	ready, err := door.Prepare(at, chosen, tx.Now())
	if err != nil {
		return "", err
	}
	_, secret, _, err = door.SetUp(ctx, tx, link, by, ready)
	return secret, err
}

// lookings asks to see values of many children.
func (w *world) lookings(ctx context.Context, a *app.App, asker staff.Person) error {
	desk := approval.Desk{Ring: a.Ring, Charters: a.Charters}
	wanted := approval.Asking{Purpose: benchPurpose, Items: []string{benchItem}, Reason: approval.ForSupport, Text: pii.New("监护人来电，要核对课程进度。")}
	for part := range slices.Chunk(w.children[:min(lookings, len(w.children))], 100) {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			for _, child := range part {
				c, err := family.Find(ctx, tx, benchService, family.ID(child))
				if err != nil {
					return err
				}
				r, _, err := desk.Ask(ctx, tx, asker, c, wanted)
				if err != nil {
					return err
				}
				w.office.pending = append(w.office.pending, r.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// findable registers children to search for. Each is called as a number of ours reads, so that
// one search looks for all that has a number, for a child, and for all that has a name.
func (w *world) findable(ctx context.Context, a *app.App) error {
	return a.Store.Update(ctx, func(tx *db.Tx) error {
		w.office.refs = nil // a transaction that is tried again begins anew
		for range looked {
			ref := id.Number()
			if _, err := w.enrol(ctx, tx, a, ref, w.phone()); err != nil {
				return err
			}
			w.office.refs = append(w.office.refs, ref)
		}
		return nil
	})
}

// use opens values until the ledger has so many entries.
func (w *world) use(ctx context.Context, s *session, a *app.App, entries int64) error {
	const writers = 4
	if err := a.Ledger.Flush(ctx); err != nil {
		return err
	}
	var root ledger.Root
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		root, err = ledger.Head(ctx, tx)
		return err
	})
	if err != nil || root.Size >= entries {
		return err
	}
	bar := s.progress("bench.using", int(entries-root.Size))
	defer bar.end()
	run, stop := context.WithCancel(ctx)
	sequencer := make(chan error, 1)
	go func() { sequencer <- a.Ledger.Run(run) }()
	var left atomic.Int64
	left.Store(entries - root.Size)
	group, work := errgroup.WithContext(ctx)
	for range writers {
		group.Go(func() error {
			for left.Add(-db.Chunk) > -db.Chunk {
				if err := a.Store.Update(work, func(tx *db.Tx) error { return w.openSome(work, tx, a) }); err != nil {
					return err
				}
				bar.add(db.Chunk)
			}
			return nil
		})
	}
	err = group.Wait()
	stop()
	if other := <-sequencer; err == nil {
		err = other
	}
	if err != nil {
		return err
	}
	return a.Ledger.Flush(ctx)
}

func (w *world) openSome(ctx context.Context, tx *db.Tx, a *app.App) error {
	all := make([]vault.Opening, db.Chunk)
	for i := range all {
		child := w.children[rand.IntN(len(w.children))]
		all[i] = vault.Opening{By: gate.ByApp(w.app), Use: gate.Use{
			Service: benchService, Child: family.ID(child), Activity: charter.Use, Purpose: benchPurpose, Items: []string{benchItem},
		}}
	}
	out, err := a.Vault.OpenTogether(ctx, tx, all)
	for _, one := range out {
		if err == nil {
			err = one.Err
		}
	}
	return err
}

// rooms are the pages of the console, with who asks for each.
var rooms = []operation{
	room("console", ""),
	room("search", "/search"),
	sought("search-found", "/search?found", func(w *worker) string {
		return w.world.office.refs[w.random.IntN(len(w.world.office.refs))]
	}),
	// A reference that nobody has is looked up sixty times an hour, and no more (Article 15): what
	// is sought in vain here has the shape of an entry's name, and costs all but that look-up.
	sought("search-nothing", "/search?nothing", func(*worker) string { return id.New(id.Entry) }),
	room("people", "/people"),
	room("person", "/people/{person}"),
	room("charters", "/charters"),
	room("charter", "/charters/"+benchService),
	room("charter-version", "/charters/"+benchService+"/1"),
	room("charter-new", "/charters/"+benchService+"/new"),
	room("registers", "/register"),
	room("register", "/register/"+benchService),
	room("parties", "/parties"),
	room("orders", "/orders"),
	room("borders", "/borders"),
	room("yearly", "/yearly"),
	room("audit", "/yearly/"+benchService+"/"+strconv.Itoa(yearly.First)),
	room("party", "/parties/"+benchService+"/processor/yuping-assessment"),
	room("impact", "/charters/"+benchService+"/1/impact/"+benchPurpose),
	room("offices", "/offices"),
	room("office", "/offices/"+benchService),
	room("access", "/access"),
	room("access-new", "/access/new/"+benchService+"/"+benchPurpose),
	room("access-where", "/access/new"),
	room("access-request", "/access/requests/"+benchService+"/{request}"),
	room("decisions", "/decisions"),
	room("urgent", "/urgent"),
	room("urgent-where", "/urgent/new"),
	room("export-new", "/exports/new/"+benchService+"/"+benchPurpose),
	room("legal-new", "/legal/new/"+benchService+"/"+benchPurpose),
	room("reviews", "/reviews"),
	room("demands", "/demands"),
	room("demand-new", "/demands/new"),
	room("suspicions", "/suspicions"),
	room("suspicion-new", "/suspicions/new"),
	room("takedowns", "/takedowns"),
	room("takedown-new", "/takedowns/new"),
	room("incidents", "/incidents"),
	room("incident-new", "/incidents/new"),
	room("streams", "/streams"),
	room("stream-new", "/streams/"+benchService+"/new"),
	room("rectifications", "/rectifications"),
	room("rectification-new", "/rectifications/new"),
	room("inspections", "/inspections"),
	room("inspection-new", "/inspections/new"),
	room("shields", "/shields"),
	room("shield-new", "/shields/new"),
	room("reports", "/reports"),
	room("evidence", "/evidence"),
	room("due", "/due"),
	room("board", "/board"),
	room("article", "/board/15"),
	room("pictures", "/pictures"),
	room("ledger", "/ledger"),
	room("ledger-kind", "/ledger?kind=use.permitted"),
	room("ledger-rare", "/ledger?kind=charter.published"),
	room("ledger-article", "/ledger?article=15"),
	room("ledger-actor", "/ledger?actor=operator%3Acli"),
	room("ledger-child", "/ledger?subject={subject}"),
	room("ledger-past", "/ledger?from={place}"),
	room("ledger-entry", "/ledger/entries/{place}"),
	room("ledger-proof", "/ledger/entries/{place}/proof"),
	room("ledger-checkpoint", "/ledger/checkpoint"),
	room("files", "/files"),
	room("keys", "/keys"),
	room("again", "/again"),
	room("account", "/account"),
	room("settings", "/settings"),
	room("settings-system", "/settings/system"),
	room("settings-service", "/settings/services/"+benchService),
	room("settings-app", "/settings/services/"+benchService+"/apps/{app}"),
	room("jobs", "/jobs/api/jobs?state=completed&limit=20"),
}

// room asks for a page of the console: as an engineer, of what only engineers see.
func room(name, path string) operation {
	return operation{name: name, path: "/console" + path, status: 200, next: func(w *worker) bool {
		o := &w.world.office
		cookie := o.officer
		if strings.HasPrefix(path, "/settings") || strings.HasPrefix(path, "/jobs") {
			cookie = o.engineer
		}
		at := strings.NewReplacer("{person}", o.person, "{request}", o.pending[w.random.IntN(len(o.pending))], "{app}", w.world.app.ID,
			"{subject}", o.subject, "{place}", strconv.FormatInt(1+w.random.Int64N(o.entries-1), 10)).Replace(path)
		w.http.visit("GET", "/console"+at, cookie, nil)
		return true
	}}
}

// sought searches as the officer does. The path says what comes of it, and is asked for without
// that: what is typed stands in no address.
func sought(name, path string, typed func(*worker) string) operation {
	at, _, _ := strings.Cut(path, "?")
	return operation{name: name, path: "/console" + path, status: 200, next: func(w *worker) bool {
		w.http.visit("POST", "/console"+at, w.world.office.officer, []byte(url.Values{"q": {typed(w)}}.Encode()))
		return true
	}}
}
