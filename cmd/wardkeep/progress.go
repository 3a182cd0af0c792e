package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress shows how far a long command is: on a terminal as a bar with rate
// and time left, elsewhere as a line now and then. It is safe for concurrent use.
type progress struct {
	s     *session
	label string
	total int
	bar   *progressbar.ProgressBar // nil elsewhere

	mu    sync.Mutex
	done  int
	begun time.Time
	said  time.Time
}

// sayEvery is how often a line is written where there is no terminal.
const sayEvery = 10 * time.Second

// progress begins to show the work that key names; total is -1 if unknown.
func (s *session) progress(key string, total int) *progress {
	p := &progress{s: s, label: s.lang.T(key), total: total, begun: time.Now(), said: time.Now()}
	if onTerminal(s.err) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription(p.label), progressbar.OptionSetWidth(24),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(s.lang.T("cmd.progress.unit")),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionOnCompletion(func() { io.WriteString(s.err, "\n") }))
	}
	return p
}

// add counts n more. That a bar can't be drawn is no reason to stop.
func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show()
}

// set says how much is done of how much there is to do.
func (p *progress) set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int64(p.total) != total && p.bar != nil {
		p.bar.ChangeMax64(total)
	}
	p.done, p.total = int(done), int(total)
	p.show()
}

func (p *progress) show() {
	if p.bar != nil {
		p.bar.Set(p.done)
		return
	}
	if now := time.Now(); now.Sub(p.said) >= sayEvery {
		p.said = now
		rate := float64(p.done) / now.Sub(p.begun).Seconds()
		left := "?"
		if p.total >= p.done && rate > 0 {
			left = time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second).String()
		}
		p.s.note("cmd.progress.line", "What", p.label, "Done", p.done, "Total", max(p.total, p.done),
			"Rate", fmt.Sprintf("%.0f", rate), "Left", left)
	}
}

// end leaves the terminal as it was.
func (p *progress) end() {
	if p.bar != nil && !p.bar.IsFinished() {
		p.bar.Exit()
		io.WriteString(p.s.err, "\n")
	}
}
