/**
 * Runs in the primary. The listening socket, which lives as long as the primary: no restart of a worker closes the
 * port. Accepted sockets are paused, or the bytes read here would be missing in the worker.
 */
import { fstatSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { isListening } from '../control/probe-socket.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';
import { describePortOwner } from './port-owner.js';
import type { PassedSocket } from './systemd/environment.js';
import { socketPath } from './systemd/socket-path.js';

/** Connections that the kernel keeps while the primary is busy. */
const BACKLOG = 1024;
/** For a socket that was passed, the kernel's own limit: they also wait while one daemon goes and the next one comes. */
const LONGEST_BACKLOG = 2 ** 31 - 1;

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

/**
 * Takes over a socket that listens already; closing it takes nothing from whoever passed it, nor a unix socket's file.
 * @throws DaemonError E_ADDRESS
 */
export async function adopt({ fd, name }: PassedSocket, events: ListenerEvents): Promise<Listener> {
  const server = makeServer();
  try {
    if (!fstatSync(fd).isSocket()) throw new Error('it is no socket');
    await bind(server, { fd, backlog: LONGEST_BACKLOG });
  } catch (error) {
    throw new DaemonError('E_ADDRESS', `Cannot listen on descriptor ${fd}${name === null ? '' : ` (${name})`}, which was passed in LISTEN_FDS: ${toError(error).message}`, {
      hint: 'A socket unit passes sockets that can be served with ListenStream= and Accept=no.',
      cause: error,
    });
  }
  const bound = server.address();
  if (bound === null || typeof bound !== 'object') return open(server, `unix:${socketPath(fd) ?? `descriptor ${fd}`}`, null, events);
  return open(server, `${bracket(bound.address)}:${bound.port}`, bound.port, events);
}

function makeServer(): Server {
  return createServer({ pauseOnConnect: true, noDelay: true });
}

function bind(server: Server, where: { path: string } | { host: string; port: number } | { fd: number; backlog: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ backlog: BACKLOG, ...where }, () => {
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
