package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

var smsKey = []byte("a secret of thirty-two bytes ...")

func text() notify.Message {
	return notify.Message{ID: "le_2", Channel: notify.SMS, To: pii.New("13800000000"), Text: pii.New("【小溪英语】验证码 012345"), Kind: "consent.code", Lang: i18n.Chinese}
}

// gateway returns a Sender to a real HTTP server with the given handler.
func gateway(t *testing.T, handler http.HandlerFunc, timeout time.Duration) notify.Sender {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s, err := notify.SMSWebhook(notify.SMSConfig{URL: server.URL + "/sms?key=secret", SecretFile: secret(t), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func secret(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "whsec_"+base64.StdEncoding.EncodeToString(smsKey)+"\n")
	return file
}

func TestSMSIsSignedAsAStandardWebhook(t *testing.T) {
	var got map[string]string
	var header http.Header
	s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, smsKey)
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		json.Unmarshal(body, &got)
		w.WriteHeader(http.StatusAccepted)
	}, 0)
	if err := s.Send(t.Context(), text()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"type": "sms", "to": "13800000000", "text": "【小溪英语】验证码 012345", "kind": "consent.code", "lang": "zh-CN"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	at, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		t.Errorf("timestamp %q", header.Get("webhook-timestamp"))
	}
	if header.Get("webhook-id") != "le_2" || header.Get("User-Agent") != "" {
		t.Errorf("headers %v", header)
	}
}

func TestSMSFailuresAreToldApartAndNameNobody(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"busy":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, notify.ErrUnavailable},
		"broken":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, notify.ErrUnavailable},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "13800000000 unknown", 400) }, notify.ErrRejected},
		"moved": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, notify.ErrRejected},
		"cut":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, notify.ErrUnavailable},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }, notify.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			err := gateway(t, c.handler, 300*time.Millisecond).Send(t.Context(), text())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			silent(t, err)
		})
	}
	if elsewhere != 0 {
		t.Error("the message went where the operator didn't send it")
	}
}

func TestSMSAnswerIsBounded(t *testing.T) {
	s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 10_000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}, 5*time.Second)
	start := time.Now()
	if err := s.Send(t.Context(), text()); err != nil || time.Since(start) > 4*time.Second {
		t.Errorf("an endless answer: %v after %v", err, time.Since(start))
	}
}

func TestSMSConfigIsRefused(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	write(t, short, "whsec_"+base64.StdEncoding.EncodeToString([]byte("short")))
	for name, c := range map[string]notify.SMSConfig{
		"plain over the network": {URL: "http://sms.example.com", SecretFile: secret(t)},
		"user in it":             {URL: "https://a:b@sms.example.com", SecretFile: secret(t)},
		"other scheme":           {URL: "file:///etc/passwd", SecretFile: secret(t)},
		"no secret":              {URL: "https://sms.example.com"},
		"short secret":           {URL: "https://sms.example.com", SecretFile: short},
	} {
		if _, err := notify.SMSWebhook(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWhatCouldBecomeAHeaderIsRefusedByEverySender(t *testing.T) {
	mailServer := serveMail(t, false, false, nil)
	hits := 0
	router := notify.Router{
		notify.Email: sender(t, notify.SMTPConfig{Host: mailServer.host, Port: mailServer.port, TLS: notify.NoTLS, From: "privacy@example.com"}),
		notify.SMS:   gateway(t, func(http.ResponseWriter, *http.Request) { hits++ }, 0),
	}
	outbox := notify.NewOutbox(5)
	for _, c := range []struct {
		change func(*notify.Message)
		want   error
	}{
		{func(m *notify.Message) { m.To = pii.New("a@example.com\r\nBcc: b@example.com") }, notify.ErrAddress},
		{func(m *notify.Message) { m.To = pii.New("a@example.com, b@example.com") }, notify.ErrAddress},
		{func(m *notify.Message) { m.To = pii.New("A <a@example.com>") }, notify.ErrAddress},
		{func(m *notify.Message) { m.To = pii.New("a@example.com> SIZE=1 <b@example.com") }, notify.ErrAddress},
		{func(m *notify.Message) { m.To = pii.Text{} }, notify.ErrAddress},
		{func(m *notify.Message) { m.Subject = pii.New("hello\r\nBcc: b@example.com") }, notify.ErrMessage},
		{func(m *notify.Message) { m.Subject = pii.New("hello\u2028there") }, notify.ErrMessage},
		{func(m *notify.Message) { m.ID = "x>\r\nBcc: b@example.com" }, notify.ErrMessage},
		{func(m *notify.Message) { m.Kind = "a\nb" }, notify.ErrMessage},
		{func(m *notify.Message) { m.Text = pii.New("\xff") }, notify.ErrMessage},
		{func(m *notify.Message) { m.Text = pii.New(strings.Repeat("a", 100_001)) }, notify.ErrMessage},
		{func(m *notify.Message) { m.Text = pii.New(" \n") }, notify.ErrMessage},
		{func(m *notify.Message) { m.Channel = "pigeon" }, notify.ErrNoChannel},
		{func(m *notify.Message) { m.Channel, m.To = notify.SMS, pii.New("138-0000-0000") }, notify.ErrAddress},
		{func(m *notify.Message) { m.Channel, m.To = notify.SMS, pii.New("１３８００００００００") }, notify.ErrAddress},
	} {
		m := letter()
		c.change(&m)
		for _, s := range []notify.Sender{router, outbox} {
			err := s.Send(t.Context(), m)
			if !errors.Is(err, c.want) {
				t.Errorf("%q: got %v, want %v", m.To.Reveal(), err, c.want)
			}
			silent(t, err)
		}
	}
	if len(mailServer.all()) != 0 || hits != 0 || len(outbox.Messages()) != 0 {
		t.Error("something was sent")
	}
}

func TestOutboxKeepsTheNewest(t *testing.T) {
	o := notify.NewOutbox(2)
	for _, id := range []string{"1", "2", "3"} {
		m := text()
		m.ID = id
		if err := o.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := o.Messages()
	if len(got) != 2 || got[0].ID != "3" || got[1].ID != "2" || got[0].At.IsZero() {
		t.Errorf("the outbox holds %v", got)
	}
}
