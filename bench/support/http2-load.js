// Makes calls with node:http2, where h2load is missing, and reports as h2load does:
//   PORT METHOD CALLS CONNECTIONS STREAMS HEADERS
import { call, connect } from './http2-client.js';

const [port, method, calls, connections, streams, headers] = process.argv.slice(2);
let left = Number(calls);
let bytes = 0;

async function callOn(session) {
  while (left > 0) {
    left -= 1;
    const { length } = await call(session, method, JSON.parse(headers));
    bytes += length;
  }
}

const times = (count, make) => Array.from({ length: Number(count) }, make);
const sessions = await Promise.all(times(connections, () => connect(port)));
await Promise.all(sessions.flatMap((session) => times(streams, () => callOn(session))));
console.log(`${calls} done, ${calls} succeeded; (${bytes}) data`);
for (const session of sessions) session.close();
