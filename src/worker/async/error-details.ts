/** Runs in workers and in users' tests and clients: the details of the rich error model, as people write them and as bytes. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Metadata } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';

/** A length of time in the JSON form of google.protobuf.Duration: `"1.5s"`. */
export type DurationText = `${number}s`;

interface LocalizedMessage {
  /** BCP 47: `en-US`. */
  readonly locale: string;
  readonly message: string;
}

/** google/rpc/error_details.proto: what each message is for is said there. */
interface WellKnownDetails {
  'google.rpc.ErrorInfo': { readonly reason: string; readonly domain: string; readonly metadata?: Readonly<Record<string, string>> };
  'google.rpc.RetryInfo': { readonly retryDelay: DurationText };
  'google.rpc.DebugInfo': { readonly stackEntries?: readonly string[]; readonly detail?: string };
  'google.rpc.QuotaFailure': {
    readonly violations: readonly {
      readonly subject?: string;
      readonly description?: string;
      readonly apiService?: string;
      readonly quotaMetric?: string;
      readonly quotaId?: string;
      readonly quotaDimensions?: Readonly<Record<string, string>>;
      /** Up to 2^53. */
      readonly quotaValue?: number;
      readonly futureQuotaValue?: number;
    }[];
  };
  'google.rpc.PreconditionFailure': {
    readonly violations: readonly { readonly type: string; readonly subject?: string; readonly description?: string }[];
  };
  'google.rpc.BadRequest': {
    readonly fieldViolations: readonly {
      readonly field: string;
      readonly description: string;
      readonly reason?: string;
      readonly localizedMessage?: LocalizedMessage;
    }[];
  };
  'google.rpc.RequestInfo': { readonly requestId: string; readonly servingData?: string };
  'google.rpc.ResourceInfo': {
    readonly resourceType: string;
    readonly resourceName: string;
    readonly owner?: string;
    readonly description?: string;
  };
  'google.rpc.Help': { readonly links: readonly { readonly description: string; readonly url: string }[] };
  'google.rpc.LocalizedMessage': LocalizedMessage;
}

type WellKnownDetail = { readonly [Name in keyof WellKnownDetails]: { readonly '@type': Name } & WellKnownDetails[Name] }[keyof WellKnownDetails];

/** Any other message, as google.protobuf.Any: encoded by whoever has its type. */
export interface EncodedDetail {
  /** `type.googleapis.com/acme.v1.Reason` */
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** One of the messages of google/rpc/error_details.proto, named by `@type`, or any other one that is encoded already. */
export type ErrorDetail = WellKnownDetail | EncodedDetail;

/** Where gRPC carries the google.rpc.Status of a call. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

const PREFIX = 'type.googleapis.com/';

/** A google.rpc.Status. @throws TypeError for a detail that is none */
export function encodeStatus(code: number, message: string, details: readonly ErrorDetail[]): Buffer {
  const status = types().lookupType('google.rpc.Status');
  return Buffer.from(status.encode(status.fromObject({ code, message, details: details.map(toAny) })).finish());
}

/**
 * The details that a server sent with an error, for clients and tests; none when it sent none. What is not of
 * google/rpc/error_details.proto stays encoded.
 * @param error what a grpc-js call failed with
 * @throws Error when the bytes are no google.rpc.Status
 */
export function errorDetails(error: { readonly metadata?: Metadata | null | undefined }): ErrorDetail[] {
  const bytes = error.metadata?.get(STATUS_DETAILS)[0];
  if (!(bytes instanceof Uint8Array)) return [];
  const status = types().lookupType('google.rpc.Status');
  // The shape is that of the message, in rich-error.proto.
  const { details } = status.toObject(status.decode(bytes), { arrays: true, defaults: true }) as { details: Any[] };
  return details.map(fromAny);
}

/** google.protobuf.Any as protobufjs has it. */
interface Any {
  readonly type_url: string;
  readonly value: Uint8Array;
}

function toAny(detail: ErrorDetail): Any {
  if ('typeUrl' in detail) return { type_url: detail.typeUrl, value: detail.value };
  const { '@type': name, ...fields } = detail;
  const type = wellKnown(name);
  if (type === undefined) {
    throw new TypeError(`"${name}" is not among google/rpc/error_details.proto; give any other message as { typeUrl, value }.`);
  }
  const message = 'retryDelay' in fields ? { retryDelay: parseDuration(fields.retryDelay) } : fields;
  return { type_url: PREFIX + name, value: type.encode(type.fromObject(message)).finish() };
}

function fromAny({ type_url: typeUrl, value }: Any): ErrorDetail {
  const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  const type = wellKnown(name);
  if (type === undefined) return { typeUrl, value };
  const fields = type.toObject(type.decode(value), { longs: Number });
  const delay = fields.retryDelay as { seconds?: number; nanos?: number } | undefined;
  // The name says which fields there are.
  return { '@type': name, ...fields, ...(delay === undefined ? {} : { retryDelay: formatDuration(delay) }) } as WellKnownDetail;
}

function wellKnown(name: string): protobuf.Type | undefined {
  const [, inner = ''] = /^google\.rpc\.(\w+)$/.exec(name) ?? [];
  return inner === '' || inner === 'Status' || types().lookup(name) === null ? undefined : types().lookupType(name);
}

/** protobuf.dev, JSON mapping of Duration: seconds with 0 to 9 digits behind the point, and "s". */
function parseDuration(text: string): { seconds: number; nanos: number } {
  const [, sign, seconds, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(text) ?? [];
  if (seconds === undefined) throw new TypeError(`retryDelay must be seconds, such as "1.5s"; got "${text}".`);
  const direction = sign === '-' ? -1 : 1;
  return { seconds: direction * Number(seconds), nanos: direction * Number(fraction.padEnd(9, '0')) };
}

function formatDuration({ seconds = 0, nanos = 0 }: { seconds?: number; nanos?: number }): DurationText {
  const fraction = String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '');
  const whole = `${seconds < 0 || nanos < 0 ? '-' : ''}${Math.abs(seconds)}`;
  return `${fraction === '' ? whole : `${whole}.${fraction}`}s` as DurationText;
}

let cached: protobuf.Root | undefined;

/** Parsed when the first detail is written or read: most errors have none. */
function types(): protobuf.Root {
  if (cached !== undefined) return cached;
  const { common, parse, Root } = createRequire(import.meta.url)('protobufjs') as typeof protobuf;
  const root = new Root();
  for (const file of ['google/protobuf/any.proto', 'google/protobuf/duration.proto']) {
    const { nested } = common.get(file) ?? {};
    if (nested !== undefined) root.addJSON(nested);
  }
  parse(readFileSync(new URL('rich-error.proto', import.meta.url), 'utf8'), root);
  root.resolveAll();
  return (cached = root);
}
