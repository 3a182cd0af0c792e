package catalog_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
)

func longer(t testing.TB, s string) func(*charter.Charter) {
	return func(c *charter.Charter) { c.Purposes[1].Retention.Period = period(t, s) }
}

func TestArticle10_OnlyWhatChangedMateriallyIsAskedAgain(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		var draft catalog.Draft
		next := func(what string, change func(*charter.Charter), material []string, want map[string]int64) {
			d.Helper()
			draft = d.propose(stories(d, change))
			same(d, what+": material", material, draft.Material)
			p := d.publish(li, draft.Number)
			same(d, what+": asked since", want, p.AskedSince)
			d.do(func(ctx context.Context, tx *db.Tx) error {
				read, err := catalog.Current(ctx, tx, "stories")
				same(d, what+": what is read is what was published", p, read)
				return err
			})
		}
		both := []string{"bookshelf", "reading-aloud"}
		next("first", nil, both, map[string]int64{"bookshelf": 1, "reading-aloud": 1})
		next("kept longer", longer(d, "60d"), []string{"reading-aloud"}, map[string]int64{"bookshelf": 1, "reading-aloud": 2})
		next("kept shorter", longer(d, "50d"), nil, map[string]int64{"bookshelf": 1, "reading-aloud": 2})
		next("a shared item", func(c *charter.Charter) {
			longer(d, "50d")(c)
			c.Items[0].MaxLength = 40
		}, both, map[string]int64{"bookshelf": 4, "reading-aloud": 4})
		next("a purpose is gone", func(c *charter.Charter) {
			c.Items[0].MaxLength = 40
			c.Items, c.Purposes = c.Items[:1], c.Purposes[:1]
		}, []string{"reading-aloud"}, map[string]int64{"bookshelf": 4})
		next("and back", func(c *charter.Charter) {
			longer(d, "50d")(c)
			c.Items[0].MaxLength = 40
		}, []string{"reading-aloud"}, map[string]int64{"bookshelf": 4, "reading-aloud": 6})
	})
}

func TestArticle10_EdgeCase12_ADraftIsComparedWithWhatIsInForceThen(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		// Proposed against 30 days, each of them material; published after 60.
		sixty, fifty := d.propose(stories(d, longer(d, "60d"))), d.propose(stories(d, longer(d, "50d")))
		same(d, "60 for 30 days", []string{"reading-aloud"}, sixty.Material)
		same(d, "50 for 30 days", []string{"reading-aloud"}, fifty.Material)
		d.publish(li, sixty.Number)
		p := d.publish(li, fifty.Number)
		same(d, "50 for 60 days", map[string]int64{"bookshelf": 1, "reading-aloud": sixty.Number}, p.AskedSince)
	})
}

func TestArticle8_OnlyAnOfficerInOfficePublishes(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		wang := d.appoint(catalog.RoleDeputy, "Wang")
		draft := d.propose(stories(d, nil))
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, cli, "songs", catalog.Live)
			return err
		})
		var stranger catalog.Officer
		d.do(func(ctx context.Context, tx *db.Tx) (err error) {
			stranger, _, err = catalog.Appoint(ctx, tx, cli, "songs", catalog.RoleOfficer, "Sun", "care@songs.example")
			return err
		})
		forged := stranger
		forged.Service = "stories"
		publish := func(by catalog.Officer) error {
			return d.try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Publish(ctx, tx, d.ring, by, "stories", draft.Number)
				return err
			})
		}
		d.assess(li, draft.Number)
		before := d.find()
		wants(d, "nobody", publish(catalog.Officer{Service: "stories"}), catalog.ErrNotInOffice)
		wants(d, "another service's", publish(stranger), catalog.ErrNotInOffice)
		wants(d, "one who says so", publish(forged), catalog.ErrNotInOffice)
		d.appoint(catalog.RoleOfficer, "Zhao")
		wants(d, "the former one", publish(li), catalog.ErrNotInOffice)
		after := d.find()
		if after.Charter != 0 || after.Version != before.Version+1 {
			d.Errorf("refusals left %+v after %+v", after, before)
		}
		wants(d, "the deputy", publish(wang), nil)
		wants(d, "again", publish(wang), catalog.ErrPublished)
	})
}

func TestArticle10_DraftsThatCannotBePublished(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		propose := func(c *charter.Charter) (draft catalog.Draft, err error) {
			err = d.try(func(ctx context.Context, tx *db.Tx) (err error) {
				draft, _, err = catalog.Propose(ctx, tx, d.ring, cli, c, nil)
				return err
			})
			return draft, err
		}
		publish := func(number int64) error {
			return d.try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalogtest.Publish(ctx, tx, d.ring, li, "stories", number)
				return err
			})
		}
		wants(d, "no draft", publish(1), catalog.ErrNoDraft)
		first, err := propose(stories(d, nil))
		wants(d, "propose", err, nil)
		again, err := propose(stories(d, nil))
		wants(d, "propose again", err, catalog.ErrProposed)
		if again.Number != first.Number || again.Hash != first.Hash {
			d.Errorf("the draft that waits: %+v", again)
		}
		second, err := propose(stories(d, longer(d, "60d")))
		wants(d, "propose another", err, nil)
		wants(d, "publish the later", publish(second.Number), nil)
		wants(d, "then the earlier", publish(first.Number), catalog.ErrOutdated)
		_, err = propose(stories(d, longer(d, "60d")))
		wants(d, "propose what is in force", err, catalog.ErrUnchanged)
		_, err = propose(stories(d, func(c *charter.Charter) { c.Service = "songs" }))
		wants(d, "no such service", err, catalog.ErrNotFound)
		if v := d.find().Version; v != 7 { // created, appointed, proposed twice, two purposes assessed, published
			d.Errorf("version %d: a refusal counted", v)
		}

		// Articles 8 and 10: a text that says nothing is none.
		for _, blank := range []func(*charter.Charter){
			func(c *charter.Charter) { c.Rules[charter.English] = " \u200b\n" },
			func(c *charter.Charter) { delete(c.Agreement, charter.Chinese) },
			func(c *charter.Charter) { c.Other.ZH = "" },
			func(c *charter.Charter) { c.Purposes[0].IfRefused = charter.Words{} },
		} {
			_, err := propose(stories(d, blank))
			wants(d, "blank", err, catalog.ErrCharterInvalid)
			if _, ok := errors.AsType[charter.Problems](err); !ok {
				d.Errorf("it isn't said what is wrong: %v", err)
			}
		}
	})
}

func TestArticle8_DocumentsAreKeptAsPublished(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		p := d.publish(li, d.propose(stories(d, func(c *charter.Charter) { c.Rules[charter.English] += "\nMore.\n" })).Number)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			all, err := catalog.Documents(ctx, tx, "stories")
			if len(all) != 12 || all[0].Charter != 2 || all[11].Charter != 1 {
				d.Errorf("documents: %+v", all)
			}
			for _, lang := range charter.Langs {
				doc, err := catalog.FindDocument(ctx, tx, "stories", catalog.Notice, lang, 2)
				if err != nil {
					return err
				}
				notice, err := doc.NoticeDoc()
				if err != nil {
					return err
				}
				made, err := charter.Notice(p.Charter, lang)
				if err != nil {
					return err
				}
				same(d, "the notice", made, notice)
				if doc.Hash != made.Hash() || p.Notices[lang] != doc.Hash {
					d.Errorf("%s: hash %s", lang, doc.Hash)
				}
			}
			old, err2 := catalog.FindDocument(ctx, tx, "stories", catalog.Rules, charter.English, 1)
			now, err3 := catalog.FindDocument(ctx, tx, "stories", catalog.Rules, charter.English, 2)
			if now.Body != old.Body+"\nMore.\n" {
				d.Errorf("rules: %q, then %q", old.Body, now.Body)
			}
			if _, err := now.NoticeDoc(); !errors.Is(err, catalog.ErrDamaged) {
				d.Errorf("the rules as a notice: %v", err)
			}
			_, none := catalog.FindDocument(ctx, tx, "stories", catalog.Rules, charter.English, 3)
			wants(d, "no such version", none, catalog.ErrDocumentNotFound)
			history, err4 := catalog.History(ctx, tx, "stories")
			if len(history) != 2 || history[0].Number != 2 || history[0].PublishedBy != li.Ledger() || history[1].ProposedBy != "operator:cli" {
				d.Errorf("history: %+v", history)
			}
			return errors.Join(err, err2, err3, err4)
		})
	})
}

func TestInvariant3_AChangedRowIsNotTakenForACharter(t *testing.T) {
	other := stories(t, func(c *charter.Charter) { c.Other.ZH = "另有说明" })
	for name, change := range map[string]func(ctx context.Context, tx *db.Tx) (int64, error){
		"another charter under the old hash": func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `UPDATE charter SET canonical = $1 WHERE service = 'stories' AND number = 1`, other.Canonical())
		},
		"half a charter": func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `UPDATE charter SET canonical = $1 WHERE service = 'stories' AND number = 1`, other.Canonical()[:999])
		},
		"a number that was never published": func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `UPDATE charter_purpose SET asked_since = 0 WHERE service = 'stories' AND purpose = 'bookshelf'`)
		},
		"a purpose without a number": func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `DELETE FROM charter_purpose WHERE service = 'stories' AND purpose = 'bookshelf'`)
		},
		"no notice": func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `DELETE FROM document WHERE service = 'stories' AND kind = 'notice' AND lang = 'en'`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				d.create()
				li := d.appoint(catalog.RoleOfficer, "Li")
				d.publish(li, d.propose(stories(d, nil)).Number)
				d.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := change(ctx, tx)
					if n != 1 {
						d.Errorf("%d rows changed", n)
					}
					return err
				})
				d.do(func(ctx context.Context, tx *db.Tx) error {
					p, err := catalog.Current(ctx, tx, "stories")
					wants(d, "Current", err, catalog.ErrDamaged)
					if p.Charter != nil {
						d.Error("a charter came with the error")
					}
					_, err = catalog.NewCache(4).Version(ctx, tx, "stories", 1)
					wants(d, "Cache", err, catalog.ErrDamaged)
					return nil
				})
			})
		})
	}
}

// What a guardian reads is as safe from a changed row as what the gate enforces.
func TestInvariant3_AChangedDocumentIsNotShown(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE document SET body = 'nothing' WHERE kind = 'agreement'`)
			return err
		})
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.FindDocument(ctx, tx, "stories", catalog.Agreement, charter.English, 1)
			wants(d, "FindDocument", err, catalog.ErrDamaged)
			return nil
		})
	})
}

func TestPlan_SaysWhatPublishingWouldChange(t *testing.T) {
	each(t, func(d *desk) {
		plan := func(c *charter.Charter) (p catalog.Planned) {
			d.Helper()
			d.do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = catalog.Plan(ctx, tx, c)
				return err
			})
			return p
		}
		both := []string{"bookshelf", "reading-aloud"}
		first := plan(stories(d, nil))
		same(d, "before there is a service", both, first.Material)
		if first.NoChange || first.Published.Number != 0 {
			d.Errorf("first: %+v", first)
		}
		d.create()
		same(d, "before there is a charter", both, plan(stories(d, nil)).Material)
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		if p := plan(stories(d, nil)); !p.NoChange || p.Changes != nil || p.Material != nil {
			d.Errorf("the same: %+v", p)
		}
		c := stories(d, longer(d, "60d"))
		p := plan(c)
		same(d, "a longer time", []string{"reading-aloud"}, p.Material)
		if p.NoChange || p.Published.Number != 1 || len(p.Changes) != 1 {
			d.Errorf("a longer time: %+v", p)
		}
		draft := d.propose(c)
		same(d, "Propose says the same", p.Changes, draft.Changes)
	})
}

// An entry is what waits in the ledger for its place.
type entry struct {
	Kind    string          `json:"kind"`
	Service string          `json:"service"`
	Subject string          `json:"subject"`
	Version int64           `json:"version"`
	Actor   string          `json:"actor"`
	Body    json.RawMessage `json:"body"`
}

func TestInvariant7_EachChangeHasItsVersionAndItsEntry(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li Xiaohong")
		zhao := d.appoint(catalog.RoleOfficer, "Zhao Min")
		c := stories(d, nil)
		p := d.publish(zhao, d.propose(c).Number)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, zhao, "stories", zhao.ID)
			return err
		})
		documents := []catalog.DocumentHash{}
		for _, lang := range charter.Langs {
			documents = append(documents,
				catalog.DocumentHash{Kind: catalog.Rules, Lang: lang, Hash: sum(c.Rules[lang])},
				catalog.DocumentHash{Kind: catalog.Agreement, Lang: lang, Hash: sum(c.Agreement[lang])},
				catalog.DocumentHash{Kind: catalog.Notice, Lang: lang, Hash: p.Notices[lang]})
		}
		papers, err := json.Marshal(documents)
		if err != nil {
			d.Fatal(err)
		}
		who := func(o catalog.Officer) (mark string) {
			d.do(func(ctx context.Context, tx *db.Tx) error {
				salt, err := db.One(ctx, tx, db.Single[[]byte], `SELECT salt FROM officer WHERE id = $1`, o.ID)
				mark = catalog.Who(salt, o.Service, o.ID, o.Name, o.Contact)
				return err
			})
			return mark
		}
		body := func(format string, args ...any) json.RawMessage { return json.RawMessage(fmt.Sprintf(format, args...)) }
		var assessed []catalog.Assessment
		marks := make(map[string]string)
		d.do(func(ctx context.Context, tx *db.Tx) (err error) {
			if assessed, err = catalog.Assessments(ctx, tx, "stories"); err != nil {
				return err
			}
			return catalog.EachAssessment(ctx, tx, d.ring, func(a catalog.Assessment, mark string) error { marks[a.ID] = mark; return nil })
		})
		signed := func(purpose string) json.RawMessage {
			i := slices.IndexFunc(assessed, func(a catalog.Assessment) bool { return a.Purpose == purpose })
			return body(`{"id":%q,"purpose":%q,"charter":1,"described":%q,"outcome":"passed","until":%d,"mark":%q}`,
				assessed[i].ID, purpose, c.Described(purpose), assessed[i].Until.UnixMicro(), marks[assessed[i].ID])
		}
		want := []entry{
			{"service.created", "stories", "", 1, "operator:cli", body(`{"state":"live"}`)},
			{"officer.appointed", "stories", "", 2, "operator:cli", body(`{"id":%q,"role":"officer","who":%q}`, li.ID, who(li))},
			{"officer.appointed", "stories", "", 3, "operator:cli", body(`{"id":%q,"role":"officer","replaces":%q,"who":%q}`, zhao.ID, li.ID, who(zhao))},
			{"charter.proposed", "stories", "", 4, "operator:cli", body(`{"number":1,"hash":%q}`, c.Hash())},
			{"impact.signed", "stories", "", 5, "officer:" + zhao.ID, signed("bookshelf")},
			{"impact.signed", "stories", "", 6, "officer:" + zhao.ID, signed("reading-aloud")},
			{"charter.published", "stories", "", 7, "officer:" + zhao.ID, body(
				`{"number":1,"hash":%q,"asked_since":{"bookshelf":1,"reading-aloud":1},"documents":%s,"material":["bookshelf","reading-aloud"],"terminal":true}`, c.Hash(), papers)},
			{"officer.ended", "stories", "", 8, "officer:" + zhao.ID, body(`{"id":%q,"role":"officer"}`, zhao.ID)},
		}
		if diff := cmp.Diff(want, d.entries()); diff != "" {
			d.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func (d *desk) entries() (all []entry) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) error {
		rows, err := db.All(ctx, tx, db.Single[[]byte], `SELECT entry FROM ledger_pending ORDER BY id`)
		for _, row := range rows {
			var e entry
			if err := json.Unmarshal(row, &e); err != nil {
				return err
			}
			all = append(all, e)
		}
		return err
	})
	return all
}
