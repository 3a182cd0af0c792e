package wardkeep

import (
	"context"
	"net/http"
)

// NewReturned says that a message came back which a mail server or an SMS gateway had taken.
type NewReturned struct {
	To      string `json:"to" minLength:"3" maxLength:"320" doc:"the number or the e-mail address that it was sent to"`
	Message string `json:"message" minLength:"1" maxLength:"200" doc:"the name that the gateway got it under: the header webhook-id of an SMS, what stands before the @ in the Message-ID of an e-mail"`
}

// Returned is what becomes of whoever a message didn't reach.
type Returned struct {
	State string `json:"state" enum:"waiting,call,letter,unreachable,gone" doc:"waiting: another message is sent; call, letter: somebody telephones or writes; unreachable: the public has to be warned; gone: nobody has to be told any more"`
}

// MessageReturned tells that a message about an incident came back that a gateway had taken, so
// that its guardian is told by the next way (Article 21). It needs the scope incidents:write.
// Errors: warning.message of a message that isn't known, or of which that was said before;
// warning.sending of one that is just being handed over: say it again in a minute.
func (c *Client) MessageReturned(ctx context.Context, r NewReturned) (out Returned, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: c.path("messages:returned"), in: r, out: &out, once: true})
	return out, err
}
