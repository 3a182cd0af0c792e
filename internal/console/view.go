package console

import (
	"context"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin"
	"wardkeep/internal/watermark"
)

// What the view refuses.
var (
	// ErrFields refuses a form that asks for anything but one item: there is no picture
	// without its marks, in another form, or of more.
	ErrFields = errs.New(errs.Invalid, "console.view.fields")
	// ErrNotByScript refuses a browser that would show, keep or frame the picture by itself:
	// only the page that hides it again asks for one.
	ErrNotByScript = errs.New(errs.Forbidden, "console.view.not_by_script")
	ErrNoPicture   = errs.New(errs.Invalid, "console.view.no_picture") // of this item
)

// viewPage is what view.html shows. It holds no value: a value comes as a picture, by a
// form of its own, and stays in no page.
type viewPage struct {
	approval.Request
	Path  string
	Ref   string
	Label string
	May   []named
	Left  int64        // looks
	Time  int          // seconds
	Marks template.URL // a picture of the visible words, to lie over the page
	Fresh bool
}

// watch shows what was granted, masked. An address that asks for more is refused, and
// recorded, as a form that does is: no value has an address.
func (s *Server) watch(v *visit) error {
	if !v.namesNothing() {
		return ErrFields
	}
	var page viewPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		r, _, err := v.found(ctx, tx, v.in)
		if err != nil {
			return err
		}
		page.Request, page.Path = r, requestPath(r)
		if !s.open(v, r, tx.Now()) {
			return nil
		}
		c, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		ref, err := c.Ref(s.Ring)
		if err != nil {
			return err
		}
		page.Ref, page.Left, page.Time = ref.Reveal(), r.Quota-r.Looks, int(r.Until.Sub(tx.Now())/time.Second)
		page.Label, _, page.May, err = v.words(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	if page.May == nil {
		return v.to(page.Path) // there is nothing to see, or not any more
	}
	page.Fresh, page.Marks = v.in.IsFresh(v.now) == nil, edge.Overlay(v.mark(page.Number))
	visitor.Script(v.w)
	return v.show(http.StatusOK, "view", page)
}

// open reports whether the request opens something to who visits, at that moment. It only
// spares somebody a vain try: what decides is the gate.
func (s *Server) open(v *visit, r approval.Request, now time.Time) bool {
	return r.Asker == v.in.Person.ID && !r.Export && (r.State == approval.Granted || r.State == approval.Narrowed) && !r.Closed(now)
}

// mark is what stands over whatever is shown: who looks, when, and by which request.
func (v *visit) mark(number string) string {
	return v.in.Person.Name + "  " + v.now.In(shanghai).Format("2006-01-02 15:04:05") + "  " + number
}

// reveal answers with a picture of one value, once: nothing has an address that a value
// could be had from again. The look is recorded, and counts, in the transaction that
// opens the value; the picture is drawn after its commit (invariant 2). Whatever fails
// from there on, no value leaves, and the look has counted.
func (s *Server) reveal(v *visit) error {
	picture, left, err := s.picture(v)
	if err != nil {
		return v.inWords(err)
	}
	v.w.Header().Set("Wardkeep-Looks-Left", strconv.FormatInt(left, 10))
	return v.sendPicture(picture)
}

func (v *visit) sendPicture(picture []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(picture)))
	h.Set("Content-Disposition", "inline")
	v.seen.Shows = "picture"
	_, err := v.w.Write(picture)
	return err
}

// item is the one thing that the form may say.
func (v *visit) item() (string, error) {
	if dest := v.r.Header.Get("Sec-Fetch-Dest"); dest != "empty" {
		return "", ErrNotByScript
	}
	if err := v.r.ParseForm(); err != nil {
		return "", ErrFields
	}
	for name := range v.r.PostForm {
		if name != "item" {
			return "", ErrFields
		}
	}
	if !v.namesNothing() {
		return "", ErrFields
	}
	if items := v.r.PostForm["item"]; len(items) != 1 {
		return "", ErrFields
	}
	return v.r.PostForm["item"][0], nil
}

// namesNothing reports whether the address asks for nothing but a language.
func (v *visit) namesNothing() bool {
	q := v.r.URL.Query()
	return len(q) == 0 || len(q) == 1 && q.Has("lang")
}

// picture opens one value, and draws it.
func (s *Server) picture(v *visit) (picture []byte, left int64, err error) {
	item, err := v.item()
	if err != nil {
		return nil, 0, err
	}
	var r approval.Request
	var value pii.Text
	var held, image bool
	label := item
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		v.in = in
		if r, err = approval.Find(ctx, tx, v.r.PathValue("service"), v.r.PathValue("request")); err != nil {
			return err
		}
		shown, err := s.shown(ctx, tx, r, item)
		if err != nil {
			return err
		}
		if shown.Name != "" {
			label = v.label(shown.Label, item)
		}
		opened, err := s.Vault.Reveal(ctx, tx, in.Person, gate.UseBy(r, item), r.ID)
		if err != nil {
			return err
		}
		value, held = opened.Values[item]
		if image = held && shown.Kind == charter.Image; image {
			if value, err = drawable(value); err != nil {
				return err // nothing was shown, and nothing is recorded
			}
		}
		r, err = approval.OfChild(ctx, tx, r.Child, r.ID)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if image {
		free, err := s.oneScan(v)
		if err != nil {
			return nil, 0, err
		}
		defer free()
		picture, err = watermark.DrawScan(watermark.Scan{Label: label, Pages: []pii.Text{value}, Visible: v.mark(r.Number), Mark: watermark.New(s.Ring, r.Number, r.Looks)})
		return picture, r.Quota - r.Looks, err
	}
	card := watermark.Card{Label: label, Value: value, Visible: v.mark(r.Number), Mark: watermark.New(s.Ring, r.Number, r.Looks),
		Rest: func(n int) string { return v.lang.T("console.view.rest", "Count", n) }}
	if !held {
		card.Note = v.lang.T("console.view.not_held")
	}
	picture, err = watermark.Draw(card)
	return picture, r.Quota - r.Looks, err
}

// drawable returns the bytes of a value that is a picture. Errors: ErrNoPicture.
func drawable(value pii.Text) (pii.Text, error) {
	data, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil || watermark.CanDraw(pii.New(string(data))) != nil {
		return pii.Text{}, ErrNoPicture
	}
	return pii.New(string(data)), nil
}

// oneScan waits until no other picture or document is being drawn, and returns what lets the
// next in: one at a time is in memory. Errors: ErrBusy.
func (s *Server) oneScan(v *visit) (free func(), err error) {
	select {
	case s.scans <- struct{}{}:
		return func() { <-s.scans }, nil
	case <-v.r.Context().Done():
		return nil, v.r.Context().Err()
	case <-time.After(maxWait):
		return nil, ErrBusy
	}
}

// shown returns the item as the charter in force has it. Errors: ErrNoPicture.
func (s *Server) shown(ctx context.Context, tx *db.Tx, r approval.Request, item string) (charter.Item, error) {
	c, err := s.inForce(ctx, tx, r.Service)
	if err != nil {
		return charter.Item{}, err
	}
	i, ok := c.Item(item)
	if ok && !canShow(i, r.Export) {
		return i, ErrNoPicture
	}
	return i, nil
}

// inWords answers the script with why there is no picture: in words, a line each.
func (v *visit) inWords(err error) error {
	if errs.Of(err).Is(signin.ErrSignedOut) {
		return err
	}
	words, status, fault := v.problem(err)
	if fault != nil {
		return fault
	}
	lines := v.reasons(err)
	if len(lines) == 0 {
		lines = []string{words}
	}
	v.seen.Shows = "words"
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.w.WriteHeader(status)
	_, err = v.w.Write([]byte(strings.Join(lines, "\n")))
	return err
}

// reasons are why the gate denies something, in words; none, if it is another error.
func (v *visit) reasons(err error) (lines []string) {
	if denied, ok := errors.AsType[*gate.Denied](err); ok {
		for _, reason := range denied.Reasons {
			lines = append(lines, v.lang.T(reason.Code)+" "+v.lang.T(reason.Code+".remedy"))
		}
	}
	return slices.Compact(lines)
}
