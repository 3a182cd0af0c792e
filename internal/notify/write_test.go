package notify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

const site = "https://wardkeep.example.com"

func to(c notify.Channel, lang i18n.Lang) notify.To {
	address := pii.New("mother@example.com")
	if c == notify.SMS {
		address = pii.New("13800000000")
	}
	return notify.To{Channel: c, Address: address, Lang: lang, Site: site}
}

// A sample is a message as it is written when it is longest, and what it must say.
type sample struct {
	m interface {
		Message(notify.To) notify.Message
	}
	says []string
}

// samples has a message of every kind. Half past midnight in Beijing is when.
func samples(lang i18n.Lang, when string) map[string]sample {
	name := map[i18n.Lang]string{i18n.Chinese: "小溪英语儿童课堂", i18n.English: "Xiaoxi <b>\r\nEnglish"}[lang]
	return samplesOf(lang, when, name, "Les\nsons")
}

// samplesOf has them of a service, and a purpose, of these names.
func samplesOf(lang i18n.Lang, when, name, label string) map[string]sample {
	at := time.Date(2026, 11, 14, 16, 30, 0, 0, time.UTC)
	shown, purpose := strings.Join(strings.Fields(name), " "), strings.Join(strings.Fields(label), " ")
	link := site + "/r/" + strings.Repeat("k", 52)
	back, home, rules := link+"?lang="+string(lang), site+"/home?lang="+string(lang), site+"/rules/xiaoxi-english?lang="+string(lang)
	code := pii.New("012345")
	successor, proof := map[i18n.Lang]string{i18n.Chinese: "海星少儿教育", i18n.English: "Haixing\nEducation"}[lang], site+"/certificate/"+strings.Repeat("k", 52)+"?lang="+string(lang)
	taker := strings.Join(strings.Fields(successor), " ")
	all := map[string]sample{
		notify.KindRequest: {notify.Asked{Service: name, Link: link, Code: "7K3M-Q9TX", Until: at, Ends: at}, []string{shown, link, "7K3M-Q9TX", when}},
		notify.KindAgain: {notify.Again{Service: name, Purposes: []string{"Speaking <b>", "Reports"}, Changes: []string{"30 → 120"}, Link: link, Code: "7K3M-Q9TX", Until: at},
			[]string{shown, link, "7K3M-Q9TX", when, "2"}},
		notify.KindBreach: {notify.Breach{Service: name, What: "nick\n\nnames", Cause: "cause", Harm: "harm", Remedies: "remedies", Advice: "advice", Contact: "contact", Child: "child",
			Link: site + "/warnings/wn_" + strings.Repeat("k", 26) + "?lang=" + string(lang)}, []string{shown, site + "/warnings/wn_"}},
		notify.KindCode:       {notify.Code{Service: name, Code: code, Life: 10 * time.Minute}, []string{shown, "012345", "10"}},
		notify.KindReceipt:    {notify.Receipt{Service: name, Agreed: []string{"Lessons"}, Unproved: 77, At: at, Link: back}, []string{shown, "1", back, when}},
		notify.KindRefusal:    {notify.Receipt{Service: name, Refused: []string{"Lessons"}, At: at}, []string{shown, "1", when}},
		notify.KindWithdrawal: {notify.Withdrawal{Service: name, Withdrawn: []string{label}, At: at, Link: back}, []string{shown, purpose, back, when}},
		notify.KindHomeCode:   {notify.HomeCode{Code: code, Life: 10 * time.Minute}, []string{"012345", "10"}},
		notify.KindPortCode:   {notify.PortCode{Code: code, Life: 10 * time.Minute}, []string{"012345", "10"}},
		notify.KindPortAddress: {notify.PortAddress{Link: pii.New(site + "/port?lang=" + string(lang) + "#" + strings.Repeat("k", 52)), Until: at},
			[]string{site + "/port?lang=" + string(lang) + "#kkk", when}},
		notify.KindSignedIn: {notify.News{Kind: notify.KindSignedIn, At: at, Link: home}, []string{home, when}},
		notify.KindTest:     {notify.News{Kind: notify.KindTest, At: at}, []string{when}},
		notify.KindMoved:    {notify.News{Kind: notify.KindMoved, At: at, Link: site + "/console/account?lang=" + string(lang)}, []string{site + "/console/account", when}},
		notify.KindSeat:     {notify.News{Kind: notify.KindSeat, At: at, Link: site + "/party/setup/" + strings.Repeat("k", 52) + "?lang=" + string(lang)}, []string{site + "/party/setup/", when}},
		notify.KindOwes:     {notify.News{Kind: notify.KindOwes, Service: name, At: at, Link: site + "/party/orders?lang=" + string(lang)}, []string{shown, site + "/party/orders", when}},
		notify.KindAlarm: {notify.Alarm{Cause: "late_review", Service: name, At: at, Link: site + "/console/reviews?lang=" + string(lang)},
			[]string{shown, when}},
		notify.KindPasskeyAdded:    {notify.News{Kind: notify.KindPasskeyAdded, At: at, Link: home}, []string{home, when}},
		notify.KindCeasing:         {notify.Ceasing{Service: name, Until: at, Link: home}, []string{shown, home, when}},
		notify.KindPurposeCeasing:  {notify.Ceasing{Service: name, Purpose: label, Until: at, Link: home}, []string{shown, purpose, home, when}},
		notify.KindTakeover:        {notify.Ceasing{Service: name, Until: at, Successor: successor, Asked: true, Link: back}, []string{shown, taker, back, when}},
		notify.KindTakeoverUnasked: {notify.Ceasing{Service: name, Until: at, Successor: successor, Link: home}, []string{shown, taker, home, when}},
		notify.KindCeasedHanded:    {notify.Ceased{Service: name, Successor: successor, Handed: at, At: at, Link: proof}, []string{shown, taker, proof, when}},
		notify.KindCeasedRecalled:  {notify.Ceased{Service: name, Successor: successor, Handed: at, Recalled: true, At: at, Link: proof}, []string{shown, taker, proof, when}},
		notify.KindCeasedUnhanded:  {notify.Ceased{Service: name, Successor: successor, At: at, Link: proof}, []string{shown, taker, proof, when}},
		notify.KindInactive:        {notify.Inactive{Service: name, Until: at, Link: home}, []string{shown, home, when}},
		notify.KindErasedKept: {notify.News{Kind: notify.KindErasedKept, Service: name, At: at, Link: proof, Kept: map[i18n.Lang]string{
			i18n.Chinese: "电子商务法第三十一条，至2029-11-15", i18n.English: "E-Commerce Law, Article 31, until 2029-11-15"}[lang]}, []string{shown, proof, "2029-11-15"}},
		notify.KindUnanswered: {notify.News{Kind: notify.KindUnanswered, Service: name, At: at}, []string{shown}},
	}
	for link, kinds := range map[string][]string{
		home: {notify.KindDisputed, notify.KindSettled, notify.KindTurning, notify.KindTurned, notify.KindGuardianAdded, notify.KindContactAdded, notify.KindGuardianRemoved, notify.KindOtherUnverified,
			notify.KindErasureAsked, notify.KindErasureKept, notify.KindDemandReceived, notify.KindDemandExtended, notify.KindDemandDone, notify.KindDemandRefused,
			notify.KindAnswerReady, notify.KindCopyTaken, notify.KindPortAsked, notify.KindPortTaken, notify.KindPortEnded, notify.KindDisclosedLaw, notify.KindDisclosedLife},
		back: {notify.KindUnverified, notify.KindProofExpired, notify.KindDocumentAccepted, notify.KindDocumentRefused, notify.KindDocumentExpired,
			notify.KindIdentityAccepted, notify.KindIdentityRefused},
		rules: {notify.KindCorrected, notify.KindErased, notify.KindIdleErased, notify.KindCeased, notify.KindReleased, notify.KindGrown},
	} {
		for _, kind := range kinds {
			all[kind] = sample{notify.News{Kind: kind, Service: name, At: at, Link: link}, []string{shown, link}}
		}
	}
	return all
}

// every calls fn with each kind of message, as each channel carries it in each
// language.
func every(t *testing.T, fn func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, says []string)) {
	for _, lang := range i18n.Langs {
		for _, channel := range []notify.Channel{notify.SMS, notify.Email} {
			when := map[string]string{
				"zh-CN sms": "11月15日 00:30", "zh-CN email": "2026年11月15日 00:30",
				"en sms": "15 Nov 00:30", "en email": "15 November 2026, 00:30",
			}[string(lang)+" "+string(channel)]
			for kind, s := range samples(lang, when) {
				t.Run(string(lang)+"/"+string(channel)+"/"+kind, func(t *testing.T) { fn(t, kind, lang, s.m.Message(to(channel, lang)), s.says) })
			}
		}
	}
}

// An event that gets a kind gets its words, in both languages and for both
// channels: a kind without a row above fails here.
func TestMessages_EveryKindIsTried(t *testing.T) {
	declared := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Kind") && len(v.Values) == 1 {
				kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared[kind] = true
			}
			return true
		})
	}
	tried := slices.Sorted(maps.Keys(samples(i18n.Chinese, "")))
	if d := cmp.Diff(slices.Sorted(maps.Keys(declared)), tried); d != "" {
		t.Error(d)
	}
}

// Every message can be sent on every channel in every language, says all that
// it must, and leaves no place unfilled.
func TestMessagesAreWhole(t *testing.T) {
	every(t, func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, says []string) {
		text, subject, page := m.Text.Reveal(), m.Subject.Reveal(), m.HTML.Reveal()
		for _, say := range says {
			if !strings.Contains(text, say) {
				t.Errorf("it doesn't say %q: %s", say, text)
			}
		}
		all := text + subject + page
		if m.Kind != kind || strings.Contains(all, "{{") || strings.Contains(all, "notify.") || strings.Contains(all, "<no value>") {
			t.Errorf("an open place, or no words: %s", all)
		}
		if m.Channel == notify.Email && (subject == "" || page == "") || strings.Contains(page, "<b>") {
			t.Errorf("subject %q, html %s", subject, page)
		}
		if strings.Contains(all, m.To.Reveal()) {
			t.Error("it says whom it is for")
		}
		if err := notify.NewOutbox(1).Send(t.Context(), m); err != nil {
			t.Errorf("can't be sent: %v", err)
		}
	})
}

var (
	addresses = regexp.MustCompile(`https?:[^\s<>"'，。；）]*`)
	tags      = regexp.MustCompile(`(?s)<title>.*?</title>|<[^>]*>`)
	links     = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
)

// Against phishing: whatever can be opened begins with the public URL, in the text
// and in the page, and each message names that beginning in words.
func TestMessages_LeadNowhereElseAndSaySo(t *testing.T) {
	says := map[i18n.Lang]string{i18n.Chinese: site + " 开头", i18n.English: "begin with " + site}
	every(t, func(t *testing.T, _ string, lang i18n.Lang, m notify.Message, _ []string) {
		text, page := m.Text.Reveal(), html.UnescapeString(m.HTML.Reveal())
		for _, found := range append(addresses.FindAllString(text, -1), addresses.FindAllString(page, -1)...) {
			if found != site && !strings.HasPrefix(found, site+"/") {
				t.Errorf("leads to %q", found)
			}
		}
		for _, found := range links.FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(found[1], site+"/") {
				t.Errorf("leads to %q", found[1])
			}
		}
		if !strings.Contains(text, says[lang]) {
			t.Errorf("it doesn't say how our links begin: %s", text)
		}
	})
}

// Text and page say the same.
func TestMessages_PageAndTextAreOne(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	every(t, func(t *testing.T, _ string, _ i18n.Lang, m notify.Message, _ []string) {
		if m.Channel == notify.SMS {
			return
		}
		page := html.UnescapeString(tags.ReplaceAllString(m.HTML.Reveal(), " "))
		if d := cmp.Diff(squeeze(m.Text.Reveal()), squeeze(page)); d != "" {
			t.Error(d)
		}
	})
}

// Nobody can unsubscribe from what must be told, and each e-mail says so, and why
// it comes.
func TestMessages_SayWhyTheyComeAndCantBeTurnedOff(t *testing.T) {
	says := map[i18n.Lang][]string{i18n.Chinese: {"为什么会收到：", "不能退订"}, i18n.English: {"Why you get this: ", "can't be turned off"}}
	every(t, func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, _ []string) {
		for _, say := range says[lang] {
			if m.Channel == notify.Email && kind != notify.KindTest && // it comes to who has asked for it
				!strings.Contains(m.Text.Reveal(), say) {
				t.Errorf("%q is missing", say)
			}
		}
	})
}

// What warns of a sign-in or of a passkey promises no more than is sent, and names
// each thing that keeps somebody out.
func TestEdgeCase24_WarningsPromiseWhatIsSentAndSayWhatHelps(t *testing.T) {
	promised := map[i18n.Lang]string{i18n.Chinese: "每次", i18n.English: "every sign-in"}
	helps := map[i18n.Lang][]string{i18n.Chinese: {"用验证码登录", "通行密钥", "退出所有设备"}, i18n.English: {"with a code", "passkey", "Sign out everywhere"}}
	every(t, func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, _ []string) {
		if kind != notify.KindSignedIn && kind != notify.KindPasskeyAdded {
			return
		}
		text := m.Text.Reveal()
		if strings.Contains(text, promised[lang]) {
			t.Errorf("it promises more than is sent: %s", text)
		}
		for _, help := range helps[lang] {
			if !strings.Contains(strings.ToLower(text), strings.ToLower(help)) {
				t.Errorf("it doesn't say %q: %s", help, text)
			}
		}
	})
}

// What has an end that comes by itself says so where it is read, on the phone too, and
// what can be kept says how.
func TestMessages_SayWhatSilenceMeansAndWhatHelps(t *testing.T) {
	says := map[string]map[i18n.Lang][]string{
		notify.KindErasureAsked:   {i18n.Chinese: {"删除", "孩子本人要求的", "登录"}, i18n.English: {"What the child asked for is deleted", "sign in"}},
		notify.KindCeasing:        {i18n.Chinese: {"副本", "删除", "登录"}, i18n.English: {"copy", "deleted"}},
		notify.KindPurposeCeasing: {i18n.Chinese: {"副本", "删除", "登录"}, i18n.English: {"copy", "deleted"}},
		notify.KindDisclosedLaw:   {i18n.Chinese: {"法律", "国家机关", "登录"}, i18n.English: {"law", "authority", "sign in"}},
		notify.KindDisclosedLife:  {i18n.Chinese: {"生命", "同意", "登录"}, i18n.English: {"life", "asking you", "sign in"}},
		notify.KindCopyTaken:      {i18n.Chinese: {"登录", "退出所有设备"}, i18n.English: {"sign in", "Sign out everywhere"}},
		notify.KindPortAsked:      {i18n.Chinese: {"登录", "撤回"}, i18n.English: {"sign in", "recall"}},
		notify.KindPortTaken:      {i18n.Chinese: {"登录", "退出所有设备"}, i18n.English: {"sign in", "Sign out everywhere"}},
		notify.KindAnswerReady:    {i18n.Chinese: {"登录", "副本"}, i18n.English: {"copy"}},
	}
	every(t, func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, _ []string) {
		text := strings.ToLower(m.Text.Reveal())
		for _, say := range says[kind][lang] {
			if !strings.Contains(text, strings.ToLower(say)) {
				t.Errorf("it doesn't say %q: %s", say, m.Text.Reveal())
			}
		}
		// A guardian isn't talked to as a file is: 目的 is the law's word, 用途 a parent's.
		if strings.Contains(m.Text.Reveal(), "使用目的") || strings.Contains(m.Text.Reveal(), "届时") {
			t.Errorf("whoever is tired doesn't read that: %s", m.Text.Reveal())
		}
	})
}

// Each text message is at most three that are paid for, with a real link in it.
func TestMessages_TextMessagesAreShort(t *testing.T) {
	every(t, func(t *testing.T, _ string, _ i18n.Lang, m notify.Message, _ []string) {
		if n := segments(m.Text.Reveal()); m.Channel == notify.SMS && n > 3 {
			t.Errorf("%d parts: %s", n, m.Text.Reveal())
		}
	})
}

// Edge cases 14 and 18: where a law keeps something of a child whose service was taken over,
// the last letter says both: what became of the takeover, and that not all is deleted. An
// e-mail names the basis and the end; a text message has room for the link to them.
func TestEdgeCase14_TheLastLetterOfATakeoverSaysWhatIsKept(t *testing.T) {
	at := time.Date(2026, 11, 14, 16, 30, 0, 0, time.UTC)
	for lang, w := range map[i18n.Lang]struct{ service, taker, kept, short, all string }{
		i18n.Chinese: {"小溪英语儿童课堂", "海星少儿教育", "电子商务法第三十一条，至 2029-11-15", "依法封存", "全部"},
		i18n.English: {"Xiaoxi English", "Haixing Education", "E-Commerce Law, Article 31, until 2029-11-15", "a law keeps", "all of"},
	} {
		link := site + "/certificate/" + strings.Repeat("k", 52) + "?lang=" + string(lang)
		for kind, c := range map[string]notify.Ceased{
			notify.KindCeasedHanded: {Handed: at}, notify.KindCeasedRecalled: {Handed: at, Recalled: true}, notify.KindCeasedUnhanded: {},
		} {
			c.Service, c.Successor, c.At, c.Kept, c.Link = w.service, w.taker, at, w.kept, link
			for channel, kept := range map[notify.Channel]string{notify.SMS: w.short, notify.Email: w.kept} {
				m := c.Message(to(channel, lang))
				text := m.Text.Reveal()
				if m.Kind != kind || !strings.Contains(text, w.taker) || !strings.Contains(text, kept) || !strings.Contains(text, link) || strings.Contains(text, w.all) {
					t.Errorf("%s: %s", m.Kind, text)
				}
				if n := segments(text); channel == notify.SMS && n > 3 {
					t.Errorf("%d parts: %s", n, text)
				}
			}
		}
	}
}

// segments is how many messages a text is on the air (3GPP TS 23.040): of 160
// characters of 7 bits, some of which count twice, or of 70 of 16 bits; 153 and 67
// if there are several.
func segments(text string) int {
	n, alone, each := len(utf16.Encode([]rune(text))), 70, 67
	if strings.IndexFunc(text, func(r rune) bool { return r > '~' || r == '`' }) < 0 {
		n, alone, each = len(text), 160, 153
		for _, twice := range "^{}\\[~]|" {
			n += strings.Count(text, string(twice))
		}
	}
	if n <= alone {
		return 1
	}
	return (n + each - 1) / each
}

// Of a charter that changed a lot, a message tells the beginning, and that there is
// more.
func TestEdgeCase12_AnAskingAgainIsBounded(t *testing.T) {
	again := notify.Again{Service: "Xiaoxi", Purposes: []string{"Lessons"}, Link: site + "/r/x", Code: "7K3M-Q9TX", Until: time.Now()}
	for range 300 {
		again.Changes = append(again.Changes, strings.Repeat("变", 4000))
	}
	for _, lang := range i18n.Langs {
		m := again.Message(to(notify.Email, lang))
		if err := notify.NewOutbox(1).Send(t.Context(), m); err != nil || !strings.Contains(m.Text.Reveal(), lang.T("notify.again.more")) {
			t.Errorf("%v: %d bytes", err, len(m.Text.Reveal()))
		}
	}
}

// A charter's names may be long (200 characters). A message with the longest is
// sent all the same: its subject and a text message have the beginning of the name,
// up to a whole character, and all of our own words with the link; an e-mail has
// the whole name.
func TestMessages_ANameOfAnyLengthIsSent(t *testing.T) {
	for _, name := range []string{strings.Repeat("溪", 200), "a" + strings.Repeat("溪", 199), "ab" + strings.Repeat("溪", 198), strings.Repeat("x", 200)} {
		for _, lang := range i18n.Langs {
			for _, channel := range []notify.Channel{notify.SMS, notify.Email} {
				for kind, s := range samplesOf(lang, "", name, name) {
					m := s.m.Message(to(channel, lang))
					if err := notify.NewOutbox(1).Send(t.Context(), m); err != nil {
						t.Errorf("%s %s %s: %v; %d and %d bytes", kind, lang, channel, err, len(m.Subject.Reveal()), len(m.Text.Reveal()))
					}
					for _, say := range s.says {
						if text := m.Text.Reveal(); !strings.Contains(text, say) && (channel == notify.Email || say != name) {
							t.Errorf("%s %s %s: it doesn't say %q: %s", kind, lang, channel, say, text)
						}
					}
					// What is ours, behind the name, tells one subject from another.
					if strings.HasSuffix(m.Subject.Reveal(), "...") {
						t.Errorf("%s %s: the subject is %q", kind, lang, m.Subject.Reveal())
					}
				}
			}
		}
	}
}

// A contact is kept for each child on its own. Who has another child here reads of
// the one that it is about, and keeps the links and the contact of the other.
func TestArticle20_AnEndIsThatOfOneChild(t *testing.T) {
	ends := []string{notify.KindErased, notify.KindErasedKept, notify.KindUnanswered, notify.KindRefusal, notify.KindReleased}
	says := map[i18n.Lang]string{i18n.Chinese: "这个孩子", i18n.English: "this child"}
	every(t, func(t *testing.T, kind string, lang i18n.Lang, m notify.Message, _ []string) {
		if !slices.Contains(ends, kind) {
			return
		}
		text := m.Text.Reveal()
		if kind != notify.KindReleased && !strings.Contains(text, says[lang]) {
			t.Errorf("it doesn't say whose contact ends: %s", text)
		}
		for _, all := range []string{"您的联系方式", "以前收到的链接", "your contact", "this contact", "Your contact", "Links that"} {
			if strings.Contains(text, all) {
				t.Errorf("%q speaks of other children, too: %s", all, text)
			}
		}
	})
}

// What becomes of the contact when nobody answers is said as it is.
func TestEdgeCase5_SilenceIsSaidAsItIs(t *testing.T) {
	for _, lang := range i18n.Langs {
		asked := time.Date(2026, 11, 14, 16, 30, 0, 0, time.UTC)
		a := notify.Asked{Service: "Xiaoxi", Link: site + "/r/x", Code: "7K3M-Q9TX", Until: asked.Add(time.Hour), Ends: asked.Add(24 * time.Hour)}
		first := a.Message(to(notify.Email, lang)).Text.Reveal()
		a.Ends = time.Time{}
		later := a.Message(to(notify.Email, lang)).Text.Reveal()
		gone := map[i18n.Lang]string{
			i18n.Chinese: "到2026年11月16日 00:30（北京时间）还没有监护人同意的话，为这个孩子登记的资料和联系方式都会删除",
			i18n.English: "by 16 November 2026, 00:30 (Beijing time), what was registered for this child, contact details included, is deleted",
		}[lang]
		if !strings.Contains(first, gone) || strings.Contains(later, gone) {
			t.Errorf("%s\n%s", first, later)
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
