// The bench service in Go, on the grpc-go of Debian: [PORT [BLOCK]]. Prints its port.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"github.com/golang/protobuf/ptypes/timestamp"
	"github.com/golang/protobuf/ptypes/wrappers"
)

var block time.Duration

// StringValue, BytesValue, UInt32Value and Timestamp have the wire formats of Note, Chunk, Tally and Order.
func callback(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	note := new(wrappers.StringValue)
	if err := decode(note); err != nil {
		return nil, err
	}
	if block == 0 {
		return &wrappers.StringValue{Value: "Hello " + note.Value}, nil
	}
	if note.Value == "long" {
		time.Sleep(50 * block)
	} else {
		time.Sleep(block)
	}
	return &wrappers.StringValue{Value: "done"}, nil
}

func download(_ interface{}, stream grpc.ServerStream) error {
	order := new(timestamp.Timestamp)
	if err := stream.RecvMsg(order); err != nil {
		return err
	}
	chunk := &wrappers.BytesValue{Value: make([]byte, order.Nanos)}
	for sent := int64(0); sent < order.Seconds; sent++ {
		if err := stream.SendMsg(chunk); err != nil {
			return err
		}
	}
	return nil
}

func upload(_ interface{}, stream grpc.ServerStream) error {
	tally := new(wrappers.UInt32Value)
	for {
		err := stream.RecvMsg(new(wrappers.BytesValue))
		if err == io.EOF {
			return stream.SendMsg(tally)
		}
		if err != nil {
			return err
		}
		tally.Value++
	}
}

func main() {
	port, milliseconds := 0, 0
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &port)
	}
	if len(os.Args) > 2 {
		fmt.Sscan(os.Args[2], &milliseconds)
	}
	block = time.Duration(milliseconds) * time.Millisecond
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Bench",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Callback", Handler: callback}},
		Streams: []grpc.StreamDesc{
			{StreamName: "Download", Handler: download, ServerStreams: true},
			{StreamName: "Upload", Handler: upload, ClientStreams: true},
		},
	}, nil)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		// Ends with its parent.
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}
