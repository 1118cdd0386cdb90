// The same servicer in TypeScript: grpcserverd loads it as it is, there is nothing to compile.
import type {
  sendUnaryData,
  Server,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceClientConstructor,
} from '@grpc/grpc-js';
import type { ServicerContext } from 'grpcserverd';

/** What is used here of the package that helloworld.proto declares. */
interface Proto {
  helloworld: { Greeter: ServiceClientConstructor };
}

interface HelloRequest {
  name?: string;
}

interface HelloReply {
  message: string;
  worker: { slot: number; pid: number; generation: number };
}

const GREETINGS = ['Hello', 'Bonjour', 'Hallo', 'Hola', 'Ciao', 'こんにちは', '你好'];

export async function grpcHook(server: Server, context: ServicerContext): Promise<void> {
  const { helloworld } = context.loadProto('./helloworld.proto') as unknown as Proto;
  const worker = { slot: context.slot, pid: process.pid, generation: context.generation };

  const hello = (name?: string, greeting = 'Hello'): HelloReply => ({
    message: `${greeting}, ${name || 'stranger'}!`,
    worker,
  });

  server.addService(helloworld.Greeter.service, {
    sayHello(call: ServerUnaryCall<HelloRequest, HelloReply>, callback: sendUnaryData<HelloReply>) {
      callback(null, hello(call.request.name));
    },

    sayHelloManyWays(call: ServerWritableStream<HelloRequest, HelloReply>) {
      for (const greeting of GREETINGS) call.write(hello(call.request.name, greeting));
      call.end();
    },

    sayHelloToAll(call: ServerReadableStream<HelloRequest, HelloReply>, callback: sendUnaryData<HelloReply>) {
      const names: string[] = [];
      call.on('data', ({ name }: HelloRequest) => names.push(name || 'stranger'));
      call.on('end', () => callback(null, hello(names.join(', '))));
    },

    sayHelloToEach(call: ServerDuplexStream<HelloRequest, HelloReply>) {
      call.on('data', ({ name }: HelloRequest) => call.write(hello(name)));
      call.on('end', () => call.end());
    },
  });
}
