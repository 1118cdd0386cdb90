import { fileURLToPath } from 'node:url';

/** The repository; this file runs from build/test/support. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const BIN = `${ROOT}bin/grpcserverd.js`;

/** Absolute path of a servicer in test/fixtures/servicers. */
export const servicer = (name: string): string => `${ROOT}test/fixtures/servicers/${name}`;

/** Absolute path of an interceptor in test/fixtures/interceptors. */
export const interceptor = (name: string): string => `${ROOT}test/fixtures/interceptors/${name}`;
