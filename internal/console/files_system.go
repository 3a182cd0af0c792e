package console

import (
	"context"
	"strconv"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/notify"
	"wardkeep/internal/staff"
)

// The files of what the pages of settings show: names, states, counts and times, and neither
// a key nor anything that one opens.

// servicesFile sends the services that the person sees, and how each stands.
func (s *Server) servicesFile(v *visit) error {
	return v.sendFile(listServices, v.header("service", "state", "charter", "office"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			all, err := catalog.List(ctx, tx)
			for _, one := range all {
				if !v.in.Person.May(staff.SeeSystem, one.Name) {
					continue
				}
				state := v.lang.T("console.settings.service." + string(one.State))
				if one.Closed == catalog.All {
					state = v.lang.T("console.settings.service_closed")
				}
				charter := ""
				if one.Charter > 0 {
					charter = strconv.FormatInt(one.Charter, 10)
				}
				office := "console.settings.vacant"
				if one.OfficerID != "" && one.DeputyID != "" {
					office = "console.settings.held"
				}
				each(one.Name, state, charter, v.lang.T(office))
			}
			return nil, err
		})
}

// healthFile sends how the system does: its checks, its channels, its copies and sweeps, and
// what was left undone past its day.
func (s *Server) healthFile(v *visit) error {
	var checks []Check
	if s.System.Checks != nil {
		checks = s.System.Checks() // before the transaction: it has its own
	}
	return v.sendFile(listHealth, v.header("kind", "what", "state", "at", "count"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			for _, c := range checks {
				state := v.lang.T("console.settings.well")
				if c.Code != "" {
					state = v.lang.T("console.settings.wrong") + " " + v.lang.T(c.Code)
				}
				each("check", v.lang.T("console.check."+c.Name), state, "", "")
			}
			for _, c := range guardianChannels {
				state := "console.settings.channel_off"
				if s.System.Channels.Has(c) {
					state = "console.settings.channel_on"
				}
				each("channel", v.lang.T("console.settings.channel."+string(c)), v.lang.T(state), "", "")
			}
			copies, err := backup.Look(ctx, tx)
			if err != nil {
				return nil, err
			}
			each("backup", v.lang.T("console.settings.backup"), "", inFile(copies.Newest), "")
			if s.System.Swept != nil {
				var swept time.Time
				if swept, err = s.System.Swept(ctx, tx); err != nil {
					return nil, err
				}
				each("sweep", v.lang.T("console.settings.swept"), "", inFile(swept), "")
			}
			if s.System.Late != nil {
				late, err := s.System.Late(ctx, tx)
				if err != nil {
					return nil, err
				}
				for _, l := range late {
					each("late", v.lang.T("console.late."+l.What), "", "", strconv.FormatInt(l.Count, 10))
				}
			}
			return nil, nil
		})
}

// guardianChannels are the ways to guardians that can be set up.
var guardianChannels = []notify.Channel{notify.SMS, notify.Email}

// keysFile sends which keys there are, and since when each is what it is.
func (s *Server) keysFile(v *visit) error {
	return v.sendFile(listKeys, v.header("id", "purpose", "suite", "state", "since", "kek"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			if s.System.Keys == nil {
				return nil, nil
			}
			all, err := s.System.Keys(ctx, tx)
			for _, k := range all {
				each(k.ID, v.lang.T("console.settings.purpose."+k.Purpose), k.Suite, v.lang.T("console.settings.key_state."+k.State), inFile(k.Since), k.KEK)
			}
			return nil, err
		})
}

// queuesFile sends how many jobs wait, run and failed.
func (s *Server) queuesFile(v *visit) error {
	if s.System.Queues == nil {
		return ErrNoJobs
	}
	queues, err := s.System.Queues(v.r.Context())
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(queues.Queues)+2)
	for _, q := range queues.Queues {
		rows = append(rows, []string{v.lang.T("console.settings.queue." + q.Name), strconv.FormatInt(q.Waiting, 10), strconv.FormatInt(q.Running, 10), ""})
	}
	rows = append(rows, []string{v.lang.T("console.settings.jobs_again"), "", "", strconv.FormatInt(queues.Again, 10)},
		[]string{v.lang.T("console.settings.jobs_given_up"), "", "", strconv.FormatInt(queues.GivenUp, 10)})
	return v.sendFile(listQueues, v.header("queue", "waiting", "running", "count"),
		func(_ context.Context, _ *db.Tx, each func(...string)) (func(), error) {
			for _, row := range rows {
				each(row...)
			}
			return nil, nil
		})
}
