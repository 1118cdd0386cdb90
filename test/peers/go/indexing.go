// A client with Go's HTTP/2 transports and no gRPC. Over TLS it is the one of net/http, which up to Go 1.19 keeps its
// dynamic table whatever a server announces, and refers to what it has sent before; else that of golang.org/x/net.
// Makes many calls at once, each with values of its own, on one connection.
//
//	indexing ADDRESS CALLS IN_FLIGHT [CA]
//
// Each is a POST to /probe.v1.Probe/Reflect with authorization and echo-* headers; prints {"calls": n, "wrong": [...]}.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2"
)

func main() {
	calls, _ := strconv.Atoi(os.Args[2])
	inFlight, _ := strconv.Atoi(os.Args[3])
	var transport http.RoundTripper = &http2.Transport{
		AllowHTTP: true,
		DialTLS:   func(network, addr string, _ *tls.Config) (net.Conn, error) { return net.Dial(network, addr) },
	}
	scheme := "http"
	if len(os.Args) > 4 {
		pem, err := os.ReadFile(os.Args[4])
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			log.Fatal("no certificate: ", err)
		}
		transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
		scheme = "https"
	}
	client := &http.Client{Transport: transport}

	var lock sync.Mutex
	wrong := []string{}
	numbers := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < inFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range numbers {
				if problem := call(client, scheme, n); problem != "" {
					lock.Lock()
					wrong = append(wrong, problem)
					lock.Unlock()
				}
			}
		}()
	}
	for n := 0; n < calls; n++ {
		numbers <- n
	}
	close(numbers)
	workers.Wait()
	if len(wrong) > 10 {
		wrong = wrong[:10]
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"calls": calls, "wrong": wrong})
}

// call makes one, and says what was wrong with its answer. Every value comes three times, so that it is worth indexing.
func call(client *http.Client, scheme string, n int) string {
	request, _ := http.NewRequest("POST", scheme+"://"+os.Args[1]+"/probe.v1.Probe/Reflect", bytes.NewReader(make([]byte, 5)))
	token := fmt.Sprintf("token-%d", n/3)
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	request.Header.Set("authorization", token)
	request.Header.Set("echo-token", token)
	request.Header.Set(fmt.Sprintf("echo-name-%d", n%7), fmt.Sprintf("unique-%d", n))
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if status := response.Trailer.Get("grpc-status"); status != "0" {
		return fmt.Sprintf("%d: status %q", n, status)
	}
	for name, values := range response.Header {
		got := strings.Join(values, ",")
		switch name = strings.ToLower(name); {
		case name == "echo-authorization" || name == "echo-token":
			if got != token {
				return fmt.Sprintf("%d: %s is %q", n, name, got)
			}
		case strings.HasPrefix(name, "echo-name-"):
			if name != fmt.Sprintf("echo-name-%d", n%7) || got != fmt.Sprintf("unique-%d", n) {
				return fmt.Sprintf("%d: %s is %q", n, name, got)
			}
		}
	}
	if response.Header.Get("echo-authorization") == "" || response.Header.Get("echo-token") == "" || response.Header.Get(fmt.Sprintf("echo-name-%d", n%7)) == "" {
		return fmt.Sprintf("%d: a header is missing", n)
	}
	return ""
}
