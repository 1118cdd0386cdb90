// A gRPC client for the tests: reads orders from stdin, one JSON object a line, and prints the outcomes likewise.
//
//	client ADDRESS [-ca FILE [-cert FILE -key FILE] [-name HOST]]
//
//	{"id": 1, "call": CALL}                            ->  {"id": 1, "outcome": {...}}
//	{"id": 2, "load": {"call": CALL, "inFlight": 8}}   ->  {"id": 2, "loading": true} after the first call ended
//	{"id": 2, "stop": true}                            ->  {"id": 2, "tally": {...}}
//
// CALL is {method, kind, send, metadata, timeoutMs, compress, lockstep, cancelAfter}; test/support/calls.ts describes it.
// Messages are bytes to this program. It ends when stdin does.
package main

import (
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"log"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type callOrder struct {
	Method      string
	Kind        string
	Send        [][]byte // encoding/json reads and writes bytes as base64
	Metadata    [][2]string
	TimeoutMs   int
	Compress    string
	Lockstep    bool
	CancelAfter *int
}

type loadOrder struct {
	Call     callOrder
	InFlight int
}

type order struct {
	ID   int
	Call *callOrder
	Load *loadOrder
	Stop bool
}

type outcome struct {
	Code     int                 `json:"code"`
	Details  string              `json:"details"`
	Headers  map[string][]string `json:"headers"`
	Trailers map[string][]string `json:"trailers"`
	Messages [][]byte            `json:"messages"`
}

type tally struct {
	Calls   int              `json:"calls"`
	Codes   map[int]int      `json:"codes"`
	Details map[int][]string `json:"details"`
}

type reply struct {
	ID      int      `json:"id"`
	Outcome *outcome `json:"outcome,omitempty"`
	Loading bool     `json:"loading,omitempty"`
	Tally   *tally   `json:"tally,omitempty"`
}

// rawCodec passes messages as the bytes they are. Without a name the content type is plain "application/grpc".
type rawCodec struct{}

func (rawCodec) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Name() string                          { return "" }
func (rawCodec) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte{}, data...)
	return nil
}

// deflate is what gRPC calls the format of zlib; grpc-go has only gzip.
type deflate struct{}

func (deflate) Name() string                                 { return "deflate" }
func (deflate) Compress(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }
func (deflate) Decompress(r io.Reader) (io.Reader, error)    { return zlib.NewReader(r) }

var (
	printing sync.Mutex
	printer  = json.NewEncoder(os.Stdout)
)

func say(r reply) {
	printing.Lock()
	defer printing.Unlock()
	if err := printer.Encode(r); err != nil {
		log.Fatal(err)
	}
}

func connect(address, ca, cert, key, name string) *grpc.ClientConn {
	security := grpc.WithInsecure()
	if ca != "" {
		config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: name}
		pem, err := os.ReadFile(ca)
		if err != nil || !config.RootCAs.AppendCertsFromPEM(pem) {
			log.Fatalf("no certificate in %s: %v", ca, err)
		}
		if cert != "" {
			pair, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				log.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		security = grpc.WithTransportCredentials(credentials.NewTLS(config))
	}
	conn, err := grpc.Dial(address, security, grpc.WithDefaultCallOptions(
		grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func toWire(pairs [][2]string) metadata.MD {
	md := metadata.MD{}
	for _, pair := range pairs {
		key, value := pair[0], pair[1]
		if strings.HasSuffix(key, "-bin") {
			raw, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				log.Fatal(err)
			}
			value = string(raw)
		}
		md.Append(key, value)
	}
	return md
}

func fromWire(md metadata.MD) map[string][]string {
	texts := map[string][]string{}
	for key, values := range md {
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			texts[key] = append(texts[key], value)
		}
	}
	return texts
}

// perform makes one call to its end.
func perform(conn *grpc.ClientConn, o *callOrder) *outcome {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.TimeoutMs)*time.Millisecond)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, toWire(o.Metadata))
	options := []grpc.CallOption{}
	if o.Compress != "" {
		options = append(options, grpc.UseCompressor(o.Compress))
	}
	var headers, trailers metadata.MD
	var messages [][]byte
	var err error
	if o.Kind == "unary" {
		var answer []byte
		err = conn.Invoke(ctx, o.Method, &o.Send[0], &answer, append(options, grpc.Header(&headers), grpc.Trailer(&trailers))...)
		if err == nil {
			messages = append(messages, answer)
		}
	} else {
		headers, trailers, messages, err = performStream(ctx, cancel, conn, o, options)
	}
	result := status.Convert(err)
	return &outcome{int(result.Code()), result.Message(), fromWire(headers), fromWire(trailers), messages}
}

func performStream(ctx context.Context, cancel func(), conn *grpc.ClientConn, o *callOrder, options []grpc.CallOption) (metadata.MD, metadata.MD, [][]byte, error) {
	desc := &grpc.StreamDesc{ServerStreams: o.Kind != "client_stream", ClientStreams: o.Kind != "server_stream"}
	stream, err := conn.NewStream(ctx, desc, o.Method, options...)
	if err != nil {
		return nil, nil, nil, err
	}
	if o.CancelAfter != nil && *o.CancelAfter == 0 {
		cancel()
	}
	messages := [][]byte{}
	receive := func() error {
		var message []byte
		err := stream.RecvMsg(&message)
		if err == nil {
			messages = append(messages, message)
			if o.CancelAfter != nil && len(messages) == *o.CancelAfter {
				cancel()
			}
		}
		return err
	}
	// An error of SendMsg is io.EOF: the status comes from RecvMsg.
	for i := range o.Send {
		if stream.SendMsg(&o.Send[i]) != nil {
			break
		}
		if o.Lockstep {
			if err = receive(); err != nil {
				break
			}
		}
	}
	if err == nil {
		_ = stream.CloseSend()
		for err == nil {
			err = receive()
			if err == nil && !desc.ServerStreams {
				// After the one answer grpc-go reads the trailers within the same RecvMsg.
				break
			}
		}
	}
	if err == io.EOF {
		err = nil
	}
	headers, _ := stream.Header()
	return headers, stream.Trailer(), messages, err
}

// load keeps calls in flight until stop is closed.
func load(conn *grpc.ClientConn, id int, o *loadOrder, stop <-chan struct{}) {
	result := &tally{Codes: map[int]int{}, Details: map[int][]string{}}
	var lock sync.Mutex
	var workers sync.WaitGroup
	for i := 0; i < o.InFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				out := perform(conn, &o.Call)
				lock.Lock()
				result.Calls++
				result.Codes[out.Code]++
				if out.Code != 0 && len(result.Details[out.Code]) < 5 {
					result.Details[out.Code] = append(result.Details[out.Code], out.Details)
				}
				first := result.Calls == 1
				lock.Unlock()
				if first {
					say(reply{ID: id, Loading: true})
				}
			}
		}()
	}
	workers.Wait()
	say(reply{ID: id, Tally: result})
}

func main() {
	encoding.RegisterCompressor(deflate{})
	address := os.Args[1]
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	ca, cert, key := flags.String("ca", "", ""), flags.String("cert", "", ""), flags.String("key", "", "")
	name := flags.String("name", "", "")
	_ = flags.Parse(os.Args[2:])
	conn := connect(address, *ca, *cert, *key, *name)
	defer conn.Close()

	stops := map[int]chan struct{}{}
	input := json.NewDecoder(os.Stdin)
	for {
		var o order
		if err := input.Decode(&o); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		switch {
		case o.Call != nil:
			go func() { say(reply{ID: o.ID, Outcome: perform(conn, o.Call)}) }()
		case o.Load != nil:
			stops[o.ID] = make(chan struct{})
			go load(conn, o.ID, o.Load, stops[o.ID])
		default:
			close(stops[o.ID])
		}
	}
}
