/**
 * What the CLI and the primary ask of the inspector, the short-lived child that reads users' files for them, so
 * that no user code ever runs in the primary. The other half is src/worker/inspector.ts.
 */
import type { ErrorData } from '../shared/errors.js';
import type { ServiceInfo } from '../shared/service-info.js';
import type { Config } from './options.js';

export type ToInspector =
  | { readonly type: 'load-config'; readonly file: string }
  | { readonly type: 'load-services'; readonly config: Config };

export type FromInspector =
  | { readonly type: 'config'; readonly data: unknown }
  | { readonly type: 'services'; readonly services: readonly ServiceInfo[]; readonly interceptors: readonly string[] }
  | { readonly type: 'failed'; readonly error: ErrorData };
