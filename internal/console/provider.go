package console

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/passkey"
	"wardkeep/internal/provider"
	"wardkeep/internal/signin"
)

// askProvider leads to the operator's provider, where a person shows who it is. It is a
// link and no form: a form may lead to no other site. Another site's link to it leads to the
// page that has ours: nobody is signed in without having pressed it (ASVS 7.6.2).
func (s *Server) askProvider(v *visit) error {
	if site := v.r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return v.to("/console/in")
	}
	return v.askedProvider(signin.Session{})
}

func (s *Server) askProviderAgain(v *visit) error { return v.askedProvider(v.in) }

func (v *visit) askedProvider(in signin.Session) error {
	if err := v.s.site.May(v.r); err != nil {
		return err
	}
	address, kept, err := v.s.door.AskProvider(v.r.Context(), v.now, in)
	if err != nil {
		return v.away(err)
	}
	v.s.browser().Keep(v.w, askedCookie, asked{kept, v.lang, v.next()}.String(), passkey.ChallengeLife)
	http.Redirect(v.w, v.r, address, http.StatusSeeOther)
	return nil
}

// away says in the log why the provider can't be asked: the person can't do anything about
// it, and the operator can.
func (v *visit) away(err error) error {
	if errors.Is(err, provider.ErrAway) {
		v.s.Log.WarnContext(v.r.Context(), "console: the provider can't be asked", "error", err)
	}
	return err
}

// What a browser keeps while its person is at the provider's: what the question is bound
// to, and in which language and where it goes on.
type asked struct {
	kept string
	lang i18n.Lang
	to   string
}

func (a asked) String() string {
	return a.kept + "." + string(a.lang) + "." + base64.RawURLEncoding.EncodeToString([]byte(a.to))
}

func readAsked(text string) (a asked) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return asked{}
	}
	to, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return asked{}
	}
	return asked{parts[0] + "." + parts[1], i18n.Lang(parts[2]), string(to)}
}

// backPage is what back.html shows.
type backPage struct{ On string }

// backFromProvider answers a browser that comes from another site, and so brings none of
// what it keeps for this one: it goes on from here, and brings it.
func (s *Server) backFromProvider(v *visit) error {
	q := v.r.URL.Query()
	on := "/console/in"
	if q.Has("code") || q.Has("error") {
		pairs := url.Values{}
		for _, name := range []string{"code", "state", "error", "iss"} {
			if q.Has(name) {
				pairs.Set(name, q.Get(name))
			}
		}
		on = "/console/in/provider/go?" + pairs.Encode()
		v.w.Header().Set("Refresh", "0; url="+on)
	}
	return v.show(http.StatusOK, "back", backPage{on})
}

// enterByProvider lets a person in, or makes its session fresh, by what its browser brought
// from the provider. It is slowed down as who types a password is: each answer is a request
// to the provider.
func (s *Server) enterByProvider(v *visit) error {
	if err := s.site.May(v.r); err != nil {
		return err
	}
	a, held := provider.Read(v.r.URL.Query()), readAsked(s.browser().Kept(v.r, askedCookie))
	if slices.Contains(i18n.Langs, held.lang) {
		v.lang = held.lang
	}
	s.browser().Keep(v.w, askedCookie, "", 0)
	var again signin.Session
	if v.in.ID != "" && s.door.Asked(held.kept, v.in, a) {
		again = v.in
	}
	shown, err := s.door.ShownBy(v.r.Context(), v.now, held.kept, again, a)
	if err != nil {
		return v.away(err)
	}
	in, secret, ctx := again, "", v.r.Context()
	err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		if again.ID == "" {
			in, secret, err = s.door.EnterByProvider(ctx, tx, shown, s.site.Kept(v.r))
			return err
		}
		now, err := s.door.Find(ctx, tx, s.site.Kept(v.r))
		if err != nil {
			return err
		}
		secret, err = s.door.StepUpByProvider(ctx, tx, now, shown)
		return err
	})
	if err != nil {
		return err
	}
	v.keep(in, secret)
	return v.to(within(held.to))
}

// outAtProvider ends the sessions of whoever has signed out at the provider, by its own
// word, which no browser brings.
func (s *Server) outAtProvider(v *visit) error {
	if s.Provider == nil {
		return signin.ErrNoProvider
	}
	ctx := v.r.Context()
	out, err := s.Provider.SignedOut(ctx, v.r.PostFormValue("logout_token"))
	if err == nil {
		err = s.Store.Update(ctx, func(tx *db.Tx) error { return s.door.SignedOutThere(ctx, tx, out) })
	}
	if err != nil && errs.Of(err).Kind == errs.Forbidden {
		// OpenID Connect Back-Channel Logout 1.0, 2.8
		return v.show(http.StatusBadRequest, "refusal", refusalPage{Text: v.lang.T(errs.Of(err).Code), Code: errs.Of(err).Code, To: "/console/in"})
	}
	if err != nil {
		return v.away(err)
	}
	v.w.WriteHeader(http.StatusOK)
	return nil
}
