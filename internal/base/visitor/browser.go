package visitor

import (
	"net/http"
	"strings"
	"time"
)

// A Browser is that of a visitor: what every page tells it, and what it keeps for a site.
type Browser struct{ HTTPS bool }

// At returns the browser of who visits a site at this address.
func At(url string) Browser { return Browser{strings.HasPrefix(url, "https:")} }

// policy lets a page load nothing but its own style and pictures, and run nothing.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Secure sets what every page carries. Its address may hold a secret, so no other site
// is told it.
func (b Browser) Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if b.HTTPS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// Script lets a page run the scripts of its own site, and lets those ask the server. A
// page without it may run none.
func Script(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", policy+"; script-src 'self'; connect-src 'self'")
}

// Guest lets a page that somebody else has written run its own scripts, which make styles as
// they go. It still runs and loads nothing else, and asks nobody but this site.
func Guest(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy",
		strings.Replace(policy, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)+"; script-src 'self'; connect-src 'self'")
}

// Keep has the browser keep a secret for some time; none, or an empty secret, forgets
// it. Strict: no other site's link or form brings it along.
func (b Browser) Keep(w http.ResponseWriter, name, secret string, life time.Duration) {
	age := int(life / time.Second)
	if secret == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: b.cookie(name), Value: secret, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: b.HTTPS})
}

// Kept returns the secret that the browser keeps by that name, or "".
func (b Browser) Kept(r *http.Request, name string) string {
	c, err := r.Cookie(b.cookie(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// cookie has the prefix by which a browser refuses the cookie from anything but this
// very host, over TLS.
func (b Browser) cookie(name string) string {
	if b.HTTPS {
		return "__Host-" + name
	}
	return name
}
