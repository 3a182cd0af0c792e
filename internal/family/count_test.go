package family_test

import (
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// Edge cases 1, 2 and 3: who is counted under 14, and who from 14 to 17, is what their birth date says at the
// moment at which it is asked, whether or not a sweep has told of any birthday.
func TestEdgeCase1_AgesAreCountedAsOfTheMoment(t *testing.T) {
	each(t, func(w *world) {
		w.at("2021-01-01 08:00:00")
		for ref, born := range map[string]string{"unknown": "", "six": "2020-05-01", "leap": "2012-02-29", "thirteen": "2012-03-05", "sixteen": "2010", "seventeen": "2008-03-05", "gone": "2016-05-01"} {
			e := w.enrolment(ref)
			if e.Birth = birth(w, born); born == "" {
				e.BirthSource = ""
			}
			c, _ := w.enrol(e)
			if ref == "gone" {
				w.erase(c.ID)
			}
		}
		elsewhere := w.enrolment("elsewhere")
		elsewhere.Service, elsewhere.Ref = "other", pii.New("elsewhere")
		w.enrol(elsewhere)
		for _, c := range []struct {
			at               string
			children, minors int64
		}{
			{"2026-03-01 00:00:00", 3, 3}, // 2012-02-29 is released with 1 March
			{"2026-03-05 23:59:59", 3, 3},
			{"2026-03-06 00:00:00", 2, 3}, // one has turned 14, and another 18
			{"2028-12-31 23:59:59", 2, 3},
			{"2029-01-01 00:00:00", 2, 2},
			{"2030-03-06 00:00:00", 2, 0},
			{"2036-05-02 00:00:00", 1, 1},
		} {
			w.at(c.at)
			w.do(func(tx *db.Tx) error {
				children, minors, err := family.CountAges(w.ctx, tx, w.ring, service)
				if children != c.children || minors != c.minors {
					w.Errorf("%s: %d under 14, %d from 14 to 17, want %d and %d", c.at, children, minors, c.children, c.minors)
				}
				return err
			})
		}
	})
}
