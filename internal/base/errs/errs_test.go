package errs_test

import (
	"errors"
	"fmt"
	"testing"

	"wardkeep/internal/base/errs"
)

var errGone = errs.New(errs.Gone, "child.erased")

func TestOfShowsOnlyDeclaredRefusals(t *testing.T) {
	if got := errs.Of(fmt.Errorf("load ch_1: %w", errGone.At("child"))); got.Code != "child.erased" || got.Field != "child" {
		t.Errorf("a wrapped refusal became %+v", got)
	}
	if got := errs.Of(errors.New("disk on fire at 138****0000")); got.Kind != errs.Internal || got.Error() != "internal" {
		t.Errorf("an unknown error became visible: %+v", got)
	}
}

func TestIsIgnoresTheField(t *testing.T) {
	if !errors.Is(fmt.Errorf("x: %w", errGone.At("child")), errGone) {
		t.Error("a refusal at a field is not the refusal itself")
	}
}
