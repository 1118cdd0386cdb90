import { basename, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import { DaemonError } from '../../shared/errors.js';
import type { Language, ProjectPlan } from '../init/project-plan.js';
import { makeCertificates } from '../make-certificates.js';
import { writeNewFiles, type NewFile } from '../write-new-files.js';

interface InitFlags {
  readonly yes?: true;
  readonly name?: string;
  readonly language?: Language;
  readonly tls?: boolean;
  readonly json?: true;
}

interface Answers {
  readonly folder: string;
  readonly plan: ProjectPlan;
}

const LANGUAGES = ['typescript', 'javascript'] as const;
const DAY = 86_400_000;
/** How long the certificates are good for; `grpcserverd certs` says the same. */
const CERTIFICATE_DAYS = 90;
/** What both npm and the daemon take for a name. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** `grpcserverd init DIR`: writes a small project, and nothing over a file that is there. */
export function initCommand(): Command {
  return new Command('init')
    .description('Write a new project: proto, servicer, test, config')
    .argument('[dir]', 'folder to write to; made if it is missing (default: the current one)')
    .option('-y, --yes', 'ask nothing')
    .option('--name <name>', 'name of the project and its daemon (default: that of the folder)', parseName)
    .addOption(new Option('--language <language>', 'what to write it in (default: typescript)').choices(LANGUAGES))
    .option('--tls', 'with TLS, and certificates for development')
    .option('--json', 'print JSON; asks nothing')
    .action(async (dir: string | undefined, flags: InitFlags) => {
      const isAsked = flags.yes !== true && flags.json !== true && process.stdin.isTTY && process.stdout.isTTY;
      const { folder, plan } = isAsked ? await ask(dir, flags) : decide(dir ?? '.', flags);
      const { projectFiles } = await import('../init/project.js');
      const files = [...projectFiles(plan), ...(plan.tls ? await certificates() : [])];
      writeNewFiles(folder, files, {
        folderMode: 0o755,
        hint: 'init writes over nothing: name another folder, or move those away.',
      });
      process.stdout.write(flags.json === true ? `${JSON.stringify({ folder, ...plan, files: files.map(({ name }) => name) }, null, 2)}\n` : describe(folder, files));
    });
}

function decide(dir: string, { name, language = 'typescript', tls = false }: InitFlags): Answers {
  const folder = resolve(dir);
  return { folder, plan: { name: name ?? nameFor(folder), language, tls } };
}

/** What the command line leaves open; Enter takes what is in brackets. */
async function ask(dir: string | undefined, flags: InitFlags): Promise<Answers> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D end the command before anything is written.
  terminal.once('SIGINT', () => process.exit(130));
  terminal.once('close', () => process.exitCode ??= 130);
  const question = async (text: string, fallback: string): Promise<string> => {
    const answer = await terminal.question(`${text} [${fallback}] `);
    return answer.trim() === '' ? fallback : answer.trim();
  };
  try {
    const folder = dir ?? (await question('Folder', '.'));
    const language = flags.language ?? parseLanguage(await question('Language, typescript or javascript', 'typescript'));
    const tls = flags.tls ?? /^y/i.test(await question('TLS, y or n', 'n'));
    process.exitCode = 0;
    return decide(folder, { ...flags, language, tls });
  } finally {
    terminal.close();
  }
}

function parseLanguage(text: string): Language {
  const found = LANGUAGES.find((language) => language.startsWith(text.toLowerCase()));
  if (found !== undefined) return found;
  throw new DaemonError('E_USAGE', `"${text}" is neither typescript nor javascript.`);
}

function parseName(text: string): string {
  if (NAME.test(text)) return text;
  throw new DaemonError('E_USAGE', `--name ${text}: must be up to 64 of lower-case letters, digits, ".", "_" and "-", the first a letter or digit.`);
}

function nameFor(folder: string): string {
  const name = basename(folder).toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+|-+$/g, '').slice(0, 64);
  return NAME.test(name) ? name : 'my-service';
}

async function certificates(): Promise<NewFile[]> {
  const now = Date.now();
  const made = await makeCertificates({
    hosts: ['localhost', '127.0.0.1', '::1'],
    client: 'client',
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + CERTIFICATE_DAYS * DAY),
  });
  return made.map((file) => ({ ...file, name: join('credentials', file.name) }));
}

function describe(folder: string, files: readonly NewFile[]): string {
  const shown = relative(process.cwd(), folder);
  return `Made in ${folder}:
${files.map(({ name }) => `  ${name}\n`).join('')}
Now:
${shown === '' ? '' : `  cd ${shown}\n`}  npm install
  npm test
  npm run dev
`;
}
