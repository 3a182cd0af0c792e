package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
)

// A Check is what an archive is verified with, from elsewhere than the archive.
type Check struct {
	Key         string   // the ledger's public key
	Checkpoints []string // of earlier times, that were kept elsewhere
	Identity    age.Identity
	Progress    func(done, total int64)
}

// Verify checks an archive offline. It changes nothing, unpacks nothing to a disk and
// believes nothing. An error says that there is nothing to check: ErrArchive, ErrCrowded;
// what is wrong is in the report. Memory is that of the children and of the rows that are
// stated, as of an audit, and not that of the entries.
func Verify(ctx context.Context, file io.ReaderAt, size int64, c Check) (Report, error) {
	var r Report
	a, err := openArchive(file, size, r.found)
	if err != nil {
		return Report{}, err
	}
	if same, err := a.framed(); err != nil {
		return Report{}, err
	} else if !same {
		r.found(FoundFrame, "")
	}
	v := &verification{report: &r, archive: a, check: c}
	v.manifest()
	if err := v.ledger(ctx, nil); err != nil {
		return Report{}, err
	}
	v.recorded()
	v.proved()
	v.states()
	v.samples()
	return r, nil
}

// A verification is one run of Verify.
type verification struct {
	report  *Report
	archive *archive
	check   Check
	read    bool   // there is a manifest
	digest  string // its hash
	texts   []replay.Text

	book  *book
	mine  []made // what the ledger says of this archive
	seed  [32]byte
	also  map[string]bool
	past  bool // an entry of long before it was made came after what it states
	whole bool // the ledger was read to the end, and holds
}

// A made is an entry that an archive was made.
type made struct {
	staff.EvidenceBody
	at int64
}

// What an archive states is of when it was made: lag is more than a transaction takes and than two
// clocks differ by, longest more than the tables of ten million children take to be read.
const (
	lag     = int64(10 * time.Minute / time.Microsecond)
	longest = int64(24 * time.Hour / time.Microsecond)
)

// manifest reads it, and compares the files with it.
func (v *verification) manifest() {
	r, a := v.report, v.archive
	text := a.read(manifestName, maxManifest)
	m, ok := readManifest(text)
	if !ok {
		r.found(FoundManifest, manifestName)
		return
	}
	v.read, v.digest, r.Manifest = true, sum(text), m
	if !m.stated() {
		r.found(FoundStates, manifestName)
	}
	listed := map[string]bool{manifestName: true}
	r.Manifest.Files = nil // those that are read, each once
	for _, f := range m.Files {
		if listed[f.Name] || strings.HasPrefix(f.Name, ledgerDir) || !named(f.Name) {
			r.found(FoundName, f.Name)
			continue
		}
		listed[f.Name] = true
		r.Manifest.Files = append(r.Manifest.Files, f)
		if a.files[f.Name] == nil {
			r.found(FoundMissing, f.Name)
			continue
		}
		b := a.read(f.Name, maxListed)
		if b != nil && (sum(b) != f.SHA256 || int64(len(b)) != f.Size) {
			r.found(FoundChanged, f.Name)
		}
		if parts := strings.Split(f.Name, "/"); b != nil && parts[0] == "charters" {
			n, err := strconv.ParseInt(strings.TrimSuffix(parts[2], ".json"), 10, 64)
			if err == nil {
				v.texts = append(v.texts, replay.Text{Service: parts[1], Number: n, Canonical: b})
			}
		}
	}
	if !listed[readmeName] {
		r.found(FoundMissing, readmeName) // who is given an archive reads it first: one without it is another
	}
	for _, f := range a.zip.File {
		if a.files[f.Name] != nil && !listed[f.Name] && !strings.HasPrefix(f.Name, ledgerDir) {
			r.found(FoundUnlisted, f.Name)
		}
	}
}

// stated reports whether the manifest states what archives of its scope state.
func (m Manifest) stated() bool {
	var want []register
	for _, r := range registers {
		if r.of(m.Articles) {
			want = append(want, r)
		}
	}
	return slices.EqualFunc(m.States, want, func(s State, r register) bool {
		return s.Register == r.name && slices.Equal(s.Articles, r.articles) && slices.Equal(s.Columns, r.fields())
	})
}

// batch is how many entries are handed on at once.
const batch = 1024

// ledger recomputes the tree of the copy, and meanwhile folds its entries and decides again,
// on another processor. Gaps are those that a first run has found.
func (v *verification) ledger(ctx context.Context, gaps replay.Gaps) error {
	m := v.report.Manifest
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v.book, v.mine, v.past = newBook(), nil, false
	v.also = make(map[string]bool, len(m.Also))
	for _, entry := range m.Also {
		v.also[entry] = true
	}
	fold := replay.NewOffline(v.texts, gaps)
	var told replay.Gaps
	batches, done := make(chan []ledger.Placed, 8), make(chan struct{})
	go func() {
		defer close(done)
		for b := range batches {
			for _, p := range b {
				fold.Entry(p)
				told.Tells(p)
				v.entry(p, gaps)
			}
		}
	}()
	total := v.extent()
	var some []ledger.Placed
	report, err := ledger.VerifyEach(ctx, ledger.FromFiles(v.archive), v.check.Key, func(p ledger.Placed) error {
		if some = append(some, p); len(some) == batch {
			batches <- some
			some = make([]ledger.Placed, 0, batch)
			if v.check.Progress != nil {
				v.check.Progress(p.Place+1, max(total, p.Place+1))
			}
		}
		return nil
	}, v.check.Checkpoints...)
	batches <- some
	close(batches)
	<-done
	if err != nil {
		return err
	}
	v.report.Ledger = report
	decisions, again := fold.End()
	if again {
		v.archive.found = func(string, string) {}            // what is wrong with a file was said
		return v.ledger(ctx, append(replay.Gaps{}, told...)) // none, where what was told can't be: then that is found
	}
	if key, err := note.NewVerifier(v.check.Key); err == nil && v.read && m.Origin != key.Name() {
		v.report.found(FoundForeign, m.Origin)
	}
	v.whole = report.OK()
	v.report.Decisions, v.report.Decided = decisions, v.whole && decisions.Entries == report.Size
	return nil
}

// extent is how many entries there may be, for whoever watches.
func (v *verification) extent() (n int64) {
	for name := range v.archive.files {
		if strings.HasPrefix(name, ledgerDir+"tile/entries/") {
			n += 256
		}
	}
	return n
}

// entry folds an entry into the registers if it had been when they were read.
func (v *verification) entry(p ledger.Placed, gaps replay.Gaps) {
	m := v.report.Manifest
	if p.Kind == staff.KindEvidence {
		if b := as[staff.EvidenceBody](p); b.Bundle == m.Bundle {
			v.mine = append(v.mine, made{b, p.At.UnixMicro()})
		}
	}
	stated := p.Place < m.Size || v.also[p.ID]
	if p.At.UnixMicro() < m.Made-lag && (!stated || p.Place < m.Size && p.Place >= m.Counted) {
		v.past = true
	}
	if p.Place == m.Size-1 {
		v.seed = sha256.Sum256(p.Leaf)
	}
	if p.Place < m.Counted {
		v.book.count(p)
	}
	if stated && !gaps.Missed(p.Place) {
		v.book.entry(p)
		delete(v.also, p.ID)
	}
}

// recorded compares the archive with what the ledger says of it.
func (v *verification) recorded() {
	m := v.report.Manifest
	if !v.read || !v.whole {
		return
	}
	if len(v.mine) != 1 {
		v.report.found(FoundAlone, m.Bundle)
		return
	}
	b := v.mine[0]
	if b.Manifest != v.digest || b.From != m.From || b.To != m.To || !slices.Equal(b.Articles, m.Articles) || !slices.Equal(b.Services, m.Services) || b.Samples != (m.Recipient != "") || len(v.also) > 0 {
		v.report.found(FoundOther, m.Bundle)
	}
	if v.past || m.Made > b.at+lag || b.at > m.Made+longest {
		v.report.found(FoundEarly, m.Bundle)
	}
}

// proved holds that each file is one that something here proves, whatever the scope: a text by
// its hash in the ledger, rows as those of a register that is stated.
func (v *verification) proved() {
	if !v.whole {
		return
	}
	m := v.report.Manifest
	for _, f := range m.Files {
		kind, rest, _ := strings.Cut(f.Name, "/")
		name, _, _ := strings.Cut(rest, "/")
		proved := true
		switch kind {
		case "charters", "documents":
			proved = v.book.texts[f.Name] == f.SHA256
		case "registers":
			proved = slices.ContainsFunc(m.States, func(s State) bool { return s.Register == name })
		case samplesName:
			proved = m.Recipient != ""
		}
		if !proved {
			v.report.found(FoundUnproved, f.Name)
		}
	}
}

// states compares each register with what the entries give.
func (v *verification) states() {
	m := v.report.Manifest
	for _, r := range registers { // each once, whatever the manifest says
		i := slices.IndexFunc(m.States, func(s State) bool { return s.Register == r.name })
		if i < 0 {
			continue
		}
		verdict := Verdict{State: m.States[i], Standing: Holds}
		switch {
		case !v.whole || !slices.Equal(verdict.Columns, r.fields()):
			verdict.Standing = Unchecked
		default:
			v.compare(r, &verdict)
		}
		v.report.States = append(v.report.States, verdict)
	}
}

func (v *verification) compare(r register, verdict *Verdict) {
	m := v.report.Manifest
	want := v.book.of(r, m)
	seen := make(map[string]bool)
	var rows int64
	prefix, columns := "registers/"+r.name+"/", r.fields()
	for _, f := range m.Files {
		if !strings.HasPrefix(f.Name, prefix) {
			continue
		}
		for line := range bytes.Lines(v.archive.read(f.Name, maxListed)) {
			rows++
			var cells []string
			if json.Unmarshal(line, &cells) != nil || len(cells) != len(columns) {
				verdict.differs(Difference{Code: RowBroken, Row: f.Name})
				continue
			}
			key := r.keyOf(cells)
			have := want[key]
			switch {
			case seen[key]:
				verdict.differs(Difference{Code: RowTwice, Row: key})
			case have == nil:
				verdict.differs(Difference{Code: RowExtra, Row: key})
			}
			for i, column := range columns {
				if have != nil && have[i] != cells[i] {
					verdict.differs(Difference{Code: RowDiffers, Row: key, Column: column, Want: have[i], Got: cells[i]})
				}
			}
			if have != nil && !seen[key] {
				seen[key] = true // of those that an entry gives: there are no more than these
				if !v.hasText(r, have) {
					verdict.differs(Difference{Code: RowText, Row: key})
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !seen[key] {
			verdict.differs(Difference{Code: RowMissing, Row: key})
		}
	}
	if rows != verdict.Rows {
		verdict.differs(Difference{Code: RowDiffers, Row: r.name, Column: "rows", Want: number(rows), Got: number(verdict.Rows)})
	}
}

// hasText reports whether the text that a row has the hash of is in the archive.
func (v *verification) hasText(r register, cells []string) bool {
	switch r.name {
	case "charters":
		return sum(v.archive.read(charterName(cells[0], cells[1]), maxListed)) == cells[2]
	case "documents":
		return sum(v.archive.read(documentName(cells[0], cells[1], cells[2], cells[3]), maxListed)) == cells[4]
	}
	return true
}

// samples opens the samples, if the key is there, and holds that they are those that were
// drawn.
func (v *verification) samples() {
	m := v.report.Manifest
	if m.Recipient == "" {
		return
	}
	verdict := Verdict{State: State{Register: "samples"}, Standing: Unchecked}
	defer func() { v.report.Samples = verdict }()
	if !v.whole || v.check.Identity == nil {
		return
	}
	verdict.Standing = Holds
	sealed := v.archive.read(samplesName, maxListed)
	plain, err := age.Decrypt(bytes.NewReader(sealed), v.check.Identity)
	if err != nil {
		verdict.differs(Difference{Code: RowBroken, Row: samplesName})
		return
	}
	var drawn []sample
	for subject, service := range v.book.living {
		if m.Services == nil || slices.Contains(m.Services, service) {
			drawn = draw(v.seed, drawn, sample{Subject: subject, Service: service})
		}
	}
	var want, got []string
	for _, s := range drawn {
		want = append(want, s.Subject)
	}
	differs := func(code, subject, column, want, is string) {
		verdict.differs(Difference{Code: code, Row: subject, Column: column, Want: want, Got: is})
	}
	for d := json.NewDecoder(io.LimitReader(plain, maxListed)); ; {
		var one sample
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			verdict.differs(Difference{Code: RowBroken, Row: samplesName})
			return
		}
		if of := v.book.living[one.Subject]; of != "" && of != one.Service {
			differs(RowDiffers, one.Subject, "service", of, one.Service)
		}
		got = append(got, one.Subject)
	}
	verdict.Rows = int64(len(got))
	seen := make(map[string]bool)
	for _, subject := range got {
		switch {
		case !slices.Contains(want, subject):
			differs(RowExtra, subject, "", "", "")
		case seen[subject]:
			differs(RowTwice, subject, "", "", "") // else a pseudonym could stand for two children
		}
		seen[subject] = true
	}
	for _, subject := range want {
		if !slices.Contains(got, subject) {
			differs(RowMissing, subject, "", "", "")
		}
	}
}
