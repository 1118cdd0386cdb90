/**
 * Runs in a worker. What grpc-js takes as metadata: fewer names and values than HTTP (grpc-js 1.14, metadata.ts; the gRPC
 * protocol calls the others an error of the sender). It leaves the others out too, but prints each with its value, which
 * floods the log with what a client likes and may be a secret; so it does not get to see them.
 */
const NAME = /^[0-9a-z_.-]+$/;
const TEXT = /^[ -~]*$/;

/** @param name lower-case, no pseudo-header */
export function isReadable(name: string, value: string): boolean {
  // Binary values are decoded, whatever they are.
  return NAME.test(name) && (name.endsWith('-bin') || TEXT.test(value));
}

/** Takes the others out of what node:http2 gives. */
export function dropUnreadable(headers: Record<string, string | string[] | undefined>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue;
    const isFit = typeof value === 'string' ? isReadable(name, value) : value.every((one) => isReadable(name, one));
    if (!isFit) headers[name] = undefined;
  }
}
