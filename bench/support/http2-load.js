// Makes calls with node:http2, where h2load is missing: PORT METHOD CALLS CONNECTIONS STREAMS
import { ANSWER_LENGTH, call, connect } from './http2-client.js';

const [port, method, calls, connections, streams] = process.argv.slice(2).map((arg) => (/^\d+$/.test(arg) ? Number(arg) : arg));
let left = calls;

async function callOn(session) {
  while (left > 0) {
    left -= 1;
    const { length } = await call(session, method);
    if (length !== ANSWER_LENGTH) throw new Error(`an answer has ${length} bytes`);
  }
}

const sessions = await Promise.all(Array.from({ length: connections }, () => connect(port)));
await Promise.all(sessions.flatMap((session) => Array.from({ length: streams }, () => callOn(session))));
for (const session of sessions) session.close();
