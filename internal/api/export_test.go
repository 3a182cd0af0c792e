package api

import "wardkeep/internal/account"

// An Opened is a route of the operator's apps, and the scope that opens it; "": any key of
// the service.
type Opened struct {
	Method, Path string
	Scope        account.Scope
}

// RoutesOfApps returns them.
func RoutesOfApps() (all []Opened) {
	for _, rt := range routes {
		if rt.Access == forApp {
			all = append(all, Opened{rt.Method, rt.Path, rt.Scope})
		}
	}
	return all
}
