import type { ProjectFile, ProjectPlan } from './project-plan.js';

/** What production needs: an image, and settings for the unit of the package. */
export function deploymentFiles(plan: ProjectPlan): ProjectFile[] {
  return [
    ['Dockerfile', dockerfile(plan)],
    ['.dockerignore', ['.git', 'node_modules', 'dist', 'credentials', ''].join('\n')],
    [`systemd/grpcserverd@${plan.name}.service.d/app.conf`, dropIn(plan)],
  ];
}

function dockerfile({ language, tls }: ProjectPlan): string {
  const isTypescript = language === 'typescript';
  const config = isTypescript ? 'dist/grpcserverd.config.js' : 'grpcserverd.config.js';
  return `FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts${isTypescript ? '' : ' --omit=dev'}
COPY . .
${isTypescript ? 'RUN npm run build && npm prune --omit=dev --ignore-scripts\n' : ''}
FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
${isTypescript ? 'COPY --from=build /app/dist ./dist\n' : 'COPY --from=build /app/grpcserverd.config.js ./\nCOPY --from=build /app/proto ./proto\nCOPY --from=build /app/src ./src\n'}${tls ? '# Mount server.crt, server.key and ca.crt there.\nENV CREDENTIALS_DIRECTORY=/run/secrets\n' : ''}USER node
EXPOSE 50051
# No shell in between, so that the primary gets the signals.
CMD ["node", "node_modules/grpcserverd/bin/grpcserverd.js", "start", "--config", "${config}"]
`;
}

function dropIn({ name, language, tls }: ProjectPlan): string {
  const config = language === 'typescript' ? 'dist/grpcserverd.config.js' : 'grpcserverd.config.js';
  const credentials = ['server.crt', 'server.key', 'ca.crt'].map((file) => `LoadCredential=${file}:/etc/grpcserverd/${name}/${file}\n`).join('');
  return `# For the unit that comes with grpcserverd (node_modules/grpcserverd/systemd/README.md), with this folder in /srv/grpcserverd/${name}:
#   cp -r systemd/grpcserverd@${name}.service.d /etc/systemd/system/
#   systemctl daemon-reload && systemctl enable --now grpcserverd@${name}
[Service]
Environment=NODE_ENV=production GRPCSERVERD_CONFIG=${config}
${tls ? credentials : ''}`;
}
