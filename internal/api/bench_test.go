package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wardkeep/client"
)

// One batch of 1,000 dry decisions about ten children, without the network.
func BenchmarkDecisions1000(b *testing.B) {
	w := newWorld(b, storeOf(b), noLimits)
	var checks []string
	for i := range 10 {
		child := w.child(fmt.Sprint("b", i))
		for range 100 {
			checks = append(checks, `{"child":"`+child+`","activity":"use","purpose":"course-progress","items":["nickname","grade"]}`)
		}
	}
	body := `{"checks":[` + strings.Join(checks, ",") + `]}`
	run(b, w, "POST", base+"/decisions", body)
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "decisions/s")
}

// One dry decision in a request.
func BenchmarkDecision(b *testing.B) {
	w := newWorld(b, storeOf(b), noLimits)
	child := w.child("d")
	run(b, w, "POST", base+"/decisions", `{"checks":[{"child":"`+child+`","activity":"use","purpose":"course-progress","items":["nickname"]}]}`)
}

// One read, recorded and committed before it is answered.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b, storeOf(b), noLimits)
	child := w.child("r")
	if _, err := w.client.Collect(context.Background(), child, "", wardkeep.Collection{Purpose: "account", Values: map[string]string{"guardian_phone": "13800138000"}}); err != nil {
		b.Fatal(err)
	}
	run(b, w, "POST", base+"/children/"+child+"/items:read", `{"purpose":"account","items":["guardian_phone"]}`)
}

func run(b *testing.B, w *world, method, path, body string) {
	b.Helper()
	h := w.server.Config.Handler
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest(method, path, io.NopCloser(strings.NewReader(body)))
			r.ContentLength = int64(len(body))
			r.Header.Set("Authorization", "Bearer "+w.Key)
			r.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != http.StatusOK {
				b.Error(rec.Code)
				return
			}
		}
	})
}
