package main

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/goccy/go-yaml"

	"wardkeep/internal/app"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"${config_check}"`
}

type configCheckCmd struct {
	File string `arg:"" optional:"" help:"${config_check_file}"`
}

// Run prints what is wrong with a configuration, or the settings that hold with
// it. There are no secrets among them: a setting names the file of a secret.
func (c configCheckCmd) Run(s *session) error {
	if c.File != "" {
		s.config = c.File
	}
	settings, err := app.CheckConfig(s.file())
	if err != nil {
		return err
	}
	if s.file() == "" {
		s.note("cmd.config.none")
	} else {
		s.note("cmd.config.good", "File", s.file())
	}
	text, err := settingsText(settings)
	if err != nil {
		return err
	}
	s.print(text)
	return nil
}

// settingsText writes settings as a configuration file would.
func settingsText(c app.Config) (string, error) {
	if c.SMS != nil {
		sms := *c.SMS
		sms.URL = hostOf(sms.URL) // the rest may hold a token
		c.SMS = &sms
	}
	if v := c.Verification; v != nil {
		shown := *v
		for _, p := range []**app.Provider{&shown.Number, &shown.Official} {
			if *p != nil {
				hidden := **p
				hidden.URL = hostOf(hidden.URL)
				*p = &hidden
			}
		}
		c.Verification = &shown
	}
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out, yaml.OmitZero()).Encode(c); err != nil {
		return "", fmt.Errorf("write the settings: %w", err)
	}
	return string(bytes.TrimSpace(out.Bytes())), nil
}

// hostOf returns an address without what may be secret in it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}
