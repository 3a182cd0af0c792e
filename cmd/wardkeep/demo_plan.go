package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
)

// plans records the emergency plan of the story, and that it was tried (Article 21).
func plans(ctx context.Context, tx *db.Tx, ring *keyring.Ring, officer catalog.Officer) error {
	today := tx.Now().In(age.Zone).Format(time.DateOnly)
	plan := catalog.Record{Kind: catalog.EmergencyPlan, Day: today, Title: "儿童个人信息泄露应急预案"}
	_, _, err := catalog.Keep(ctx, tx, ring, officer, officer.Service, plan, onePage("Emergency plan (sample)",
		"1. Open the case. 2. Stop the leak: close the link, revoke the key, suspend the processor.",
		"3. Grade it within the hour. 4. Tell the authority within four hours, families within a day."))
	if err == nil {
		drill := catalog.Record{Kind: catalog.EmergencyDrill, Day: today, Title: "演练：四十分钟内完成定级，通讯录缺一人，已补"}
		_, _, err = catalog.Keep(ctx, tx, ring, officer, officer.Service, drill, nil)
	}
	return err
}

// onePage is a PDF of one page with these lines, which have neither parentheses that don't match
// nor anything but ASCII.
func onePage(lines ...string) []byte {
	text := "BT /F1 12 Tf 16 TL 40 780 Td (" + strings.Join(lines, ") Tj T* (") + ") Tj ET"
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, object := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}
