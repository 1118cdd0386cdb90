// Calls the Greeter once and prints the answer, and which worker gave it.
//   npm run greet -- [NAME] [--address HOST:PORT]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { address: { type: 'string', default: 'localhost:50051' } },
});
const [name = 'World'] = positionals;

const proto = loadSync(fileURLToPath(new URL('helloworld.proto', import.meta.url)), { defaults: true });
const { helloworld } = loadPackageDefinition(proto);
const greeter = new helloworld.Greeter(values.address, credentials.createInsecure());

greeter.sayHello({ name }, { deadline: Date.now() + 5000 }, (error, reply) => {
  greeter.close();
  if (error) {
    console.error(explain(error));
    process.exitCode = 1;
    return;
  }
  const { slot, pid, generation } = reply.worker;
  console.log(`${reply.message}   (worker ${slot}, pid ${pid}, generation ${generation})`);
});

function explain({ code, details }) {
  if (code === status.UNAVAILABLE) {
    return `No server answers at ${values.address}. Start one with: npm start\n  (${details})`;
  }
  return `The call failed with ${status[code] ?? code}: ${details}`;
}
