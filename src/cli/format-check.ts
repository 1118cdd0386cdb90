import type { CertificateFacts } from '../config/certificate-facts.js';
import { displayPath } from '../config/origin.js';
import type { MethodKind, ServiceInfo } from '../shared/service-info.js';
import { table, type Style } from './output.js';

/** What `check` found. */
export interface CheckReport {
  readonly configFile: string | null;
  readonly address: string;
  readonly workers: number;
  readonly services: readonly ServiceInfo[];
  readonly interceptors: readonly string[];
  readonly tls: (CertificateFacts & { readonly authorities: readonly string[]; readonly clientAuthentication: string }) | null;
  readonly warnings: readonly string[];
}

const KINDS: Readonly<Record<MethodKind, string>> = {
  unary: 'unary',
  client_stream: 'client streaming',
  server_stream: 'server streaming',
  bidi_stream: 'bidirectional streaming',
};
const DAY = 86_400_000;

/** The report as a person reads it. */
export function formatCheck(report: CheckReport, { bold, green, yellow }: Style, now: Date): string {
  const file = report.configFile === null ? 'The settings of flags and environment are' : `${displayPath(report.configFile, process.cwd())} is`;
  const services = report.services.map(({ name, methods }) => `${bold(name)}\n${table(methods.map((method) => [method.name, KINDS[method.kind]]), '  ')}`);
  const facts = [
    ['address', report.address],
    ['workers', String(report.workers)],
    ['interceptors', report.interceptors.join(', ') || 'none'],
    ...tlsFacts(report.tls, now),
  ];
  const warnings = report.warnings.map((warning) => `${yellow('warning:')} ${warning}\n`);
  return `${[...services, table(facts), warnings.join('')].filter((part) => part !== '').join('\n')}\n${green(`${file} fine.`)}\n`;
}

function tlsFacts(tls: CheckReport['tls'], now: Date): string[][] {
  if (tls === null) return [['tls', 'off']];
  const { subject, altNames, notAfter, authorities, clientAuthentication } = tls;
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY);
  return [
    ['tls', subject || altNames.join(', ')],
    ['  names', altNames.join(', ') || 'none'],
    ['  expires', `${notAfter.toISOString().slice(0, 10)}, in ${days} ${days === 1 ? 'day' : 'days'}`],
    ['  clients', clientAuthentication === 'none' ? 'no certificate asked for' : `certificate ${clientAuthentication === 'require' ? 'demanded' : 'asked for'}, issued by ${authorities.join('; ')}`],
  ];
}
