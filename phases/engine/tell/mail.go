package tell

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// mailTo sends a note by mail.
func mailTo(ctx context.Context, c runbook.Channel, n Note) error {
	var secrets outside.Secrets
	msg, err := letter(c, n)
	if err != nil {
		return final{err}
	}
	client, err := mailClient(ctx, c.SMTP, &secrets)
	if err != nil {
		return final{err}
	}
	host := net.JoinHostPort(c.SMTP.Host, strconv.Itoa(c.SMTP.Port))
	done := make(chan error, 1)
	go func() { // ends with the client's own limit, a little over twice the attempt's at the latest
		conn, err := client.DialToSMTPClientWithContext(ctx)
		if err == nil {
			err = client.SendWithSMTPClient(conn, msg)
		}
		if msg.IsDelivered() {
			err = nil // the server took it; what came after is of no matter
		}
		done <- err
		_ = client.CloseWithSMTPClient(conn) // it says QUIT, which nobody waits for
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done: // both at once
		default:
			return context.Cause(ctx)
		}
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return refused(host, err, &secrets)
}

// letter is a note as a mail.
func letter(c runbook.Channel, n Note) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(c.SMTP.From); err != nil {
		return nil, fmt.Errorf("the sender's address %q cannot be used: correct the runbook", c.SMTP.From)
	}
	if err := msg.To(c.SMTP.To...); err != nil {
		return nil, errors.New("a recipient's address cannot be used: correct the runbook")
	}
	// A line break in a header would begin another one.
	msg.Subject(strings.Join(strings.Fields(n.Title), " "))
	msg.SetDateWithValue(time.Now())
	msg.SetMessageIDWithValue(messageID(c, n))
	msg.SetUserAgent("tminus")
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, n.Text+"\n")
	return msg, nil
}

// messageID is the same in each attempt: whoever gets a mail twice can tell.
func messageID(c runbook.Channel, n Note) string {
	domain := "localhost"
	if a, err := netmail.ParseAddress(c.SMTP.From); err == nil {
		_, domain, _ = strings.Cut(a.Address, "@")
	}
	if n.Test || n.RunID == "" {
		var b [8]byte
		rand.Read(b[:]) // never fails: it ends the program instead
		return fmt.Sprintf("test.%s@%s", hex.EncodeToString(b[:]), domain)
	}
	return fmt.Sprintf("%s.%d.%s@%s", n.RunID, n.Number, c.ID, domain)
}

func mailClient(ctx context.Context, s *runbook.SMTP, secrets *outside.Secrets) (*mail.Client, error) {
	limit := 10 * time.Second
	if at, ok := ctx.Deadline(); ok {
		limit = max(time.Until(at), 0)
	}
	limit += time.Second // the attempt's own limit comes first, and says so
	opts := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(limit),
		// Nothing is said behind the mail's end but QUIT: a server that stalls then has
		// taken it all the same.
		mail.WithoutNoop(), mail.WithoutRset(),
		mail.WithTLSConfig(&tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}),
	}
	switch s.TLS {
	case runbook.TLSNone:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case runbook.TLSImplicit:
		opts = append(opts, mail.WithSSL())
	default: // also what a later version may call otherwise: nothing in the clear
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.UserFrom != "" {
		user, err := secrets.Value(s.UserFrom)
		if err != nil {
			return nil, err
		}
		password, err := secrets.Value(s.PasswordFrom)
		if err != nil {
			return nil, err
		}
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(strings.TrimSpace(user)), mail.WithPassword(strings.TrimRight(password, "\r\n")))
	}
	client, err := mail.NewClient(s.Host, opts...)
	if err != nil {
		return nil, fmt.Errorf("mail by %s: %s: correct the runbook", s.Host, secrets.Mask(err.Error()))
	}
	return client, nil
}

// refused says in a sentence why a mail was not taken, and whether another
// attempt may help.
func refused(host string, err error, secrets *outside.Secrets) error {
	if err == nil {
		return nil
	}
	said := func(text string) string { return outside.FirstLine(secrets.Mask(text)) }
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		sentence := fmt.Errorf("%s refused it: %s", host, said(reply.Error()))
		if reply.Code >= 500 {
			return final{sentence}
		}
		return sentence
	}
	if sent, ok := errors.AsType[*mail.SendError](err); ok && sent.ErrorCode() > 0 {
		sentence := fmt.Errorf("%s refused it: %s", host, said(sent.Error()))
		if sent.ErrorCode() >= 500 {
			return final{sentence}
		}
		return sentence
	}
	if strings.Contains(err.Error(), "does not support STARTTLS") {
		return final{fmt.Errorf("%s offers no STARTTLS, and nothing is sent that others can read: write tls: implicit where that is its way", host)}
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return final{errors.New(outside.NoConnection(host, cert))}
	}
	if neterr, ok := errors.AsType[*net.OpError](err); ok {
		return errors.New(outside.NoConnection(host, neterr))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New(outside.NoConnection(host, dns))
	}
	return fmt.Errorf("%s: %s", host, said(err.Error()))
}
