/** Runs in the primary. What a person at a terminal sees once the daemon is ready. */
import type { Config } from '../config/options.js';
import type { ServiceInfo } from '../shared/service-info.js';
import type { Ports } from './ports.js';
import type { WorkerHandle } from './worker-handle.js';

export interface WelcomeFacts {
  readonly config: Config;
  readonly configFile: string | null;
  readonly ports: Pick<Ports, 'address' | 'port'>;
  readonly tls: boolean;
  readonly services: readonly ServiceInfo[];
  readonly workers: readonly WorkerHandle[];
  readonly callLimit: string | null;
}

const ARROWS = { unary: '', client_stream: '  stream ->', server_stream: '  -> stream', bidi_stream: '  stream <-> stream' } as const;

export function welcome({ config, configFile, ports, tls, services, workers, callLimit }: WelcomeFacts): string {
  const lines = [
    '',
    `  grpcserverd serves ${ports.address} ${tls ? `over TLS${config.clientAuthentication === 'require' ? ', client certificates demanded' : ''}` : 'without TLS'}`,
    '',
    ...services.flatMap(({ name, methods }) => [
      `    ${name}`,
      ...methods.map((method) => `      ${method.name}${ARROWS[method.kind]}`),
    ]),
    '',
    `  Workers  ${workers.map(({ slot, pid }) => `${slot} (pid ${String(pid)})`).join(', ')}, primary pid ${process.pid}`,
    ...(callLimit === null ? [] : [`  Limit    ${callLimit} (each worker has its share)`]),
    `  Config   ${configFile ?? 'flags and environment only'}`,
    `  Call it  ${callExample(config, ports, tls, services)}`,
    `  Look     grpcserverd status${config.name === 'default' ? '' : ` --name ${config.name}`}`,
    '  Stop     Ctrl-C, or grpcserverd stop',
    '',
    '',
  ];
  return lines.join('\n');
}

function callExample(config: Config, ports: Pick<Ports, 'address' | 'port'>, tls: boolean, services: readonly ServiceInfo[]): string {
  const service = services.find(({ name }) => !name.startsWith('grpc.')) ?? services[0];
  const method = service?.methods.find(({ kind }) => kind === 'unary') ?? service?.methods[0];
  if (service === undefined || method === undefined) return 'no service yet';
  if (!config.reflection) return `${service.name}/${method.name} with any gRPC client`;
  const target = ports.port === null ? ports.address : `localhost:${ports.port}`;
  return tls
    ? `grpcurl -cacert ca.crt -d '{}' ${target} ${service.name}/${method.name}`
    : `npx buf curl --protocol grpc --http2-prior-knowledge -d '{}' http://${target}/${service.name}/${method.name}`;
}
