import { ConnectionError } from '../http2/connection-error.js';
import { ERROR_CODE } from '../http2/constants.js';
import type { ClientLimit } from '../shared/client-limits.js';

/** A client did more of something than it may: its connection ends with ENHANCE_YOUR_CALM (RFC 9113 section 7). */
export class LimitFault extends ConnectionError {
  readonly limit: ClientLimit;

  /** @param what the debug data of the GOAWAY */
  constructor(limit: ClientLimit, what: string) {
    super(ERROR_CODE.ENHANCE_YOUR_CALM, what);
    this.limit = limit;
  }
}
