/** `grpcserverd/testing`: a server for the tests of servicers, in the process of the test or as the real daemon. */
export type { TestTarget, ClientConstructor, TestClientOptions } from './testing/test-target.js';
export { startTestDaemon, type TestDaemon, type TestDaemonOptions } from './testing/test-daemon.js';
export { startTestServer, type TestServer, type TestServerOptions } from './testing/test-server.js';
