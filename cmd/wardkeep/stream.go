package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/publication"
	"wardkeep/internal/screening"
	"wardkeep/internal/stream"
)

type streamsCmd struct {
	Join streamJoinCmd `cmd:"" help:"${stream_join}"`
}

type streamJoinCmd struct {
	asStaff `embed:""`
	Stream  string `arg:"" placeholder:"ls_…" help:"${stream_id}"`
	Sample  string `arg:"" type:"existingfile" placeholder:"FILE" help:"${stream_sample}"`
}

// Run tries to join a sample of a log stream with the children who are held, and records what
// came of it against the stream (Article 28). It prints how many lines, of which kinds and
// which, and nothing that stands in them.
func (c streamJoinCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		// Whoever may not record it learns nothing of the sample.
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err == nil {
				err = stream.MayTest(ctx, tx, by, c.Service, c.Stream)
			}
			return err
		})
		if err != nil {
			return err
		}
		f, err := os.Open(c.Sample)
		if err != nil {
			return err
		}
		defer f.Close()
		got, err := a.Publication.Join(ctx, c.Service, f)
		if err != nil {
			return err
		}
		var one stream.Stream
		err = a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err == nil {
				one, _, _, err = stream.RecordScan(ctx, tx, by, c.Service, c.Stream, stream.Scan{Records: got.Lines, Joined: got.Found, Findings: findings(got), Sample: got.Hash})
			}
			return err
		})
		if err != nil {
			return err
		}
		s.say("cmd.stream.joined", "Lines", got.Lines, "Found", got.Found)
		if got.Found > 0 {
			s.say("cmd.stream.where", "Findings", findings(got))
		}
		s.say("cmd.stream.state."+string(one.State(a.Store.Now())), "Until", s.day(one.DueAt))
		return nil
	})
}

// findings says of which kinds something was found, in how many lines and in which first.
func findings(got publication.Joined) string {
	if got.Found == 0 {
		return "none"
	}
	var kinds []screening.Kind
	for k := range got.Kinds {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	var all []string
	for _, k := range kinds {
		all = append(all, fmt.Sprintf("%s %d", k, got.Kinds[k]))
	}
	return strings.Join(all, ", ") + "; lines " + strings.Trim(fmt.Sprint(got.First), "[]")
}
