package replay_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
	openid "wardkeep/internal/provider"
	"wardkeep/internal/provider/providertest"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// A house is a story of persons inside: the officer, with a passkey; a colleague, who
// used a code of the list, was refused, and has stepped up; one who was invited; and one
// who left.
type house struct {
	*story
	door             signin.Door
	boss, colleague  *signintest.Insider
	invited, gone    string
	session, passkey string
	joined           string // who comes in by the provider
}

func playHouse(t *testing.T, w *vaulttest.World) *house {
	t.Helper()
	h := &house{story: begin(t, w), door: signin.Door{Ring: w.Ring, Site: passkey.NewSite("https://console.example")}}
	worker := staff.Grant{Role: staff.Worker, Service: service}
	var office staff.Grant
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		office, err = staff.OfOffice(ctx, tx, service, w.Officer.ID)
		return err
	})
	h.boss = signintest.Hire(t, w.Store, h.door, "林静", office, staff.Grant{Role: staff.Auditor})
	h.colleague = signintest.Hire(t, w.Store, h.door, "李雷", worker)
	leaver := signintest.Hire(t, w.Store, h.door, "韩梅梅", worker, staff.Grant{Role: staff.Engineer})
	lost := h.adds(h.boss)
	kept := h.adds(h.boss)
	h.adds(leaver)
	_ = lost
	w.Pass(time.Minute)
	if _, _, err := h.colleague.Enters(h.colleague.Name, h.colleague.Password, h.colleague.Recovery[0]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.colleague.Enters(h.colleague.Name, h.colleague.Password, "000000"); err == nil {
		t.Fatal("a wrong code")
	}
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		in, err := h.door.Find(ctx, tx, h.colleague.Secret)
		if err != nil {
			return err
		}
		c, err := h.door.LookAt(ctx, tx, in)
		if err != nil {
			return err
		}
		_, err = h.door.StepUp(ctx, tx, in, h.door.Try(c, pii.New(h.colleague.Password)), pii.New(h.colleague.Code()))
		return err
	})
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		boss, err := h.door.Find(ctx, tx, h.boss.Secret)
		if err != nil {
			return err
		}
		all, err := h.door.Passkeys(ctx, tx, boss)
		if err != nil {
			return err
		}
		if err := h.door.RemovePasskey(ctx, tx, boss, all[0].ID); err != nil {
			return err
		}
		h.passkey = all[1].ID
		p, err := staff.Add(ctx, tx, boss.Person, "新人", worker)
		if err != nil {
			return err
		}
		h.invited = p.ID
		if _, _, err = h.door.Invite(ctx, tx, boss.Person, p.ID); err != nil {
			return err
		}
		manager := staff.Grant{Role: staff.Manager, Service: service}
		for range 2 {
			if _, err := staff.Give(ctx, tx, boss.Person, h.colleague.ID, manager); err != nil {
				return err
			}
			if _, err := staff.Take(ctx, tx, boss.Person, h.colleague.ID, manager); err != nil {
				return err
			}
		}
		return nil
	})
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, address := range []string{"boss@former.example", "boss@office.example"} {
			if _, err := staff.Reach(ctx, tx, h.Ring, h.boss.Session.Person, h.boss.ID, pii.New(address), i18n.Chinese); err != nil {
				return err
			}
		}
		for _, person := range []string{h.colleague.ID, leaver.ID} {
			if _, err := staff.Reach(ctx, tx, h.Ring, signintest.By, person, pii.New("li@office.example"), i18n.English); err != nil {
				return err
			}
		}
		_, err := staff.Unreach(ctx, tx, h.colleague.Session.Person, h.colleague.ID)
		return err
	})
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, country := range []string{"SG", "CN"} {
			if _, err := staff.Locate(ctx, tx, signintest.By, h.colleague.ID, country); err != nil {
				return err
			}
		}
		return staff.AtTerminal(ctx, tx, signintest.By, staff.RotatedKeys)
	})
	// Somebody is made by one, sets up how to sign in, and is confirmed by another.
	confirmed := signintest.Hire(t, w.Store, h.door, "新经理", worker)
	var link string
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		boss, err := h.door.Find(ctx, tx, h.boss.Secret)
		if err != nil {
			return err
		}
		link, _, err = h.door.Reset(ctx, tx, boss.Person, confirmed.ID)
		return err
	})
	confirmed.SetUp(link)
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := staff.Confirm(ctx, tx, signintest.By, confirmed.ID); err != nil {
			return err
		}
		_, err := signin.Leave(ctx, tx, signintest.By, confirmed.ID)
		return err
	})
	options, asked, err := h.door.Ask(w.Store.Now(), signin.Session{})
	ok(t, err)
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		s, _, err := h.door.EnterByPasskey(ctx, tx, asked, "", kept.Show(options))
		h.session = s.ID
		return err
	})
	h.comes()
	changing := signintest.Hire(t, w.Store, h.door, "王芳", worker)
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		in, err := h.door.Find(ctx, tx, changing.Secret)
		if err == nil {
			_, err = h.door.Renew(ctx, tx, in)
		}
		return err
	})
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		h.gone = leaver.ID
		_, err := signin.Leave(ctx, tx, signintest.By, leaver.ID)
		return err
	})
	ok(t, h.flush())
	h.replays(t)
	return h
}

// comes has somebody come in by the operator's provider, twice: in other groups the second
// time, and without having shown again who it is.
func (h *house) comes() {
	const back = "https://console.example/back"
	p := providertest.Start(h.T, h.Store.Now, back)
	who := &providertest.Person{Name: "安娜", Groups: []string{"keep"}}
	p.Knows("anna", who)
	door := h.door
	door.Provider = openid.New(openid.Config{Issuer: p.URL, Client: providertest.Client, Secret: providertest.Secret, Groups: "groups", Back: back, Now: h.Store.Now})
	door.Roles = []signin.Mapped{{Group: "keep", Grant: staff.Grant{Role: staff.Worker, Service: service}}, {Group: "run", Grant: staff.Grant{Role: staff.Engineer}}}
	for range 2 {
		ctx := context.Background()
		address, kept, err := door.AskProvider(ctx, h.Store.Now(), signin.Session{})
		ok(h.T, err)
		to, err := url.Parse(p.Goes(address, "anna"))
		ok(h.T, err)
		shown, err := door.ShownBy(ctx, h.Store.Now(), kept, signin.Session{}, openid.Read(to.Query()))
		ok(h.T, err)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			s, _, err := door.EnterByProvider(ctx, tx, shown, "")
			h.joined = s.Person.ID
			return err
		})
		who.Groups = []string{"run"}
		h.Pass(6 * time.Minute)
	}
}

// adds gives a person a passkey.
func (h *house) adds(in *signintest.Insider) *sessiontest.Device {
	d := &sessiontest.Device{T: h.T}
	in.Do(func(ctx context.Context, tx *db.Tx) error {
		s, err := h.door.Find(ctx, tx, in.Secret)
		if err != nil {
			return err
		}
		options, kept, err := h.door.Offer(ctx, tx, s)
		if err != nil {
			return err
		}
		return h.door.Add(ctx, tx, s, kept, d.Make(options))
	})
	return d
}

// staffChanges are changes by hand of what persons inside leave in the tables, and what
// must be found.
var staffChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"a person of nobody", `UPDATE person SET id = '王小明' WHERE id = (SELECT max(id) FROM person)`, nil, "row_extra person "},
	{"a person is gone", `DELETE FROM person`, nil, "row_missing person "},
	{"a person has another name", `UPDATE person SET name = '王小明'`, nil, "row_hash person name"},
	{"a person has another salt", `UPDATE person SET salt = $1`, []any{[]byte("x")}, "row_hash person name"},
	{"who has left is back", `UPDATE person SET state = 'active'`, nil, "row_differs person state"},
	{"a person is at an earlier version", `UPDATE person SET version = 0`, nil, "row_differs person version"},
	{"a person sits elsewhere", `UPDATE person SET country = 'SG'`, nil, "row_differs person country"},
	{"a person came earlier", `UPDATE person SET added_at = added_at - 1`, nil, "row_differs person added_at"},
	{"a person left at another time", `UPDATE person SET left_at = 1`, nil, "row_differs person left_at"},
	{"a role of another person", `UPDATE person_role SET person = '王小明' WHERE role = 'auditor'`, nil, "row_extra person_role "},
	{"a role for every service", `UPDATE person_role SET service = ''`, nil, "row_extra person_role "},
	{"a role is another", `UPDATE person_role SET role = 'officer' WHERE role = 'staff'`, nil, "row_extra person_role "},
	{"a role by another office", `UPDATE person_role SET office = '王小明' WHERE office <> ''`, nil, "row_extra person_role "},
	{"a role was given earlier", `UPDATE person_role SET granted_at = granted_at - 1`, nil, "row_differs person_role granted_at"},
	{"a role was given by another", `UPDATE person_role SET granted_by = '王小明'`, nil, "row_differs person_role granted_by"},
	{"a link was made by another", `UPDATE person_maker SET maker = '王小明'`, nil, "row_extra person_maker "},
	{"a link was made for another", `UPDATE person_maker SET person = '王小明'`, nil, "row_extra person_maker "},
	{"nobody has made a link", `DELETE FROM person_maker`, nil, "row_missing person_maker "},
	{"alarms of another person", `UPDATE person_contact SET person = '王小明'`, nil, "row_extra person_contact "},
	{"alarms are sent elsewhere", `UPDATE person_contact SET sealed = $1`, []any{[]byte("x")}, "row_hash person_contact bound"},
	{"alarms are sent there since before", `UPDATE person_contact SET set_at = set_at - 1`, nil, "row_differs person_contact set_at"},
	{"where alarms are sent has another mark", `UPDATE person_contact SET bound = sealed`, nil, "row_hash person_contact bound"},
	{"alarms are sent nowhere", `DELETE FROM person_contact`, nil, "row_missing person_contact "},
	{"a role is gone", `DELETE FROM person_role`, nil, "row_missing person_role "},
	{"a login of another person", `UPDATE person_login SET person = (SELECT max(id) FROM person WHERE state = 'left') WHERE person = (SELECT max(person) FROM person_login)`, nil, "row_extra person_login "},
	{"a login by another name", `UPDATE person_login SET name = $1 WHERE person = (SELECT max(person) FROM person_login)`, []any{[]byte("x")}, "row_hash person_login bound"},
	{"a login by a password that somebody knows", `UPDATE person_login SET password = 'x'`, nil, "row_hash person_login bound"},
	{"a login by another authenticator", `UPDATE person_login SET totp = $1`, []any{[]byte("x")}, "row_hash person_login bound"},
	{"a login with another mark", `UPDATE person_login SET bound = totp`, nil, "row_hash person_login bound"},
	{"a login of before", `UPDATE person_login SET set_at = set_at - 1`, nil, "row_differs person_login set_at"},
	{"a login is gone", `DELETE FROM person_login`, nil, "row_missing person_login "},
	{"codes of another person", `UPDATE person_recovery SET person = (SELECT max(person) FROM person_recovery)`, nil, "row_differs person_recovery person"},
	{"codes are gone", `DELETE FROM person_recovery`, nil, "row_missing person_recovery "},
	{"a link of another person", `UPDATE person_invite SET person = '王小明' WHERE session = ''`, nil, "row_extra person_invite "},
	{"a link of another session", `UPDATE person_invite SET session = (SELECT max(id) FROM person_session)`, nil, "row_differs person_invite session"},
	{"a link is good for longer", `UPDATE person_invite SET until = until + 1`, nil, "row_differs person_invite until"},
	{"a link is gone", `DELETE FROM person_invite`, nil, "row_missing person_invite "},
	{"a passkey inside of nobody", `UPDATE person_passkey SET id = '王小明'`, nil, "row_extra person_passkey "},
	{"a passkey inside of another person", `UPDATE person_passkey SET person = '王小明'`, nil, "row_differs person_passkey person"},
	{"a passkey inside is older", `UPDATE person_passkey SET added_at = added_at - 1`, nil, "row_differs person_passkey added_at"},
	{"a passkey inside of another device", `UPDATE person_passkey SET credential = $1`, []any{[]byte("x")}, "row_hash person_passkey bound"},
	{"a passkey inside has another number", `UPDATE person_passkey SET number = number + 1`, nil, "row_hash person_passkey bound"},
	{"a passkey inside has a key that somebody knows", `UPDATE person_passkey SET public_key = $1`, []any{[]byte("x")}, "row_hash person_passkey bound"},
	{"a passkey inside may be copied", `UPDATE person_passkey SET eligible = (eligible = false)`, nil, "row_hash person_passkey bound"},
	{"a passkey inside has another mark", `UPDATE person_passkey SET bound = credential`, nil, "row_hash person_passkey bound"},
	{"a passkey inside is gone", `DELETE FROM person_passkey`, nil, "row_missing person_passkey "},
	{"the provider means another person", `UPDATE person_identity SET person = '王小明'`, nil, "row_extra person_identity "},
	{"the provider calls a person something else", `UPDATE person_identity SET subject = $1`, []any{[]byte("x")}, "row_hash person_identity bound"},
	{"whom the provider means has another mark", `UPDATE person_identity SET bound = subject`, nil, "row_hash person_identity bound"},
	{"whom the provider means was known before", `UPDATE person_identity SET linked_at = linked_at - 1`, nil, "row_differs person_identity linked_at"},
	{"whom the provider means is gone", `DELETE FROM person_identity`, nil, "row_missing person_identity "},
	{"a session inside of nobody", `UPDATE person_session SET id = '王小明' WHERE id = (SELECT max(id) FROM person_session)`, nil, "row_extra person_session "},
	{"a session inside of another person", `UPDATE person_session SET person = '王小明'`, nil, "row_differs person_session person"},
	{"a session inside by another way", `UPDATE person_session SET way = '王小明'`, nil, "row_differs person_session way"},
	{"a session inside began later", `UPDATE person_session SET created_at = created_at + 1`, nil, "row_differs person_session created_at"},
	{"a session inside is fresh", `UPDATE person_session SET fresh_at = fresh_at + 1`, nil, "row_differs person_session fresh_at"},
	{"a session inside lasts", `UPDATE person_session SET most_until = most_until + 1`, nil, "row_differs person_session most_until"},
	{"a session inside ends later than it can", `UPDATE person_session SET ends_at = ends_at + 86400000000`, nil, "row_differs person_session ends_at"},
	{"a session inside is gone", `DELETE FROM person_session`, nil, "row_missing person_session "},
}

func TestInvariant7_PersonsInsideReplay(t *testing.T) {
	forgeries := map[string]struct {
		found string
		by    func(h *house)
	}{
		"a person came twice": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindAdded, "operator:x", staff.AddedBody{Person: h.boss.ID, Who: staff.Who(nil, "", "")})
		}},
		"a role of nobody": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindGranted, "operator:x", staff.RoleBody{Person: id.New(id.Staff), Role: staff.Auditor})
		}},
		"a role that nobody knows": {"body person", func(h *house) {
			h.forgeStaff(staff.KindGranted, "operator:x", staff.RoleBody{Person: h.boss.ID, Role: "king", Service: service})
		}},
		"a role that one gives oneself": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindGranted, "staff:"+h.boss.ID, staff.RoleBody{Person: h.boss.ID, Role: staff.Manager, Service: service})
		}},
		"a role that an app gives": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindGranted, h.App.Ledger(), staff.RoleBody{Person: h.boss.ID, Role: staff.Manager, Service: service})
		}},
		"a role of who has left": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindGranted, "operator:x", staff.RoleBody{Person: h.gone, Role: staff.Auditor})
		}},
		"somebody says of themselves that they sit at home": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindLocated, "staff:"+h.boss.ID, staff.LocatedBody{Person: h.boss.ID, Country: "SG"})
		}},
		"who has left sits elsewhere": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindLocated, "operator:x", staff.LocatedBody{Person: h.gone, Country: "SG"})
		}},
		"a person sits nowhere": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindLocated, "operator:x", staff.LocatedBody{Person: h.boss.ID, Country: "王小明"})
		}},
		"a person sits where they sit": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindLocated, "operator:x", staff.LocatedBody{Person: h.boss.ID, Country: "CN"})
		}},
		"a role that isn't held is taken": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindRevoked, "operator:x", staff.RoleBody{Person: h.boss.ID, Role: staff.Manager, Service: service})
		}},
		"an entry from before": {"impossible person", func(h *house) {
			h.forgeAt(1, signin.KindFailed, "system:signin", signin.TriedBody{Person: h.boss.ID})
		}},
		"an attempt in another's name": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindTried, "staff:"+h.colleague.ID, staff.TriedBody{Person: h.boss.ID, What: "approval.self"})
		}},
		"what a person has the system do, in another's name": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindOperated, "staff:"+h.colleague.ID, staff.OperatedBody{Person: h.boss.ID, What: staff.RotatedKeys})
		}},
		"a bundle without a name is asked for": {"body person", func(h *house) {
			h.forgeStaff(staff.KindOperated, "staff:"+h.boss.ID, staff.OperatedBody{Person: h.boss.ID, What: staff.AskedBundle, About: "王小明"})
		}},
		"who is no officer asks for a bundle": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindOperated, "staff:"+h.colleague.ID, staff.OperatedBody{Person: h.colleague.ID, What: staff.AskedBundle, About: id.New(id.Evidence)})
		}},
		"who is no engineer has the system do something": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindOperated, "staff:"+h.boss.ID, staff.OperatedBody{Person: h.boss.ID, What: staff.RotatedKeys})
		}},
		"an engineer of another service has the system do something": {"impossible actor", func(h *house) {
			h.do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Create(ctx, tx, terminal, "another", catalog.Test)
				if err == nil {
					_, err = staff.Give(ctx, tx, terminal, h.colleague.ID, staff.Grant{Role: staff.Engineer, Service: "another"})
				}
				return err
			})
			h.forgeStaff(staff.KindOperated, "staff:"+h.colleague.ID, staff.OperatedBody{Person: h.colleague.ID, What: staff.RotatedKeys})
		}},
		"what nobody can have the system do": {"body person", func(h *house) {
			h.forgeStaff(staff.KindOperated, "staff:"+h.boss.ID, staff.OperatedBody{Person: h.boss.ID, What: "ledger.forget"})
		}},
		"what nobody at the terminal can have the system do": {"body actor", func(h *house) {
			h.forgeStaff(staff.KindAtTerminal, "operator:x", staff.AtTerminalBody{What: "ledger.forget"})
		}},
		"what a person does as if at the terminal": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindAtTerminal, "staff:"+h.boss.ID, staff.AtTerminalBody{What: staff.RotatedKeys})
		}},
		"an evidence bundle that a person makes as if at the terminal": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindEvidence, "staff:"+h.boss.ID, staff.EvidenceBody{Bundle: id.New(id.Evidence), Manifest: strings.Repeat("0f", 32)})
		}},
		"an evidence bundle of nothing": {"body evidence.made", func(h *house) {
			h.forgeStaff(staff.KindEvidence, "operator:x", staff.EvidenceBody{Bundle: "ev_x", Manifest: "x"})
		}},
		"a file that another took": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindExported, "staff:"+h.colleague.ID, staff.ExportedBody{Person: h.boss.ID, List: "ledger"})
		}},
		"alarms that another has sent elsewhere": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindReached, "staff:"+h.colleague.ID, staff.ReachedBody{Person: h.boss.ID, Mark: staff.Who(nil, "", "")})
		}},
		"alarms that are sent nobody knows where": {"impossible reached", func(h *house) {
			h.forgeStaff(staff.KindReached, "staff:"+h.boss.ID, staff.ReachedBody{Person: h.boss.ID})
		}},
		"alarms that were sent nowhere end": {"impossible reached", func(h *house) {
			h.forgeStaff(staff.KindUnreached, "operator:x", staff.UnreachedBody{Person: h.colleague.ID})
		}},
		"alarms of who has left": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindReached, "operator:x", staff.ReachedBody{Person: h.gone, Mark: staff.Who(nil, "", "")})
		}},
		"a login without a link": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindSetUp, "staff:"+h.boss.ID, signin.SetUpBody{Person: h.boss.ID, Codes: 10})
		}},
		"a session of who has no login": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindOpened, "staff:"+h.invited, signin.OpenedBody{Session: id.New(id.StaffSession), Person: h.invited, Way: signin.ByPassword, Until: 1 << 60})
		}},
		"a session of who has left": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindOpened, "staff:"+h.gone, signin.OpenedBody{Session: id.New(id.StaffSession), Person: h.gone, Way: signin.ByPassword, Until: 1 << 60})
		}},
		"a session by another's passkey": {"impossible passkey", func(h *house) {
			h.forgeStaff(signin.KindOpened, "staff:"+h.colleague.ID, signin.OpenedBody{Session: id.New(id.StaffSession), Person: h.colleague.ID, Way: signin.ByPasskey, Passkey: h.passkey, Until: 1 << 60})
		}},
		"another's session steps up": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindSteppedUp, "staff:"+h.colleague.ID, signin.SteppedUpBody{Session: h.session, Person: h.colleague.ID, Way: signin.ByPassword})
		}},
		"a session that ended before it began": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindEnded, "staff:"+h.boss.ID, signin.EndedBody{Session: id.New(id.StaffSession), Person: h.boss.ID})
		}},
		"a session by a provider that doesn't know the person": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindOpened, "staff:"+h.colleague.ID, signin.OpenedBody{Session: id.New(id.StaffSession), Person: h.colleague.ID, Way: signin.ByProvider, Until: 1 << 60})
		}},
		"a provider gives a role to whom it doesn't know": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindGranted, staff.Provider{}.Ledger(), staff.RoleBody{Person: h.colleague.ID, Role: staff.Auditor})
		}},
		"a provider says that somebody has left": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindLeft, staff.Provider{}.Ledger(), staff.LeftBody{Person: h.joined})
		}},
		"a provider knows a person twice": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindLinked, staff.Provider{}.Ledger(), signin.LinkedBody{Person: h.joined})
		}},
		"a link of somebody else's session": {"impossible sign-in", func(h *house) {
			h.forgeStaff(signin.KindInvited, "staff:"+h.colleague.ID, signin.InvitedBody{Person: h.colleague.ID, Until: 1 << 60, Session: h.session})
		}},
		"a passkey was added twice": {"impossible passkey", func(h *house) {
			h.forgeStaff(signin.KindPasskeyAdded, "staff:"+h.boss.ID, signin.PasskeyBody{Passkey: h.passkey, Person: h.boss.ID})
		}},
		"another's passkey is removed": {"impossible passkey", func(h *house) {
			h.forgeStaff(signin.KindPasskeyRemoved, "staff:"+h.colleague.ID, signin.PasskeyBody{Passkey: h.passkey, Person: h.colleague.ID})
		}},
		"a person confirms itself": {"impossible actor", func(h *house) {
			h.forgeStaff(staff.KindConfirmed, "staff:"+h.invited, staff.ConfirmedBody{Person: h.invited})
		}},
		"a person is confirmed by who has made it": {"impossible person", func(h *house) {
			h.forgeStaff(staff.KindConfirmed, "staff:"+h.boss.ID, staff.ConfirmedBody{Person: h.invited})
		}},
		"a person in the ledger alone": {"row_missing ", func(h *house) {
			h.forgeStaff(staff.KindAdded, "operator:x", staff.AddedBody{Person: id.New(id.Staff), Who: staff.Who(nil, "", "")})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		h := playHouse(t, w)
		tried := make(tries)
		for _, c := range staffChanges {
			if tried.enough(t, c.query) {
				continue
			}
			found(t, c.name, h.once(t, func() {
				h.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query, c.args...)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		for name, f := range sampled(t, forgeries) {
			forgery(t, name, h.once(t, func() { f.by(h) }), f.found)
		}
		// The end of the office, and of all that was short.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, terminal, service, w.Officer.ID)
			return err
		})
		w.Pass(25 * time.Hour)
		h.replays(t)
		w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := signin.Sweep(ctx, tx, 100); return err })
		ok(t, h.flush())
		h.replays(t)
	})
}

// What one person does within a second is told in its order, though the sequencer gives
// all of it places at once.
func TestInvariant7_WhatAPersonDoesAtOnceReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		h := playHouse(t, w)
		engineer := staff.Grant{Role: staff.Engineer, Service: service}
		for range 3 {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Give(ctx, tx, terminal, h.colleague.ID, engineer)
				return err
			})
			w.Pass(-time.Second) // another node's clock
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, terminal, h.colleague.ID, engineer)
				return err
			})
		}
		ok(t, h.flush())
		h.replays(t)
	})
}

func (h *house) forgeStaff(kind, actor string, body any) {
	h.T.Helper()
	h.forgeAt(1000, kind, actor, body)
}

func (h *house) forgeAt(version int64, kind, actor string, body any) {
	h.T.Helper()
	h.do(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Version: version, Actor: actor, Body: body})
		return err
	})
}
