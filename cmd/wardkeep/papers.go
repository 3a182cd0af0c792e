package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
)

// papers are what a processor stands on (Article 16): who it is, how it was assessed, and what was signed
// with it.
type papers struct {
	identity party.Identity
	form     party.Form
	deed     party.Deed
}

// scorersPapers are those of the processor of the example, for what a charter gives it.
func scorersPapers(scope party.Scope, from, until time.Time) papers {
	found := party.Answer{Answer: "现场查验，符合要求。", Score: party.Adequate}
	today := from.In(age.Zone)
	document := sha256.Sum256([]byte("the agreement"))
	signature := party.Signature{By: "法定代表人", On: today.Format(time.DateOnly)}
	return papers{
		identity: party.Identity{LegalName: "语评科技（杭州）有限公司", Registration: "91330106MA2CGR7T4X",
			Contact: "privacy@yuping-assessment.example", Address: "杭州市西湖区文三路 1 号", Country: charter.Home, Task: "给口语录音评分"},
		form: party.Form{By: "self", Scope: scope, Necessity: found, Range: found, Amounts: found, Place: found, Measures: found, Staff: found,
			Incidents: found, SubProcessors: found, Deletion: found,
			Risks:    []party.Risk{{Risk: "录音在评分后没有删除", Level: party.High, Treatment: "评分后 24 小时自动删除，每月抽查", Left: party.Low}},
			SignedOn: today.Format(time.DateOnly), ValidUntil: today.AddDate(0, 0, 300).Format(time.DateOnly)},
		deed: party.Deed{Matters: "口语录音评分", Nature: "自动评分，24 小时内删除", Scope: scope, OperatorDuties: "说明要求，定期检查", Measures: "加密传输和存储，专人专机", Supervision: "每季度检查一次", SupervisedEvery: 3,
			Duties:   party.Duties{Instructions: "依法并按要求处理", Assistance: "协助回应监护人", Security: "保障安全，泄露及时告知", Deletion: "到期删除并书面说明", NoSubProcessors: "不得转委托", Others: "无"},
			Document: hex.EncodeToString(document[:]), Operator: signature, Processor: signature, From: from.Truncate(time.Second).Format(time.RFC3339), Until: until.Format(time.RFC3339)},
	}
}

// sign assesses a party that is registered, and signs with it.
func (p papers) sign(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
	_, _, err := party.Assess(ctx, tx, by, of, p.form)
	if err == nil {
		_, _, err = party.Agree(ctx, tx, by, of, p.deed)
	}
	return err
}
