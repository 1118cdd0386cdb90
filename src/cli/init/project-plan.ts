export type Language = 'typescript' | 'javascript';

export interface ProjectPlan {
  /** Of the package, and of the daemon. */
  readonly name: string;
  readonly language: Language;
  readonly tls: boolean;
}

/** The path of a file in the project, with what it holds. */
export type ProjectFile = readonly [name: string, text: string];

/** The settings that both languages have, as lines within `defineConfig({ ... })`. */
export function settings({ name, tls }: ProjectPlan, servicer: string): string {
  const lines = [
    `servicers: ['${servicer}'],`,
    `name: '${name}',`,
    'port: 50051,',
    '// A process for each core; in development two show that a worker is not alone.',
    "maxWorkers: process.env.NODE_ENV === 'production' ? 'auto' : 2,",
    ...(tls
      ? [
          "authentication: 'ssl',",
          'certificates: {',
          '  serverCertificate: `${credentials}/server.crt`,',
          '  serverCertificateKey: `${credentials}/server.key`,',
          '  rootCertificate: `${credentials}/ca.crt`,',
          '},',
        ]
      : []),
  ];
  return lines.map((line) => `  ${line}\n`).join('');
}

export const CREDENTIALS = `// In production systemd, or whatever runs the container, says where they are; in development: npm run certs
const credentials = process.env.CREDENTIALS_DIRECTORY ?? './credentials';

`;
