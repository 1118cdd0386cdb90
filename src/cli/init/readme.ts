import type { ProjectPlan } from './project-plan.js';

export function readme({ name, language, tls }: ProjectPlan): string {
  const isTypescript = language === 'typescript';
  const end = isTypescript ? 'ts' : 'js';
  return `# ${name}

A gRPC service that runs on [grpcserverd](https://www.npmjs.com/package/grpcserverd).

    npm install
    npm test           # calls the service in the process of the test
    npm run dev        # serves on port 50051 and reloads whatever is saved
    npm start          # serves as it is

In another terminal, with [grpcurl](https://github.com/fullstorydev/grpcurl):

    grpcurl ${tls ? '-cacert credentials/ca.crt' : '-plaintext'} -d '{"name": "Ada"}' localhost:50051 greeter.v1.Greeter/SayHello

| | |
|---|---|
| \`proto/greeter.proto\` | what the service offers |
| \`src/servicers/greeter.${end}\` | what it does |
| \`test/greeter.test.${end}\` | calls of it |
| \`grpcserverd.config.${end}\` | the settings of the daemon; \`npm run check\` says what they come to |
${isTypescript ? `| \`src/generated/\` | types of the proto, written by \`npm run generate\`; \`npm run generate:watch\` keeps them up to date |\n` : ''}${tls ? '| `credentials/` | certificates for development, good for 90 days; `npm run certs -- --force` makes new ones |\n' : ''}
## Production

${isTypescript ? '`npm run build` compiles to `dist/`, and `npm run start:built` runs that: the same config names the same servicers there.\n' : 'Nothing is compiled.\n'}Set \`NODE_ENV=production\` for a worker on each core.

- \`docker build -t ${name} .\` makes an image (commit \`package-lock.json\` first).
- \`systemd/\` has settings for the unit that comes with grpcserverd.
`;
}
