import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { resolveMinWorkers } from '#src/config/parallelism.js';
import { resolveConfig } from '#src/config/resolve.js';
import { isSignatureWanted, validateConfig } from '#src/config/validate.js';
import { DaemonError } from '#src/shared/errors.js';

const TLS: UserConfig = { authentication: 'ssl', certificates: { serverCertificate: 's.crt', serverCertificateKey: 's.key' } };
const PLACED = ['grpcserverd/interceptors#signatureValidation'];

const resolve = (data: UserConfig) =>
  resolveConfig({ file: { path: '/app/x.yaml', data: { servicers: ['./a.js'], ...data } }, env: {}, flags: {}, cwd: '/' }).config;
const warnings = (data: UserConfig, parallelism = 4): string[] => validateConfig(resolve(data), parallelism);

function refusal(data: UserConfig, parallelism = 4): DaemonError {
  try {
    warnings(data, parallelism);
  } catch (error) {
    assert.ok(error instanceof DaemonError && error.code === 'E_CONFIG_VALUE');
    return error;
  }
  return assert.fail('nothing was refused');
}

test('the defaults are valid and warn of nothing', () => {
  assert.deepEqual(warnings({}), []);
  assert.deepEqual(warnings(TLS), []);
});

test('settings that the chosen transport does not heed are warned of', () => {
  assert.deepEqual(warnings({ transport: 'http2', maxMetadataSize: '32KiB' }), ['maxMetadataSize has an effect with transport "lean" only']);
  assert.deepEqual(warnings({ maxMetadataSize: '32KiB' }), []);
  const options = { 'grpc.max_concurrent_streams': 5, 'grpc.enable_channelz': 1 };
  assert.deepEqual(warnings({ transport: 'http2', options }), []);
  assert.deepEqual(warnings({ options }), [
    'options: "grpc.max_concurrent_streams" has no effect with transport "lean"; set maxConcurrentStreams',
  ]);
});

describe('certificates', () => {
  test('authentication "ssl" needs certificate and key, and names what is missing', () => {
    assert.match(refusal({ authentication: 'ssl' }).message, /needs certificates\.serverCertificate and certificates\.serverCertificateKey$/);
    const { message } = refusal({ authentication: 'ssl', certificates: { serverCertificate: 's.crt' } });
    assert.match(message, /needs certificates\.serverCertificateKey$/);
  });

  for (const clientAuthentication of ['request', 'require'] as const) {
    test(`clientAuthentication "${clientAuthentication}" needs TLS and a root certificate`, () => {
      assert.match(refusal({ clientAuthentication }).message, /needs authentication "ssl"/);
      assert.match(refusal({ ...TLS, clientAuthentication }).message, /needs certificates\.rootCertificate/);
      assert.deepEqual(warnings({ ...TLS, clientAuthentication, certificates: { ...TLS.certificates, rootCertificate: 'ca.crt' } }), []);
    });
  }

  test('a root certificate alone demands nothing', () => {
    assert.deepEqual(warnings({ ...TLS, certificates: { ...TLS.certificates, rootCertificate: 'ca.crt' } }), []);
  });

  test('certificates without authentication are a warning', () => {
    assert.match(warnings({ certificates: { serverCertificate: 's.crt' } })[0] ?? '', /certificates are given but authentication is off/);
  });
});

describe('maximumConcurrentRpcs', () => {
  test('is enough with one call for each worker', () => {
    assert.deepEqual(warnings({ maximumConcurrentRpcs: 3, maxWorkers: 3 }), []);
    assert.deepEqual(warnings({ maximumConcurrentRpcs: null, maxWorkers: 64 }), []);
  });

  test('is an error below the number of workers, counted or automatic', () => {
    const error = refusal({ balance: 'connection', maximumConcurrentRpcs: 2, maxWorkers: 3 });
    assert.match(error.message, /maximumConcurrentRpcs is 2 and maxWorkers is 3:/);
    assert.match(error.hint, /maximumConcurrentRpcs to 3 or more, maxWorkers to 2 or fewer, or balance to "rpc"/);
    assert.deepEqual(warnings({ maximumConcurrentRpcs: 2, maxWorkers: 3 }), []);
    assert.match(refusal({ balance: 'connection', maximumConcurrentRpcs: 2 }, 8).message, /maxWorkers is 8 \(auto\)/);
    assert.deepEqual(warnings({ balance: 'connection', maximumConcurrentRpcs: 2 }, 2), []);
  });
});

describe('minWorkers', () => {
  test('may be as many as maxWorkers, and is when nothing is said', () => {
    assert.deepEqual(warnings({ minWorkers: 3, maxWorkers: 3 }), []);
    assert.deepEqual(warnings({ minWorkers: 'maxWorkers' }), []);
    assert.equal(resolveMinWorkers(resolve({ maxWorkers: 3 })), 3);
    assert.equal(resolveMinWorkers(resolve({}), 4), 4);
    assert.equal(resolveMinWorkers(resolve({ minWorkers: 2 }), 4), 2);
  });

  test('is an error above maxWorkers, counted or automatic', () => {
    const error = refusal({ minWorkers: 4, maxWorkers: 3 });
    assert.match(error.message, /^minWorkers is 4 and maxWorkers is 3$/);
    assert.match(error.hint, /minWorkers to 3 or fewer, or maxWorkers to 4 or more/);
    assert.match(refusal({ minWorkers: 4 }, 2).message, /maxWorkers is 2 \(auto\)$/);
  });
});

test('maxWorkerMemory below what an idle worker needs is a warning', () => {
  assert.match(warnings({ maxWorkerMemory: '20MiB' })[0] ?? '', /maxWorkerMemory is 20MiB: a worker that does nothing needs about/);
  assert.deepEqual(warnings({ maxWorkerMemory: '256MiB' }), []);
});

describe('signature', () => {
  test('is wanted by the option, or by its name among the interceptors', () => {
    assert.equal(isSignatureWanted(resolve({})), false);
    assert.equal(isSignatureWanted(resolve({ signature: true })), true);
    assert.equal(isSignatureWanted(resolve({ interceptors: PLACED })), true);
    assert.equal(isSignatureWanted(resolve({ interceptors: ['grpcserverd/interceptors#other'] })), false);
  });

  const data = { 'x-key': 'a' };
  test('has no effect without authentication, which is a warning', () => {
    assert.match(warnings({ signature: true, signatureData: data })[0] ?? '', /authentication is off/);
    assert.match(warnings({ interceptors: PLACED, signatureData: data })[0] ?? '', /authentication is off/);
  });

  test('lets everyone pass without data, which is a warning', () => {
    assert.match(warnings({ ...TLS, signature: true })[0] ?? '', /signatureData is empty: every call passes/);
  });

  test('data without it are a warning', () => {
    assert.match(warnings({ ...TLS, signatureData: data })[0] ?? '', /signature is off/);
    assert.deepEqual(warnings({ ...TLS, signatureData: data, signature: true }), []);
    assert.deepEqual(warnings({ ...TLS, signatureData: data, interceptors: PLACED }), []);
  });
});

describe('host', () => {
  test('may be a name, an address of either family, or a socket', () => {
    for (const host of ['localhost', '0.0.0.0', '::', '::1', 'fe80::1%eth0', 'unix:/run/x.sock']) assert.deepEqual(warnings({ host }), [], host);
  });

  test('is refused with a port, in brackets, or as a URL', () => {
    for (const host of ['localhost:50051', '[::]', '[::]:50051', 'http://localhost']) assert.match(refusal({ host }).message, /host must be a name/, host);
  });

  test('is refused when the path is longer than a unix socket can have', () => {
    const path = (bytes: number): string => `unix:/${'x'.repeat(bytes - 1)}`;
    assert.deepEqual(warnings({ host: path(107) }), []);
    assert.match(refusal({ host: path(108) }).message, /108 bytes; the system takes 107/);
  });
});

describe('the admin page', () => {
  test('is given as host and port, an IPv6 address in brackets, or as a socket beside the file', () => {
    const parsed: [string, string, number][] = [
      ['localhost:9090', 'localhost', 9090], ['127.0.0.1:0', '127.0.0.1', 0], ['[::]:9090', '::', 9090], ['unix:run/admin.sock', 'unix:/app/run/admin.sock', 0],
    ];
    for (const [admin, host, port] of parsed) assert.deepEqual(resolve({ admin }).admin, { host, port }, admin);
  });

  test('is refused without a port, with one that is none, and as a URL', () => {
    for (const admin of ['localhost', ':9090', '::1:9090', 'localhost:65536', 'http://localhost:9090', 'unix:', 'localhost:9090/metrics']) {
      assert.throws(() => resolve({ admin }), /admin must be "host:port"/, admin);
    }
  });

  test('is refused when the path of its socket is too long', () => {
    assert.match(refusal({ admin: `unix:/${'x'.repeat(107)}` }).message, /^admin: the path of the unix socket has 108 bytes/);
  });

  test('cannot wait for more ready workers than there may be', () => {
    assert.deepEqual(warnings({ maxWorkers: 3, minReadyWorkers: 3 }), []);
    assert.match(refusal({ maxWorkers: 3, minReadyWorkers: 4 }).message, /^minReadyWorkers is 4, and the server may have as few as 3 workers/);
    assert.match(refusal({ maxWorkers: 3, minWorkers: 1, minReadyWorkers: 2 }).message, /as few as 1 workers/);
  });
});

test('an access log that the level of the log hides is warned of', () => {
  assert.deepEqual(warnings({ log: { access: 'errors', level: 'debug' } }), []);
  assert.deepEqual(warnings({ log: { access: 'errors', level: 'warn' } }), ['log.access is "errors", but log.level is "warn": calls are logged with level info']);
});
