package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	_ "modernc.org/sqlite"

	"wardkeep/client"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/impact/impacttest"
)

// What scripts can say beside exec and stdout. WORK is the script's directory.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"ready":    isReady,  // ready DIR: makes a store there with a service that may collect
		"capture":  capture,  // capture VAR: keeps the last line of the standard output
		"sql":      execSQL,  // sql DATABASE STATEMENT
		"rows":     rows,     // rows DATABASE QUERY N: the query counts N, N+ for at least N
		"until":    until,    // until DATABASE QUERY N: until it counts at least N
		"person":   person,   // person DATABASE NAME VAR: keeps the id of somebody inside
		"children": children, // children DATABASE FILE: lists who is enrolled and asked
		"hold":     hold,     // hold DATABASE: nobody else may write until the script ends
		"tamper":   tamper,   // tamper DATABASE|FILE OLD NEW: replaces bytes, as many by as many
		"port":     port,     // port VAR: an address that is free
		"up":       up,       // up URL: until it answers
		"hammer":   hammer,   // hammer ADDRESS KEY TIME REF…: reads the children all the time; each is answered
		"enrol":    enrol,    // enrol ADDRESS KEY REF: registers a child through the API
		"gateway":  gateway,  // gateway VAR STATUS: an SMS gateway that answers so
		"receiver": receiver, // receiver VAR: a receiver of events that takes all; its authority is in receiver.pem
		"verifies": verifies, // verifies SECRET: from now on it refuses what isn't signed with it; with none, everything
		"marked":   marked,   // marked CONFIG DOCUMENT FILE: a page of a document, as who first looked at it has it
		"worded":   worded,   // worded CONFIG CHILD FILE VAR: a picture of the words of a demand that were shown twice, the second time to a worker; keeps the demand's id
		"seen":     seen,     // seen CONFIG CHILD FILE VAR: a picture of a value that a worker was shown; keeps the request's id
		"suspect":  suspect,  // suspect CONFIG REF VAR: an account that may be a child's; keeps the suspicion's id
		"streamed": streamed, // streamed CONFIG VAR: a log stream on the register; keeps its id
		"harmful":  harmful,  // harmful CONFIG REF VAR: content that is published; keeps the case's id
		"assessed": assessed, // assessed DIR: writes an assessment of each purpose of a charter that has none that fits
		"agreed":   agreed,   // agreed CONFIG CHILD GUARDIAN: a child of which a nickname is held; keeps the ids
		"document": document, // document CONFIG VAR: a guardian sends a document of one page; keeps the attempt's id
		"got":      got,      // got N KIND: the gateway has that many messages of the kind
		"answer":   answer,   // answer ADDRESS KEY LANG FILE: a guardian answers, and keeps the receipt
		"erase":    erase,    // erase ADDRESS KEY REF FILE: the app erases a child, and its guardian keeps the certificate
	}
}

func want(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

// isReady makes what apply.txtar and officer.txtar show step by step.
func isReady(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "ready DIR")
	dir, example := ts.MkAbs(args[0]), ts.Getenv("EXAMPLES")+"/xiaoxi-english"
	ts.Check(os.MkdirAll(dir, 0o700))
	back := ts.MkAbs(".")
	ts.Check(ts.Chdir(dir))
	ts.Check(ts.Exec("wardkeep", "apply", example, "--state", "test"))
	ts.Check(ts.Exec("wardkeep", "officer", "appoint", "-s", "xiaoxi-english", "--role", "deputy", "--name", "Li", "--contact", "2"))
	ts.Check(ts.Exec("wardkeep", "officer", "appoint", "-s", "xiaoxi-english", "--role", "officer", "--name", "Wang", "--contact", "1"))
	officer := strings.TrimSpace(ts.ReadFile("stdout"))
	ts.Check(ts.Exec("wardkeep", "apply", example, "--publish", "--officer", officer, "--yes"))
	ts.Check(ts.Chdir(back))
}

func assessed(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "assessed DIR")
	dir := ts.MkAbs(args[0])
	c, err := charter.Load(os.DirFS(dir))
	ts.Check(err)
	ts.Check(os.MkdirAll(filepath.Join(dir, impact.Dir), 0o700))
	for _, p := range c.Purposes {
		if _, err := impact.Read(os.DirFS(dir), impact.File(p.Name), c); err != nil {
			text := charter.FormSource(impacttest.Form(c, p.Name))
			ts.Check(os.WriteFile(filepath.Join(dir, impact.File(p.Name)), []byte(text), 0o600))
		}
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "capture VAR")
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	ts.Setenv(args[0], lines[len(lines)-1])
}

func database(ts *testscript.TestScript, name string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(name)+"?_pragma=busy_timeout(10000)")
	ts.Check(err)
	ts.Defer(func() { db.Close() })
	return db
}

func execSQL(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "sql DATABASE STATEMENT")
	_, err := database(ts, args[0]).Exec(args[1])
	ts.Check(err)
}

func count(ts *testscript.TestScript, db *sql.DB, query string) (n int, err error) {
	err = db.QueryRow(query).Scan(&n)
	return n, err
}

func rows(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "rows DATABASE QUERY N")
	number, least := strings.CutSuffix(args[2], "+")
	expect, err := strconv.Atoi(number)
	ts.Check(err)
	n, err := count(ts, database(ts, args[0]), args[1])
	ts.Check(err)
	if n != expect && (!least || n < expect) {
		ts.Fatalf("%s: %d, want %s", args[1], n, args[2])
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "until DATABASE QUERY N")
	least, err := strconv.Atoi(args[2])
	ts.Check(err)
	db := database(ts, args[0])
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if n, err := count(ts, db, args[1]); err == nil && n >= least {
			return
		}
	}
	ts.Fatalf("%s: not %d within a minute", args[1], least)
}

func person(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "person DATABASE NAME VAR")
	var id string
	ts.Check(database(ts, args[0]).QueryRow(`SELECT id FROM person WHERE name = ?`, args[1]).Scan(&id))
	ts.Setenv(args[2], id)
}

// children lists each child by the keyed hash of its reference, with the channel
// of its request: two stores with one key and one set of children have one list.
func children(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "children DATABASE FILE")
	all, err := database(ts, args[0]).Query(`
		SELECT r.ref_hash, c.state, coalesce(q.channel, ''), coalesce(q.state, ''), coalesce(q.sends, 0)
		FROM child_ref r JOIN child c ON c.child = r.child LEFT JOIN consent_request q ON q.child = c.child
		ORDER BY r.ref_hash, q.id`)
	ts.Check(err)
	defer all.Close()
	var list bytes.Buffer
	for all.Next() {
		var ref []byte
		var child, channel, request string
		var sends int
		ts.Check(all.Scan(&ref, &child, &channel, &request, &sends))
		fmt.Fprintln(&list, hex.EncodeToString(ref), child, channel, request, sends)
	}
	ts.Check(all.Err())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), list.Bytes(), 0o600))
}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "hold DATABASE")
	ctx := context.Background()
	conn, err := database(ts, args[0]).Conn(ctx)
	ts.Check(err)
	_, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	ts.Check(err)
	ts.Defer(func() {
		conn.ExecContext(ctx, "ROLLBACK")
		conn.Close()
	})
}

func tamper(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "tamper DATABASE|FILE OLD NEW")
	old, fresh := []byte(args[1]), []byte(args[2])
	if len(old) != len(fresh) {
		ts.Fatalf("tamper: as many bytes by as many")
	}
	if !strings.HasSuffix(args[0], ".db") {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		if !bytes.Contains(b, old) {
			ts.Fatalf("tamper: %q isn't there", old)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Replace(b, old, fresh, 1), 0o600))
		return
	}
	db := database(ts, args[0])
	var start int
	var entries []byte
	ts.Check(db.QueryRow(`SELECT start, entries FROM ledger_bundle WHERE instr(entries, CAST($1 AS BLOB)) > 0 LIMIT 1`, args[1]).Scan(&start, &entries))
	_, err := db.Exec(`UPDATE ledger_bundle SET entries = $1 WHERE start = $2`, bytes.Replace(entries, old, fresh, 1), start)
	ts.Check(err)
}

func port(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "port VAR")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

func up(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "up URL")
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(args[0]); err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return
		}
	}
	ts.Fatalf("%s doesn't answer", args[0])
}

const apiPath = "/v1/services/xiaoxi-english/children"

func call(ts *testscript.TestScript, method, url, key, body string) (status int, answer string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	ts.Check(err)
	return res.StatusCode, string(b)
}

func hammer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: hammer ADDRESS KEY TIME REF…")
	}
	for_, err := time.ParseDuration(args[2])
	ts.Check(err)
	for end := time.Now().Add(for_); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, ref := range args[3:] {
			// Opening the reference takes the child's key.
			if status, answer := call(ts, "GET", "http://"+args[0]+apiPath+"/ref:"+ref, args[1], ""); status != 200 || !strings.Contains(answer, ref) {
				ts.Fatalf("%s: %d %s", ref, status, answer)
			}
		}
	}
}

func enrol(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "enrol ADDRESS KEY REF")
	status, answer := call(ts, "POST", "http://"+args[0]+apiPath, args[1],
		`{"ref":"`+args[2]+`","birth_date":"2019-05-16","guardian":{"phone":"13800138009","relation":"parent"}}`)
	if status != 201 {
		ts.Fatalf("%d %s", status, answer)
	}
}

// An inbox is what the gateway of a script got: how many messages of each kind,
// their ids, the links of the requests, and the last one-time code.
type inbox struct {
	sync.Mutex
	kinds       map[string]int
	ids         []string
	links       []string
	code        string
	certificate string // where the newest one is
}

// inboxes are the inboxes of the scripts, by their directories.
var inboxes sync.Map

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

var link = regexp.MustCompile(`https?://\S+/r/[0-9a-z]{52}`)

var ledgersName = regexp.MustCompile(`(ch|co|cr|gu|le|su)_`)

func gateway(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "gateway VAR STATUS")
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	in := &inbox{kinds: map[string]int{}}
	inboxes.Store(ts.Getenv("WORK"), in)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err == nil && status == http.StatusOK {
			var m struct{ Kind string }
			if err := json.Unmarshal(body, &m); err != nil {
				m.Kind = "unreadable"
			}
			in.Lock()
			in.kinds[m.Kind]++
			in.ids = append(in.ids, r.Header.Get("webhook-id"))
			switch m.Kind {
			case "consent.request":
				in.links = append(in.links, string(link.Find(body)))
			case "consent.code":
				in.code = string(sixDigits.Find(body))
			case "child.erased":
				in.certificate = string(certificate.Find(body))
			}
			in.Unlock()
		}
		w.WriteHeader(status)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// secrets are those by which the receivers of the scripts check, by their directories.
var secrets sync.Map

func receiver(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "receiver VAR")
	dir := ts.Getenv("WORK")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		secret, checks := secrets.Load(dir)
		if checks && err == nil {
			var hook *standardwebhooks.Webhook
			if hook, err = standardwebhooks.NewWebhook(secret.(string)); err == nil {
				err = hook.Verify(body, r.Header)
			}
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	ts.Defer(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("receiver.pem"), authority, 0o600))
	ts.Setenv(args[0], server.URL)
}

func verifies(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "verifies SECRET")
	secrets.Store(ts.Getenv("WORK"), args[0])
}

// got wants so many messages of a kind, and in each request a link, and no link
// twice; and that no message's id leads from a gateway's log into the ledger.
func got(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "got N KIND")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	v, ok := inboxes.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Check(errors.New("there is no gateway"))
	}
	in := v.(*inbox)
	in.Lock()
	defer in.Unlock()
	seen := map[string]bool{}
	for _, l := range in.links {
		if l == "" || seen[l] {
			ts.Fatalf("a request without a link of its own")
		}
		seen[l] = true
	}
	for i, name := range in.ids {
		if name == "" || ledgersName.MatchString(name) || slices.Contains(in.ids[:i], name) {
			ts.Fatalf("a message without an id of its own, or with one that the ledger has: %q", name)
		}
	}
	if in.kinds[args[1]] != n {
		ts.Fatalf("%d of %s, want %d; in all %v", in.kinds[args[1]], args[1], n, in.kinds)
	}
}

// answer has a child registered whose guardian refuses the class ranking and
// agrees to the rest. The script has a gateway.
var certificate = regexp.MustCompile(`/certificate/[0-9a-z]{52}`)

func erase(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 4, "erase ADDRESS KEY REF FILE")
	c, err := wardkeep.New("http://"+args[0], "xiaoxi-english", args[1])
	ts.Check(err)
	_, err = c.Erase(context.Background(), wardkeep.Ref(args[2]))
	ts.Check(err)
	v, ok := inboxes.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("there is no gateway")
	}
	in := v.(*inbox)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("no certificate comes")
		}
		in.Lock()
		path := in.certificate
		in.Unlock()
		if path == "" {
			continue
		}
		answer, err := http.Get("http://" + args[0] + path + "/certificate.json")
		ts.Check(err)
		file, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		ts.Check(err)
		ts.Check(answer.Body.Close())
		if answer.StatusCode == http.StatusOK { // before that, the ledger gives it a place
			ts.Check(os.WriteFile(ts.MkAbs(args[3]), file, 0o600))
			return
		}
	}
}

func answer(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 4, "answer ADDRESS KEY LANG FILE")
	ctx, lang := context.Background(), args[2]
	v, ok := inboxes.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("there is no gateway")
	}
	c, err := wardkeep.New("http://"+args[0], "xiaoxi-english", args[1])
	ts.Check(err)
	_, err = c.Register(ctx, wardkeep.NewChild{Ref: "answered-" + lang, BirthDate: "2019-05-16", Guardian: wardkeep.GuardianContact{Phone: "13800138010", Relation: "parent"}})
	ts.Check(err)
	r, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref("answered-" + lang), Channel: "link", Locale: lang})
	ts.Check(err)
	g, err := wardkeep.ForGuardian("http://"+args[0], r.URL[strings.LastIndexByte(r.URL, '/')+1:])
	ts.Check(err)
	seen, err := g.Open(ctx, lang)
	ts.Check(err)
	_, err = g.SendCode(ctx)
	ts.Check(err)
	in := v.(*inbox)
	in.Lock()
	code := in.code
	in.Unlock()
	verified, err := g.Verify(ctx, code)
	ts.Check(err)
	answers := map[string]bool{}
	for _, p := range seen.Purposes {
		answers[p] = p != "class-ranking"
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: verified.Proof, Answers: answers, NoticeHash: seen.NoticeHash, Lang: lang})
	ts.Check(err)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		file, err := g.Record(ctx, verified.Proof)
		if err == nil {
			ts.Check(os.WriteFile(ts.MkAbs(args[3]), file, 0o600))
			return
		}
		if p, ok := errors.AsType[*wardkeep.Problem](err); !ok || p.Code != "receipt.not_yet" || time.Now().After(end) {
			ts.Check(err)
		}
	}
}
