/** Runs in the primary. The files of the page (src/dashboard/), read when they are asked for; none but those that are there. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Answer } from '../admin-http.js';

const FOLDER = fileURLToPath(new URL('../../../dashboard/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8',
};

/**
 * The page may load what comes from here and nothing else, runs no script that stands in it, and is shown in no frame
 * (CSP level 3; trusted types: text never becomes markup).
 */
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin',
};

/** Null when there is no such file. */
export async function pageFile(name: string): Promise<Answer | null> {
  const contentType = TYPES[name.split('.').at(-1) ?? ''];
  if (contentType === undefined || !(await readdir(FOLDER)).includes(name)) return null;
  return { status: 200, contentType, headers: PAGE_HEADERS, text: await readFile(FOLDER + name, 'utf8') };
}
