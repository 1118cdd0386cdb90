import { ConnectionError } from '../http2/connection-error.js';
import { ERROR_CODE } from '../http2/constants.js';

/** @param what the client did, as the end of the sentence "The client sent ..." */
export const broken = (what: string): ConnectionError => new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, what);

/** A frame whose length is not what its type demands. */
export const misfit = (what: string): ConnectionError => new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, `${what} of a wrong length`);
