package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"wardkeep/internal/base/i18n"
)

//go:embed docs.html
var docsText string

//go:embed docs.css
var docsStyle []byte

// docsPage is what docs.html shows.
type docsPage struct {
	Lang, Other string
	Groups      []docsGroup
	Codes       []docsCode
}

type docsGroup struct {
	Title  string
	Routes []docsRoute
}

type docsRoute struct {
	ID, Method, Path, Summary, Access string
	Params                            []docsParam
	Body                              string // a schema as JSON
	Answer                            string
	Status                            int
	Refusals                          []int
}

type docsParam struct{ Name, In, Text string }

type docsCode struct{ Code, Text, Remedy string }

// renderDocs writes the documentation once per language. It loads nothing from
// elsewhere and runs no script.
func renderDocs(oapi *huma.OpenAPI) map[string][]byte {
	pages := make(map[string][]byte)
	for _, lang := range i18n.Langs {
		t := template.Must(template.New("docs").Funcs(template.FuncMap{"t": lang.T}).Parse(docsText))
		page := docsPage{Lang: string(lang), Other: string(i18n.Langs[1]), Codes: codes(lang)}
		if lang == i18n.Langs[1] {
			page.Other = string(i18n.Langs[0])
		}
		for i := range routes {
			page.add(lang, oapi, &routes[i])
		}
		var b bytes.Buffer
		if err := t.Execute(&b, page); err != nil {
			panic(err) // template and routes are part of the binary, and a test has rendered them
		}
		pages[string(lang)] = b.Bytes()
	}
	return pages
}

func (p *docsPage) add(lang i18n.Lang, oapi *huma.OpenAPI, rt *route) {
	title := lang.T("api.tag." + rt.Tag)
	if len(p.Groups) == 0 || p.Groups[len(p.Groups)-1].Title != title {
		p.Groups = append(p.Groups, docsGroup{Title: title})
	}
	g := &p.Groups[len(p.Groups)-1]
	item := oapi.Paths[rt.described()]
	op := map[string]*huma.Operation{get: item.Get, post: item.Post, put: item.Put, del: item.Delete}[rt.Method]
	d := docsRoute{
		ID: rt.ID, Method: rt.Method, Path: rt.Path, Summary: lang.T("api.route." + rt.ID), Access: rt.access(lang),
		Status: rt.Status, Refusals: rt.refusals(),
	}
	for _, q := range op.Parameters {
		text := q.Description
		if key := "api." + map[string]string{"path": "param.", "header": "header.", "query": "query."}[q.In] + q.Name; lang.Has(key) {
			text = lang.T(key)
		}
		d.Params = append(d.Params, docsParam{Name: q.Name, In: q.In, Text: text})
	}
	if op.RequestBody != nil {
		d.Body = outline(oapi, op.RequestBody.Content[jsonType].Schema)
	}
	for status, r := range op.Responses {
		if m := r.Content[jsonType]; m != nil && status[0] == '2' {
			d.Answer = outline(oapi, m.Schema)
		}
	}
	g.Routes = append(g.Routes, d)
}

// access says in words who may ask.
func (rt *route) access(lang i18n.Lang) string {
	switch {
	case rt.Access == forAll:
		return lang.T("api.access.all")
	case rt.Access == forLink:
		return lang.T("api.access.link")
	case rt.Scope == "":
		return lang.T("api.access.key")
	}
	return lang.T("api.access.scope", "Scope", rt.Scope)
}

// outline returns a schema as an example would look: each field with its kind.
func outline(oapi *huma.OpenAPI, s *huma.Schema) string {
	b, err := json.MarshalIndent(example(oapi, s, 0), "", "  ")
	if err != nil {
		panic(err) // it is made of maps and texts
	}
	return string(b)
}

func example(oapi *huma.OpenAPI, s *huma.Schema, depth int) any {
	if s.Ref != "" {
		s = oapi.Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case depth > 6:
		return "…"
	case len(s.Enum) > 0:
		parts := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			parts[i], _ = v.(string)
		}
		return strings.Join(parts, " | ")
	case s.Type == huma.TypeArray:
		return []any{example(oapi, s.Items, depth+1)}
	case len(s.Properties) > 0:
		all := make(map[string]any)
		for name, p := range s.Properties {
			if !slices.Contains(s.Required, name) {
				name += "?"
			}
			all[name] = example(oapi, p, depth+1)
		}
		return all
	case s.Type == huma.TypeObject:
		if p, ok := s.AdditionalProperties.(*huma.Schema); ok {
			return map[string]any{"…": example(oapi, p, depth+1)}
		}
		return map[string]any{}
	case s.Format != "":
		return s.Format
	case s.Type == "":
		return "any"
	}
	return s.Type
}

// codes lists every code of a refusal or a denial with its words: the types of
// problems lead here.
func codes(lang i18n.Lang) (all []docsCode) {
	skip := []string{"api.route.", "api.tag.", "api.param.", "api.header.", "api.query.", "api.status.", "api.access.", "api.docs.", "notify.and", "notify.none"}
	for key, text := range i18n.Keys(lang) {
		area, _, ok := strings.Cut(key, ".")
		if key != "internal" && (!ok || !slices.Contains([]string{"account", "api", "catalog", "consent", "db", "family", "gate", "ledger", "notify", "value", "vault"}, area)) {
			continue
		}
		if strings.HasSuffix(key, ".remedy") || strings.Count(key, ".") > 1 || strings.HasPrefix(key, "api.about") ||
			slices.ContainsFunc(skip, func(p string) bool { return strings.HasPrefix(key, p) }) || strings.Contains(text, "{{") {
			continue
		}
		c := docsCode{Code: key, Text: text}
		if lang.Has(key + ".remedy") {
			c.Remedy = lang.T(key + ".remedy")
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b docsCode) int { return strings.Compare(a.Code, b.Code) })
	return all
}

const docsPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func getDocs(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	lang := string(c.lang)
	if asked := r.URL.Query().Get("lang"); s.docs[asked] != nil {
		lang = asked
	}
	w.Header().Set("Content-Security-Policy", docsPolicy)
	send(w, http.StatusOK, "text/html; charset=utf-8", s.docs[lang])
	return nil
}

func getDocsStyle(_ *Server, w http.ResponseWriter, _ *http.Request, _ *call) error {
	send(w, http.StatusOK, "text/css; charset=utf-8", docsStyle)
	return nil
}

func getOpenAPI(s *Server, w http.ResponseWriter, _ *http.Request, _ *call) error {
	send(w, http.StatusOK, "application/openapi+json", s.openapi)
	return nil
}
