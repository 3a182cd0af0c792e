package main

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/charter"
)

// showing is another service of the same operator, in which a child may have a page and share
// a result by a link.
const showing = "xiaoxi-stage"

// What guardians are asked of it, each by itself, and who sees it then.
const (
	theirPage, whoVisits = "profile", "visitors"
	theirLink, whoOpens  = "sharing", "whoever-has-the-link"
)

// shared: a page of a child and a link to a result go by a guardian's yes to just that, and show
// no more than it says (Article 18).
func (d *demo) shared(ctx context.Context) error {
	d.chapter("shared")
	_, client, err := d.second(ctx, showing, shows)
	if err != nil {
		return err
	}
	first, families := d.client, d.families
	d.client = client
	defer func() { d.client, d.families = first, families }()
	no, err := d.proved(ctx, "shared-not", "13900000013", theirPage, theirLink)
	if err != nil {
		return err
	}
	yes, err := d.proved(ctx, "shared", "13900000014")
	if err != nil {
		return err
	}
	for _, h := range []*household{no, yes} {
		if _, err := d.client.Collect(ctx, h.child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": friend, "weekly_score": "98"}}); err != nil {
			return err
		}
	}
	page := wardkeep.Disclosure{Purpose: theirPage, Audience: whoVisits, Items: []string{"nickname"}}
	result := wardkeep.Disclosure{Purpose: theirLink, Audience: whoOpens, Items: []string{"nickname", "weekly_score"}}
	held, denied := true, error(nil)
	for _, w := range []wardkeep.Disclosure{page, result} {
		none, err := d.client.Disclose(ctx, no.child, w)
		held = held && refusedWith(err, "gate.consent_refused") && len(none.Values) == 0
		denied = err
	}
	d.show("18", "shared_not", held)
	d.tellReasons(denied)
	seen, err := d.client.Disclose(ctx, yes.child, page)
	if err != nil {
		return err
	}
	opened, err := d.client.Disclose(ctx, yes.child, result)
	d.show("18", "shared", err == nil && len(seen.Values) == 1 && seen.Values["nickname"] == friend && seen.Entry != "" && opened.Values["weekly_score"] == "98" && opened.Entry != "")
	if err != nil {
		return err
	}
	page.Items = []string{"nickname", "weekly_score"}
	none, err := d.client.Disclose(ctx, yes.child, page)
	d.show("18", "shared_beyond", refusedWith(err, "gate.item_not_in_purpose") && len(none.Values) == 0)
	return nil
}

// shows has a charter declare both.
func shows(c *charter.Charter) {
	words := func(zh, en string) charter.Words { return charter.Words{ZH: zh, EN: en} }
	kept := c.Purposes[len(c.Purposes)-1].Retention
	c.Purposes = append(c.Purposes, charter.Purpose{
		Name: theirPage, Label: words("孩子的主页", "A page of your child"),
		Why:        words("让别的孩子按昵称找到它，一起练口语。", "So that other children find it by its nickname and practise together."),
		Manner:     words("主页上只有昵称，登录后才能打开，搜索引擎看不到。", "The page shows the nickname and nothing else, to who has signed in, and to no search engine."),
		Activities: []charter.Activity{charter.Disclose}, Items: []string{"nickname"}, Retention: kept,
		Audiences: []charter.Audience{{Name: whoVisits, Label: words("打开主页的人", "Whoever opens the page"), Items: []string{"nickname"}}},
		AtExpiry:  words("主页自动关闭。", "The page is closed automatically."), IfRefused: words("没有主页，学习不受影响。", "There is no page. Learning is not affected."),
	}, charter.Purpose{
		Name: theirLink, Label: words("分享成绩的链接", "A link to a result"),
		Why:        words("让您和孩子把一周的成绩发给家人。", "So that you and your child can send the result of a week to the family."),
		Manner:     words("您点“分享”才生成链接，七天后失效；有链接的人都能打开。", "A link is made when you tap Share, and ends after seven days; whoever has it can open it."),
		Activities: []charter.Activity{charter.Disclose}, Items: []string{"nickname", "weekly_score"}, Retention: kept,
		Audiences: []charter.Audience{{Name: whoOpens, Label: words("有链接的人", "Whoever has the link"), Items: []string{"nickname", "weekly_score"}}},
		AtExpiry:  words("链接自动失效。", "The link ends automatically."), IfRefused: words("不能分享，学习不受影响。", "Nothing can be shared. Learning is not affected."),
	})
}
