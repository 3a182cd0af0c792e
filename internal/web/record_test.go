package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"wardkeep/internal/consent"
	"wardkeep/internal/receipt"
)

// Right after answering, the browser that answered keeps the receipt, as a file
// and on paper. The link alone gives it to nobody.
func TestArticle9_TheReceiptIsKeptByWhoAnswered(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		for _, path := range []string{"/receipt.json", "/receipt/print"} {
			if status, body := s.get("/r/"+token+path, "en"); status != 403 || strings.Contains(body, "cr_") {
				t.Errorf("%s before the answer: %d %s", path, status, body)
			}
		}
		s.verified(token)
		_, body := s.post("/r/"+token+"/answer?lang=en", s.agrees(token, "en"))
		if !strings.Contains(body, "/receipt.json?lang=en") || !strings.Contains(body, "/receipt/print?lang=en") {
			t.Fatalf("the page leads to neither: %s", body)
		}
		if status, body := s.get("/r/"+token+"/receipt.json", "en"); status != 409 || !strings.Contains(body, "receipt.not_yet") {
			t.Errorf("before the ledger has its place: %d %s", status, body)
		}
		s.places()
		status, file := s.get("/r/"+token+"/receipt.json", "en")
		if status != 200 {
			t.Fatalf("%d %s", status, file)
		}
		r, err := receipt.Verify([]byte(file), receipt.Against{Key: s.key})
		if err != nil || !r.OK() || len(r.Record.Processing) != 7 {
			t.Errorf("%v %+v", err, r.Findings)
		}
		if strings.Contains(file, token) || strings.Contains(file, "13800000000") {
			t.Error("the file holds the link or the number")
		}
		if status, body := s.get("/r/"+token+"/receipt/print", "en"); status != 200 || strings.Contains(body, "<script") || !strings.Contains(body, r.Record.ID) {
			t.Errorf("on paper: %d %s", status, body)
		}
		// It reads and does nothing else; to withdraw, a code is at hand.
		status, page := s.get("/r/"+token+"/receipt", "en")
		if status != 200 || strings.Contains(page, "/withdraw?") || strings.Contains(page, "/again?") || !strings.Contains(page, "/code?") {
			t.Errorf("the receipt page: %d %s", status, page)
		}
		if status, _ := s.post("/r/"+token+"/withdraw", url.Values{"purpose": {"account"}}); status != 403 {
			t.Errorf("what is left of the proof withdraws: %d", status)
		}
		if _, page := s.post("/r/"+token+"/code?lang=en", nil); !strings.Contains(page, `name="code"`) {
			t.Errorf("a code was sent, and there is no place to type it: %s", page)
		}
		s.w.Pass(consent.ProofLife)
		for _, path := range []string{"/receipt.json", "/receipt/print"} {
			if status, _ := s.get("/r/"+token+path, "en"); status != 403 {
				t.Errorf("%s half an hour later: %d", path, status)
			}
		}
		s.fresh()
		if status, _ := s.get("/r/"+token+"/receipt.json", "en"); status != 403 {
			t.Errorf("another browser: %d", status)
		}
	})
}

func TestTheReceiptIsAFileToKeep(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		s.verified(token)
		s.post("/r/"+token+"/answer?lang=zh-CN", s.refuses(token, "zh-CN"))
		s.places()
		resp, err := s.browser.Get(s.server.URL + "/r/" + token + "/receipt.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		h := resp.Header
		if resp.StatusCode != http.StatusOK || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" ||
			!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="receipt-cr_`) {
			t.Errorf("%d %v", resp.StatusCode, h)
		}
	})
}
