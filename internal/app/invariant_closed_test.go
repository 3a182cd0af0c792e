package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// A damage makes a fact about one child, about the service or about a credential
// missing, or something that nobody knows. {child} and {other} are children,
// {short} is too short for anything that is sealed.
type damage struct{ name, statement string }

// aChild is damaged alone, so that one store serves for all of these.
var aChild = []damage{
	{"state nobody knows", `UPDATE child SET state = '???' WHERE child = {child}`},
	{"no state", `UPDATE child SET state = '' WHERE child = {child}`},
	{"state in another case", `UPDATE child SET state = 'ACTIVE' WHERE child = {child}`},
	{"erased by hand", `UPDATE child SET state = 'erased' WHERE child = {child}`},
	{"other service", `UPDATE child SET service = 'other' WHERE child = {child}`},
	{"frozen", `UPDATE child SET frozen = true WHERE child = {child}`},
	{"birth too short", `UPDATE child SET birth = {short} WHERE child = {child}`},
	{"birth of another child", `UPDATE child SET birth = (SELECT birth FROM child WHERE child = {other}) WHERE child = {child}`},
	{"key too short", `UPDATE child SET wrapped = {short} WHERE child = {child}`},
	{"key of another child", `UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = {other}) WHERE child = {child}`},
	{"no key", `UPDATE child SET wrapped = NULL WHERE child = {child}`},
	{"pool that is none", `UPDATE child SET pool = (SELECT id FROM keyring_key WHERE purpose = 'index') WHERE child = {child}`},
	{"no pool", `UPDATE child SET pool = NULL WHERE child = {child}`},
	{"no row", `DELETE FROM child WHERE child = {child}`},
	{"no guardian", `DELETE FROM guardian WHERE child = {child}`},
	{"guardian's relation nobody knows", `UPDATE guardian SET relation = '???' WHERE child = {child}`},
	{"guardian without a relation", `UPDATE guardian SET relation = '' WHERE child = {child}`},
	{"guardian is the teacher", `UPDATE guardian SET relation = 'teacher' WHERE child = {child}`},
	{"guardian's strength 0", `UPDATE guardian SET strength = 0 WHERE child = {child}`},
	{"guardian's strength below 0", `UPDATE guardian SET strength = -1 WHERE child = {child}`},
	{"guardian's strength beyond what there is", `UPDATE guardian SET strength = 99 WHERE child = {child}`},
	{"guardian never verified", `UPDATE guardian SET verified_at = NULL WHERE child = {child}`},
	{"guardian ended", `UPDATE guardian SET ended_at = 1 WHERE child = {child}`},
	{"guardian of another child", `UPDATE guardian SET child = {other} WHERE child = {child}`},
	{"no consent", `DELETE FROM consent WHERE child = {child}`},
	{"consent of a stranger", `UPDATE consent SET guardian = 'gu_nobody' WHERE child = {child}`},
	{"consent to nothing that was published", `UPDATE consent SET charter = 0 WHERE child = {child}`},
	{"consent to a charter to come", `UPDATE consent SET charter = 99 WHERE child = {child}`},
	{"consent without strength", `UPDATE consent SET strength = 0 WHERE child = {child}`},
	{"consent ended", `UPDATE consent SET ended_at = 1 WHERE child = {child}`},
	{"consent refused", `UPDATE consent SET granted = false WHERE child = {child}`},
	{"consent to another purpose", `UPDATE consent SET purpose = '???' WHERE child = {child}`},
	{"value cut off", `UPDATE value SET sealed = {short} WHERE child = {child}`},
	{"value of another child", `UPDATE value SET sealed = (SELECT sealed FROM value WHERE child = {other}) WHERE child = {child}`},
	{"value of another version", `UPDATE value SET version = version + 1 WHERE child = {child}`},
	{"value over", `UPDATE value SET expires_at = 1 WHERE child = {child}`},
	{"value without an end", `UPDATE value SET expires_at = 0 WHERE child = {child}`},
}

// theService is damaged as a whole, so that each of these takes a store.
var theService = []damage{
	{"no officer", `UPDATE service SET officer = ''`},
	{"no deputy", `UPDATE service SET deputy = ''`},
	{"no charter", `UPDATE service SET charter = 0`},
	{"a charter that isn't there", `UPDATE service SET charter = 99`},
	{"no service", `DELETE FROM service`},
	{"charter cut off", `UPDATE charter SET canonical = {short}`},
	{"charter of another hash", `UPDATE charter SET hash = '???'`},
	{"charter is a draft", `UPDATE charter SET published_at = NULL`},
	{"charter gone", `DELETE FROM charter`},
	{"purposes gone", `DELETE FROM charter_purpose`},
	{"purposes asked since a charter to come", `UPDATE charter_purpose SET asked_since = 99`},
	{"purposes asked since never", `UPDATE charter_purpose SET asked_since = 0`},
	{"notices gone", `DELETE FROM document WHERE kind = 'notice'`},
	{"credential of another service", `UPDATE credential SET service = 'other'`},
	{"credential with a scope nobody knows", `UPDATE credential SET scopes = '???'`},
	{"credential without scopes", `UPDATE credential SET scopes = ''`},
	{"credential over", `UPDATE credential SET expires_at = 1`},
	{"credential revoked", `UPDATE credential SET revoked_at = 1`},
	{"no table of children", `ALTER TABLE child RENAME TO child_gone`},
	{"no table of services", `ALTER TABLE service RENAME TO service_gone`},
	{"no table of guardians", `ALTER TABLE guardian RENAME TO guardian_gone`},
	{"no table of consents", `ALTER TABLE consent RENAME TO consent_gone`},
	{"no table of charters", `ALTER TABLE charter RENAME TO charter_gone`},
	{"no table of purposes", `ALTER TABLE charter_purpose RENAME TO purpose_gone`},
	{"no table of documents", `ALTER TABLE document RENAME TO document_gone`},
	{"no table of values", `ALTER TABLE value RENAME TO value_gone`},
	{"no table of credentials", `ALTER TABLE credential RENAME TO credential_gone`},
	{"nowhere to record", `ALTER TABLE ledger_pending RENAME TO pending_gone`},
}

// aWindow is damaged where only a person inside looks: what somebody else has decided, and
// who looks. {window} is the request, {person} who asked, {else} who has decided.
var aWindow = []damage{
	{"approval gone", `DELETE FROM approval WHERE id = {window}`},
	{"approval over", `UPDATE approval SET until_at = 1 WHERE id = {window}`},
	{"approval without an end", `UPDATE approval SET until_at = NULL WHERE id = {window}`},
	{"approval made longer", `UPDATE approval SET until_at = until_at + 1 WHERE id = {window}`},
	{"approval in a state nobody knows", `UPDATE approval SET state = '???' WHERE id = {window}`},
	{"approval still open", `UPDATE approval SET state = 'open' WHERE id = {window}`},
	{"approval of other items", `UPDATE approval SET granted = 'remarks' WHERE id = {window}`},
	{"approval of no items", `UPDATE approval SET granted = '' WHERE id = {window}`},
	{"approval by nobody", `UPDATE approval SET decider = '' WHERE id = {window}`},
	{"approval by who asks", `UPDATE approval SET decider = asker WHERE id = {window}`},
	{"approval for somebody else", `UPDATE approval SET asker = {else} WHERE id = {window}`},
	{"approval without looks", `UPDATE approval SET quota = 0 WHERE id = {window}`},
	{"approval with more looks", `UPDATE approval SET quota = quota + 1 WHERE id = {window}`},
	{"approval for another child", `UPDATE approval SET child = {other} WHERE id = {window}`},
	{"approval for another purpose", `UPDATE approval SET purpose = 'parent-reports' WHERE id = {window}`},
	{"approval bound by nothing", `UPDATE approval SET bound = {short} WHERE id = {window}`},
	{"session over", `UPDATE person_session SET ends_at = 1 WHERE person = {person}`},
	{"session of somebody else", `UPDATE person_session SET person = {else} WHERE person = {person}`},
	{"session gone", `DELETE FROM person_session WHERE person = {person}`},
	{"role nobody knows", `UPDATE person_role SET role = '???' WHERE person = {person}`},
	{"role of another service", `UPDATE person_role SET service = 'other' WHERE person = {person}`},
	{"role gone", `DELETE FROM person_role WHERE person = {person}`},
	{"person in a state nobody knows", `UPDATE person SET state = '???' WHERE id = {person}`},
	{"person has left", `UPDATE person SET state = 'left' WHERE id = {person}`},
	{"person gone", `DELETE FROM person WHERE id = {person}`},
}

// noWindow is what all looks need, and nobody else does.
var noWindow = []damage{
	{"no table of approvals", `ALTER TABLE approval RENAME TO approval_gone`},
	{"no table of emergencies", `ALTER TABLE broken_glass RENAME TO broken_gone`},
	{"no table of decoys", `ALTER TABLE decoy RENAME TO decoy_gone`},
	{"no table of persons", `ALTER TABLE person RENAME TO person_gone`},
	{"no table of roles", `ALTER TABLE person_role RENAME TO role_gone`},
	{"no table of sessions", `ALTER TABLE person_session RENAME TO session_gone`},
	{"nowhere to count looks", `ALTER TABLE person_looks RENAME TO looks_gone`},
}

const closedPurpose, closedItem = "course-progress", "nickname"

// A holder is a child whose value everybody may use until something is damaged.
type holder struct {
	t      *testing.T
	client *wardkeep.Client
	child  string
	value  string
	sealed string

	base   string              // of the server
	inside *signintest.Insider // may look at the value by another's decision
	other  *signintest.Insider // who decides
	window string              // the request
}

// theOffice are who looks at values, and who decides about that. They look often.
func theOffice(in *apptest.Installation) (a *app.App, looks, decides *signintest.Insider) {
	in.T.Helper()
	in.Config.Looks.PerHour, in.Config.Looks.PerDay, in.Config.Looks.PerApproval = 4000, 4000, 4000
	a = in.Open(apptest.Discard())
	hire := func(name string, role staff.Role) *signintest.Insider {
		return signintest.Hire(in.T, a.Store, a.StaffDoor(), name, staff.Grant{Role: role, Service: apptest.Service})
	}
	return a, hire("韩梅梅", staff.Worker), hire("周远", staff.Manager)
}

// opened has a person inside ask about the child, and another agree.
func (h *holder) opened(a *app.App, looks, decides *signintest.Insider) *holder {
	h.t.Helper()
	h.inside, h.other = looks, decides
	desk := approval.Desk{Ring: a.Ring, Charters: a.Charters, Limits: approval.Limits{Looks: 4000}}
	err := a.Store.Update(h.t.Context(), func(tx *db.Tx) error {
		c, err := family.Find(h.t.Context(), tx, apptest.Service, family.ID(h.child))
		if err != nil {
			return err
		}
		r, _, err := desk.Ask(h.t.Context(), tx, looks.Session.Person, c, approval.Asking{Purpose: closedPurpose, Items: []string{closedItem}, Reason: approval.ForSupport, Text: pii.New("x"), Minutes: 30})
		if err != nil {
			return err
		}
		h.window = r.ID
		_, _, err = desk.Decide(h.t.Context(), tx, decides.Session.Person, apptest.Service, r.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return h
}

// Invariant 3: whichever fact is missing, damaged or unknown, a use is denied or
// fails, and neither the value nor a permission comes out.
func TestInvariant3_DamagedFactsReleaseNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a, looks, decides := theOffice(in)
		base := in.Serve(a)
		other := newHolder(t, in, base)
		for _, d := range aChild {
			h := newHolder(t, in, base).opened(a, looks, decides)
			h.works(d)
			in.Damage(a, d.statement, map[string]any{"{child}": h.child, "{other}": other.child, "{short}": []byte("short")})
			h.closed(d)
		}
	})
}

// The same for a person inside, who looks by another's decision (Article 15): the session,
// the person and the decision are facts, too. Apps go on.
func TestInvariant3_ADamagedWindowShowsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a, looks, decides := theOffice(in)
		base := in.Serve(a)
		other := newHolder(t, in, base)
		for _, d := range aWindow {
			if !strings.Contains(d.statement, "approval") {
				looks = signintest.Hire(t, a.Store, a.StaffDoor(), "李雷", staff.Grant{Role: staff.Worker, Service: apptest.Service})
			}
			h := newHolder(t, in, base).opened(a, looks, decides)
			h.works(d)
			in.Damage(a, d.statement, map[string]any{"{window}": h.window, "{person}": looks.ID, "{else}": decides.ID, "{other}": other.child, "{short}": []byte("short")})
			h.shut(d)
		}
		looks = signintest.Hire(t, a.Store, a.StaffDoor(), "李雷", staff.Grant{Role: staff.Worker, Service: apptest.Service})
		h := newHolder(t, in, base).opened(a, looks, decides)
		for _, d := range noWindow {
			h.works(d)
			in.Damage(a, d.statement, nil)
			h.shut(d)
			words := strings.Fields(d.statement)
			in.Damage(a, "ALTER TABLE "+words[5]+" RENAME TO "+words[2], nil)
		}
		h.works(damage{name: "the end, when all is mended"})
	})
}

// The same for what all children share. It is mended after each damage.
func TestInvariant3_DamagedServicesReleaseNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a, looks, decides := theOffice(in)
		h := newHolder(t, in, in.Serve(a)).opened(a, looks, decides)
		h.restart(in, func() { h.works(damage{name: "anything is damaged"}) })
		for _, d := range theService {
			words := strings.Fields(d.statement)
			table := words[slices.IndexFunc(words, func(w string) bool { return w == strings.ToLower(w) })]
			undo := []string{"DELETE FROM " + table, "INSERT INTO " + table + " SELECT * FROM kept", "DROP TABLE kept"}
			if words[0] == "ALTER" {
				undo = []string{"ALTER TABLE " + words[5] + " RENAME TO " + words[2]}
			} else {
				in.Damage(a, "CREATE TABLE kept AS SELECT * FROM "+table, nil)
			}
			in.Damage(a, d.statement, map[string]any{"{short}": []byte("short")})
			h.restart(in, func() { h.closed(d) })
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				for _, statement := range undo {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
				return nil
			})
		}
		h.restart(in, func() { h.works(damage{name: "the end, when all is mended"}) })
	})
}

// restart runs fn with a process that has read nothing yet: what one had read
// before may still be believed.
func (h *holder) restart(in *apptest.Installation, fn func()) {
	h.t.Helper()
	a := in.Open(apptest.Discard())
	s := httptest.NewServer(a.Handler())
	h.client, h.base = in.Client(s.URL), s.URL
	fn()
	s.Close()
	if err := a.Close(); err != nil {
		h.t.Error(err)
	}
}

func newHolder(t *testing.T, in *apptest.Installation, base string) *holder {
	t.Helper()
	h := &holder{t: t, client: in.Client(base), base: base, value: text(16)}
	ctx := t.Context()
	child, err := h.client.Register(ctx, apptest.NewChild())
	if err == nil {
		h.child = child.ID
		var r wardkeep.ConsentRequest
		if r, err = h.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Purposes: []string{closedPurpose}, Channel: "link", Locale: "en"}); err == nil {
			_, err = h.client.Force(ctx, r.ID, granted)
		}
	}
	if err == nil {
		_, err = h.client.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: closedPurpose, Values: map[string]string{closedItem: h.value}})
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.client.Seal(ctx, h.batch(h.value))
	if err != nil || out[0].Problem != nil {
		t.Fatal(err, out)
	}
	h.sealed = out[0].Values[closedItem]
	return h
}

func (h *holder) batch(value string) wardkeep.Batch {
	return wardkeep.Batch{Purpose: closedPurpose, Children: []wardkeep.ChildValues{{Child: h.child, Values: map[string]string{closedItem: value}}}}
}

// works makes sure that it is the damage that closes.
func (h *holder) works(d damage) {
	h.t.Helper()
	if open := h.tries(); len(open) != 5 {
		h.t.Fatalf("before %q only %v works", d.name, open)
	}
}

// shut makes sure that a damage of a window closes that, and that alone.
func (h *holder) shut(d damage) {
	h.t.Helper()
	if open := h.tries(); len(open) != 4 || slices.Contains(open, "look") {
		h.t.Errorf("%s: %v works", d.name, open)
	}
}

func (h *holder) closed(d damage) {
	h.t.Helper()
	for _, what := range h.tries() {
		// Only a read and a look need the value that lies here, and a dry decision at most
		// how old it is. A dry decision is recorded nowhere, and a look needs no credential.
		about := func(text string) bool { return strings.Contains(d.statement, text) }
		switch what {
		case "decide":
			if about("value SET sealed") || about("value SET version") || about("ledger_pending") {
				continue
			}
		case "open", "seal":
			if about(" value ") {
				continue
			}
		case "look":
			if about(" credential ") {
				continue
			}
		}
		h.t.Errorf("%s: %s still works", d.name, what)
	}
}

// tries returns which uses work, and fails if a value comes out elsewhere.
func (h *holder) tries() (open []string) {
	h.t.Helper()
	ctx := context.Background()
	v, err := h.client.Read(ctx, h.child, wardkeep.Reading{Purpose: closedPurpose, Items: []string{closedItem}})
	if err == nil && len(v.Values) > 0 {
		open = append(open, "read")
	}
	if d, err := h.client.Decide(ctx, wardkeep.Check{Child: h.child, Activity: "use", Purpose: closedPurpose, Items: []string{closedItem}}); err == nil && d[0].Permitted {
		open = append(open, "decide")
	}
	if out, err := h.client.Open(ctx, h.batch(h.sealed)); err == nil && out[0].Problem == nil {
		open = append(open, "open")
	}
	if out, err := h.client.Seal(ctx, h.batch(h.value)); err == nil && out[0].Problem == nil {
		open = append(open, "seal")
	}
	if err != nil && strings.Contains(err.Error(), h.value) {
		h.t.Errorf("a refusal holds the value: %v", err)
	}
	if h.looks() {
		open = append(open, "look")
	}
	return open
}

// looks reports whether the person inside is shown the value, as a picture.
func (h *holder) looks() bool {
	h.t.Helper()
	path := h.base + "/console/access/requests/" + apptest.Service + "/" + h.window + "/view"
	r, err := http.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"item": {closedItem}}.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	r.AddCookie(&http.Cookie{Name: "wardkeep_staff", Value: h.inside.Secret})
	a, err := apptest.Households().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if strings.Contains(string(body), h.value) || a.StatusCode != http.StatusOK && strings.Contains(string(body), "PNG") {
		h.t.Errorf("a look that is refused brings something")
	}
	return a.StatusCode == http.StatusOK
}
