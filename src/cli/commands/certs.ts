import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { DaemonError } from '../../shared/errors.js';
import { parseHost } from '../host-name.js';
import { makeCertificates } from '../make-certificates.js';
import { writeNewFiles } from '../write-new-files.js';

interface CertsFlags {
  readonly host?: readonly string[];
  readonly client: string;
  readonly days: number;
  readonly force?: true;
  readonly json?: true;
}

interface Made {
  readonly folder: string;
  readonly files: readonly string[];
  readonly hosts: readonly string[];
  readonly client: string;
  readonly notAfter: Date;
}

const DAY = 86_400_000;
const MOST_DAYS = 3650;

/** `grpcserverd certs DIR`: makes an authority, a server pair and a client pair for development. */
export function certsCommand(): Command {
  return new Command('certs')
    .description('Make certificates for development')
    .argument('<dir>', 'folder to write to; made if it is missing')
    .option('--host <name>', 'one more name or address that clients call the server by (may be repeated)', addHost)
    .option('--client <name>', 'common name of the client certificate', parseCommonName, 'client')
    .option('--days <number>', 'how long all of it is valid', parseDays, 90)
    .option('--force', 'write over files that exist')
    .option('--json', 'print JSON')
    .action(async (dir: string, flags: CertsFlags) => {
      const made = await make(resolve(dir), flags);
      process.stdout.write(flags.json === true ? `${JSON.stringify(made, null, 2)}\n` : describe(made));
    });
}

async function make(folder: string, { host = [], client, days, force }: CertsFlags): Promise<Made> {
  const now = Date.now();
  const machine = parseHost(hostname());
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...(machine === undefined ? [] : [machine]), ...host])];
  const notAfter = new Date(now + days * DAY);
  // An hour back, for clients whose clock is slow.
  const files = await makeCertificates({ hosts, client, notBefore: new Date(now - 3_600_000), notAfter });
  writeNewFiles(folder, files, { replace: force === true });
  return { folder, files: files.map(({ name }) => name), hosts, client, notAfter };
}

function describe({ folder, hosts, client, notAfter }: Made): string {
  const file = (name: string): string => yamlText(join(folder, name));
  return `\
Made in ${folder}, valid until ${notAfter.toISOString().slice(0, 10)}:
  ca.crt      ca.key      the authority that signed the other two
  server.crt  server.key  the server: ${hosts.join(', ')}
  client.crt  client.key  a client: ${client}

For the config:
  authentication: ssl
  certificates:
    serverCertificate: ${file('server.crt')}
    serverCertificateKey: ${file('server.key')}
    rootCertificate: ${file('ca.crt')}
  clientAuthentication: none    # "require" demands a certificate, such as client.crt, from every client

Clients trust the server through ca.crt.
These are for development only: whoever has ca.key can make certificates that your clients trust.
`;
}

/** A path as YAML takes it: in quotes when it holds more than plain characters. */
const yamlText = (path: string): string => (/^[\w/.+-]+$/.test(path) ? path : JSON.stringify(path));

function addHost(text: string, before: readonly string[] = []): readonly string[] {
  const host = parseHost(text);
  if (host === undefined) throw new DaemonError('E_USAGE', `--host ${text}: not a host name or an address.`);
  return [...before, host];
}

function parseCommonName(text: string): string {
  // RFC 5280, appendix A: ub-common-name is 64. Control characters would make a mess of every log.
  if (/^[^\p{Cc}]{1,64}$/u.test(text)) return text;
  throw new DaemonError('E_USAGE', '--client: must be a name of 1 to 64 characters.');
}

function parseDays(text: string): number {
  const days = /^\d+$/.test(text) ? Number(text) : NaN;
  if (days >= 1 && days <= MOST_DAYS) return days;
  throw new DaemonError('E_USAGE', `--days ${text}: must be a whole number from 1 to ${MOST_DAYS}.`);
}
