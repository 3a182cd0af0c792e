package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
)

// An Order is what somebody wants an archive of.
type Order struct {
	Scope
	Bundle    string // what it is called, "ev_…"; empty: anew
	Origin    string // of the ledger
	Recipient string // an age recipient, "age1…": to whom samples are sealed; empty: there are none
	Progress  func(done, total int64)
}

// samplesAtMost is how many children the samples name.
const samplesAtMost = 100

// chunk is about how many bytes of a register one file has.
const chunk = 4 << 20

// Make writes an archive to w. Before the last of it is written, the ledger has an entry
// about it, so that nothing whole leaves unrecorded; if we crash before that entry, w has no
// manifest and is no archive. Memory is bounded whatever the size. Whatever w is, it must be
// thrown away after an error. Errors: ErrScope, ErrKey, ErrBusy, ErrPlace.
func Make(ctx context.Context, store *db.DB, log *ledger.Log, by catalog.Operator, o Order, w io.Writer) (Manifest, error) {
	if err := o.valid(); err != nil {
		return Manifest{}, err
	}
	if o.Bundle != "" && !id.Is(id.Evidence, o.Bundle) {
		return Manifest{}, ErrScope
	}
	var to age.Recipient
	if o.Recipient != "" {
		r, err := age.ParseX25519Recipient(o.Recipient)
		if err != nil {
			return Manifest{}, ErrKey
		}
		to = r
	}
	p, err := newPack(w)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Format: format, Bundle: cmp.Or(o.Bundle, id.New(id.Evidence)), Origin: o.Origin, Made: store.Now().UnixMicro(),
		From: micros(o.From), To: micros(o.To), Articles: o.Articles, Services: o.Services, Also: []string{}}
	if o.Recipient != "" {
		m.Recipient = sum([]byte(o.Recipient))
	}
	if err := settle(ctx, log); err != nil {
		return Manifest{}, err
	}
	for n := int64(1); n > 0; { // so that what is counted by the day leaves nothing out
		if n, err = tally.Count(ctx, store); err != nil {
			return Manifest{}, err
		}
	}
	if err := p.list(readmeName, readme(m)); err != nil {
		return Manifest{}, err
	}
	err = store.View(ctx, func(tx *db.Tx) error { return m.state(ctx, tx, p, to) })
	if err != nil {
		return Manifest{}, err
	}
	m.Files = p.listed
	text := m.text()
	var entry string
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		entry, err = staff.MadeEvidence(ctx, tx, by, staff.EvidenceBody{Bundle: m.Bundle, From: m.From, To: m.To, Articles: m.Articles, Services: m.Services,
			Samples: to != nil, Manifest: sum(text)})
		return err
	})
	if err == nil {
		err = placed(ctx, store, log, entry)
	}
	if err == nil {
		err = p.put(manifestName, text)
	}
	if err != nil {
		return Manifest{}, err
	}
	err = store.View(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		var done int64
		return ledger.Copy(ctx, tx, func(name string, file []byte) error {
			if o.Progress != nil {
				done = min(done+256, head.Size)
				o.Progress(done, head.Size)
			}
			return p.put(ledgerDir+name, file)
		})
	})
	if err != nil {
		return Manifest{}, err
	}
	return m, p.zip.Close()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// settle gives what waits its place, unless a server beside us is about to.
func settle(ctx context.Context, log *ledger.Log) error {
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := log.Settle(short); err != nil && (short.Err() == nil || ctx.Err() != nil) {
		return err
	}
	return nil
}

// placed waits until an entry has its place, which a server beside us may give it.
func placed(ctx context.Context, store *db.DB, log *ledger.Log, entry string) error {
	for deadline := time.Now().Add(time.Minute); ; {
		if err := settle(ctx, log); err != nil {
			return err
		}
		err := store.View(ctx, func(tx *db.Tx) error {
			_, err := ledger.Find(ctx, tx, entry)
			return err
		})
		if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
		if time.Now().After(deadline) {
			return ErrPlace
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// state writes what the tables say at one moment, and which entries have been by then.
func (m *Manifest) state(ctx context.Context, tx *db.Tx, p *pack, to age.Recipient) error {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return err
	}
	m.Size = head.Size
	err = ledger.Pending(ctx, tx, func(e ledger.Placed) error {
		if len(m.Also) == maxAlso {
			return ErrBusy
		}
		m.Also = append(m.Also, e.ID)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(m.Also)
	if m.Counted, err = ledger.Cursor(ctx, tx, tally.Counted); err != nil {
		return err
	}
	for _, r := range registers {
		if !r.of(m.Articles) {
			continue
		}
		s, err := m.register(ctx, tx, p, r)
		if err != nil {
			return fmt.Errorf("the register of %s: %w", r.name, err)
		}
		m.States = append(m.States, s)
	}
	if err := texts(ctx, tx, p); err != nil {
		return err
	}
	if to == nil {
		return nil
	}
	return samples(ctx, tx, p, to, *m)
}

// register writes the rows of one.
func (m *Manifest) register(ctx context.Context, tx *db.Tx, p *pack, r register) (State, error) {
	s := State{Register: r.name, Articles: r.articles, Columns: r.fields()}
	var b bytes.Buffer
	n := 0
	flush := func() error {
		if b.Len() == 0 {
			return nil
		}
		n++
		defer b.Reset()
		return p.list(fmt.Sprintf("registers/%s/%06d.jsonl", r.name, n), bytes.Clone(b.Bytes()))
	}
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	err := r.rows(ctx, tx, *m, func(cells []string) error {
		s.Rows++
		if err := lines.Encode(cells); err != nil {
			return err
		}
		if b.Len() < chunk {
			return nil
		}
		return flush()
	})
	if err != nil {
		return s, err
	}
	return s, flush()
}

// texts writes what every charter says, whatever the scope, since decisions rest on it; and
// the documents that came with it.
func texts(ctx context.Context, tx *db.Tx, p *pack) error {
	err := db.Each(ctx, tx, func(row db.Row) error {
		var service string
		var n int64
		var text []byte
		if err := row.Scan(&service, &n, &text); err != nil {
			return err
		}
		return p.list(charterName(service, number(n)), text)
	}, `SELECT service, number, canonical FROM charter ORDER BY service, number`)
	if err != nil {
		return err
	}
	// Of a proposal's documents the ledger has no hash yet.
	return db.Each(ctx, tx, func(row db.Row) error {
		var service, kind, lang, text string
		var n int64
		if err := row.Scan(&service, &n, &kind, &lang, &text); err != nil {
			return err
		}
		return p.list(documentName(service, number(n), kind, lang), []byte(text))
	}, `SELECT d.service, d.charter, d.kind, d.lang, d.body FROM document d JOIN charter c ON c.service = d.service AND c.number = d.charter
		WHERE c.published_at IS NOT NULL ORDER BY d.service, d.charter, d.kind, d.lang`)
}

func charterName(service, charter string) string {
	return "charters/" + service + "/" + charter + ".json"
}

func documentName(service, charter, kind, lang string) string {
	return "documents/" + service + "/" + charter + "/" + kind + "." + lang + ".txt"
}

// A sample says whose a pseudonym is.
type sample struct {
	Subject string `json:"subject"`
	Child   string `json:"child"` // as the operator's systems call it in its requests
	Service string `json:"service"`
}

// lowest compares the numbers that two children draw: those with the lowest are samples. They
// rest on the last entry of the ledger, so that nobody picks them; and whoever draws until
// the samples please leaves an entry each time.
func lowest(seed [32]byte, a, b string) int {
	x, y := sha256.Sum256(append(seed[:], a...)), sha256.Sum256(append(seed[:], b...))
	return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a, b))
}

// draw adds a child to those who were drawn so far, in order, if its number is low enough: of any
// number of children, it holds as many as are samples.
func draw(seed [32]byte, some []sample, one sample) []sample {
	i, _ := slices.BinarySearchFunc(some, one, func(a, b sample) int { return lowest(seed, a.Subject, b.Subject) })
	if i == samplesAtMost {
		return some
	}
	some = slices.Insert(some, i, one)
	return some[:min(len(some), samplesAtMost)]
}

// samples seals whose the pseudonyms of some children are. Nobody without the key of the
// recipient, the operator included, opens it in the archive.
func samples(ctx context.Context, tx *db.Tx, p *pack, to age.Recipient, m Manifest) error {
	var seed [32]byte
	if m.Size > 0 {
		last, err := ledger.At(ctx, tx, m.Size-1)
		if err != nil {
			return err
		}
		seed = sha256.Sum256(last.Leaf)
	}
	var some []sample
	err := db.Each(ctx, tx, func(row db.Row) error {
		var s sample
		if err := row.Scan(&s.Subject, &s.Child, &s.Service); err != nil {
			return err
		}
		if m.Services == nil || slices.Contains(m.Services, s.Service) {
			some = draw(seed, some, s)
		}
		return nil
	}, `SELECT subject, child, service FROM child WHERE state <> 'erased' ORDER BY child`)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	for _, s := range some {
		if err := lines.Encode(s); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return p.list(samplesName, sealed.Bytes())
}
