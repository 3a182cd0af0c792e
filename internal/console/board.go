package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/due"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
)

// boardPage is what board.html shows.
type boardPage struct {
	At       time.Time
	Services choices // that the person sees
	Service  string  // that it is narrowed to, or empty
	together
	Counts   []stateCount
	Articles []board.Article
	Saved    savedPart
	Export   exportPart
}

// A stateCount is how many articles are in a state.
type stateCount struct {
	State board.State
	N     int
}

// together tells of which services a page of the board is, where there are more than it is
// computed of at once: what is computed when it is looked at takes a while for each.
type together struct {
	Of     int64  // all of them; 0: the page is of all that there are, or of the one asked for
	Behind string // the service behind which the page begins, or empty
	From   string
	Upto   string
	pager
}

// boardOf returns the services whose board the person sees, cut to those of the page, all of
// their names, and the one that the address narrows them to.
func (v *visit) boardOf(ctx context.Context, tx *db.Tx) (services []catalog.Service, part together, names []string, narrowed string, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, part, nil, "", err
	}
	names = v.in.Person.Where(staff.SeeBoard, all)
	v.keeps = fieldsOf(v.r.URL.Query(), []string{"service"})
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		seen[name] = true
	}
	if one := v.keeps.Get("service"); seen[one] {
		at := slices.IndexFunc(all, func(s catalog.Service) bool { return s.Name == one })
		return all[at : at+1], part, names, one, nil
	}
	services, part.pager = v.some(all, func(s catalog.Service) bool { return seen[s.Name] })
	if part.pager != (pager{}) && len(services) > 0 {
		part.Of, part.Behind = int64(len(names)), v.r.URL.Query().Get("from")
		part.From, part.Upto = services[0].Name, services[len(services)-1].Name
	}
	return services, part, names, "", nil
}

func (s *Server) board() board.Desk {
	return board.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters, Patience: s.mayBeLate()}
}

// articles shows how each of the 29 stands.
func (s *Server) articles(v *visit) error {
	var page boardPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, part, names, narrowed, err := v.boardOf(ctx, tx)
		if err != nil {
			return err
		}
		page.At, page.Services, page.Service, page.together, page.Export = tx.Now(), names, narrowed, part, v.exportPart(listBoard, v.keeps)
		if page.Saved, err = v.savedPart(ctx, tx, listBoard, v.keeps); err != nil {
			return err
		}
		page.Articles, err = s.board().Of(ctx, tx, services)
		return err
	})
	if err != nil {
		return err
	}
	n := board.Count(page.Articles)
	for _, state := range board.States {
		page.Counts = append(page.Counts, stateCount{state, n[state]})
	}
	return v.show(http.StatusOK, "board", page)
}

// articlePage is what article.html shows.
type articlePage struct {
	board.Article
	At       time.Time
	Evidence []figureRow
	Services []articleOf // how it stands for each, where there are several
	together
	Clocks  []dueLine // what is late or will be, the first of it
	All     []allOf   // where all of it is, for who may go there
	Matched *matchedPart
	Rules   []string // services whose rules and agreement are public
}

// A matchedPart is what the last reconciliation of looks with their approvals found, as far
// as it can be told (Article 15).
type matchedPart struct {
	replay.Matched
	Problem string // a key: there was none, or its row was changed
	Behind  int64  // entries since
}

func matchedOf(ctx context.Context, tx *db.Tx, s *Server) (*matchedPart, error) {
	m, err := replay.LastMatched(ctx, tx, s.Ring)
	if e := errs.Of(err); e.Is(replay.ErrNoMatching) || e.Is(replay.ErrMatchingForged) {
		return &matchedPart{Problem: e.Code}, nil
	}
	if err != nil {
		return nil, err
	}
	head, err := ledger.Head(ctx, tx)
	return &matchedPart{Matched: m, Behind: head.Size - m.Size}, err
}

// An articleOf is how an article stands for one service.
type articleOf struct {
	Service string
	State   board.State
}

// An allOf is the page on which all clocks of a kind are, or "".
type allOf struct {
	Kind due.Kind
	To   string
}

// A figureRow is a number, and the page that shows what it counts, or "".
type figureRow struct {
	board.Figure
	To string
}

// figurePages are where what a number counts is looked at. A page that this release lacks,
// or that the person mayn't see, is left out.
var figurePages = map[string]string{
	"takedowns": "/console/takedowns", "takedowns_late": "/console/due?kind=takedown", "screened": "/console/charters",
	"suspicions": "/console/due?kind=suspicion", "suspicions_late": "/console/due?kind=suspicion",
	"granted": "/console/pictures?picture=consents", "refused": "/console/pictures?picture=consents", "withdrawn": "/console/pictures?picture=consents",
	"permitted": "/console/pictures?picture=uses", "denied": "/console/pictures?picture=uses", "denied_11": "/console/pictures?picture=uses",
	"disclosed": "/console/pictures?picture=uses", "transferred": "/console/pictures?picture=uses", "entrusted": "/console/pictures?picture=uses",
	"demanded": "/console/pictures?picture=answers", "answered": "/console/pictures?picture=answers",
	"demands_near": "/console/due?kind=demand", "demands_late": "/console/due?kind=demand", "erasures_late": "/console/due?kind=erasure",
	"values_overdue": "/console/due?kind=value", "sweep_late": "/console/due?kind=sweep", "values_erased": "/console/pictures?picture=ending",
	"orders_open": "/console/due?kind=order", "orders_overdue": "/console/due?kind=order", "offices_vacant": "/console/due?kind=office", "offices_unproved": "/console/offices",
	"ends": "/console/due?kind=end", "ends_late": "/console/due?kind=end", "reviews_open": "/console/due?kind=review", "reviews_late": "/console/due?kind=review", "secrets_known": ofKind + "secret",
	"looks_waiting": "/console/decisions", "unconsented": "/console/due?kind=answer",
	"stored_abroad": "/console/charters", "storage_unfiled": "/console/borders", "read_abroad": "/console/borders", "access_unfiled": "/console/borders", "border_persons": "/console/borders", "borders_near": "/console/borders", "partings_late": ofKind + "party", "checks_late": ofKind + "party", "papers_ending": ofKind + "party",
	"keys": "/console/settings/system", "keys_retiring": "/console/settings/system", "keys_uncopied": "/console/settings/system", "keys_none": "/console/settings/system",
	"entries": "/console/ledger", "uses_looked": ofEntries + gate.KindPermitted, "uses_activity": ofEntries + gate.KindPermitted, "uses_items": ofEntries + gate.KindPermitted,
	"uses_purpose": ofEntries + gate.KindPermitted, "uses_audience": ofEntries + gate.KindPermitted, "disclosed_untold": ofEntries + approval.KindReleased, "alarms": ofEntries + approval.KindAlarm, "erased": ofEntries + family.KindErased,
	"shown_guided": ofEntries + consent.KindOpened, "shown_alone": ofEntries + consent.KindOpened, "looks_asked": ofEntries + approval.KindAsked,
	"activities": "/console/register", "assessed": ofKind + "impact", "impacts_missing": ofKind + "impact", "impacts_over": ofKind + "impact", "purposes": "/console/charters", "items": "/console/charters", "documents": "/console/charters", "authority": "/console/charters",
	"charter_blank": "/console/charters", "charter_unreadable": "/console/charters", "charter_none": "/console/charters", "documents_lost": "/console/charters",
	"authority_none": "/console/charters", "services_open": "/console/offices", "unconsented_late": "/console/due?kind=sweep", "transferred_bare": "/console/pictures?picture=uses",
	"helps_open": "/console/due?kind=help", "helps_late": "/console/due?kind=help",
	"incidents_open": "/console/incidents", "incidents_late": "/console/due?kind=incident", "plan_none": "/console/offices", "drill_none": "/console/offices",
	"reports_open": "/console/reports", "reports_late": "/console/reports?stands=late",
	"streams": "/console/streams", "streams_none": "/console/streams", "streams_own": "/console/streams", "streams_ending": ofKind + "stream", "streams_linkable": ofKind + "stream", "streams_uncovered": ofKind + "stream",
	"rectified": "/console/rectifications?what=rectify&stands=closed", "rectified_in_time": "/console/rectifications?what=rectify&stands=closed",
	"summonses_open": "/console/rectifications?what=summons", "rectifications_open": "/console/rectifications?what=item", "rectifications_late": ofKind + "rectification",
	"sanctions_complied": "/console/rectifications?what=sanction&stands=closed", "sanctions_open": "/console/rectifications?what=sanction", "sanctions_late": ofKind + "rectification",
	"audits_filed": "/console/yearly", "audits_open": ofKind + "yearly", "audits_late": ofKind + "yearly",
	"credits_ended": "/console/rectifications?what=credit&stands=closed", "credits_open": "/console/rectifications?what=credit", "credits_late": ofKind + "rectification",
	"entries_uncounted": "/console/pictures", "numbering_late": "/console/ledger", "head_unsigned": "/console/ledger/checkpoint", "checkpoints_late": "/console/settings",
}

// articleClocks are what of each article has a clock.
var articleClocks = map[int][]due.Kind{2: {due.Suspicion}, 3: {due.Party}, 4: {due.Takedown}, 7: {due.Impact}, 8: {due.Office}, 9: {due.Answer, due.Proof, due.Document}, 10: {due.Answer}, 12: {due.Value, due.Sweep}, 13: {due.Key},
	15: {due.Review, due.Secret}, 16: {due.Order, due.Help, due.Party}, 17: {due.Party}, 19: {due.Demand}, 20: {due.Demand, due.Erasure}, 21: {due.Incident, due.Untold, due.Plan}, 22: {due.Yearly}, 23: {due.End}, 24: {due.Complaint}, 25: {due.Rectification}, 26: {due.Rectification}, 27: {due.Rectification}, 28: {due.Stream}}

// publicEvidence are the articles of which rules and agreement, which are public, are evidence.
var publicEvidence = []int{3, 7, 8, 10, 24}

// mayGo returns an address of the console with the language of the visit, or "" where this
// release has no such page or the person mayn't see it.
func (v *visit) mayGo(to string) string {
	path, query, _ := strings.Cut(to, "?")
	for _, r := range table() {
		if r.pattern != "GET "+path || r.who == whoMay && !v.in.Person.MaySomewhere(r.action) || r.ofAll() && !v.in.Person.MayEverywhere(r.action, v.all) {
			continue
		}
		to = path + "?lang=" + string(v.lang)
		if query != "" {
			to += "&" + query
		}
		return to
	}
	return ""
}

// ofKind is the due list, narrowed to a kind that follows; ofEntries is the ledger.
const (
	ofKind    = "/console/due?kind="
	ofEntries = "/console/ledger?kind="
)

// evidence is mayGo for what the person sees there: the due list has of each kind what they
// may do or look after.
func (v *visit) evidence(to string) string {
	if kind, is := strings.CutPrefix(to, ofKind); is && !slices.Contains(due.Kinds(v.in.Person), due.Kind(kind)) {
		return ""
	}
	return v.mayGo(to)
}

// article shows what is behind the state of one article.
func (s *Server) article(v *visit) error {
	number, err := strconv.Atoi(v.r.PathValue("article"))
	if err != nil || number < 1 || number > board.Articles || strconv.Itoa(number) != v.r.PathValue("article") {
		return ErrNoPage
	}
	var page articlePage
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		services, part, _, _, err := v.boardOf(ctx, tx)
		if err == nil {
			v.all, err = catalog.List(ctx, tx)
		}
		if err != nil {
			return err
		}
		desk := s.board()
		page.At, page.together = tx.Now(), part
		var each []board.State
		if page.Article, each, err = desk.One(ctx, tx, number, services); err != nil {
			return err
		}
		for _, f := range page.Figures {
			page.Evidence = append(page.Evidence, figureRow{f, v.evidence(figurePages[f.Name])})
		}
		if len(services) > 1 {
			for i, one := range services {
				page.Services = append(page.Services, articleOf{one.Name, each[i]})
			}
		}
		for _, one := range services {
			if slices.Contains(publicEvidence, number) && one.Charter != 0 {
				page.Rules = append(page.Rules, one.Name)
			}
		}
		if number == 15 {
			if page.Matched, err = matchedOf(ctx, tx, s); err != nil {
				return err
			}
		}
		for _, kind := range articleClocks[number] {
			// Whoever sees the board sees what is behind it: no more than that it is late.
			all, _, err := due.List(ctx, tx, due.Asking{Person: v.in.Person, Services: services, Kind: kind, Patience: s.mayBeLate(), As: staff.SeeBoard}, due.Cursor{}, perPage)
			if err != nil {
				return err
			}
			lines, err := v.dueLines(ctx, tx, all)
			if err != nil {
				return err
			}
			page.Clocks = append(page.Clocks, lines...)
			page.All = append(page.All, allOf{kind, v.evidence(ofKind + string(kind))})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "article", page)
}
