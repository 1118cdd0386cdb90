import type { Links } from './link.js';

/** Those of a connection that is being put together. */
export const NO_LINKS: Links = {
  choose: () => {
    throw new Error('no links yet');
  },
  settings: () => undefined,
  close: () => undefined,
};
