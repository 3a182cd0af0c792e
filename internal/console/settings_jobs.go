package console

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/staff"
)

// JobsPath is where River's own page of jobs is.
const JobsPath = "/console/jobs"

const (
	jobsAPI  = JobsPath + "/api/"
	mostJobs = 100 // tried again at once
)

// What the page of jobs refuses.
var (
	ErrNoJobs    = errs.New(errs.Unavailable, "console.jobs.none")     // they aren't worked on yet
	ErrOnlyAgain = errs.New(errs.Forbidden, "console.jobs.only_again") // a job that isn't done is somebody who isn't told, or isn't erased
	ErrJobIDs    = errs.New(errs.Invalid, "console.jobs.ids")
)

// isJobs reports whether the visit is the script's of the page of jobs.
func (v *visit) isJobs() bool { return strings.HasPrefix(v.r.URL.Path, jobsAPI) }

// jobs shows River's own page of jobs, and answers its script.
func (s *Server) jobs(v *visit) error {
	if s.System.Jobs == nil || s.System.Jobs() == nil {
		return ErrNoJobs
	}
	visitor.Guest(v.w)
	s.System.Jobs().ServeHTTP(unkept{v.w}, v.r)
	return nil
}

// unkept has nobody keep an answer, whatever else its maker takes out of the header on the way.
type unkept struct{ *visitor.Answered }

// WriteHeader says so.
func (w unkept) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.Answered.WriteHeader(status)
}

// onlyAgain refuses what would keep a job from being done: it would be a guardian who isn't
// told, or something that isn't erased on its day. Who tries is in the ledger.
func (s *Server) onlyAgain(*visit) error { return ErrOnlyAgain }

// retryJobs has jobs tried again, which is recorded with their numbers before it is done.
func (s *Server) retryJobs(v *visit) error {
	body, err := io.ReadAll(v.r.Body)
	if err != nil {
		return ErrJobIDs
	}
	var asked struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || len(asked.IDs) == 0 || len(asked.IDs) > mostJobs {
		return ErrJobIDs
	}
	for _, id := range asked.IDs {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
			return ErrJobIDs // what a stranger writes gets nowhere
		}
	}
	if s.System.Jobs == nil || s.System.Jobs() == nil {
		return ErrNoJobs
	}
	if err := v.operated(staff.RetriedJob, strings.Join(asked.IDs, " ")); err != nil {
		return err
	}
	v.r.Body = io.NopCloser(bytes.NewReader(body))
	return s.jobs(v)
}

// refuseJSON tells the script of the page of jobs what a refusal says: it shows that.
func (v *visit) refuseJSON(e *errs.Error) {
	v.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	v.w.WriteHeader(int(e.Kind))
	// Whoever has gone needs no answer.
	_ = json.NewEncoder(v.w).Encode(struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	}{v.lang.T(e.Code), e.Code})
}
