package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
)

// What can be missing when a charter is to be published, and later.
var (
	ErrDocumentMissing  = errs.New(errs.Invalid, "catalog.document_missing") // rules or agreement, in a language
	ErrNoticeBlank      = errs.New(errs.Invalid, "catalog.notice_blank")     // Article 10: one of the seven items says nothing
	ErrDocumentNotFound = errs.New(errs.NotFound, "catalog.document_not_found")
)

// A DocumentKind is what a document is for.
type DocumentKind string

// The documents of every charter, in every language: the rules and the user
// agreement that Article 8 demands, and the notice of Article 10.
const (
	Rules     DocumentKind = "rules"
	Agreement DocumentKind = "agreement"
	Notice    DocumentKind = "notice"
)

// A Document is one text as it was published with a charter. Hash is the
// SHA-256 of Body in hexadecimal. Rules and agreement are Markdown; the body of
// a notice is JSON, see NoticeDoc.
type Document struct {
	Service string
	Charter int64
	Kind    DocumentKind
	Lang    charter.Lang
	Hash    string
	Body    string
}

// NoticeDoc returns the notice as it was published. It is what guardians were
// shown, whatever a later release would make of the same charter. Errors:
// ErrDamaged, also for a document of another kind.
func (d Document) NoticeDoc() (n charter.NoticeDoc, err error) {
	if d.Kind != Notice || hashOf(d.Body) != d.Hash || json.Unmarshal([]byte(d.Body), &n) != nil {
		return charter.NoticeDoc{}, d.damaged()
	}
	return n, nil
}

func (d Document) damaged() error {
	return fmt.Errorf("%s (%s) of charter %d of %s: %w", d.Kind, d.Lang, d.Charter, d.Service, ErrDamaged)
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// scanHeading reads a document without its body.
func scanHeading(row db.Row) (d Document, err error) {
	err = row.Scan(&d.Service, &d.Charter, &d.Kind, &d.Lang, &d.Hash)
	return d, err
}

func scanDocument(row db.Row) (d Document, err error) {
	err = row.Scan(&d.Service, &d.Charter, &d.Kind, &d.Lang, &d.Hash, &d.Body)
	if err == nil && hashOf(d.Body) != d.Hash {
		err = d.damaged()
	}
	return d, err
}

// FindDocument returns one document of a published version. Errors:
// ErrDocumentNotFound; ErrDamaged when its body isn't what its hash says.
func FindDocument(ctx context.Context, tx *db.Tx, service string, kind DocumentKind, lang charter.Lang, number int64) (Document, error) {
	d, err := db.One(ctx, tx, scanDocument, `
		SELECT service, charter, kind, lang, hash, body FROM document
		WHERE service = $1 AND charter = $2 AND kind = $3 AND lang = $4`, service, number, kind, lang)
	if errors.Is(err, db.ErrNone) {
		return Document{}, ErrDocumentNotFound
	}
	return d, err
}

// Documents returns the documents of every published version without their
// bodies, the newest version first: the history that an inspector asks for.
func Documents(ctx context.Context, tx *db.Tx, service string) ([]Document, error) {
	return db.All(ctx, tx, scanHeading, `
		SELECT service, charter, kind, lang, hash FROM document
		WHERE service = $1
		ORDER BY charter DESC, kind, lang`, service)
}

// documents returns what is published with a charter: rules, agreement and
// notice in every language, or the refusal that says what is blank.
func documents(c *charter.Charter, number int64) (all []Document, err error) {
	for _, lang := range charter.Langs {
		for _, text := range []struct {
			kind DocumentKind
			body string
		}{{Rules, c.Rules[lang]}, {Agreement, c.Agreement[lang]}} {
			if strings.TrimSpace(text.body) == "" {
				return nil, ErrDocumentMissing.At(string(text.kind) + "." + string(lang))
			}
			all = append(all, Document{Kind: text.kind, Lang: lang, Body: text.body})
		}
		notice, err := noticeOf(c, lang)
		if err != nil {
			return nil, err
		}
		all = append(all, notice)
	}
	for i := range all {
		all[i].Service, all[i].Charter, all[i].Hash = c.Service, number, hashOf(all[i].Body)
	}
	return all, nil
}

// noticeOf writes the notice of a charter in a language as the bytes whose
// SHA-256 is its hash, so that what is stored proves itself.
func noticeOf(c *charter.Charter, lang charter.Lang) (Document, error) {
	n, err := charter.Notice(c, lang)
	if blank, ok := errors.AsType[*charter.BlankError](err); ok {
		return Document{}, fmt.Errorf("%w: %w", ErrNoticeBlank.At("notice."+string(lang)), blank)
	}
	if err != nil {
		return Document{}, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n); err != nil {
		return Document{}, err
	}
	d := Document{Kind: Notice, Lang: lang, Body: strings.TrimSuffix(b.String(), "\n")}
	if hashOf(d.Body) != n.Hash() {
		return Document{}, fmt.Errorf("the notice of %s in %s doesn't have its own hash: %w", c.Service, lang, ErrDamaged)
	}
	return d, nil
}
