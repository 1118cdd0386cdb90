// The same calls over both transports: clients and servicers must not be able to tell which one it is.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { generateSession } from '../support/generated-sessions.js';
import { servicer } from '../support/paths.js';
import { randomFrom } from '../support/random.js';
import { play, type Account, type Lists, type Session } from '../support/sessions.js';

const PROVE = process.env.PROVE !== undefined;
const SEEDS = PROVE ? 5000 : 400;
const AT_ONCE = 40;
const MIB = 2 ** 20;

const config: UserConfig = {
  servicers: [servicer('scripted.js')], reflection: false, maxReceiveMessageLength: 80 * MIB, maxMetadataSize: 65_536,
};
const DAEMONS = ['http2', 'lean'] as const;
const daemons: Daemon[] = [];

before(async () => {
  for (const transport of DAEMONS) daemons.push(await startDaemon({ config: { ...config, transport }, deadline: PROVE ? 1_800_000 : 240_000 }));
});
after(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
});

/** Clients see each transport through a connection of their own. */
async function withClients<T>(use: (client: Client) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const daemon of daemons) {
    const client = new Client(daemon.address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
    results.push(await daemon.until(use(client), 'the end of the calls'));
    client.close();
  }
  return results;
}

/** What both transports made of the sessions, played some at a time. */
async function compare(sessions: readonly Session[], atOnce: number, isEqual: (http2: Account, lean: Account, session: Session, index: number) => void): Promise<void> {
  const [http2 = [], lean = []] = await withClients(async (client) => {
    const accounts: Account[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < sessions.length; index = next++) {
        const session = sessions[index];
        assert(session);
        accounts[index] = await play(client, session, crypto.randomUUID());
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return accounts;
  });
  for (const [index, session] of sessions.entries()) {
    const [one, other] = [http2[index], lean[index]];
    assert(one && other);
    isEqual(one, other, session, index);
  }
  for (const daemon of daemons) {
    await daemon.deadline.poll(async () => ((await daemon.status()).workers.every(({ inFlight }) => inFlight === 0) ? true : undefined), 'no call in flight');
  }
}

test(`${SEEDS} generated calls have the same outcome`, async () => {
  const sessions = Array.from({ length: SEEDS }, (_, seed) => generateSession(randomFrom(seed)));
  await compare(sessions, AT_ONCE, (http2, lean, session, seed) => {
    assert.deepEqual(comparable(lean), comparable(http2), `seed ${seed}: ${JSON.stringify(session)}`);
  });
});

const LARGE: Readonly<Record<string, readonly Session[]>> = {
  '4 MiB each way': [large('bidi_stream', [4 * MIB, 4 * MIB], [4 * MIB, 4 * MIB]), large('unary', [4 * MIB], [4 * MIB])],
  '64 MiB each way': [large('unary', [64 * MIB], [64 * MIB])],
  '40 uploads of 1 MiB at once': Array.from({ length: 40 }, () => large('client_stream', [MIB], [1])),
  '40 downloads of 1 MiB at once': Array.from({ length: 40 }, () => large('server_stream', [1], [MIB])),
  '40 conversations at once, with slow readers': Array.from({ length: 40 }, () => ({ ...large('bidi_stream', Array<number>(16).fill(65_536), Array<number>(16).fill(65_536)), readPace: 5 })),
};

describe('large messages', () => {
  for (const [title, sessions] of Object.entries(LARGE)) {
    test(title, () => compare(sessions, sessions.length, (http2, lean) => {
      assert.deepEqual(comparable(lean), comparable(http2));
      assert.equal(lean.code, 'OK', lean.details);
    }));
  }
});

function large(kind: Session['kind'], send: readonly number[], answers: readonly number[]): Session {
  return { kind, metadata: [], send, steps: [['read', 'end'], ...answers.map((size) => ['write', size] as const)], end: { code: status.OK, details: '', trailers: [] } };
}

/** What may differ is left out. */
function comparable(account: Account): unknown {
  // node:http2 puts its date into every answer; gRPC has no use for one, and it costs a call a part of its time.
  const dateless = (lists: Lists | null): Lists | null => lists?.filter(([name]) => name !== 'date') ?? null;
  return { ...account, headers: dateless(account.headers), trailers: dateless(account.trailers) };
}
