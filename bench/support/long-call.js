/** The text of a call that takes longer than the others (blocking.js). */
export const LONG = 'long';
