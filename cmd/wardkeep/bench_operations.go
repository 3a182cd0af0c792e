package main

import (
	"bytes"
	"slices"
	"strconv"

	"wardkeep/internal/base/id"
)

// An operation is one kind of request. Those that need what another makes come
// after it.
type operation struct {
	name   string
	each   int // how many of what is counted one request holds
	status int // of the good answer
	needs  []string
	finite bool   // works on what another operation left, and ends with it
	path   string // of a page of the console

	next func(w *worker) bool              // makes the next request; false: nothing is left
	done func(w *worker, body []byte) bool // takes what the answer says; false: it doesn't say it
}

// feeds reports whether one of the named operations needs what o leaves.
func (o operation) feeds(names []string) bool {
	return slices.ContainsFunc(operations, func(other operation) bool {
		return slices.Contains(names, other.name) && slices.Contains(other.needs, o.name)
	})
}

// batch is how many questions a batch holds, the most that the server takes.
const batch = 1000

var operations = []operation{
	{name: "register", each: 1, status: 201, next: register, done: keepID(func(w *worker) *shelf { return &w.registered }, "")},
	{name: "ask", each: 1, status: 201, needs: []string{"register"}, finite: true, next: askNext, done: keepID(func(w *worker) *shelf { return &w.asked }, " ")},
	{name: "answer", each: 1, status: 200, needs: []string{"register", "ask"}, finite: true, next: answerNext, done: answered},
	{name: "collect", each: 1, status: 200, next: collectNext},
	{name: "read", each: 1, status: 200, next: readNext},
	{name: "decide", each: 1, status: 200, next: decideNext(1, 1), done: permitted},
	{name: "batch-wide", each: batch, status: 200, next: decideNext(batch, 1), done: permitted},
	{name: "batch-deep", each: batch, status: 200, next: decideNext(batch/20, 20), done: permitted},
	{name: "seal", each: 1, status: 200, next: sealNext, done: sealed},
	{name: "open", each: 1, status: 200, needs: []string{"seal"}, next: openNext},
	{name: "erase", each: 1, status: 200, needs: []string{"register", "ask", "answer"}, finite: true, next: eraseNext},
}

// child returns any child of the world.
func (w *worker) child() string {
	return w.world.children[w.random.IntN(len(w.world.children))]
}

// set starts the body of a request.
func (w *worker) set(parts ...string) {
	w.body = w.body[:0]
	w.more(parts...)
}

func (w *worker) more(parts ...string) {
	for _, p := range parts {
		w.body = append(w.body, p...)
	}
}

func register(w *worker) bool {
	w.serial++
	w.set(`{"ref":"`, id.Secret(12), `","birth_date":"2018-0`, strconv.Itoa(1+w.serial%9), `-15","guardian":{"phone":"1390000`,
		strconv.Itoa(1000+w.random.IntN(9000)), `"}}`)
	w.http.ask("POST", w.body, "/children")
	return true
}

// keepID leaves the id in the answer, after what the request was about.
func keepID(on func(*worker) *shelf, after string) func(*worker, []byte) bool {
	return func(w *worker, body []byte) bool {
		_, rest, ok := bytes.Cut(body, []byte(`"id":"`))
		name, _, closed := bytes.Cut(rest, []byte(`"`))
		if after == "" {
			on(w).put(string(name))
		} else {
			on(w).put(w.current + after + string(name))
		}
		return ok && closed
	}
}

func askNext(w *worker) bool {
	child, ok := w.registered.take()
	w.current = child
	w.set(`{"child":"`, child, `","purposes":["`, benchPurposes[0], `","`, benchPurposes[1], `"],"channel":"link","locale":"zh-CN"}`)
	w.http.ask("POST", w.body, "/consent-requests")
	return ok
}

func answerNext(w *worker) bool {
	both, ok := w.asked.take()
	if !ok {
		return false
	}
	child, request := both[:len(both)/2], both[len(both)/2+1:]
	w.current = child
	w.set(`{"outcome":"granted"}`)
	w.http.ask("POST", w.body, "/consent-requests/", request, ":force")
	return true
}

func answered(w *worker, _ []byte) bool {
	w.answered.put(w.current)
	return true
}

// collectNext collects of the children that just came, then of any.
func collectNext(w *worker) bool {
	w.set(`{"purpose":"`, benchPurpose, `","values":{"lesson_progress":"`, strconv.Itoa(w.random.IntN(2000)), `","weekly_score":"`,
		strconv.Itoa(w.random.IntN(100)), `"}}`)
	child, ok := w.answered.take()
	if ok {
		w.doomed.put(child)
	} else {
		child = w.child()
	}
	w.http.ask("PUT", w.body, "/children/", child, "/items")
	return true
}

func readNext(w *worker) bool {
	w.set(`{"purpose":"`, benchPurpose, `","items":["`, benchItem, `"]}`)
	w.http.ask("POST", w.body, "/children/", w.child(), "/items:read")
	return true
}

// questions are what is asked about one child: the answers are yes.
var questions = []string{
	`"collect","purpose":"course-progress","items":["nickname"]`, `"store","purpose":"course-progress","items":["nickname"]`,
	`"use","purpose":"course-progress","items":["nickname"]`, `"use","purpose":"course-progress","items":["grade","lesson_progress"]`,
	`"use","purpose":"speaking-practice","items":["voice"]`, `"collect","purpose":"speaking-practice","items":["voice","speaking_score"]`,
}

// decideNext asks so many questions about each of so many children.
func decideNext(children, each int) func(*worker) bool {
	return func(w *worker) bool {
		w.set(`{"checks":[`)
		for i := range children {
			child := w.child()
			for j := range each {
				if i+j > 0 {
					w.more(`,`)
				}
				w.more(`{"child":"`, child, `","activity":`, questions[(i+j)%len(questions)], `}`)
			}
		}
		w.more(`]}`)
		w.http.ask("POST", w.body, "/decisions")
		return true
	}
}

// permitted looks at the last answer: what isn't decided about the right child
// in the right order would be a no.
func permitted(_ *worker, body []byte) bool {
	return bytes.HasSuffix(body, []byte(`{"permitted":true}]}`+"\n"))
}

func sealNext(w *worker) bool {
	w.current = w.child()
	w.set(`{"purpose":"`, benchPurpose, `","children":[{"child":"`, w.current, `","values":{"answers":"apple, pear, plum"}}]}`)
	w.http.ask("POST", w.body, "/seal")
	return true
}

// sealed keeps some of what was sealed, to be opened.
func sealed(w *worker, body []byte) bool {
	_, rest, ok := bytes.Cut(body, []byte(`"answers":"`))
	text, _, closed := bytes.Cut(rest, []byte(`"`))
	if w.serial++; w.serial%16 == 1 {
		w.load.sealed.put(w.current + " " + string(text))
	}
	return ok && closed
}

func openNext(w *worker) bool {
	both, ok := w.load.sealed.any(w.random)
	if !ok {
		return false
	}
	child, text := both[:len(w.world.children[0])], both[len(w.world.children[0])+1:]
	w.set(`{"purpose":"`, benchPurpose, `","children":[{"child":"`, child, `","values":{"answers":"`, text, `"}}]}`)
	w.http.ask("POST", w.body, "/open")
	return true
}

func eraseNext(w *worker) bool {
	child, ok := w.doomed.take()
	if !ok {
		if child, ok = w.answered.take(); !ok {
			return false
		}
	}
	w.http.ask("DELETE", nil, "/children/", child)
	return true
}
