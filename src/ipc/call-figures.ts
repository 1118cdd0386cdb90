/** What calls have come to since it was told last, in a form that adds up. */
import type { MethodKind } from '../shared/service-info.js';

/** Why a call was refused before its handler ran. */
export const REJECTIONS = ['limit', 'signature'] as const;
export type Rejection = (typeof REJECTIONS)[number];

export interface MethodCalls {
  readonly service: string;
  readonly method: string;
  /** `unknown`: of all methods that no service has. */
  readonly kind: MethodKind | 'unknown';
  readonly started: number;
  /** Messages. */
  readonly received: number;
  readonly sent: number;
  /** By status code, 0 to 16. */
  readonly codes: readonly number[];
  /** By LATENCY_BUCKETS, and one for what took longer; each counts for itself. */
  readonly buckets: readonly number[];
  /** What the calls that ended took, all together. */
  readonly seconds: number;
}

export interface CallFigures {
  /** Those of which there is something to tell, be it only that they are there. */
  readonly methods: readonly MethodCalls[];
  readonly rejected: Readonly<Record<Rejection, number>>;
}

export const NO_CALLS: CallFigures = { methods: [], rejected: { limit: 0, signature: 0 } };
