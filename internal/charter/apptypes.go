package charter

import (
	_ "embed"
	"encoding/json"
	"sort"
	"strings"
	"sync"
)

// An AppType is one of the 39 common types of apps, and the information that
// its basic function needs (in force since 2021-05-01). Anything else may be
// asked for, but never be a condition of the basic function (Article 11).
type AppType struct {
	Number    int               // 1 to 39
	Name      Words             //
	Necessary map[string][]Kind // entry, such as "phone", to the kinds that fit it
}

//go:embed apptypes.json
var appTypeTable []byte

var appTypes = sync.OnceValues(func() (types []AppType, err error) {
	var rows []struct {
		Number    int
		ZH, EN    string
		Necessary map[string][]Kind
	}
	if err := json.Unmarshal(appTypeTable, &rows); err != nil {
		return nil, err
	}
	for _, row := range rows {
		types = append(types, AppType{row.Number, Words{row.ZH, row.EN}, row.Necessary})
	}
	return types, nil
})

// AppTypeOf returns the app type of that number. The entry "phone" is the
// mobile number of the user who registers: for a child, the guardian's.
func AppTypeOf(number int) (AppType, bool) {
	types, err := appTypes()
	if err != nil {
		return AppType{}, false // a test reads the table; without it nothing is necessary
	}
	return find(types, number, func(t AppType) int { return t.Number })
}

func (t AppType) entries() string {
	names := make([]string, 0, len(t.Necessary))
	for name := range t.Necessary {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
