/**
 * Runs in routers and workers. On a link that is a socket, what was taken or has gone is not told for each byte: both
 * ends hold back less than these, which the windows of the link allow for.
 */
import { LINK_WINDOW } from './link.js';
import { MAX_PARKED } from './parking.js';

/** Bytes toward the client that have gone, before the worker hears of them. */
export const CREDIT_STEP = LINK_WINDOW / 4;
/** Bytes of the client that are dealt with, before the router hears of them. */
export const TOOK_STEP = MAX_PARKED / 16;
