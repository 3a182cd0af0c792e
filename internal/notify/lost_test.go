package notify_test

import (
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/notify"
)

// Whose request is gone is promised no code behind the link.
func TestEdgeCase24_WhoCannotComeBackIsToldWhoHelps(t *testing.T) {
	for _, lang := range i18n.Langs {
		code := map[i18n.Lang]string{i18n.Chinese: "验证码", i18n.English: "code"}[lang]
		operator := map[i18n.Lang]string{i18n.Chinese: "运营者重新发送", i18n.English: "new one"}[lang]
		for _, channel := range []notify.Channel{notify.SMS, notify.Email} {
			name := map[i18n.Lang]string{i18n.Chinese: "小溪英语儿童课堂", i18n.English: "Xiaoxi English"}[lang]
			n := notify.News{Kind: notify.KindUnverified, Service: name, At: time.Now(), Link: site + "/rules/xiaoxi-english?lang=" + string(lang), Lost: true}
			m := n.Message(to(channel, lang))
			text := m.Text.Reveal()
			if strings.Contains(text, code) || !strings.Contains(text, operator) || !strings.Contains(text, n.Link) {
				t.Error(text)
			}
			if channel == notify.SMS && segments(text) > 3 {
				t.Errorf("%d parts: %s", segments(text), text)
			}
			n.Lost = false
			if text := n.Message(to(channel, lang)).Text.Reveal(); !strings.Contains(text, code) || strings.Contains(text, operator) {
				t.Error(text)
			}
		}
	}
}
