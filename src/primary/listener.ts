/**
 * Runs in the primary. The listening socket, which lives as long as the primary: no restart of a worker closes the
 * port. Accepted sockets are paused, or the bytes read here would be missing in the worker.
 */
import { lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { isListening } from '../control/probe-socket.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';
import { describePortOwner } from './port-owner.js';

/** Connections that the kernel keeps while the primary is busy. */
const BACKLOG = 1024;

export interface Listener {
  /** host:port with the bound port, or unix:/path. */
  readonly address: string;
  /** null for unix sockets. */
  readonly port: number | null;
  /** Closes the port at once; a unix socket's file goes with it. */
  close(): void;
}

export interface ListenerEvents {
  onSocket(socket: Socket): void;
  /** Accepting failed; EMFILE and ENFILE are the usual reasons. */
  onError(error: Error): void;
}

/**
 * @param host a name, an address, or unix:/path
 * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION
 */
export async function listen(host: string, port: number, events: ListenerEvents): Promise<Listener> {
  return host.startsWith('unix:') ? listenUnix(host.slice('unix:'.length), events) : listenTcp(host, port, events);
}

async function listenUnix(path: string, events: ListenerEvents): Promise<Listener> {
  const address = `unix:${path}`;
  if (await isListening(path)) {
    throw new DaemonError('E_ADDRESS', `${address} is taken: another process listens there`);
  }
  const server = makeServer();
  try {
    await bind(server, { path });
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw refusal(address, error);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) {
      throw new DaemonError('E_ADDRESS', `${address}: there is a file that is no socket`, { cause: error });
    }
    // Nobody listens there, so the socket is what a killed daemon left.
    rmSync(path);
    await bind(server, { path }).catch((again: unknown) => {
      throw refusal(address, again);
    });
  }
  return open(server, address, null, events);
}

async function listenTcp(host: string, port: number, events: ListenerEvents): Promise<Listener> {
  const server = makeServer();
  const bound = await bind(server, { host, port }).then(
    () => host,
    async (error: unknown) => {
      // A machine without IPv6: every address is every IPv4 address.
      if (host !== '::' || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) {
        throw refusal(`${bracket(host)}:${port}`, error, port);
      }
      await bind(server, { host: '0.0.0.0', port }).catch((again: unknown) => {
        throw refusal(`0.0.0.0:${port}`, again, port);
      });
      return '0.0.0.0';
    },
  );
  const actual = server.address();
  const boundPort = actual !== null && typeof actual === 'object' ? actual.port : port;
  return open(server, `${bracket(bound)}:${boundPort}`, boundPort, events);
}

function makeServer(): Server {
  return createServer({ pauseOnConnect: true, noDelay: true });
}

function bind(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function open(server: Server, address: string, port: number | null, events: ListenerEvents): Listener {
  server.on('connection', (socket) => events.onSocket(socket));
  server.on('error', (error) => events.onError(error));
  return { address, port, close: () => void server.close() };
}

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function refusal(address: string, error: unknown, port?: number): DaemonError {
  switch (systemCode(error) ?? '') {
    case 'EADDRINUSE': {
      const owner = port === undefined ? null : describePortOwner(port);
      return new DaemonError('E_ADDRESS', `${address} is taken${owner === null ? ' by another process' : ` by ${owner}`}`, { cause: error });
    }
    case 'EADDRNOTAVAIL':
      return new DaemonError('E_ADDRESS', `${address} is not an address of this machine`, { cause: error });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new DaemonError('E_ADDRESS', `${address}: the host name is not known`, { cause: error });
    case 'EACCES':
      return new DaemonError('E_ADDRESS_PERMISSION', `This user may not listen on ${address}`, { cause: error });
    default:
      return new DaemonError('E_ADDRESS', `Cannot listen on ${address}: ${toError(error).message}`, { cause: error });
  }
}
