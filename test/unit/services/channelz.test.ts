import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import { createChannelz } from '#src/worker/services/channelz.js';
import { BareServer } from '../../support/bare-server.js';

test('channelz describes the server that answers', async () => {
  const channelz = createChannelz();
  await using server = await BareServer.start([channelz]);
  const Channelz = makeClientConstructor(channelz.definition, 'Channelz');
  const client = new Channelz(server.address, credentials.createInsecure());
  try {
    const { server: servers } = await new Promise<{ server: { listen_socket: { name: string }[] }[] }>((resolve, reject) => {
      // The generated client has the methods of its definition, which its type does not say.
      const { GetServers: getServers } = client as unknown as Record<string, (request: object, done: (error: Error | null, answer: never) => void) => void>;
      getServers?.call(client, {}, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    const addresses = servers.flatMap(({ listen_socket: sockets }) => sockets.map(({ name }) => name));
    assert.ok(addresses.includes(server.address), addresses.join());
  } finally {
    client.close();
  }
});
