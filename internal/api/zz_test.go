package api
import ("testing";"wardkeep/internal/base/i18n";"fmt")
func TestZZ(t *testing.T){ for _,c:=range codes(i18n.English){ fmt.Print(c.Code," ") } }
