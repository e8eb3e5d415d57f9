package outside

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"tminus/phases"
)

// maxRedirects is how many redirects are followed.
const maxRedirects = 10

// Request is an HTTP request to make.
type Request struct {
	Method  string            // empty: GET
	URL     string            // http or https
	Headers map[string]string // by name; a value may be a secret
	Body    string            // empty: none
	Limit   time.Duration     // of one try; 0: that of the context alone

	// anywhere lets a redirect lead to another host. It stays in this package: what
	// has headers or a body goes to the host that the runbook names, and to no other.
	anywhere bool
}

// Page is what an HTTP request was answered with.
type Page struct {
	Status int
	Body   []byte        // its first MaxOutput bytes
	Wait   time.Duration // how long it asks to wait before the next (Retry-After, in seconds); 0 when it does not
}

var (
	errNoURL     = errors.New("the URL, which is not shown, since it may hold a password, is no http:// or https:// address with a host: correct the runbook")
	errRedirects = fmt.Errorf("more than %d redirects", maxRedirects)
	errElsewhere = errors.New("a redirect leads to an address that is not http or https")
	errOtherHost = errors.New("a redirect leads to another host")
)

// Ask makes one HTTP request without a body. An error says why there is no
// answer, and names the host alone: the rest of a URL may hold a password or a
// token. It wraps context.Cause when ctx ended the request.
func Ask(ctx context.Context, method, address string) (Page, error) {
	return Request{Method: method, URL: address, anywhere: true}.Do(ctx)
}

// Do makes the request, once. An error is as Ask's. A redirect is followed for
// GET and HEAD, and to no other scheme, host or port; where the method is
// another, the redirect itself is the answer.
func (r Request) Do(ctx context.Context) (Page, error) {
	if r.Limit > 0 {
		inner, over := context.WithTimeoutCause(ctx, r.Limit, fmt.Errorf("no answer within %s", phases.Span(r.Limit)))
		defer over()
		ctx = inner
	}
	req, err := r.make(ctx)
	if err != nil {
		return Page{}, err
	}
	client := &http.Client{CheckRedirect: r.redirect}
	resp, err := client.Do(req)
	if err != nil {
		return Page{}, noAnswer(ctx, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxOutput))
	if err != nil {
		return Page{}, noAnswer(ctx, resp.Request.URL, err)
	}
	page := Page{Status: resp.StatusCode, Body: body}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		page.Wait = time.Duration(min(n, 3600)) * time.Second
	}
	return page, nil
}

func (r Request) make(ctx context.Context) (*http.Request, error) {
	method := cmp.Or(r.Method, http.MethodGet)
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, body)
	switch {
	case err != nil && validMethod(method):
		return nil, errNoURL
	case err != nil:
		return nil, fmt.Errorf("%q is no HTTP method: correct the runbook", method)
	case req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return nil, errNoURL
	}
	for name, value := range r.Headers {
		// The value is not shown: it may be a secret.
		if strings.ContainsFunc(value, unicode.IsControl) {
			return nil, fmt.Errorf("the value of the header %s, which is not shown, holds a line break or another control character: correct where it comes from", name)
		}
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// redirect says whether the next address is asked.
func (r Request) redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet && first.Method != http.MethodHead && !r.anywhere:
		return http.ErrUseLastResponse
	case len(via) > maxRedirects:
		return errRedirects
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return errElsewhere
	case !r.anywhere && (next.URL.Scheme != first.URL.Scheme || hostPort(next.URL) != hostPort(first.URL)):
		return errOtherHost
	}
	return nil
}

func validMethod(method string) bool {
	_, err := http.NewRequest(method, "http://host/", nil) // it is never sent
	return err == nil
}

// noAnswer says why a request to asked got no answer.
func noAnswer(ctx context.Context, asked *url.URL, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// A redirect leads to another host: the error has the last one's address.
	if of, ok := errors.AsType[*url.Error](err); ok && !errors.Is(err, errElsewhere) && !errors.Is(err, errOtherHost) {
		if last, perr := url.Parse(of.URL); perr == nil && last.Host != "" {
			asked = last
		}
	}
	host := hostPort(asked)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		host = "the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY)"
	}
	if why := noHTTP(host, err); why != "" {
		return errors.New(why)
	}
	return errors.New(NoConnection(host, err))
}

// hostPort is the address behind a URL, with the port that its scheme means.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// noHTTP says what was wrong with the answer, or nothing.
func noHTTP(host string, err error) string {
	switch text := err.Error(); {
	case errors.Is(err, errRedirects):
		return fmt.Sprintf("%s redirects again and again: %d redirects were followed", host, maxRedirects)
	case errors.Is(err, errElsewhere):
		return fmt.Sprintf("%s redirects to an address that is neither http nor https", host)
	case errors.Is(err, errOtherHost):
		return fmt.Sprintf("%s redirects to another host, scheme or port, to which nothing is sent: name that one where it is meant", host)
	case errors.Is(err, http.ErrSchemeMismatch):
		return host + " does not speak TLS: write http:// if that is meant"
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"):
		return host + " gave an answer that is not HTTP"
	case strings.Contains(text, "Location header"):
		return host + " redirects to nowhere: its answer has no valid Location"
	case strings.Contains(text, "response headers exceeded"):
		return host + " gave an answer whose header is too long"
	}
	return ""
}

// noTLS says what was wrong with a certificate or a handshake, or nothing.
func noTLS(host string, err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch now := time.Now(); {
		case invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore):
			return fmt.Sprintf("the certificate of %s is valid from %s on: look at the clocks", host, invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
		case invalid.Reason == x509.Expired && invalid.Cert != nil:
			return fmt.Sprintf("the certificate of %s expired at %s", host, invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the certificate of %s is not valid for this use", host)
	}
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		names := "no name"
		if other.Certificate != nil && len(other.Certificate.DNSNames) > 0 {
			names = FirstLine(strings.Join(other.Certificate.DNSNames, ", "))
		}
		return fmt.Sprintf("the certificate of %s is for another name: it holds %s", host, names)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("nobody whom this machine trusts signed the certificate of %s: add its authority to the system's", host)
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return fmt.Sprintf("the certificate of %s cannot be checked: this machine knows no authorities (ca-certificates)", host)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the certificate of %s does not hold", host)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return host + " does not speak TLS"
	}
	_, alert := errors.AsType[tls.AlertError](err)
	if alert || strings.Contains(err.Error(), "tls: ") {
		return fmt.Sprintf("%s and this program did not agree on TLS: look at its versions and at what certificate it asks for", host)
	}
	return ""
}

// NoConnection says in a sentence why a network connection to host failed.
func NoConnection(host string, err error) string {
	if why := noTLS(host, err); why != "" {
		return why
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		if unknown.IsNotFound {
			return fmt.Sprintf("no such host: %s", unknown.Name)
		}
		return fmt.Sprintf("no name server told where %s is: look at the network, or write an address", unknown.Name)
	}
	late, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens at " + host
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return host + " ended the connection before it had answered"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EHOSTDOWN):
		return fmt.Sprintf("no way leads to %s: look at the network", host)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Sprintf("this machine does not allow a connection to %s: look at its firewall", host)
	case isNet && late.Timeout():
		return fmt.Sprintf("%s did not answer in time", host)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("no connection to %s: %s", host, systemSays(errno))
	}
	return fmt.Sprintf("%s gave no answer that can be used: %s", host, innermost(err))
}

// joined is an error that is wrapped around several.
type joined interface {
	error
	Unwrap() []error
}

// innermost is the text of the error that others are wrapped around, without
// the name of a package before it.
func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if several, ok := errors.AsType[joined](err); ok && inner == nil {
			if all := several.Unwrap(); len(all) > 0 {
				inner = all[len(all)-1]
			}
		}
		if inner == nil {
			break
		}
		err = inner
	}
	text := err.Error()
	for _, name := range []string{"net/http: ", "http: ", "http2: ", "tls: ", "x509: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}
