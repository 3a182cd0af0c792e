package console

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/watermark"
)

// keepFile is how long whoever takes a file keeps it, and no value longer than it may be
// kept (Article 12). The file says so; it can't be made to happen.
const keepFile = 7 * 24 * time.Hour

// export answers with a file of all that two have agreed to, once, sealed to the key of
// who has asked. The entry is durable, and the looks count, before the first byte
// (invariant 2). Whatever fails from there on, nothing leaves, and the file was made.
func (s *Server) export(v *visit) error {
	sealed, name, err := s.file(v)
	if err != nil {
		return v.refusedFile(err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.Itoa(len(sealed)))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	v.seen.Shows = "file"
	_, err = v.w.Write(sealed)
	return err
}

// refusedFile says on the page of the request why there is no file, and to whom that page
// isn't shown, on none.
func (v *visit) refusedFile(err error) error {
	shown := v.requestPage(err)
	if errs.Of(err).Is(gate.ErrDenied) {
		v.attempt = nil // it is in the ledger as what was denied
	}
	if errs.Of(shown).Is(approval.ErrNotFound) {
		return err
	}
	return shown
}

// file opens what was agreed to, and writes and seals the file.
func (s *Server) file(v *visit) (sealed []byte, name string, err error) {
	if err := v.noFields(); err != nil {
		return nil, "", err
	}
	var r approval.Request
	var out vault.Exported
	var ref pii.Text
	var paper approval.Paper
	var c *charter.Charter
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		v.in, v.now = in, tx.Now()
		if r, err = approval.Find(ctx, tx, v.r.PathValue("service"), v.r.PathValue("request")); err != nil {
			return err
		}
		items := r.Granted
		if len(items) == 0 {
			items = r.Items
		}
		if c, err = s.inForce(ctx, tx, r.Service); err != nil {
			return err
		}
		for _, item := range items {
			if _, err := s.shown(ctx, tx, r, item); err != nil {
				return err
			}
		}
		out, err = s.Vault.Export(ctx, tx, in.Person, gate.UseBy(r, items...), r.ID)
		if err != nil {
			return err
		}
		child, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		if ref, err = child.Ref(s.Ring); err != nil {
			return err
		}
		if paper, err = r.PaperOf(s.Ring, child); err != nil {
			return err
		}
		r, err = approval.OfChild(ctx, tx, r.Child, r.ID)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	mark := watermark.New(s.Ring, r.Number, r.Looks)
	parts, err := s.parts(v, r, c, out, mark)
	if err != nil {
		return nil, "", err
	}
	text, err := watermark.Sheet(v.mark(r.Number), v.sheet(r, paper, c, ref, out, parts), mark)
	if err != nil {
		return nil, "", err
	}
	name, whole := r.Number+".txt", []byte(text)
	if len(parts) > 0 {
		if whole, err = bundle(name, whole, parts); err != nil {
			return nil, "", err
		}
		name = r.Number + ".zip"
	}
	sealed, err = out.Key.Seal(whole)
	return sealed, name + ".age", err
}

// A part of a file is what of it is no text.
type part struct {
	item, name string
	data       pii.Text
}

// parts are the pictures, sounds and films of a file. A picture has the marks of the file
// (Article 15); what can carry none is as it is held, and the sheet beside it says who has
// taken it.
func (s *Server) parts(v *visit, r approval.Request, c *charter.Charter, out vault.Exported, mark watermark.Mark) (parts []part, err error) {
	for _, item := range r.Granted {
		i, _ := c.Item(item)
		text, held := out.Values[item]
		if !held || i.Kind != charter.Image && i.Kind != charter.Audio && i.Kind != charter.Video {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(text.Reveal())
		if err != nil {
			continue // it is no file: it stands on its line
		}
		if i.Kind == charter.Image && watermark.CanDraw(pii.New(string(data))) == nil {
			if data, err = s.marked(v, v.label(i.Label, item), data, r.Number, mark); err != nil {
				return nil, err
			}
		}
		parts = append(parts, part{item, item + endingOf(data), pii.New(string(data))})
	}
	return parts, nil
}

// marked draws a picture with its marks. What looks like one and can't be read stays as it is.
func (s *Server) marked(v *visit, label string, data []byte, number string, mark watermark.Mark) ([]byte, error) {
	free, err := s.oneScan(v)
	if err != nil {
		return nil, err
	}
	defer free()
	drawn, err := watermark.DrawScan(watermark.Scan{Label: label, Pages: []pii.Text{pii.New(string(data))}, Visible: v.mark(number), Mark: mark})
	if errors.Is(err, watermark.ErrPicture) {
		return data, nil
	}
	return drawn, err
}

// endingOf is what the name of a part ends with, so that a computer knows what opens it.
func endingOf(data []byte) string {
	if ending, ok := endings[http.DetectContentType(data)]; ok {
		return ending
	}
	return ".bin"
}

var endings = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/aiff": ".aiff",
	"application/ogg": ".ogg", "video/mp4": ".mp4", "video/webm": ".webm", "video/avi": ".avi"}

// bundle puts the sheet and the parts into one archive, which is sealed as a whole.
func bundle(name string, sheet []byte, parts []part) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range append([]part{{name: name, data: pii.New(string(sheet))}}, parts...) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, p.data.Reveal())
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// noFields refuses a form that asks for anything: a file has its marks, its lock and all
// that was agreed to, whatever is sent.
func (v *visit) noFields() error {
	if err := v.r.ParseForm(); err != nil || len(v.r.PostForm) > 0 || !v.namesNothing() {
		return ErrFields
	}
	return nil
}

// sheet is the text of a file: until when it is kept, whom it is about, on which law, and a line for
// each item.
func (v *visit) sheet(r approval.Request, paper approval.Paper, c *charter.Charter, ref pii.Text, out vault.Exported, parts []part) string {
	ends := v.now.Add(keepFile)
	if !out.EndsAt.IsZero() && out.EndsAt.Before(ends) {
		ends = out.EndsAt
	}
	purpose, _ := c.Purpose(r.Purpose)
	lines := []string{v.lang.T("console.file.keep", "Until", ends.In(shanghai).Format("2006-01-02 15:04")),
		v.lang.T("console.file.about", "Service", r.Service, "Purpose", v.label(purpose.Label, r.Purpose), "Child", ref.Reveal()), ""}
	if r.Ground != approval.OnConsent {
		lines = append(lines, v.lang.T("console.file.basis", "Provision", paper.Provision, "Number", paper.Number, "Authority", paper.Authority), "")
	}
	for _, item := range r.Granted {
		value := v.lang.T("console.view.not_held")
		if text, held := out.Values[item]; held {
			value = text.Reveal()
		}
		if n := slices.IndexFunc(parts, func(p part) bool { return p.item == item }); n >= 0 {
			value = v.lang.T("console.file.part", "Name", parts[n].name)
		}
		i, _ := c.Item(item)
		lines = append(lines, v.label(i.Label, item)+v.lang.T("web.colon")+value)
	}
	return strings.Join(lines, "\n")
}

// A fileKey is what account.html shows of the key that files are sealed to. Without a Key
// there is none.
type fileKey struct {
	Key             string
	SetAt, GoodFrom time.Time
	Good            bool
	Forged          bool
}

// fileKey tells of the key of who visits.
func (v *visit) fileKey(ctx context.Context, tx *db.Tx) (fileKey, error) {
	key, err := staff.RecipientOf(ctx, tx, v.in.Person.ID)
	if errors.Is(err, staff.ErrNoRecipient) {
		return fileKey{}, nil
	}
	return fileKey{key.Key, key.SetAt, key.GoodFrom, key.Good(tx.Now()), !key.Intact(v.s.Ring)}, err
}

// setKey keeps the key that files are sealed to, a day from now on.
func (s *Server) setKey(v *visit) error {
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.SetRecipient(ctx, tx, s.Ring, in.Person, v.r.PostFormValue("recipient"))
		return err
	})
	return v.accountDone("keyed", err)
}

func (s *Server) endKey(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return staff.EndRecipient(ctx, tx, in.Person, in.Person.ID)
	})
	return v.accountDone("unkeyed", err)
}
