/** The first line of a generated file: what it is made from, and how. */
export const generatedFrom = (source: string): string => `Generated from ${source} by "npm run docs"; do not edit.`;
