/** What a peer did that ends its connection: GOAWAY with the code, then close (RFC 9113 section 5.4.1). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** One of ERROR_CODE. */
  readonly code: number;

  /** @param message says what the peer did; it becomes the debug data of the GOAWAY */
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
