package replay_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// exempt are the columns, or whole tables, that an audit doesn't compare, and why
// that hides nothing. Whoever adds a column adds a change to changes, or a line
// here.
var exempt = map[string]string{
	"breach_addressee.tries": "how often a gateway was tried, or somebody called, since the last entry about the addressee",
	"goose_db_version":       "which migrations ran: the migration tool's own, and about nobody",
	"sqlite_sequence":        "SQLite's own numbering of the table above",
	"lease":                  "who numbers entries now: only efficiency rests on it",
	"whereabouts":            "where the store lies: about nobody; touched, the store is refused, or taken for one that was never put back, as if by who holds the server",
	"keeper": "what places and witnesses outside were told last: what they hold is read from there; where a row says less, it is read again, and where it says more, " +
		"its place lacks it, which refuses the store (TestInvariant3_APlaceThatCanNotBeReadRefusesTheStore). Where one says that what a witness shows was given up, the witness " +
		"cosigns nothing more, which is told",
	"cosigned":        "a checkpoint with its signatures, which whoever reads it checks: it says nothing that they don't",
	"audit_run":       "what the last audit found, under a keyed hash: one that was touched isn't shown (TestInvariant7_TheLastAuditIsKeptAsItWas)",
	"evidence_bundle": "how far an archive is, under a keyed hash: of one that was touched nothing is given out (TestArticle22_ABundleIsWholeOrNotGivenOut), and that it was made the ledger says",
	"matching_run":    "what the last reconciliation found, as with audit_run (TestArticle15_TheLastReconciliationIsKeptAsItWas)",
	"heartbeat":       "that the store could be written a moment ago, or the key file was copied, which the ledger tells too: about nobody",
	"sweep":           "how many values the sweeps have erased: shown to the operator, and the ledger has an entry of each child's",
	"code_contact":    "how often a code went to a contact, or a new link to a guardian, in the running hour, under a keyed hash; see docs/threat-model.md",
	"sign_in":         "codes of ten minutes, under keyed hashes bound to contact and browser, and how many were wrong; see docs/threat-model.md",
	"idempotency": "answers of at most 24 hours, sealed under the ring and bound to the rest of their row: one that was " +
		"touched is refused, and a lost one lets an app try again",

	"certificate": "what a guardian downloads after an erasure, sealed under the secret of its link and found by a keyed hash of that: one that was " +
		"touched doesn't open, what it says is proved by its entries, and nothing of it leads to a child",
	"carried_out": "what is left of a demand whose child was erased, for 90 days, sealed under the ring and bound to the keyed hash under which it is found: " +
		"one that was touched doesn't open, or isn't found, and then a link is lost; its certificate is proved by its entries",

	"cessation.told_upto": "how far the telling is, child by child: each is told by an entry of its own; set ahead, those left out are found with told_at",
	"cessation.told":      "how many, shown to the officer",
	"cessation.told_at": "that all were told: of a service, whoever wasn't is found (TestArticle23_WhoWasNotToldIsFound); of a purpose, it concerns only who " +
		"agreed to it",
	"cessation.told_place": "how long the ledger was then: set back, an erasure waits for fewer messages, and each guardian still has its farewell",
	"cessation.held":       "how many children there were when erasing began: shown, and recorded at the end",
	"ceasing_left": "children whom an end couldn't come to yet: where a row is lost, who wasn't told of the end of a service is found as with told_at, and " +
		"a purpose doesn't end while something of it is held; where a window of its own is, an erasure within it is found (TestArticle23_AnErasureWithinALateWindowIsFound)",
	"incident_question.walk": "how far the answer to a question is on its way to the list, sealed and bound to the question: one that was touched begins anew " +
		"(TestArticle21_AQuestionFillsTheListOfItsCase)",
	"reach_segment": "an index of 4,096 entries or more, which the story doesn't have: what somebody changes in it is found " +
		"(TestArticle21_AnIndexThatWasTouchedIsFound), and a question that comes upon it has no answer",
	"reach_part": "as reach_segment, in which the hash of each is",
	"party_nonce": "which signatures of parties were taken, as hashes, for some minutes: where a row is lost, a request that was signed a moment ago serves once more, " +
		"by who has a copy of it; each use by it is recorded",
	"party_handle": "what a party calls a child, a keyed hash of both: a row that was touched leads nowhere, for it is computed again, and a lost one is told anew by the app " +
		"(TestArticle16_AHandleLeadsOnePartyToOneChild)",
	"cessation.erased_upto": "how far the erasing of a purpose's values is: no permit opens one that was left out, and it ends by its own time",

	"rights_port.code":  "keyed hash of a code, of the address, the child, the demand and the items: it can't be made without the keys, nor taken from another copy",
	"rights_port.tries": "counts the wrong codes of one copy; see docs/threat-model.md",

	"party_statement": "in the story no party has ended: what somebody changes in one is found (TestArticle16_AStatementThatWasTouchedIsFound)",

	"keyring_key.created_at": "only shown, by `keys list`",
	"ledger_head.at":         "when the last round was: nothing is decided by it",
	"ledger_cursor.name":     "which consumer: under another name it begins anew, and consumers bear to read twice; of access it is found in child_access",

	"credential.used_at":         "a time that is shown to the engineer, a few minutes late, and that nothing is decided by",
	"webhook_endpoint.delivered": "a count that is shown to the operator",
	"webhook_endpoint.failed":    "as is this",
	"party_bundle.due_at":        "when it is tried next: set back or ahead, it is decided then whether it may go, and it waits no longer than until_at",
	"party_bundle.tries":         "how long the next wait is, and which of two who send it at once does: see vault.Send",
	"party_bundle.failure":       "why the last try failed: shown to the operator",
	"party_bundle.status":        "as above",
	"webhook_delivery": "what an endpoint hasn't taken: what is sent is read from the ledger, and must be an event that the endpoint is told of " +
		"(webhook.TestWebhook_ARowOfTheQueueIsNotBelieved); a row that is lost is an event that GET /v1/events still has; see docs/threat-model.md",

	"session.secret":  "keyed hash of what a browser holds: another one is nobody's",
	"session.contact": "bound to the secret: another one is nobody's, see session.TestSession_RowsChangedByHandAreNobodys",
	"session.bound":   "the keyed hash that binds it",
	"session.seen_at": "spares writing with every page; when a session ends is compared",

	"passkey.sign_count": "what a device told last: set back, it is found out later that two devices have one passkey; see docs/threat-model.md",
	"passkey.look_at":    "when the sweep looks: a passkey without a guardian opens nothing, looked at or not",
	"passkey_spent": "challenges of five minutes that were answered: where a row is lost, one can be answered once more by who has the " +
		"browser's cookie and what it answered",

	"person_filter": "what lists a person looks at again, sealed: nothing rests on it, and one that was touched isn't shown (staff.TestAFilterIsThePersonsOwn)",

	"person_login.step": "which code of an authenticator counted last: set back, one counts again for a minute, by who has the password",
	"person_recovery.code": "keyed hash of a code, its person and the time of its login: it can't be made without the keys, nor taken from another person, " +
		"and how many there are is compared",
	"person_invite.token":       "keyed hash of the secret of a link: another one is nobody's",
	"person_invite.bound":       "the keyed hash that binds that to its person and its end",
	"person_passkey.sign_count": "as passkey.sign_count",
	"person_session.secret":     "keyed hash of what a browser holds: another one is nobody's",
	"person_session.bound":      "the keyed hash that binds it to its person, and to when that showed who it is",
	"person_session.seen_at":    "spares writing with every page; when a session ends is compared",
	"person_guess":              "wrong tries of a day, under keyed hashes of names that somebody has or nobody has; see docs/threat-model.md",

	"proof.sealed": "the keyed hash of who it is, sealed under the child's key and bound to guardian and kind: one that was touched " +
		"doesn't open, and then nothing is proved with it",
	"verification.session":       "keyed hash of what a browser holds: it only finds that browser again",
	"verification.nonce":         "keyed hash of a secret and the attempt: it can't be made without the keys, nor taken from another attempt",
	"verification.identity":      "sealed under the child's key and bound to the attempt: one that was touched doesn't open",
	"verification.due_at":        "when the sweep looks: an attempt ends with expires_at, looked at or not",
	"verification_document":      "the staff's to look at: sealed under the child's key and bound to the attempt, page and kind; one that was touched doesn't open",
	"consent_request.raised":     "keyed hash of a browser's proof and its worth: it can't be made without the keys, nor taken from another proof",
	"consent_request.code":       "keyed hash of a one-time code and its request: it can't be made without the keys, nor taken from another request",
	"consent_request.code_until": "of a code that lives ten minutes and is never told to the ledger",
	"consent_request.code_tries": "counts the wrong ones of such a code; see docs/threat-model.md",
	"consent_request.code_wrong": "counts those of all codes; see docs/threat-model.md",
	"consent_request.code_sends": "how often one was sent in the running hour: to spare the guardian's phone",
	"consent_request.code_since": "when that hour began",
}

// TestInvariant7_EveryColumnIsCompared reads the schema, and wants for each column
// a change that the audit finds, or a reason in exempt. The ledger's own tables
// and the keys are tried here, since `wardkeep audit` proves them before it folds:
// by ledger.Verify, and by opening the ring.
func TestInvariant7_EveryColumnIsCompared(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		tried := make(map[string]string)
		for _, c := range changes {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range homeChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range staffChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range shieldChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range complaintChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range streamChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range rectificationChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range authorityChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range warningChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range yearlyChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range inspectionChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range seatChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range lookChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range fileChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range basisChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range glassChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range bundleChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range portChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range charterChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		for _, c := range borderChanges {
			if column := onlyColumn(c.query); column != "" {
				tried[column] = c.name
			}
		}
		s.tryLedger(t, tried)
		s.tryKeys(t, tried)

		tables := s.columns(t)
		all := make(map[string]bool)
		for table, columns := range tables {
			all[table] = true
			for _, column := range columns {
				name := table + "." + column
				all[name] = true
				why := exempt[name]
				if why == "" {
					why = exempt[table]
				}
				switch {
				case tried[name] == "" && why == "":
					t.Errorf("%s: no change of it is tried, and nothing says why not", name)
				case tried[name] != "" && exempt[name] != "":
					t.Errorf("%s: %q is found, so it isn't exempt", name, tried[name])
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(exempt)) {
			if !all[name] && !(name == "sqlite_sequence" && s.Store.Engine() == "postgres") {
				t.Errorf("exempt has %s, the schema doesn't", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(tried)) {
			if !all[name] {
				t.Errorf("%q changes %s, which the schema doesn't have", tried[name], name)
			}
		}
		if len(tables) < 23 {
			t.Errorf("only %d tables: the schema was not read", len(tables))
		}
	})
}

var update = regexp.MustCompile(`(?s)^UPDATE (\w+) SET (.*?)(?: WHERE .*)?$`)

// onlyColumn returns the column that an UPDATE sets, as "table.column", if it sets
// no other.
func onlyColumn(query string) string {
	m := update.FindStringSubmatch(query)
	if m == nil {
		return ""
	}
	column, value, _ := strings.Cut(m[2], " = ")
	depth := 0
	for _, r := range value {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			return ""
		}
	}
	return m[1] + "." + column
}

func TestOnlyColumnReadsAChange(t *testing.T) {
	for query, want := range map[string]string{
		`UPDATE child SET frozen = true WHERE child = $1`:                           "child.frozen",
		`UPDATE child SET ref = (SELECT a, b FROM c WHERE d = $1) WHERE child = $2`: "child.ref",
		`UPDATE refused_ref SET charter = 2`:                                        "refused_ref.charter",
		`UPDATE child SET frozen = true, disputed = true WHERE child = $1`:          "",
		`DELETE FROM child`: "",
	} {
		if got := onlyColumn(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// columns reads the schema.
func (s *scene) columns(t *testing.T) map[string][]string {
	t.Helper()
	query := `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid`
	if s.Store.Engine() == "postgres" {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	}
	tables := make(map[string][]string)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return db.Each(ctx, tx, func(row db.Row) error {
			var table, column string
			err := row.Scan(&table, &column)
			tables[table] = append(tables[table], column)
			return err
		}, query)
	})
	return tables
}

// tryLedger changes each column of the signed tables, verifies, and changes it
// back.
func (s *scene) tryLedger(t *testing.T, tried map[string]string) {
	t.Helper()
	signer, key, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil || signer == nil {
		t.Fatal(err)
	}
	verify := func() []ledger.Finding {
		report, err := ledger.Verify(t.Context(), ledger.FromStore(s.Store), key)
		if err != nil {
			t.Fatal(err)
		}
		return report.Findings
	}
	for column, number := range map[string]bool{
		"ledger_bundle.start": true, "ledger_bundle.size": true, "ledger_bundle.min_at": true, "ledger_bundle.max_at": true,
		"ledger_bundle.entries": false, "ledger_tile.level": true, "ledger_tile.n": true, "ledger_tile.hashes": false,
		"ledger_head.id": true, "ledger_head.size": true, "ledger_head.root": false, "ledger_head.checkpoint": false,
	} {
		table, name, _ := strings.Cut(column, ".")
		last := map[string]string{"ledger_bundle": "start", "ledger_tile": "n", "ledger_head": "id"}[table]
		one := fmt.Sprintf("%[1]s = (SELECT max(%[1]s) FROM %[2]s)", last, table) // of the last there is one, changed or not
		set := func(query string, args ...any) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, name, query, one), args...)
				return err
			})
		}
		var undo func()
		if number {
			set(name + " + 1")
			undo = func() { set(name + " - 1") }
		} else {
			var was []byte
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				was, err = db.One(ctx, tx, db.Single[[]byte], fmt.Sprintf("SELECT %s FROM %s WHERE %s", name, table, one))
				return err
			})
			other := slices.Clone(was)
			other[len(other)/2] ^= 1
			if name == "checkpoint" {
				set("$1", string(other))
				undo = func() { set("$1", string(was)) }
			} else {
				set("$1", other)
				undo = func() { set("$1", was) }
			}
		}
		if len(verify()) == 0 {
			t.Errorf("%s was changed, and nothing was found", column)
		}
		tried[column] = "verified"
		undo()
	}
	if f := verify(); len(f) > 0 {
		t.Fatalf("changed back, and found: %v", f)
	}
}

// tryKeys changes each column of a stored ring, and opens it.
func (s *scene) tryKeys(t *testing.T, tried map[string]string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "kek")
	if err := keyring.CreateKeyFile(file, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.OpenKeyFile(file)
	ok(t, err)
	stored, err := keyring.Generate(t.Context(), kek, keyring.AES256GCM)
	ok(t, err)
	for column, change := range map[string]func(*keyring.Stored){
		"id":      func(k *keyring.Stored) { k.ID = "pk_00000000" },
		"purpose": func(k *keyring.Stored) { k.Purpose = keyring.PurposeSign },
		"suite":   func(k *keyring.Stored) { k.Suite = keyring.SM4GCM },
		"wrapped": func(k *keyring.Stored) { k.Wrapped[len(k.Wrapped)/2] ^= 1 },
		"kek":     func(k *keyring.Stored) { k.KEK = "file:0" },
		"state":   func(k *keyring.Stored) { k.State = keyring.StateRetiring },
	} {
		for i := range stored {
			changed := slices.Clone(stored)
			changed[i].Wrapped = slices.Clone(stored[i].Wrapped)
			change(&changed[i])
			if column == "purpose" && stored[i].Purpose == keyring.PurposeSign {
				continue
			}
			if _, err := keyring.Open(t.Context(), kek, changed); err == nil {
				t.Errorf("keyring_key.%s was changed, and the ring opens", column)
			}
		}
		tried["keyring_key."+column] = "opened"
	}
	if _, err := keyring.Open(t.Context(), kek, stored); err != nil {
		t.Fatal(err)
	}
}
