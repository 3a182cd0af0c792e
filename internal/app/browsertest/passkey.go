package browsertest

import "github.com/chromedp/cdproto/webauthn"

// A Keychain is where a visitor's phone keeps passkeys.
type Keychain struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// Keychain gives the tab a phone that keeps passkeys, and recognises its owner.
func (t *Tab) Keychain() *Keychain {
	t.T.Helper()
	do(t, webauthn.Enable, webauthn.EnableParams{})
	made := do(t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return &Keychain{t, made.AuthenticatorID}
}

// Recognises says whether the phone takes whoever holds it for its owner.
func (k *Keychain) Recognises(owner bool) {
	k.tab.T.Helper()
	do(k.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: k.id, IsUserVerified: owner})
}

// Names returns what the phone shows of the passkeys that it keeps.
func (k *Keychain) Names() (names []string) {
	k.tab.T.Helper()
	for _, c := range do(k.tab, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: k.id}).Credentials {
		names = append(names, c.RpID, c.UserName, c.UserDisplayName)
	}
	return names
}
