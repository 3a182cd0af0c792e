package webhook_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// hijack answers with bytes of its own, and closes.
func hijack(text string) func(http.ResponseWriter, *http.Request, got) int {
	return func(w http.ResponseWriter, _ *http.Request, _ got) int {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(conn, text)
			conn.Close()
		}
		return 0
	}
}

// slowly answers 200 and then a byte now and then, for longer than anybody waits.
func slowly(w http.ResponseWriter, r *http.Request, _ got) int {
	w.WriteHeader(http.StatusOK)
	for range 100 {
		if _, err := io.WriteString(w, "x"); err != nil {
			break
		}
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return 0
		case <-time.After(20 * time.Millisecond):
		}
	}
	return 0
}

// Whatever a receiver does, it is let go soon, what it didn't take waits for another
// try, and an event that was taken isn't sent again.
func TestWebhook_BadReceivers(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		child, _ := p.Enrol()
		elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
		defer elsewhere.Close()
		first := p.told(child.ID)[0]
		status := func(n int) func(http.ResponseWriter, *http.Request, got) int {
			return func(http.ResponseWriter, *http.Request, got) int { return n }
		}
		for _, c := range []struct {
			name   string
			answer func(http.ResponseWriter, *http.Request, got) int
			want   string // why it failed
		}{
			{"hangs", func(_ http.ResponseWriter, r *http.Request, _ got) int { <-r.Context().Done(); return 0 }, "webhook.timeout"},
			{"redirects", func(w http.ResponseWriter, r *http.Request, _ got) int {
				http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
				return 0
			}, "webhook.redirected"},
			{"redirects to a private address", func(w http.ResponseWriter, r *http.Request, _ got) int {
				http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusMovedPermanently)
				return 0
			}, "webhook.redirected"},
			{"begins an answer and hangs", func(w http.ResponseWriter, r *http.Request, _ got) int {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					defer conn.Close()
					io.WriteString(conn, "HTTP/1.1 20")
					io.Copy(io.Discard, conn)
				}
				return 0
			}, "webhook.timeout"},
			{"closes", hijack(""), "webhook.unreachable"},
			{"says something else", hijack("SSH-2.0-OpenSSH_9.7\r\n"), "webhook.unreachable"},
			{"has endless headers", hijack("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), "webhook.unreachable"},
			{"has a thousand answers before the answer", hijack(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000) + "HTTP/1.1 500 No\r\n\r\n"), "webhook."},
			{"can't", status(503), "webhook.answer"},
			{"won't", status(400), "webhook.answer"},
			{"is gone", status(410), "webhook.answer"},
		} {
			p.receiver.answers(c.answer)
			began := time.Now()
			p.pass()
			if took := time.Since(began); took > 5*tryTime {
				t.Errorf("%s: it kept us for %v", c.name, took)
			}
			waits := p.waits(false)
			if len(waits) == 0 || !strings.HasPrefix(waits[0].Failure, c.want) || c.want != "webhook." && waits[0].Failure != c.want {
				t.Errorf("%s: %+v, want %s", c.name, waits, c.want)
			}
			p.receiver.all()
			if len(waits) > 0 {
				p.Pass(waits[0].DueAt.Sub(p.Store.Now()) + time.Millisecond)
			}
		}
		for _, c := range []struct {
			name   string
			answer func(http.ResponseWriter, *http.Request, got) int
		}{
			{"200, slowly", slowly},
			{"200, and a huge body", func(w http.ResponseWriter, _ *http.Request, _ got) int {
				w.WriteHeader(http.StatusOK)
				for range 1 << 10 {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						break
					}
				}
				return 0
			}},
			{"200, and a body that breaks off", hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")},
		} {
			p.receiver.answers(c.answer)
			p.Pass(time.Hour)
			p.happens(child)
			began := time.Now()
			p.pass()
			if took := time.Since(began); took > 10*tryTime {
				t.Errorf("%s: it kept us for %v", c.name, took)
			}
			if n := p.numbers(); n.Waiting != 0 {
				t.Errorf("%s: %+v", c.name, n)
			}
			p.receiver.answers(nil)
			got := p.receiver.all()
			p.Pass(time.Hour)
			p.pass()
			// A receiver that writes much may note late what it got: once is right.
			times := map[string]int{}
			for _, g := range append(got, p.receiver.all()...) {
				if times[g.event.ID]++; times[g.event.ID] > 1 {
					t.Errorf("%s: sent again: %s", c.name, g.event.ID)
				}
			}
		}
		if p.told(child.ID)[0] != first {
			t.Error("the first event is another")
		}
	})
}

// A certificate that isn't of a trusted authority, or of another name, is refused.
func TestWebhook_Certificates(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.Enrol()
		p.d = p.node(webhook.NewClient(webhook.ClientConfig{Allow: loopback, Time: tryTime}))
		p.pass()
		if w := p.waits(false); len(w) == 0 || w[0].Failure != "webhook.certificate" {
			t.Errorf("an unknown authority: %+v", w)
		}
		if got := p.receiver.all(); len(got) != 0 {
			t.Error("it was sent")
		}
		p.Pass(webhook.Lease + time.Second)
		p.d = p.node(p.client(nil))
		p.pass()
	})
}

// A receiver that checks signatures takes the good one and refuses the bad one; one
// that takes all, or nothing, or lies, is found out.
func TestWebhook_Test(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		status := func(n int) func(http.ResponseWriter, *http.Request, got) int {
			return func(http.ResponseWriter, *http.Request, got) int { return n }
		}
		checks := func(refusal int) func(http.ResponseWriter, *http.Request, got) int {
			return func(_ http.ResponseWriter, _ *http.Request, g got) int {
				if signed(t, p.secret, g) {
					return 200
				}
				return refusal
			}
		}
		for _, c := range []struct {
			name   string
			answer func(http.ResponseWriter, *http.Request, got) int
			told   bool
		}{
			{"checks", checks(401), true},
			{"refuses with 400", checks(400), true},
			{"takes all", status(200), false},
			{"refuses all", status(401), false},
			{"breaks down", checks(500), false},
			{"leads elsewhere", checks(302), false},
		} {
			p.receiver.answers(c.answer)
			a, err := p.client(nil).Test(t.Context(), p.Ring, p.endpoint, p.Store.Now())
			if err != nil || a.Told() != c.told {
				t.Errorf("%s: %+v, %v", c.name, a, err)
			}
			all := p.receiver.all()
			if len(all) != 2 || all[0].event.Type != webhook.TypeTest || string(all[0].event.Data) != "{}" || all[0].event.Child != "" {
				t.Errorf("%s: %+v", c.name, all)
			}
		}
	})
}

// Only addresses of the internet are dialled, in whatever clothes they come, and
// those that the operator allows.
func TestNetworks(t *testing.T) {
	allowed := webhook.Networks{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for address, want := range map[string]bool{
		"8.8.8.8": true, "223.5.5.5": true, "2400:3200::1": true, "::ffff:223.5.5.5": true,
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::5": true,

		"127.0.0.1": false, "127.8.8.8": false, "0.0.0.0": false, "10.2.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "192.0.0.192": false,
		"198.18.0.1": false, "203.0.113.7": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::1": false, "::": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:10.0.0.1": false,
		"::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false,
		"2001:0:7f00:1::": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:2::1": false, "fec0::1": false,
		"ff02::1": false, "2001:db8::1": false, "100::1": false, "fd00:ec2::254": false, "5f00::1": false,
	} {
		if got := allowed.Admit(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if allowed.Admit(netip.Addr{}) || webhook.Networks(nil).Admit(netip.MustParseAddr("10.1.2.3")) {
		t.Error("nothing was allowed")
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]error{
		"https://hooks.example.com":         nil,
		"https://hooks.example.com:8443/a?": nil,
		"https://[2400:3200::1]/":           nil,
		"https://127.0.0.1/":                nil, // allowed below

		"":                              webhook.ErrURL,
		"hooks.example.com":             webhook.ErrURL,
		"http://hooks.example.com/":     webhook.ErrURL,
		"HTTPS:hooks.example.com":       webhook.ErrURL,
		"https://":                      webhook.ErrURL,
		"https:///path":                 webhook.ErrURL,
		"https://u:p@hooks.example.com": webhook.ErrURL,
		"https://hooks.example.com/#x":  webhook.ErrURL,
		"ftp://hooks.example.com/":      webhook.ErrURL,
		"file:///etc/passwd":            webhook.ErrURL,
		"https://hooks.example.com/" + strings.Repeat("x", 2000): webhook.ErrURL,

		"https://127.0.0.2/":         webhook.ErrPrivate,
		"https://10.0.0.1:8443/":     webhook.ErrPrivate,
		"https://169.254.169.254/":   webhook.ErrPrivate,
		"https://[::ffff:10.0.0.1]/": webhook.ErrPrivate,
		"https://[fe80::1]/":         webhook.ErrPrivate,
	} {
		if _, err := webhook.ParseAddress(text, loopback); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if _, err := webhook.ParseAddress("https://LOCALHOST./", nil); !errors.Is(err, webhook.ErrPrivate) {
		t.Errorf("localhost: %v", err)
	}
	a, err := webhook.ParseAddress("https://hooks.example.com:8443/secret?key=secret", nil)
	if err != nil || fmt.Sprint(a) != "https://hooks.example.com:8443/…" {
		t.Errorf("%v, %v", a, err)
	}
}

// What a name leads to is checked when it is dialled. So a name that changes its answer
// is no way in, nor one that has good answers among its bad ones.
func TestWebhook_NamesThatLeadInside(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		_, port, err := net.SplitHostPort(p.receiver.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		var inside atomic.Int64 // connections to an address that isn't allowed
		l, err := net.Listen("tcp", "127.0.0.2:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				inside.Add(1)
				conn.Close()
			}
		}()
		p.receiver.answers(func(w http.ResponseWriter, _ *http.Request, _ got) int {
			w.Header().Set("Connection", "close") // so that the next event looks the name up again
			return http.StatusOK
		})
		to := func(answers ...string) error {
			client := p.client(newNames(t, answers...).resolver())
			// The certificate of httptest is good for example.com.
			e, _ := p.add("https://example.com:" + port + "/")
			a, err := client.Test(t.Context(), p.Ring, e, p.Store.Now())
			if err != nil {
				t.Fatal(err)
			}
			p.remove(e)
			if a.Good.Failure == nil && a.Bad.Failure != nil {
				return a.Bad.Failure // the first was taken, before the name changed
			}
			return a.Good.Failure
		}
		for _, c := range []struct {
			name    string
			answers []string
			want    error
		}{
			{"a good name", []string{"127.0.0.1"}, nil},
			{"one of loopback", []string{"127.0.0.2"}, webhook.ErrRefused},
			{"10/8", []string{"10.0.0.1"}, webhook.ErrRefused},
			{"the cloud's metadata", []string{"169.254.169.254"}, webhook.ErrRefused},
			{"::", []string{"::"}, webhook.ErrRefused},
			{"::1", []string{"::1"}, webhook.ErrRefused},
			{"mapped", []string{"::ffff:127.0.0.2"}, webhook.ErrRefused},
			{"all inside", []string{"127.0.0.2 10.0.0.1 fe80::1"}, webhook.ErrRefused},
			{"one that changes its answer", []string{"127.0.0.1", "127.0.0.2"}, webhook.ErrRefused},
		} {
			if err := to(c.answers...); !errors.Is(err, c.want) || err == nil && c.want != nil {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		if n := inside.Load(); n != 0 {
			t.Errorf("%d connections to the inside", n)
		}
	})
}

func (p *post) remove(e webhook.Endpoint) {
	p.t.Helper()
	p.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := webhook.Remove(ctx, tx, terminal, vaulttest.Service, e.ID)
		return err
	})
}

// names is a server of names that has one answer for each look: the addresses in it,
// and the last answer for all that follow.
type names struct {
	conn    net.PacketConn
	answers []string
	looks   [2]int // for A and for AAAA
}

func newNames(t *testing.T, answers ...string) *names {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	n := &names{conn: conn, answers: answers}
	go n.serve()
	return n
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

// serve speaks as much of DNS (RFC 1035) as a resolver asks here.
func (n *names) serve() {
	b := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(b)
		if err != nil {
			return
		}
		end := 12 // of the question: its name, type and class
		for end < size && b[end] != 0 {
			end += int(b[end]) + 1
		}
		end += 5
		kind := binary.BigEndian.Uint16(b[end-4:])
		reply := append([]byte{b[0], b[1], 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0}, b[12:end]...)
		for _, ip := range n.next(kind) {
			raw := ip.AsSlice()
			reply = append(reply, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
			reply = append(reply, raw...)
			reply[7]++
		}
		n.conn.WriteTo(reply, from)
	}
}

// next returns the addresses of the next answer that are of the kind: 1 is A, 28 AAAA.
func (n *names) next(kind uint16) (all []netip.Addr) {
	which := 0
	if kind == 28 {
		which = 1
	}
	answer := n.answers[min(n.looks[which], len(n.answers)-1)]
	n.looks[which]++
	for _, text := range strings.Fields(answer) {
		if ip := netip.MustParseAddr(text); ip.Is4() == (which == 0) {
			all = append(all, ip)
		}
	}
	return all
}
