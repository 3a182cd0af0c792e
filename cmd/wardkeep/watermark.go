package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/verification"
	"wardkeep/internal/watermark"
)

type markCmd struct {
	Read markReadCmd `cmd:"" help:"${watermark_read}"`
}

type markReadCmd struct {
	File string `arg:"" help:"${watermark_file}" placeholder:"FILE"`
}

// Run reads from a photo, or a copy, of a value that was shown inside by which look it
// was: the request, who had asked, who had decided, and in which minutes (Article 15). A
// mark that isn't ours, and a request that went with its child, are told, and end it with
// exit code 1: neither names anybody.
func (c markReadCmd) Run(ctx context.Context, s *session) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", watermark.ErrPicture, err)
	}
	defer f.Close()
	m, err := watermark.Read(f)
	if err != nil {
		return err
	}
	var all []approval.Request
	names := make(map[string]string)
	ours, forged := false, []string(nil)
	var paper verification.Attempt // of a guardian, where no request has the number
	var saw string                 // who that was shown to; empty: row and ledger differ
	var words []rights.Request     // of demands, where neither has
	err = s.on(ctx, func(a *app.App) error {
		if ours = m.Ours(a.Ring); !ours {
			return nil
		}
		return a.Store.View(ctx, func(tx *db.Tx) (err error) {
			if all, err = approval.ByNumber(ctx, tx, m.Number); err != nil {
				return err
			}
			if len(all) == 0 {
				if paper, saw, err = shownPaper(ctx, tx, m, names); err != nil {
					return err
				}
			}
			if len(all) == 0 && paper.ID == "" {
				if words, err = shownWords(ctx, tx, m, names); err != nil {
					return err
				}
			}
			for _, r := range all {
				if !r.Intact(a.Ring) {
					forged = append(forged, r.ID)
				}
				for _, who := range []string{r.Asker, r.Decider} {
					p, err := staff.Find(ctx, tx, who)
					if err != nil && !errors.Is(err, staff.ErrNotFound) {
						return err
					}
					names[who] = p.Name
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	s.say("cmd.watermark.mark", "Number", m.Number, "Look", m.Look)
	if !ours {
		return s.sayFailed("cmd.watermark.not_ours")
	}
	switch {
	case paper.ID != "" && saw == "": // it may name anybody
		s.say("cmd.watermark.document_forged", "ID", paper.ID, "Service", paper.Service)
		return exit(exitFailed)
	case paper.ID != "":
		s.say("cmd.watermark.document", "ID", paper.ID, "Service", paper.Service, "Who", names[saw], "WhoID", saw)
		return nil
	case len(words) > 0:
		for _, r := range words {
			look := lookAt(r, m)
			s.say("cmd.watermark.demand", "ID", r.ID, "Service", r.Service, "Who", names[look.Actor], "Actor", look.Actor, "At", s.moment(look.At), "Entry", look.Entry)
		}
		return nil
	case len(all) == 0:
		return s.sayFailed("cmd.watermark.gone")
	}
	for _, r := range all {
		if slices.Contains(forged, r.ID) { // it may name anybody
			s.say("cmd.watermark.forged", "ID", r.ID, "Service", r.Service)
			continue
		}
		s.say("cmd.watermark.line", "ID", r.ID, "Service", r.Service, "Asker", names[r.Asker], "AskerID", r.Asker, "Decider", names[r.Decider], "DeciderID", r.Decider,
			"From", s.moment(r.From), "Until", s.moment(r.Until), "Purpose", r.Purpose, "Items", strings.Join(r.Granted, " "), "Looks", r.Looks)
	}
	if len(forged) > 0 {
		return exit(exitFailed)
	}
	return nil
}

// shownPaper returns the document of a guardian that the mark is of, if it is here, and names
// who it was shown to: the mark counts those that have seen it. Where its row and the ledger
// name different persons, saw is nobody.
func shownPaper(ctx context.Context, tx *db.Tx, m watermark.Mark, names map[string]string) (a verification.Attempt, saw string, err error) {
	a, err = verification.FirstOf(ctx, tx, m.Number)
	if errors.Is(err, verification.ErrNotFound) {
		return verification.Attempt{}, "", nil
	}
	if err != nil {
		return a, "", err
	}
	told, err := a.SeenBy(ctx, tx)
	if err != nil {
		return a, "", err
	}
	looked := func(all []string) string {
		if m.Look < 1 || m.Look > int64(len(all)) {
			return ""
		}
		return all[m.Look-1]
	}
	switch saw = looked(told); {
	case saw != looked(a.Seen):
		return a, "", nil
	case saw == "":
		return verification.Attempt{}, "", nil
	}
	p, err := staff.Find(ctx, tx, saw)
	if errors.Is(err, staff.ErrNotFound) {
		err = nil
	}
	names[saw] = p.Name
	return a, saw, err
}

// shownWords returns the demands whose words the mark is of, if they are here, and names who
// they were shown to: the mark counts the looks at them.
func shownWords(ctx context.Context, tx *db.Tx, m watermark.Mark, names map[string]string) (found []rights.Request, err error) {
	services, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		all, err := rights.OfNumber(ctx, tx, service.Name, m.Number, maxWords)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			actor := lookAt(r, m).Actor
			if actor == "" {
				continue
			}
			_, who, _ := strings.Cut(actor, ":")
			p, err := staff.Find(ctx, tx, who)
			if errors.Is(err, staff.ErrNotFound) {
				var o catalog.Officer
				o, err = catalog.FindOfficer(ctx, tx, r.Service, who)
				p.Name = o.Name
			}
			if err != nil && !errors.Is(err, catalog.ErrOfficerNotFound) {
				return nil, err
			}
			names[actor], found = p.Name, append(found, r)
		}
	}
	return found, nil
}

// maxWords is how many demands of one number are looked at: a number is random, and short.
const maxWords = 20

// lookAt returns the look at the words of a demand that the mark counts, or no step.
func lookAt(r rights.Request, m watermark.Mark) (look rights.Step) {
	n := m.Look
	for _, s := range r.Steps {
		if s.Kind != rights.KindShown {
			continue
		}
		if n--; n == 0 {
			return s
		}
	}
	return look
}

// sayFailed says what was found, and ends the command with exit code 1.
func (s *session) sayFailed(key string) error {
	s.say(key)
	return exit(exitFailed)
}
