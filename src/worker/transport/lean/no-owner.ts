/** Runs in a worker. */
import type { LinkOwner } from '../../../front/link.js';

/** Takes the place of a link's owner that is gone. */
export const NO_OWNER: LinkOwner = {
  headers: () => undefined,
  data: () => undefined,
  reset: () => undefined,
  windowUpdate: () => undefined,
  took: () => undefined,
  fail: () => undefined,
};
