package notify_test

import (
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

func to(c notify.Channel, lang i18n.Lang) notify.To {
	address := pii.New("mother@example.com")
	if c == notify.SMS {
		address = pii.New("13800000000")
	}
	return notify.To{Channel: c, Address: address, Lang: lang}
}

// Every message can be sent on every channel in every language, says all that
// it must, and leaves no place unfilled.
func TestMessagesAreWhole(t *testing.T) {
	at := time.Date(2026, 3, 5, 16, 30, 0, 0, time.UTC) // half past midnight in Beijing
	link := "https://example.com/c/abc?x=1&y=2"
	for _, lang := range i18n.Langs {
		when := map[i18n.Lang]string{i18n.Chinese: "2026年3月6日 00:30", i18n.English: "6 March 2026, 00:30"}[lang]
		for _, channel := range []notify.Channel{notify.SMS, notify.Email} {
			for kind, c := range map[string]struct {
				m    notify.Message
				says []string
			}{
				"consent.request":    {notify.Asked{Service: "Xiaoxi <b>\r\nEnglish", Link: link, Code: "7K3M-Q9TX", Until: at}.Message(to(channel, lang)), []string{"Xiaoxi <b> English", link, "7K3M-Q9TX", when}},
				"consent.code":       {notify.Code{Service: "Xiaoxi", Code: pii.New("012345"), Life: 10 * time.Minute}.Message(to(channel, lang)), []string{"Xiaoxi", "012345", "10"}},
				"consent.receipt":    {notify.Receipt{Service: "Xiaoxi", Agreed: []string{"Lessons"}, At: at, Link: link}.Message(to(channel, lang)), []string{"Xiaoxi", "1", link, when}},
				"consent.refusal":    {notify.Receipt{Service: "Xiaoxi", Refused: []string{"Lessons"}, At: at}.Message(to(channel, lang)), []string{"Xiaoxi", "1", when}},
				"consent.withdrawal": {notify.Withdrawal{Service: "Xiaoxi", Withdrawn: []string{"Les\nsons"}, At: at, Link: link}.Message(to(channel, lang)), []string{"Xiaoxi", "Les sons", link, when}},
				"home.code":          {notify.HomeCode{Site: "ward.example", Code: pii.New("012345"), Life: 10 * time.Minute}.Message(to(channel, lang)), []string{"ward.example", "012345", "10"}},
			} {
				text := c.m.Text.Reveal()
				for _, say := range c.says {
					if !strings.Contains(text, say) {
						t.Errorf("%s %s %s doesn't say %q: %s", lang, channel, kind, say, text)
					}
				}
				if c.m.Kind != kind || strings.Contains(text+c.m.Subject.Reveal()+c.m.HTML.Reveal(), "{{") || strings.Contains(text, "notify.") {
					t.Errorf("%s %s %s has an open place: %s", lang, channel, kind, text)
				}
				if html := c.m.HTML.Reveal(); strings.Contains(html, "<b>") || channel == notify.Email && html == "" {
					t.Errorf("%s %s: html %q", lang, kind, html)
				}
				if err := notify.NewOutbox(1).Send(t.Context(), c.m); err != nil {
					t.Errorf("%s %s %s can't be sent: %v", lang, channel, kind, err)
				}
			}
		}
	}
}

func TestEveryRefusalHasItsWords(t *testing.T) {
	for _, e := range []error{notify.ErrNoChannel, notify.ErrUnavailable, notify.ErrRejected, notify.ErrAddress, notify.ErrMessage} {
		for _, lang := range i18n.Langs {
			if !lang.Has(e.Error()) {
				t.Errorf("%s has no words for %s", lang, e)
			}
		}
	}
}
