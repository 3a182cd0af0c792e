package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"wardkeep/internal/account"
)

// A mux leads requests to routes. Most routes are read and checked by huma,
// which never writes an answer here: what it writes goes nowhere.
type mux struct {
	s      *Server
	routes *http.ServeMux
	paths  *http.ServeMux // the same without methods, to tell 405 from 404
	oapi   *huma.OpenAPI
	api    huma.API
	verbs  map[string]map[string]http.HandlerFunc // "POST /…/{request}" → "send" → handler
	has    map[string]bool
	adding *route
	known  map[string]bool // names of fields and parameters
}

func newMux(s *Server) *mux {
	replaceErrors()
	m := &mux{s: s, routes: http.NewServeMux(), paths: http.NewServeMux(), verbs: make(map[string]map[string]http.HandlerFunc), has: make(map[string]bool)}
	m.oapi = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Wardkeep", Version: "1", Description: english("api.about")},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"appKey":         {Type: "http", Scheme: "bearer", BearerFormat: "wk_live_…", Description: english("api.about_keys")},
				"partySignature": {Type: "http", Scheme: "signature", Description: english("api.about_signatures")},
			},
		},
	}
	m.api = huma.NewAPI(huma.Config{
		OpenAPI:                      m.oapi,
		Formats:                      map[string]huma.Format{jsonType: {Marshal: func(io.Writer, any) error { return nil }, Unmarshal: json.Unmarshal}},
		DefaultFormat:                jsonType,
		RejectUnknownQueryParameters: true,
	}, m)
	return m
}

// add adds a route to the mux and to the OpenAPI document.
func (m *mux) add(rt *route) {
	m.adding = rt
	rt.do(m, rt)
}

// handle leads the route's path to h.
func (m *mux) handle(rt *route, h handler) {
	serve := m.s.serve(rt, h)
	path, verb, has := strings.Cut(rt.Path, "}:")
	if !has {
		m.routes.HandleFunc(rt.pattern(), serve)
		m.path(rt.Path)
		return
	}
	// ServeMux has no wildcard that ends within a segment: the verb of an action
	// is cut off here.
	path += "}"
	pattern := rt.Method + " " + path
	if m.verbs[pattern] == nil {
		m.verbs[pattern] = make(map[string]http.HandlerFunc)
		name := path[strings.LastIndexByte(path, '{')+1 : len(path)-1]
		m.routes.HandleFunc(pattern, m.action(pattern, name))
		m.path(path)
	}
	m.verbs[pattern][verb] = serve
}

func (m *mux) action(pattern, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value := r.PathValue(name)
		i := strings.LastIndexByte(value, ':')
		serve := m.verbs[pattern][value[i+1:]]
		if i < 0 || serve == nil {
			m.nowhere(ErrNoRoute)(w, r)
			return
		}
		r.SetPathValue(name, value[:i])
		serve(w, r)
	}
}

// path notes that there is something under a path, whatever the method.
func (m *mux) path(path string) {
	if !m.has[path] {
		m.has[path] = true
		m.paths.HandleFunc(path, func(http.ResponseWriter, *http.Request) {})
	}
}

// nowhere answers a request that no route takes.
func (m *mux) nowhere(err error) http.HandlerFunc {
	none := &route{Method: "*", Path: "*", Access: forAll}
	return m.s.serve(none, func(http.ResponseWriter, *http.Request, *call) error { return err })
}

// finish returns the handler. A path that isn't in its one form leads nowhere:
// the redirect of ServeMux would repeat it.
func (m *mux) finish() http.Handler {
	noRoute, noMethod := m.nowhere(ErrNoRoute), m.nowhere(ErrMethod)
	m.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := m.paths.Handler(r); pattern != "" {
			noMethod(w, r)
			return
		}
		noRoute(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.EscapedPath()
		if strings.Contains(p, "//") || strings.Contains(p, "/./") || strings.Contains(p, "/../") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..") {
			noRoute(w, r)
			return
		}
		m.routes.ServeHTTP(w, r)
	})
}

// Handle makes mux an adapter of huma.
func (m *mux) Handle(op *huma.Operation, h func(huma.Context)) {
	m.handle(m.adding, func(_ http.ResponseWriter, r *http.Request, c *call) error {
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		r.Body = io.NopCloser(bytes.NewReader(c.body))
		h(humago.NewContext(op, r, nowhere{}))
		if e, ok := errors.AsType[*invalid](c.err); ok {
			return e.refusal(m.known)
		}
		return c.err
	})
}

// ServeHTTP makes mux an adapter of huma.
func (m *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.routes.ServeHTTP(w, r) }

// nowhere is where huma writes.
type nowhere struct{}

func (nowhere) Header() http.Header         { return make(http.Header) }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

// callKey carries the call through huma, which has no other way: typed takes it
// out again and hands it on as an argument.
type callKey struct{}

// An answer is what a typed handler gives back.
type answer[O any] struct {
	Body        O
	Entry       string          // of the ledger
	ETag        string          // quoted
	NotModified bool            // the caller has it
	kept        *account.Answer // of the same request before
}

// typed makes a route of a function: huma reads and checks I, and O is described
// as the answer.
func typed[I, O any](fn func(*Server, context.Context, *call, *I) (answer[O], error)) func(*mux, *route) {
	return func(m *mux, rt *route) {
		huma.Register(m.api, m.operation(rt, reflect.TypeFor[O]()), func(ctx context.Context, in *I) (*struct{}, error) {
			c := ctx.Value(callKey{}).(*call)
			a, err := fn(m.s, ctx, c, in)
			if err == nil {
				err = a.send(c)
			}
			c.err = err
			return nil, nil
		})
	}
}

// plain makes a route of a handler that reads and writes itself.
func plain[I, O any](fn func(*Server, http.ResponseWriter, *http.Request, *call) error) func(*mux, *route) {
	return func(m *mux, rt *route) {
		op := m.operation(rt, reflect.TypeFor[O]())
		if rt.Body {
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: m.schema(reflect.TypeFor[I]())}}}
		}
		m.oapi.AddOperation(&op)
		m.handle(rt, func(w http.ResponseWriter, r *http.Request, c *call) error { return fn(m.s, w, r, c) })
	}
}

func (m *mux) schema(t reflect.Type) *huma.Schema {
	return m.oapi.Components.Schemas.Schema(t, true, t.Name())
}

// none is the answer of routes that have none.
type none struct{}

// send writes the answer.
func (a answer[O]) send(c *call) error {
	if a.kept != nil {
		return resend(c, a.kept)
	}
	h := c.w.Header()
	if a.Entry != "" {
		h.Set(entryHeader, a.Entry)
	}
	if a.ETag != "" {
		h.Set("ETag", a.ETag)
	}
	if a.NotModified {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, err := a.body()
	if err != nil {
		return err
	}
	send(c.w, c.route.Status, jsonType, body)
	return nil
}

func (a answer[O]) body() ([]byte, error) {
	if _, ok := any(a.Body).(none); ok {
		return nil, nil
	}
	return json.Marshal(a.Body)
}

// operation describes a route.
func (m *mux) operation(rt *route, out reflect.Type) huma.Operation {
	op := huma.Operation{
		OperationID: rt.ID, Method: rt.Method, Path: rt.described(), Tags: []string{rt.Tag}, Summary: english("api.route." + rt.ID),
		DefaultStatus: rt.Status, MaxBodyBytes: -1, BodyReadTimeout: -1, Responses: make(map[string]*huma.Response),
	}
	if rt.Access == forApp {
		op.Security = []map[string][]string{{"appKey": {}}}
		if rt.Scope != "" {
			op.Security[0]["appKey"] = []string{rt.Scope}
		}
	}
	if rt.Access == forParty {
		op.Security = []map[string][]string{{"partySignature": {}}}
	}
	text := &huma.Schema{Type: huma.TypeString}
	for _, part := range strings.Split(op.Path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: text, Description: english("api.param." + name)})
	}
	for _, name := range rt.headers() {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "header", Schema: text, Description: english("api.header." + name)})
	}
	ok := &huma.Response{Description: http.StatusText(rt.Status), Headers: make(map[string]*huma.Param)}
	for _, name := range rt.answers() {
		ok.Headers[name] = &huma.Param{Schema: text, Description: english("api.header." + name)}
	}
	switch {
	case out == reflect.TypeFor[none]():
	case rt.ContentType != "":
		ok.Content = map[string]*huma.MediaType{rt.ContentType: {Schema: text}}
	default:
		ok.Content = map[string]*huma.MediaType{jsonType: {Schema: m.schema(out)}}
	}
	op.Responses[strconv.Itoa(rt.Status)] = ok
	for _, status := range rt.refusals() {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: english(titleKey(status)),
			Content:     map[string]*huma.MediaType{problemType: {Schema: m.schema(problemTypeOf)}},
		}
	}
	if rt.ETag {
		op.Responses["304"] = &huma.Response{Description: english("api.status.304")}
	}
	return op
}

// learn notes the names that are in the OpenAPI document.
func (m *mux) learn() {
	m.known = map[string]bool{}
	for _, schema := range m.oapi.Components.Schemas.Map() {
		for name := range schema.Properties {
			m.known[name] = true
		}
	}
	for _, item := range m.oapi.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				m.known[p.Name] = true
			}
		}
	}
}

// document returns the OpenAPI document.
func (m *mux) document() []byte {
	b, err := json.MarshalIndent(m.oapi, "", "  ")
	if err != nil {
		panic(err) // it is made of constants, and a test has marshalled it
	}
	return b
}

// replaceErrors takes huma's errors away from it, once per process: they repeat
// what was sent.
var replaceErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError { return &invalid{status: status} }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, details ...error) huma.StatusError {
		e := &invalid{status: status, details: details}
		if c, ok := ctx.Context().Value(callKey{}).(*call); ok {
			c.err = e
		}
		return e
	}
})
