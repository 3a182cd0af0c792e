package app

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/notify"
	"wardkeep/internal/verification"
	"wardkeep/internal/webhook"
)

// CheckConfig is LoadConfig for a configuration that is about to be used: it also
// reads the files that are named, and connects to nobody. A key file that isn't
// there yet is no problem: the first start makes it.
func CheckConfig(path string) (Config, error) {
	return load(path, func(c *Config) ConfigProblems {
		_, wrong := c.senders()
		_, more := c.verification()
		_, last := c.receivers()
		_, _, inside := c.provider(nil)
		return slices.Concat(wrong, more, last, inside, c.files())
	})
}

// senders makes the senders of messages, or says all that is wrong with their
// settings and the files that these name.
func (c *Config) senders() (router notify.Router, wrong ConfigProblems) {
	router = make(notify.Router)
	add := func(section string, channel notify.Channel, s notify.Sender, err error) {
		if err == nil {
			router[channel] = s
			return
		}
		settings, _ := errors.AsType[notify.WrongSettings](err)
		if len(settings) == 0 {
			wrong = append(wrong, ConfigProblem{Key: section, Code: "app.config." + section})
		}
		for _, w := range settings {
			wrong = append(wrong, ConfigProblem{Key: section + "." + w.Field, Code: "app.config." + section + "_" + w.Field})
		}
	}
	if c.SMTP.complete() {
		s, err := notify.SMTP(notify.SMTPConfig{Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: notify.TLS(c.SMTP.TLS),
			User: c.SMTP.User, PasswordFile: c.SMTP.PasswordFile, From: c.SMTP.From})
		add("smtp", notify.Email, s, err)
		wrong.secret("smtp.password_file", c.SMTP.PasswordFile)
		if (c.SMTP.User == "") != (c.SMTP.PasswordFile == "") {
			wrong.say("smtp", "app.config.smtp_user")
		}
	}
	if c.SMS.complete() {
		s, err := notify.SMSWebhook(notify.SMSConfig{URL: c.SMS.URL, SecretFile: c.SMS.SecretFile})
		add("sms", notify.SMS, s, err)
		wrong.secret("sms.secret_file", c.SMS.SecretFile)
	}
	return router, wrong
}

// verification makes what guardians are offered to prove more with, or says all
// that is wrong with it.
func (c *Config) verification() (d verification.Desk, wrong ConfigProblems) {
	v := c.Verification
	if v == nil {
		return d, nil
	}
	provider := func(section string, p *Provider) verification.Provider {
		if p == nil || !p.complete() {
			return nil
		}
		h, err := notify.NewHook(notify.HookConfig{URL: p.URL, SecretFile: p.SecretFile})
		settings, _ := errors.AsType[notify.WrongSettings](err)
		for _, w := range settings {
			wrong.say("verification."+section+"."+w.Field, "app.config.sms_"+w.Field) // the same is wanted of every webhook
		}
		wrong.secret("verification."+section+".secret_file", p.SecretFile)
		if err != nil {
			return nil
		}
		return verification.Webhook(h)
	}
	d.Documents = v.Documents
	d.Number = provider("number", v.Number)
	if d.Official = provider("official", v.Official); d.Official != nil {
		d.Hosts, d.Callback = v.Official.Hosts, c.PublicURL+"/v1/verification/report"
	}
	return d, wrong
}

// calendar returns the working days, those of the operator's file included, or says
// all that is wrong with it.
func (c *Config) calendar() (days workday.Calendar, wrong ConfigProblems) {
	days = workday.Default()
	if c.Holidays == "" {
		return days, nil
	}
	f, err := os.Open(c.Holidays)
	if err != nil {
		wrong.say("holidays", "app.config.file_unreadable")
		return days, wrong
	}
	defer f.Close()
	more, err := workday.Parse(f, c.Holidays)
	problems, _ := errors.AsType[workday.Problems](err)
	for _, p := range problems {
		wrong = append(wrong, ConfigProblem{File: p.File, Line: p.Line, Key: "holidays", Code: p.Code, Known: p.Names})
	}
	if err != nil && len(wrong) == 0 {
		wrong.say("holidays", "app.config.file_unreadable")
	}
	if len(wrong) > 0 {
		return days, wrong
	}
	return days.With(more), nil
}

// receivers makes what posts events to the operator's systems, or says what is wrong
// with its settings.
func (c *Config) receivers() (client *webhook.Client, wrong ConfigProblems) {
	config := webhook.ClientConfig{Allow: c.allowed()}
	if file := c.Webhooks.CAFile; file != "" {
		var err error
		if config.Roots, err = notify.ReadRoots(file); err != nil {
			wrong.say("webhooks.ca_file", "app.config.webhooks_ca_file")
		}
	}
	return webhook.NewClient(config), wrong
}

// files says all that is wrong with the other files that are named.
func (c *Config) files() (wrong ConfigProblems) {
	_, wrong = c.calendar()
	if t := c.TLS; t.CertificateFile != "" && t.KeyFile != "" {
		if _, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile); err != nil {
			wrong.say("tls", "app.config.tls_files")
		}
		wrong.secret("tls.key_file", t.KeyFile)
	}
	if _, err := c.Checkpoints.witnesses(); err != nil && c.Checkpoints.CAFile != "" {
		wrong.say("checkpoints.ca_file", "app.config.webhooks_ca_file") // the same is wanted there
	}
	if c.Checkpoints.Bucket != nil {
		wrong.secret("checkpoints.bucket.secret_file", c.Checkpoints.Bucket.SecretFile)
	}
	if c.Metrics.TokenFile != "" {
		if _, err := c.Metrics.token(); err != nil {
			wrong.say("metrics.token_file", "app.config.metrics_token_file")
		}
		wrong.secret("metrics.token_file", c.Metrics.TokenFile)
	}
	if c.DatabaseFile != "" {
		if url, err := c.databaseURL(); err == nil {
			if _, err := pgxpool.ParseConfig(url); url == "" || err != nil {
				wrong.say("database_file", "app.config.database_file")
			}
		}
		wrong.secret("database_file", c.DatabaseFile)
	}
	if c.KeyFile != "" {
		if _, err := keyring.OpenKeyFile(c.KeyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			wrong.refused("key_file", err)
		}
	}
	if c.Transit != nil {
		if _, err := keyring.OpenTransit(*c.Transit); err != nil {
			wrong.refused("transit", err)
		}
	}
	return wrong
}

func (ps *ConfigProblems) say(key, code string) {
	*ps = append(*ps, ConfigProblem{Key: key, Code: code})
}

// secret says it where the file of a secret can't be read, or others can. It takes
// the place of what was said of what stands in it.
func (ps *ConfigProblems) secret(key, file string) {
	if file == "" {
		return
	}
	code := ""
	f, err := os.Open(file)
	if err == nil {
		defer f.Close()
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.Mode().Perm()&0o007 != 0 {
			code = "app.config.file_open_to_others"
		}
	}
	if err != nil {
		code = "app.config.file_unreadable"
	}
	if code == "" {
		return
	}
	*ps = slices.DeleteFunc(*ps, func(p ConfigProblem) bool { return p.Key == key })
	ps.say(key, code)
}

// refused says what a refusal says.
func (ps *ConfigProblems) refused(key string, err error) { ps.say(key, errs.Of(err).Code) }
