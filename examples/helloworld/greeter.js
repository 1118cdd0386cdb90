// A servicer: grpcserverd calls grpcHook once in every worker and serves what it adds to the server.
const GREETINGS = ['Hello', 'Bonjour', 'Hallo', 'Hola', 'Ciao', 'こんにちは', '你好'];

export async function grpcHook(server, context) {
  const { helloworld } = context.loadProto('./helloworld.proto');
  const worker = { slot: context.slot, pid: process.pid, generation: context.generation };

  const hello = (name, greeting = 'Hello') => ({ message: `${greeting}, ${name || 'stranger'}!`, worker });

  server.addService(helloworld.Greeter.service, {
    sayHello(call, callback) {
      callback(null, hello(call.request.name));
    },

    sayHelloManyWays(call) {
      for (const greeting of GREETINGS) call.write(hello(call.request.name, greeting));
      call.end();
    },

    sayHelloToAll(call, callback) {
      const names = [];
      call.on('data', ({ name }) => names.push(name || 'stranger'));
      call.on('end', () => callback(null, hello(names.join(', '))));
    },

    sayHelloToEach(call) {
      call.on('data', ({ name }) => call.write(hello(name)));
      call.on('end', () => call.end());
    },
  });
}
