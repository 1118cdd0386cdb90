// The same small unary call in Go, on the grpc-go of Debian: what the lean transport is measured against.
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"github.com/golang/protobuf/ptypes/wrappers"
)

// StringValue has the wire format of Note.
func callback(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	note := new(wrappers.StringValue)
	if err := decode(note); err != nil {
		return nil, err
	}
	return &wrappers.StringValue{Value: "Hello " + note.Value}, nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Bench",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Callback", Handler: callback}},
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
