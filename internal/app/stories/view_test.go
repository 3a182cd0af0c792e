package stories

import (
	"fmt"
	"strings"
	"time"
)

// timeLeft and looksLeft are what the page of a look says is left of it.
func (p *insider) timeLeft() time.Duration {
	p.t.Helper()
	var minutes, seconds int
	if _, err := fmt.Sscanf(p.Find(`[data-clock]`).Text(), "%d:%d", &minutes, &seconds); err != nil {
		p.t.Fatal("the clock: ", err)
	}
	return time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
}

func (p *insider) looksLeft() (n int) {
	p.t.Helper()
	if _, err := fmt.Sscanf(p.Find(`[data-looks]`).Text(), "%d", &n); err != nil {
		p.t.Fatal("the looks: ", err)
	}
	return n
}

// keepsNothing tells that what is seen of a child stays nowhere (Article 15): it can't be
// selected, copied, dragged or kept, it goes as soon as nobody looks at the page, and when
// the time is over.
func (p *insider) keepsNothing(ref string) {
	p.t.Helper()
	const seen, show = `canvas:not([hidden])`, `form[data-reveal]:has(input[value=nickname]) button[data-show]`
	looks := p.looksLeft()
	p.press(show)
	p.awaits("console.view.shown")
	if left := p.looksLeft(); left != looks-1 {
		p.t.Errorf("%d looks were left, and after one %d", looks, left)
	}
	if lets := p.Lets(seen, "copy", "cut", "dragstart", "contextmenu", "selectstart"); len(lets) != 0 {
		p.t.Errorf("the page lets %v happen to what is seen", lets)
	}
	if lets := p.Lets("h1", "copy", "contextmenu"); len(lets) != 0 {
		p.t.Errorf("the page lets %v happen beside what is seen", lets)
	}
	if text := p.Selected("[data-view]"); strings.TrimSpace(text) != "" {
		p.t.Errorf("%q can be selected", text)
	}
	if text := p.Selected(""); strings.Contains(text, ref) || strings.TrimSpace(text) == "" {
		p.t.Errorf("of the whole page %q can be selected", text)
	}
	p.LookAway()
	if p.Count(seen) != 0 {
		p.t.Error("what was seen is there after somebody looked away")
	}
	p.press(show)
	p.awaits("console.view.shown")
	if p.Count(seen) != 1 {
		p.t.Error("what is asked for again isn't shown")
	}
	before := p.timeLeft()
	p.Wait(time.Minute)
	for end := time.Now().Add(20 * time.Second); before-p.timeLeft() < time.Minute; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("after a minute of %v, %v are left", before, p.timeLeft())
		}
	}
	p.Wait(time.Hour)
	p.awaits("console.view.over")
	if p.Count(seen) != 0 || p.Count(`button[data-show]:not([disabled])`) != 0 {
		p.t.Error("when the time is over, something is seen, or offered")
	}
}
