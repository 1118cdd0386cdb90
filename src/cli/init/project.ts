import { createRequire } from 'node:module';
import { VERSION } from '../../shared/version.js';
import type { NewFile } from '../write-new-files.js';
import { deploymentFiles } from './deployment-files.js';
import { javascriptFiles } from './javascript-files.js';
import type { ProjectFile, ProjectPlan } from './project-plan.js';
import { readme } from './readme.js';
import { typescriptFiles } from './typescript-files.js';

/** The ranges of versions that this package itself was built and tested with. */
export const rangeOf = (name: string): string => {
  const { dependencies, devDependencies } = createRequire(import.meta.url)('../../../package.json') as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const range = dependencies[name] ?? devDependencies[name];
  if (range === undefined) throw new Error(`package.json names no ${name}`);
  return range;
};

const PROTO = `syntax = "proto3";

package greeter.v1;

service Greeter {
  // One greeting.
  rpc SayHello(HelloRequest) returns (HelloReply);
  // A greeting for every name, as it comes.
  rpc GreetEach(stream HelloRequest) returns (stream HelloReply);
}

message HelloRequest {
  string name = 1;
}

message HelloReply {
  string message = 1;
}
`;

/** Everything that `grpcserverd init` writes, certificates aside. */
export function projectFiles(plan: ProjectPlan): NewFile[] {
  const files: ProjectFile[] = [
    ['package.json', packageJson(plan)],
    ['proto/greeter.proto', PROTO],
    ...(plan.language === 'typescript' ? typescriptFiles(plan) : javascriptFiles(plan)),
    ['.gitignore', ['node_modules/', ...(plan.language === 'typescript' ? ['dist/', 'src/generated/'] : []), ...(plan.tls ? ['credentials/'] : []), ''].join('\n')],
    ...deploymentFiles(plan),
    ['README.md', readme(plan)],
  ];
  return files.map(([name, text]) => ({ name, text, mode: 0o644 }));
}

/** Matches what `context.loadProto` makes of messages when it is given no options. */
const TYPES = 'proto-loader-gen-types --grpcLib=@grpc/grpc-js --keepCase --longs=String --enums=String --defaults --oneofs --importFileExtension=.js --outDir=src/generated proto/*.proto';

function packageJson({ name, language, tls }: ProjectPlan): string {
  const isTypescript = language === 'typescript';
  const start = {
    start: 'grpcserverd start',
    dev: 'grpcserverd start --autoreload --log-format pretty',
    check: 'grpcserverd check',
  };
  const certs = tls ? { certs: 'grpcserverd certs credentials' } : {};
  const scripts = isTypescript
    ? {
        ...start,
        test: 'node --import jiti/register --test test/*.test.ts',
        generate: TYPES,
        'generate:watch': `node --watch-path=proto --watch-preserve-output node_modules/.bin/${TYPES}`,
        prepare: 'npm run --silent generate',
        build: 'npm run --silent generate && tsc --project tsconfig.build.json && cp -R proto dist/',
        'start:built': 'grpcserverd start --config dist/grpcserverd.config.js',
        types: 'tsc',
        ...certs,
      }
    : { ...start, test: 'node --test test/', ...certs };
  const versions = (names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((each) => [each, rangeOf(each)]));
  return `${JSON.stringify({
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts,
    dependencies: { ...versions(['@grpc/grpc-js']), grpcserverd: `^${VERSION}` },
    ...(isTypescript ? { devDependencies: versions(['@grpc/proto-loader', '@types/node', 'jiti', 'typescript']) } : {}),
    // Its script prints a line about versions; newer npm asks what is to become of it.
    allowScripts: { protobufjs: false },
  }, null, 2)}\n`;
}
