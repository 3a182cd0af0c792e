package main

import (
	"context"
	"time"

	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
)

// assess has the officer sign assessments of what a proposed charter lacks: those of the
// example, of the purposes as the demo's own charters describe them, and of those that the
// example doesn't have.
func assess(ctx context.Context, tx *db.Tx, ring *keyring.Ring, officer catalog.Officer, c *charter.Charter, number int64) error {
	example, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return err
	}
	lacking, err := catalog.Unassessed(ctx, tx, ring, c.Service, number, c)
	if err != nil {
		return err
	}
	for _, l := range lacking {
		form, ours := assessments[l.Purpose]
		if !ours {
			if form, err = impact.Read(xiaoxi.Files, impact.File(l.Purpose), example); err != nil {
				return err
			}
		}
		form.Described = c.Described(l.Purpose)
		if _, _, err := catalog.Assess(ctx, tx, ring, officer, c.Service, number, form, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// assessments are of the purposes that the example doesn't have.
var assessments = map[string]impact.Form{handover: handingOver, theirPage: beingSeen(theirPage), theirLink: beingSeen(theirLink)}

// beingSeen assesses that others see a child, on its page or by a link.
func beingSeen(purpose string) impact.Form {
	return impact.Form{
		Purpose: purpose, MadeBy: "产品部 王敏、法务部 周律师",
		Lawful:     impact.Finding{Holds: true, Why: "披露默认关闭；监护人单独同意、写明对象之后才看得到（第十八条），随时撤回，当即收回。"},
		Legitimate: impact.Finding{Holds: true, Why: "让孩子结伴练习、让家人看到进步，不作其他用途。"},
		Necessary:  impact.Finding{Holds: true, Why: "只有昵称，分享的成绩加上每周得分；实名、学校和头像都不显示。"},
		Effect:     "别人能看到孩子在学什么；链接被转发后，班外的人也可能打开。",
		Risks: []impact.Risk{{Risk: "链接或截图传到不认识的人手里", Of: string(impact.Disclose), Likelihood: 3, Severity: 2, Treatment: "链接七天后失效，主页登录后才能打开，搜索引擎看不到；页面带水印。",
			Left: impact.Left{Likelihood: 2, Severity: 1}}},
		Measures: impact.Measures{
			Lawful:    impact.Finding{Holds: true, Why: "依据第十三条、第十八条设置。"},
			Effective: impact.Finding{Holds: true, Why: "闸门按对象逐项放行，先记账后放行。"},
			Fit:       impact.Finding{Holds: true, Why: "风险为中，措施之后为低。"},
		},
		Beyond: []impact.Beyond{{Of: string(impact.Disclose), Why: "给别人看正是这件事本身。", Checked: "接口只返回写明的几项，撤回后当即看不到。"}},
	}
}

// handingOver assesses that a service goes to somebody else.
var handingOver = impact.Form{
	Purpose: handover, MadeBy: "法务部 周律师",
	Lawful:     impact.Finding{Holds: true, Why: "监护人单独同意，并写明接收方；没有答复的到期删除，不转移（第十七条）。"},
	Legitimate: impact.Finding{Holds: true, Why: "让孩子能接着听，接收方不得作其他用途。"},
	Necessary:  impact.Finding{Holds: true, Why: "只转昵称，够认出孩子的进度；其他信息不转。"},
	Effect:     "信息换了负责人，监护人要重新认识它；接收方管理不善会让孩子被打扰。",
	Risks: []impact.Risk{{Risk: "接收方超出目的使用", Of: string(impact.Transfer), Likelihood: 2, Severity: 3, Treatment: "先做安全评估，合同写明目的；更正和删除同步通知它。",
		Left: impact.Left{Likelihood: 1, Severity: 3}}},
	Measures: impact.Measures{
		Lawful:    impact.Finding{Holds: true, Why: "依据第十三条、第十七条设置。"},
		Effective: impact.Finding{Holds: true, Why: "闸门只放行点名同意的监护人，一次一个孩子，先记账后放行。"},
		Fit:       impact.Finding{Holds: true, Why: "风险为中，措施之后为低。"},
	},
	Beyond: []impact.Beyond{{Of: string(impact.Transfer), Why: "服务停止，只有接收方能接着提供。", Checked: "接收方的主体、所在地、负责人、安全措施和以往事件。"}},
}
