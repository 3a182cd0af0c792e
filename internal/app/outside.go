package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/witness"
)

const (
	outsideLook  = 5 * time.Second  // between two looks whether a round is due
	outsideAgain = time.Minute      // after one that failed
	outsideTime  = 30 * time.Second // for one round, whatever doesn't answer
)

// outside is what this process has done about the checkpoints outside.
type outside struct {
	next  time.Time // when the next round is due
	again bool      // it is one before its time, for what failed
	told  string    // what the log said last
}

// near are the places that are asked whenever the store is opened: those of this machine.
func (a *App) near() (all []witness.Place) {
	if folder := a.Config.Checkpoints.Folder; folder != "" {
		if whole, err := filepath.Abs(folder); err == nil {
			folder = whole
		}
		all = append(all, witness.Place{Name: "folder " + folder, Shelf: witness.Folder(folder), Key: a.LedgerKey})
	}
	return all
}

// far are those that are reached by the network: that one doesn't answer stops nothing. An error is of a file
// that the configuration names.
func (a *App) far() (all []witness.Place, err error) {
	c := a.Config.Checkpoints
	if c.Bucket == nil {
		return nil, nil
	}
	shelf, err := c.bucket()
	if err != nil {
		return nil, fmt.Errorf("%w: checkpoints.bucket: %w", ErrConfigFile, err)
	}
	return []witness.Place{{Name: c.Bucket.place(), Shelf: shelf, Key: a.LedgerKey}}, nil
}

// places are all of them.
func (a *App) places() ([]witness.Place, error) {
	far, err := a.far()
	return append(a.near(), far...), err
}

// asked are the names of all who keep or cosign.
func (a *App) asked() (names []string) {
	for _, p := range a.near() {
		names = append(names, p.Name)
	}
	if b := a.Config.Checkpoints.Bucket; b != nil {
		names = append(names, b.place())
	}
	for i := range a.Config.Checkpoints.Mail {
		names = append(names, mailName(i))
	}
	for _, w := range a.Config.Checkpoints.Witnesses {
		if key, err := witness.Verifier(w.Key); err == nil { // check has read it
			names = append(names, witness.NameOf(key))
		}
	}
	return names
}

// checkOutside refuses a store that holds less than is kept outside of it, or something else.
// What can't be known refuses it, too (invariant 3).
func (a *App) checkOutside(ctx context.Context, places ...witness.Place) error {
	if len(places) == 0 {
		return nil
	}
	var known map[string]witness.Keeper
	if err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		known, err = witness.Keepers(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	for _, p := range places {
		if _, err := a.compare(ctx, p, known[p.Name].Size); err != nil {
			return err
		}
	}
	return nil
}

// compare returns the newest checkpoint of a place, if the store holds what it says. From is the
// size of one that it must have. Errors: witness.ErrKeptMore; those of witness.Place.Newest.
func (a *App) compare(ctx context.Context, p witness.Place, from int64) (ledger.Checkpoint, error) {
	c, _, err := p.Newest(ctx, from)
	if err == nil {
		err = a.holds(ctx, p.Name, c)
	}
	return c, err
}

// holds returns witness.ErrKeptMore unless the store holds what a checkpoint says.
func (a *App) holds(ctx context.Context, where string, c ledger.Checkpoint) error {
	err := a.Store.View(ctx, func(tx *db.Tx) error { return backup.Reaches(ctx, tx, c) })
	if errors.Is(err, backup.ErrRolledBack) {
		err = fmt.Errorf("%w: %s: %w", witness.ErrKeptMore, where, err)
	}
	return err
}

// KeptOutside returns the newest checkpoint of each place, and of each witness, that has one, to
// compare with, and who has not answered.
func (a *App) KeptOutside(ctx context.Context) (texts, away []string, err error) {
	near := a.near()
	far, err := a.far()
	if err != nil {
		return nil, nil, err
	}
	known, witnesses, err := a.keepers(ctx)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range append(near, far...) {
		_, text, err := p.Newest(ctx, known[p.Name].Size)
		if i >= len(near) && errors.Is(err, witness.ErrAway) {
			away = append(away, p.Name)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	for _, w := range witnesses {
		c, text, err := w.Latest(ctx, a.Config.LedgerOrigin, a.LedgerKey)
		switch {
		case err != nil:
			away = append(away, w.Name())
		case c.Size > 0 && witness.Mark(c) != known[w.Name()].GivenUp:
			texts = append(texts, text)
		}
	}
	return texts, away, nil
}

// keepers returns what is known of who is asked, and the witnesses that are configured.
func (a *App) keepers(ctx context.Context) (known map[string]witness.Keeper, all []*witness.Witness, err error) {
	if all, err = a.Config.Checkpoints.witnesses(); err != nil {
		return nil, nil, fmt.Errorf("%w: checkpoints.ca_file: %w", ErrConfigFile, err)
	}
	err = a.Store.View(ctx, func(tx *db.Tx) (err error) {
		known, err = witness.Keepers(ctx, tx)
		return err
	})
	return known, all, err
}

// checkFar refuses a store that holds less than what is kept over the network, or than a witness proves to have
// cosigned, before anything is served. Who doesn't answer proves nothing, and stops nothing.
func (a *App) checkFar(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, outsideTime)
	defer cancel()
	known, witnesses, err := a.keepers(ctx)
	if err != nil {
		return err
	}
	far, err := a.far()
	if err != nil {
		return err
	}
	shown := make([]error, len(witnesses)) // at once: one that is slow takes no time from the others
	var all sync.WaitGroup
	for i, w := range witnesses {
		all.Go(func() { _, shown[i] = a.proves(ctx, w, known[w.Name()]) })
	}
	all.Wait()
	for _, err := range shown {
		if errors.Is(err, witness.ErrKeptMore) {
			return err
		}
		a.away(ctx, err)
	}
	for _, p := range far {
		_, err := a.compare(ctx, p, known[p.Name].Size)
		if err != nil && !errors.Is(err, witness.ErrAway) {
			return err
		}
		a.away(ctx, err)
	}
	return nil
}

// away says in the log why a place or a witness wasn't compared with.
func (a *App) away(ctx context.Context, err error) {
	if err != nil {
		a.Log.WarnContext(ctx, "checkpoints: not compared with one that is kept outside", "code", errs.Of(err).Code, "error", err)
	}
}

// proves returns the checkpoint that a witness shows, if the store holds what it says, or the operator has
// given it up. Errors: witness.ErrKeptMore; those of witness.Witness.Latest.
func (a *App) proves(ctx context.Context, w *witness.Witness, k witness.Keeper) (ledger.Checkpoint, error) {
	c, _, err := w.Latest(ctx, a.Config.LedgerOrigin, a.LedgerKey)
	if err == nil && witness.Mark(c) != k.GivenUp {
		err = a.holds(ctx, w.Name(), c)
	}
	return c, err
}

// giveUpOutside has a store that was put back, and continued, hold what is kept outside, as
// giveUpSeen does. What the operator says is lost is marked there, for the places take nothing
// away, and returned as the size of the largest. If we crash, the next run marks the rest. Who isn't there
// to be asked is told in the log, and asked by the start.
func (a *App) giveUpOutside(ctx context.Context, lost bool) (largest int64, err error) {
	near := a.near()
	places, err := a.places()
	if err != nil {
		return 0, err
	}
	known, witnesses, err := a.keepers(ctx)
	if err != nil {
		return 0, err
	}
	for i, p := range places {
		from := known[p.Name].Size
		var unmarked error
		err := p.Each(ctx, from, func(c ledger.Checkpoint, _ string) (more bool, err error) {
			switch err := a.holds(ctx, p.Name, c); {
			case !errors.Is(err, witness.ErrKeptMore):
				return false, err
			case !lost:
				return false, fmt.Errorf("%w: %w", backup.ErrNewest, err)
			}
			unmarked = p.GiveUp(ctx, c)
			return unmarked == nil, unmarked
		})
		var size int64
		if err == nil {
			size, err = p.GivenUp(ctx, from)
		}
		if i >= len(near) && errors.Is(err, witness.ErrAway) && unmarked == nil {
			a.away(ctx, err)
			continue
		}
		if err != nil {
			return 0, err
		}
		largest = max(largest, size)
	}
	for _, w := range witnesses {
		k := known[w.Name()]
		c, err := a.proves(ctx, w, k)
		if !errors.Is(err, witness.ErrKeptMore) {
			if err == nil && witness.Mark(c) == k.GivenUp { // by a run that was interrupted, or before
				largest = max(largest, c.Size)
			}
			a.away(ctx, err)
			continue
		}
		if !lost {
			return 0, fmt.Errorf("%w: %w", backup.ErrNewest, err)
		}
		// It has cosigned one history and will cosign no other: see docs/operations.md.
		if err := a.Store.Update(ctx, func(tx *db.Tx) error { return witness.GiveUp(ctx, tx, w.Name(), c) }); err != nil {
			return 0, err
		}
		largest = max(largest, c.Size)
	}
	return largest, nil
}

// watchOutside keeps checkpoints outside until ctx ends, and once more then. A store that has lost
// what is kept there ends the server: whoever starts it again is told what to do. Anything else
// stops nothing: it is told, and tried again.
func (a *App) watchOutside(ctx context.Context) error {
	if err := a.Store.Update(ctx, func(tx *db.Tx) error {
		return witness.Retire(ctx, tx, a.asked(), len(a.Config.Checkpoints.Witnesses) > 0)
	}); err != nil && ctx.Err() == nil {
		return err
	}
	if len(a.asked()) == 0 {
		return nil
	}
	tick := time.NewTicker(outsideLook)
	defer tick.Stop()
	for {
		err := a.passOutside(ctx)
		if errors.Is(err, witness.ErrKeptMore) {
			return err
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			defer cancel()
			a.outside.again = false
			if err := a.keepOutside(last); errors.Is(err, witness.ErrKeptMore) {
				return err
			}
			return nil
		case <-tick.C:
		}
	}
}

// passOutside keeps checkpoints if it is time. One that failed is tried again soon, but never all
// the time.
func (a *App) passOutside(ctx context.Context) error {
	every := a.Config.Checkpoints.Every
	if wait := a.outside.next.Sub(a.Store.Now()); 0 < wait && wait <= every { // a longer one is of a clock that was put back
		return nil
	}
	round, cancel := context.WithTimeout(ctx, outsideTime)
	defer cancel()
	err := a.keepOutside(round)
	if errors.Is(err, errNotLeading) {
		return nil // another node does it, and this one when it leads
	}
	wait := every
	if a.outside.again = err != nil; err != nil {
		wait = min(wait, outsideAgain)
	}
	a.outside.next = a.Store.Now().Add(wait)
	why := ""
	if err != nil {
		why = errs.Of(err).Code
	}
	if why != a.outside.told && ctx.Err() == nil { // once, and not with each round
		if a.outside.told = why; err != nil {
			a.Log.WarnContext(ctx, "checkpoints: not kept outside", "code", why, "error", err)
		} else {
			a.Log.InfoContext(ctx, "checkpoints: kept outside again")
		}
	}
	return err
}

// errNotLeading says that another process numbers the ledger, and keeps its checkpoints.
var errNotLeading = errors.New("app: another process leads")

// keepOutside is one round: every place that can be reached has the checkpoint of the ledger as it
// is now, which continues what it had. Only the process that numbers the ledger does it. If we
// crash in it, some have it, and the next round goes on.
func (a *App) keepOutside(ctx context.Context) error {
	var head ledger.Root
	var leads bool
	known, witnesses, err := a.keepers(ctx)
	if err != nil {
		return err
	}
	err = a.Store.View(ctx, func(tx *db.Tx) (err error) {
		if leads, err = a.Ledger.Leads(ctx, tx); err != nil || !leads {
			return err
		}
		head, err = ledger.Head(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case !leads:
		return errNotLeading
	case head.Checkpoint == "" || head.Size == 0:
		return nil
	}
	now := ledger.Checkpoint{Origin: a.Config.LedgerOrigin, Size: head.Size, Root: head.Root}
	places, err := a.places()
	if err != nil {
		return err
	}
	// Witnesses that don't answer leave the places half of the time there is.
	rest := outsideTime
	if at, bounded := ctx.Deadline(); bounded {
		rest = time.Until(at)
	}
	asking, end := context.WithTimeout(ctx, rest/2)
	text, all := a.cosign(asking, witnesses, known, head.Checkpoint, now)
	end()
	for _, p := range places {
		if a.outside.again && a.lately(known[p.Name]) {
			continue // each is a file for good
		}
		err := a.keepIn(ctx, p, known[p.Name].Size, now, text)
		if noted := a.noteKeeper(ctx, p.Name, now.Size, a.lateAt(), err); noted != nil {
			err = errors.Join(err, noted)
		}
		all = append(all, err)
	}
	for i, to := range a.Config.Checkpoints.Mail {
		all = append(all, a.mail(ctx, known[mailName(i)], i, to, now, text))
	}
	// What ends the server is said first.
	slices.SortStableFunc(all, func(x, y error) int { return worse(y) - worse(x) })
	return errors.Join(all...)
}

// cosign asks all witnesses at once for their signatures under a checkpoint, and returns it with those. Where
// there are as many as are wanted, it is the one that is given out with them.
func (a *App) cosign(ctx context.Context, witnesses []*witness.Witness, known map[string]witness.Keeper, checkpoint string, c ledger.Checkpoint) (text string, failed []error) {
	signatures := make([]string, len(witnesses))
	failed = make([]error, len(witnesses))
	var all sync.WaitGroup
	for i, w := range witnesses {
		all.Go(func() {
			signatures[i], failed[i] = a.cosignBy(ctx, w, known[w.Name()], checkpoint, c)
			failed[i] = errors.Join(failed[i], a.noteKeeper(ctx, w.Name(), c.Size, time.Time{}, failed[i]))
		})
	}
	all.Wait()
	text = checkpoint + strings.Join(signatures, "")
	signatures = slices.DeleteFunc(signatures, func(s string) bool { return s == "" })
	if len(witnesses) == 0 {
		return text, nil
	}
	failed = append(failed, a.Store.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if len(signatures) < a.Config.Checkpoints.Need {
			return witness.AwaitCosigned(ctx, tx, a.lateAt())
		}
		return witness.SaveCosigned(ctx, tx, c, text, a.lateAt())
	}))
	return text, failed
}

// cosignBy asks one witness. That it has seen more, or something else, is believed if it shows what the
// ledger's own key has signed; else it has only said so.
func (a *App) cosignBy(ctx context.Context, w *witness.Witness, k witness.Keeper, checkpoint string, c ledger.Checkpoint) (string, error) {
	signature, err := w.Cosign(ctx, checkpoint, c, min(k.Size, c.Size), a.Store.Now(), func(ctx context.Context, old int64) (proof tlog.TreeProof, err error) {
		err = a.Store.View(ctx, func(tx *db.Tx) error {
			proof, err = ledger.ProveConsistency(ctx, tx, old, c.Size)
			return err
		})
		return proof, err
	})
	if errors.Is(err, witness.ErrAhead) || errors.Is(err, witness.ErrRefused) {
		if _, proved := a.proves(ctx, w, k); errors.Is(proved, witness.ErrKeptMore) {
			err = proved
		}
	}
	return signature, err
}

// lately reports whether a place took a checkpoint less than a round ago, and nothing has failed since.
func (a *App) lately(k witness.Keeper) bool {
	ago := a.Store.Now().Sub(k.TakenAt)
	return k.Failure == "" && 0 <= ago && ago < a.Config.Checkpoints.Every
}

func worse(err error) int {
	if errors.Is(err, witness.ErrKeptMore) {
		return 1
	}
	return 0
}

// keepIn keeps a checkpoint in one place, once it is known to continue what lies there.
func (a *App) keepIn(ctx context.Context, p witness.Place, from int64, c ledger.Checkpoint, text string) error {
	newest, has, err := p.Newest(ctx, from)
	if err == nil {
		err = a.holds(ctx, p.Name, newest)
	}
	if err != nil || newest.Size > c.Size || newest == c && len(has) >= len(text) {
		return err // another process was faster, or nothing is new
	}
	return p.Keep(ctx, c, text)
}

// mailEvery is how often a checkpoint is mailed.
const mailEvery = 24 * time.Hour

// mailName is what an address is called among the keepers: the store has no address in clear.
func mailName(i int) string { return "mail " + strconv.Itoa(i+1) }

// mail sends a checkpoint once a day. Nobody reads it back: whoever has it compares by hand. If we crash before it is
// noted, it is sent once more, under one name.
func (a *App) mail(ctx context.Context, k witness.Keeper, i int, to string, c ledger.Checkpoint, text string) error {
	now := a.Store.Now()
	if ago := now.Sub(k.TakenAt); 0 <= ago && ago < mailEvery { // below 0 the clock was put back
		return nil
	}
	lang := i18n.Langs[0]
	err := a.Messages.Send(ctx, notify.Message{ID: fmt.Sprintf("checkpoint-%d-%d", c.Size, i+1), Channel: notify.Email, To: pii.New(to),
		Subject: pii.New(lang.T("app.checkpoint_mail", "Date", now.Format(time.DateOnly), "Size", c.Size)), Text: pii.New(text), Kind: "ledger.checkpoint", Lang: lang})
	return errors.Join(err, a.noteKeeper(ctx, mailName(i), c.Size, a.lateAt().Add(mailEvery), err))
}

// lateAt is when it is said that nothing was taken since now.
func (a *App) lateAt() time.Time { return a.Store.Now().Add(a.Config.Checkpoints.Within) }

func (a *App) noteKeeper(ctx context.Context, name string, size int64, late time.Time, err error) error {
	return a.Store.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err != nil {
			return witness.Failed(ctx, tx, name, err, late)
		}
		return witness.Took(ctx, tx, name, size, late)
	})
}

// ServeWitness answers for a witness, within the limits of a server, until ctx ends.
func ServeWitness(ctx context.Context, l net.Listener, h http.Handler, t TLS) error {
	server := (&App{}).server(h)
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		server.Shutdown(last) // what is still on its way then is cut off
	})
	defer stop()
	var err error
	if t.CertificateFile != "" {
		err = server.ServeTLS(l, t.CertificateFile, t.KeyFile)
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		<-done
		return nil
	}
	return err
}
