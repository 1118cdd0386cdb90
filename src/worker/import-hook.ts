/** Runs in a thread of a worker's, where Node 20 calls the hooks of ES modules. The other half is follow-imports.ts. */
import type { InitializeHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { readStamp } from '../shared/file-hash.js';

export interface Resolution {
  readonly path: string;
  /** Null when the file is not there. */
  readonly stamp: string | null;
}

let port: MessagePort | undefined;

export const initialize: InitializeHook<{ readonly port: MessagePort }> = (data) => {
  port = data.port;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    const result = await next(specifier, context);
    tell(result.url);
    return result;
  } catch (error) {
    if (/^(?:\.{0,2}\/|file:)/.test(specifier) && URL.canParse(specifier, context.parentURL)) tell(new URL(specifier, context.parentURL).href);
    throw error;
  }
};

function tell(url: string): void {
  if (!url.startsWith('file:')) return;
  const path = fileURLToPath(url);
  const resolution: Resolution = { path, stamp: readStamp(path) };
  port?.postMessage(resolution);
}
