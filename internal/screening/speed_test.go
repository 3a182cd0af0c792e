package screening_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/screening"
)

// A writer writes posts like those of an app: prose for the most part, in which a clause in
// so many is a sentence of the corpus, with something to be found or a look-alike, and a
// rune in eight another than in the text that was typed for this, so that no pair of runes comes
// again and again.
type writer struct {
	*drawer
	t         testing.TB
	clauses   []string
	runes     []rune
	sentences []string
}

func newWriter(t testing.TB, seed uint64) *writer {
	t.Helper()
	prose, err := os.ReadFile("testdata/prose.txt")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(templates)
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{drawer: newDrawer(seed), t: t, runes: []rune(string(prose))}
	w.clauses = strings.FieldsFunc(string(prose), func(r rune) bool { return strings.ContainsRune("，。！？\n", r) })
	for line := range strings.Lines(string(file)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			w.sentences = append(w.sentences, line)
		}
	}
	return w
}

// post is one of at least so many bytes, a clause in rare a sentence of the corpus.
func (w *writer) post(size, rare int) string {
	var b strings.Builder
	for b.Len() < size {
		if w.IntN(rare) == 0 {
			b.WriteString(place.ReplaceAllStringFunc(w.sentences[w.IntN(len(w.sentences))], func(p string) string {
				_, v := w.draw(w.t, strings.Trim(p, "{}"))
				return v
			}))
			b.WriteByte('\n')
			continue
		}
		for _, r := range w.clauses[w.IntN(len(w.clauses))] {
			switch {
			case r > 0x4e00 && w.IntN(16) == 0:
				r = rune(0x4e00 + w.IntN(0x5000))
			case r > 0x4e00 && w.IntN(16) == 0:
				r = w.runes[w.IntN(len(w.runes))]
			}
			b.WriteRune(r)
		}
		b.WriteString([]string{"，", "。", "！", "\n"}[w.IntN(4)])
	}
	return b.String()
}

// posts are posts of from least to most bytes, some four million of them together.
func (w *writer) posts(least, most, rare int) (posts []string) {
	for size := 0; size < screening.LargestText-8192; size += len(posts[len(posts)-1]) {
		posts = append(posts, w.post(least+w.IntN(most-least+1), rare))
	}
	return posts
}

// sunk is where a sum goes, so that no compiler leaves it out.
var sunk rune

// decoded is what is compared with: the runes of a text, read one by one.
func decoded(text string) (sum rune) {
	for _, r := range text {
		sum ^= r
	}
	return sum
}

// processor is the processor time that this process has taken, of user and system.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Four megabytes of posts with a million known values: a hundred to five hundred bytes each, two to
// twenty thousand, and all of it as one text; and of nothing but sentences of the corpus.
// MB/s is by the clock and cpuMB/s by the processor, which is what one core does that it has to
// itself; "decodings" is how many times as long it takes as to read the runes one by one, in the same
// run; hit% are posts in which something is found.
func BenchmarkScreen(b *testing.B) {
	before, start := heap(), time.Now()
	k, _ := million(newDrawer(4))
	built := time.Since(start)
	b.Logf("%d values: %.1f MB by their own account, %.1f on the heap, %.1f bytes a value; drawn and added in %v", k.Len(), float64(k.Size())/1e6,
		float64(heap()-before)/1e6, float64(k.Size())/float64(k.Len()), built.Round(time.Millisecond))
	w := newWriter(b, 4)
	for _, c := range []struct {
		name  string
		posts []string
		known *screening.Known
	}{
		{"short", w.posts(100, 500, 20), k},
		{"long", w.posts(2000, 20000, 20), k},
		{"whole", []string{w.post(screening.LargestText-8192, 20)}, k},
		{"whole/nothing-known", []string{w.post(screening.LargestText-8192, 20)}, nil},
		{"corpus-only", w.posts(100, 500, 1), k},
	} {
		b.Run(c.name, func(b *testing.B) {
			size, hits, findings := 0, 0, 0
			for _, p := range c.posts {
				found := read(p, c.known)
				size += len(p)
				findings += len(found)
				if len(found) > 0 {
					hits++
				}
			}
			b.SetBytes(int64(size))
			before, n := processor(b), 0
			for b.Loop() {
				for _, p := range c.posts {
					read(p, c.known)
				}
				n++
			}
			took := processor(b) - before
			plain := time.Hour
			for range 5 {
				start := processor(b)
				for _, p := range c.posts {
					sunk = decoded(p)
				}
				plain = min(plain, processor(b)-start)
			}
			b.ReportMetric(float64(n*size)/1e6/took.Seconds(), "cpuMB/s")
			b.ReportMetric(float64(took)/float64(n)/float64(plain), "decodings")
			b.ReportMetric(100*float64(hits)/float64(len(c.posts)), "hit%")
			b.ReportMetric(float64(findings)/float64(size)*1e6, "findings/MB")
		})
	}
}

// What everybody waits for that posts something takes so many times as long as to read its runes, whatever
// else the machine does, and takes no memory where nothing is found.
func TestArticle4_ReadingCostsLittleMoreThanTheText(t *testing.T) {
	g := screening.Gather()
	w := newWriter(t, 5)
	for c := range screening.Child(2000) {
		g.Add(c, screening.Name, pii.New(w.person()))
		g.Add(c, screening.Phone, pii.New("13"+w.digits(9)))
		g.Add(c, screening.Address, pii.New(w.address()))
	}
	k := g.Known()
	text := w.post(200_000, 20)
	least := func(do func()) time.Duration {
		best := time.Hour
		for range 7 { // the least: something else may have had the machine
			start := time.Now()
			do()
			best = min(best, time.Since(start))
		}
		return best
	}
	plain := least(func() { sunk = decoded(text) })
	took := least(func() { read(text, k) })
	t.Logf("%v, and %v to read the runes: %.1f times", took, plain, float64(took)/float64(plain))
	if most := slow * 20 * plain; took > most {
		t.Errorf("%v for a text whose runes are read in %v, want %v at most", took, plain, most)
	}
	prose := strings.Repeat("今天的语文课上，老师让我们写一篇关于秋天的作文。窗外的银杏叶黄了一大半。", 20)
	if n := testing.AllocsPerRun(20, func() { read(prose, k) }); slow == 1 && n > 1 { // under the race detector a sync.Pool forgets
		t.Errorf("%.0f allocations for a text in which nothing is found", n)
	}
}
