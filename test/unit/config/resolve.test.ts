import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { environmentName, flagName, snakeCase } from '#src/config/key-spelling.js';
import { OPTION_KEYS, optionSpec, type Config, type OptionKey } from '#src/config/options.js';
import { isPlainRecord } from '#src/config/plain-data.js';
import { resolveConfig, type Resolved, type Sources } from '#src/config/resolve.js';
import { DaemonError } from '#src/shared/errors.js';

const FILE = '/app/settings/grpcserverd.config.yaml';

/** What is resolved from these sources; a servicer is there unless the test gives some. */
function resolve(data: unknown, more: Partial<Sources> = {}): Resolved {
  const withServicer = isPlainRecord(data) && !('servicers' in data) ? { servicers: ['./a.js'], ...data } : data;
  return resolveConfig({ file: { path: FILE, data: withServicer }, env: {}, flags: {}, cwd: '/cwd', ...more });
}

function refusal(data: unknown, more: Partial<Sources> = {}): DaemonError {
  try {
    resolve(data, more);
  } catch (error) {
    assert.ok(error instanceof DaemonError);
    return error;
  }
  return assert.fail('nothing was refused');
}

describe('where a value comes from', () => {
  test('a flag wins over the environment, that over the file, that over the default', () => {
    const env = { GRPCSERVERD_PORT: '3' };
    const flags = { port: '4' };
    const steps: [Resolved, number, string][] = [
      [resolve({}), 50_051, 'default'],
      [resolve({ port: 2 }), 2, 'file'],
      [resolve({ port: 2 }, { env }), 3, 'environment'],
      [resolve({ port: 2 }, { env, flags }), 4, 'flag'],
    ];
    for (const [{ config, origins }, port, source] of steps) {
      assert.equal(config.port, port);
      assert.equal(origins.port.source, source);
    }
  });

  test('origins name the file, the variable and the flag as it was written', () => {
    const { origins } = resolve(
      { port: 2 },
      { env: { GRPCSERVERD_LOG_LEVEL: 'debug' }, flags: { health: false, maxWorkers: '2' } },
    );
    assert.deepEqual(origins.port, { source: 'file', path: FILE });
    assert.deepEqual(origins['log.level'], { source: 'environment', variable: 'GRPCSERVERD_LOG_LEVEL' });
    assert.deepEqual(origins.health, { source: 'flag', flag: '--no-health' });
    assert.deepEqual(origins.maxWorkers, { source: 'flag', flag: '--max-workers' });
  });

  test('flags and environment suffice without a file', () => {
    const { config } = resolve(null, { file: null, flags: { servicers: ['./a.js'] }, env: { GRPCSERVERD_NAME: 'x' } });
    assert.equal(config.name, 'x');
    assert.deepEqual(config.servicers, [{ module: '/cwd/a.js', exportName: null }]);
  });

  test('whoever asks for the other transport has not asked for routers, which it cannot have', () => {
    assert.equal(resolve({}).config.balance, 'rpc');
    const { config, origins } = resolve({ transport: 'http2' });
    assert.equal(config.balance, 'connection');
    assert.equal(origins.balance.source, 'default');
    assert.equal(resolve({ transport: 'http2', balance: 'rpc' }).config.balance, 'rpc', 'what is asked for is told to be impossible later');
  });

  test('an empty variable counts as not set', () => {
    assert.equal(resolve({ port: 2 }, { env: { GRPCSERVERD_PORT: '' } }).config.port, 2);
  });

  test('GRPCSERVERD_CONFIG is no option and no error', () => {
    assert.equal(resolve({}, { env: { GRPCSERVERD_CONFIG: 'x.yaml' } }).config.port, 50_051);
  });

  test('every option has its own flag and its own variable', () => {
    assert.equal(new Set(OPTION_KEYS.map(flagName)).size, OPTION_KEYS.length);
    assert.equal(new Set(OPTION_KEYS.map(environmentName)).size, OPTION_KEYS.length);
    assert.equal(environmentName('log.level'), 'GRPCSERVERD_LOG_LEVEL');
    assert.equal(environmentName('maxWorkers'), 'GRPCSERVERD_MAX_WORKERS');
  });

  test('every default is accepted when it is written out as a person would', () => {
    for (const key of OPTION_KEYS) {
      const { type, default: fallback } = optionSpec(key);
      if (fallback === undefined || typeof fallback === 'object') continue;
      assert.deepEqual(type.parse(type.format(fallback)), fallback, key);
    }
  });
});

describe('spelling of keys in files', () => {
  test('snake_case is as good as camelCase, nested keys included', () => {
    const { config } = resolve({
      servicers: ['./a.js'],
      max_workers: 3,
      maximum_concurrent_rpcs: 9,
      log: { level: 'debug' },
      certificates: { server_certificate: './x.crt' },
    });
    assert.equal(config.maxWorkers, 3);
    assert.equal(config.maximumConcurrentRpcs, 9);
    assert.equal(config.log.level, 'debug');
    assert.deepEqual(config.certificates.serverCertificate, { path: '/app/settings/x.crt' });
  });

  test('every option can be given in snake_case', () => {
    for (const key of OPTION_KEYS) {
      const [head = '', tail] = snakeCase(key).split('.');
      const value = key === 'servicers' ? ['./z.js'] : writtenDefault(key);
      const { origins } = resolve({ [head]: tail === undefined ? value : { [tail]: value } });
      assert.equal(origins[key].source, 'file', key);
    }
  });

  test('keys of signatureData and options are not options, and stay as they are', () => {
    const { config } = resolve({ signature_data: { api_key: 'x' }, options: { 'grpc.max_concurrent_streams': 5, maxWorkers: 1 } });
    assert.deepEqual(config.signatureData, { api_key: { values: ['x'] } });
    assert.deepEqual(config.options, { 'grpc.max_concurrent_streams': 5, maxWorkers: 1 });
  });

  test('a key of signatureData is kept whatever its name, in lower case', () => {
    const signatureData: unknown = JSON.parse('{"__proto__":"x","X-Key":"y"}');
    assert.deepEqual(Object.keys(resolve({ signatureData }).config.signatureData), ['__proto__', 'x-key']);
  });

  test('both spellings of one key are an error', () => {
    const error = refusal({ maxWorkers: 1, max_workers: 2 });
    assert.equal(error.code, 'E_CONFIG_KEY');
    assert.match(error.message, /maxWorkers is given twice, once as max_workers/);
  });

  test('$schema is for editors', () => {
    assert.equal(resolve({ $schema: './schema.json' }).config.port, 50_051);
  });

  test('an empty file, an empty section and undefined values give nothing', () => {
    const { config } = resolve({ servicers: ['./a.js'], log: null, port: undefined });
    assert.equal(config.log.level, 'info');
    assert.equal(config.port, 50_051);
    const { message } = refusal(null);
    assert.match(message, /servicers is not set/);
  });
});

describe('unknown keys', () => {
  const cases: [written: Record<string, unknown>, suggestion: string][] = [
    [{ maxWokers: 1 }, '"maxWorkers"'],
    [{ max_wokers: 1 }, '"max_workers"'],
    [{ prot: 1 }, '"port"'],
    [{ workers: 1 }, '"maxWorkers"'],
    [{ address: 'x' }, '"host"'],
    [{ tls: true }, '"authentication"'],
    [{ log: { lvl: 'info' } }, '"log.level"'],
    [{ logLevel: 'info' }, '"log.level"'],
    [{ certificates: { certificate: 'x' } }, '"certificates.serverCertificate"'],
    [{ server_certificate: 'x' }, '"certificates.server_certificate"'],
  ];
  for (const [written, suggestion] of cases) {
    test(`${JSON.stringify(written)} suggests ${suggestion}`, () => {
      const error = refusal(written);
      assert.equal(error.code, 'E_CONFIG_KEY');
      assert.equal(error.exitCode, 78);
      assert.match(error.message, new RegExp(`${FILE.replaceAll('.', '\\.')}: unknown key`));
      assert.equal(error.hint, `Did you mean ${suggestion}?`);
    });
  }

  test('a nested key that is written with a dot is told to be nested', () => {
    const error = refusal({ 'log.level': 'debug' });
    assert.equal(error.code, 'E_CONFIG_KEY');
    assert.equal(error.hint, 'Write it nested: log: { level: ... }');
  });

  test('a key like nothing else gets no suggestion', () => {
    const error = refusal({ zebra: 1 });
    assert.match(error.message, /unknown key "zebra"/);
    assert.match(error.hint, /docs\/options\.md/);
  });

  test('keys that objects have by nature are unknown as well', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      assert.equal(refusal(JSON.parse(`{"servicers":["./a.js"],"${key}":1}`)).code, 'E_CONFIG_KEY', key);
    }
  });

  test("Django's GRPCSERVER around all settings is told to go away", () => {
    assert.match(refusal({ GRPCSERVER: { servicers: [] } }).hint, /Put its content at the top level/);
  });

  test('an unknown variable of ours suggests the nearest, others are none of our business', () => {
    const error = refusal({}, { env: { GRPCSERVERD_MAX_WORKRES: '2', OTHER_MAX_WORKERS: '3' } });
    assert.equal(error.code, 'E_CONFIG_KEY');
    assert.match(error.message, /GRPCSERVERD_MAX_WORKRES is not an option/);
    assert.equal(error.hint, 'Did you mean GRPCSERVERD_MAX_WORKERS?');
  });
});

describe('values that do not fit', () => {
  for (const [value, got] of [[0, '0'], [-1, '-1'], [1e9, '1000000000'], ['two', '"two"'], [1.5, '1.5'], [null, 'null'], [NaN, 'NaN'], [true, 'true']] as const) {
    test(`maxWorkers ${got} is refused with what is accepted`, () => {
      const error = refusal({ maxWorkers: value });
      assert.equal(error.code, 'E_CONFIG_VALUE');
      assert.equal(error.message, `${FILE}: maxWorkers must be a whole number from 1 to 1024, or "auto"; got ${got}`);
    });
  }

  /** One value of a wrong type for each option; nothing is accepted by chance. */
  const wrong: Record<OptionKey, unknown> = {
    servicers: 'a.js', interceptors: [5], health: 'yes', reflection: 2, loadReports: 5, channelz: [],
    authentication: 'tls', 'certificates.serverCertificate': 5, 'certificates.serverCertificateKey': [], 'certificates.rootCertificate': {},
    clientAuthentication: 'maybe', allowWorldReadableKeys: 'no', signature: 'on', signatureData: { key: 5 }, signatureExempt: ['Greeter'],
    host: '', port: 65_536, maxWorkers: {}, startTimeout: 30, gracefulTimeout: '30', streamGracefulTimeout: '-1s', hangTimeout: '10ms',
    surge: 'some', minWorkers: 'auto', maxCallsPerWorker: 0, maxWorkerAge: '100ms', maxWorkerMemory: '2 elephants',
    bootConcurrency: 'all', autoreload: 'maybe', 'watch.include': 'src', 'watch.exclude': [5], nodeArguments: ['max-old-space-size=5'], preload: ['./telemetry.ts'], maximumConcurrentRpcs: 0, maxReceiveMessageLength: '4 pounds',
    maxSendMessageLength: -1, maxMetadataSize: 0, transport: 'http3', balance: 'calls', routers: 0, queueTimeout: '1', options: { 'grpc.x': true }, 'keepalive.time': '1', 'keepalive.timeout': null, 'keepalive.minClientInterval': 5, maxConnectionAge: '10ms',
    maxConnectionAgeGrace: 'off', maxConnectionIdle: 5, maxConcurrentStreams: 0, maxConnections: 'many', maxConnectionsPerAddress: 0, 'log.level': 'loud',
    'log.format': 'xml', 'log.access': 'some', 'log.accessSample': 0, admin: 'localhost', adminToken: 'short', minReadyWorkers: 0, shutdownDelay: 'soon', name: 'a/b', runtimeDir: 5, pidfile: '',
  };
  for (const key of OPTION_KEYS) {
    test(`${key} refuses what it does not accept, and says what it does`, () => {
      const [head = '', tail] = key.split('.');
      const { message, code } = refusal({ [head]: tail === undefined ? wrong[key] : { [tail]: wrong[key] } });
      assert.equal(code, 'E_CONFIG_VALUE');
      assert.ok(message.startsWith(`${FILE}: ${key} must be ${optionSpec(key).type.expects}; got `), message);
    });
  }

  test('the variable or the flag is named when the value came from there', () => {
    assert.match(refusal({}, { env: { GRPCSERVERD_PORT: 'x' } }).message, /^GRPCSERVERD_PORT: port must be .*; got "x"$/);
    assert.match(refusal({}, { flags: { port: 'x' } }).message, /^--port: port must be .*; got "x"$/);
  });

  test('a group that is no map is refused with its members', () => {
    assert.equal(refusal({ keepalive: 'off' }).message, `${FILE}: keepalive must be a map with time, timeout, minClientInterval; got "off"`);
  });

  test('a config that is no map is refused', () => {
    assert.match(refusal(['./a.js']).message, /a config must be a map of options; got \["\.\/a\.js"\]/);
  });

  test('what may be secret is never quoted', () => {
    const secret = 'hunter2';
    const errors = [
      refusal({ signatureData: { 'x-key': { password: secret } } }),
      refusal({ signatureData: secret }),
      refusal({}, { env: { GRPCSERVERD_SIGNATURE_DATA: `{"x-key":"${secret}"` } }),
      refusal({ interceptors: [{ module: './x.js', options: { secret }, extra: 1 }] }),
      refusal({ certificates: { serverCertificateKey: { pem: secret } } }),
    ];
    for (const { message } of errors) {
      assert.ok(!message.includes(secret), message);
      assert.match(message, /\*\*\*/);
    }
  });

  test('a long value is cut', () => {
    assert.ok(refusal({ port: 'x'.repeat(500) }).message.length < 200);
  });

  test('all problems are told at once, each with its place', () => {
    const { message, code } = refusal({ max_wokers: 1, port: 'x' }, { env: { GRPCSERVERD_NAME: '/' } });
    assert.equal(code, 'E_CONFIG_KEY');
    assert.match(message, /^3 problems/);
    for (const part of ['unknown key "max_wokers". Did you mean "max_workers"?', 'port must be', 'GRPCSERVERD_NAME: name must be']) {
      assert.ok(message.includes(part), part);
    }
  });

  test('a hundred problems fit on one screen', () => {
    const data = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`zebra${index}`, 1]));
    assert.ok(refusal(data).message.split('\n').length < 20);
  });

  test('what is not data is refused with its place', () => {
    class Thing {
      readonly a = 1;
    }
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const cases: [unknown, RegExp][] = [
      [{ health: () => true }, /health is a function; a config must be data/],
      [{ servicers: ['./a.js', new Thing()] }, /servicers\[1\] is a Thing/],
      [{ certificates: { serverCertificate: Buffer.from('x') } }, /certificates\.serverCertificate is a Buffer/],
      [{ name: Symbol('x') }, /name is a symbol/],
      [{ options: circle }, /options\.self is a reference back/],
      [{ port: 5n }, /port is a bigint/],
      [new Map(), /the config is a Map/],
    ];
    for (const [data, pattern] of cases) assert.match(refusal(data).message, pattern);
  });
});

describe('required options', () => {
  test('no servicers are an error that says how to give some', () => {
    const error = refusal({ servicers: [] });
    assert.equal(error.code, 'E_CONFIG_VALUE');
    assert.match(error.message, /nothing to serve: servicers is empty/);
    assert.match(error.hint, /servicers: \[/);
    const withoutFile = refusal(null, { file: null });
    assert.match(withoutFile.hint, /no config file.*--servicers/);
  });
});

describe('lists and maps', () => {
  test('are arrays in files, commas in the environment, repeated flags', () => {
    const expected = ['/x/a.js', '/x/b.js'];
    const modules = (config: Config): string[] => config.servicers.map(({ module }) => module);
    assert.deepEqual(modules(resolve({ servicers: ['/x/a.js', '/x/b.js'] }).config), expected);
    assert.deepEqual(modules(resolve({}, { env: { GRPCSERVERD_SERVICERS: '/x/a.js, /x/b.js' } }).config), expected);
    assert.deepEqual(modules(resolve({}, { flags: { servicers: ['/x/a.js', '/x/b.js'] } }).config), expected);
  });

  test('may be JSON in the environment when an entry holds a comma', () => {
    const text = JSON.stringify([{ module: '/x/a.js', options: { a: 1, b: 2 } }]);
    assert.deepEqual(resolve({}, { env: { GRPCSERVERD_INTERCEPTORS: text } }).config.interceptors, [
      { module: '/x/a.js', exportName: null, options: { a: 1, b: 2 } },
    ]);
  });

  test('maps are JSON in the environment and in flags', () => {
    const text = '{"x-key":["new","old"]}';
    const expected = { 'x-key': { values: ['new', 'old'] } };
    assert.deepEqual(resolve({}, { env: { GRPCSERVERD_SIGNATURE_DATA: text } }).config.signatureData, expected);
    assert.deepEqual(resolve({}, { flags: { signatureData: text } }).config.signatureData, expected);
  });

  test('text does not stand for a list or a map in a file', () => {
    assert.match(refusal({ signatureData: '{"a":"b"}' }).message, /signatureData must be a map/);
    assert.match(refusal({ nodeArguments: '--a,--b' }).message, /nodeArguments must be a list/);
  });
});

describe('relative paths', () => {
  test('of a file start from its folder, of flags and variables from the current one', () => {
    const { config } = resolve(
      { pidfile: 'run/x.pid', servicers: ['../b.js#hook'], certificates: { rootCertificate: 'ca.crt' }, signatureData: { k: { file: 'k.txt' } } },
      { env: { GRPCSERVERD_CERTIFICATES_SERVER_CERTIFICATE: 's.crt' }, flags: { interceptors: ['./i.js'], host: 'unix:run/s' } },
    );
    assert.equal(config.pidfile, '/app/settings/run/x.pid');
    assert.deepEqual(config.servicers, [{ module: '/app/b.js', exportName: 'hook' }]);
    assert.deepEqual(config.certificates.rootCertificate, { path: '/app/settings/ca.crt' });
    assert.deepEqual(config.signatureData.k, { file: '/app/settings/k.txt' });
    assert.deepEqual(config.certificates.serverCertificate, { path: '/cwd/s.crt' });
    assert.deepEqual(config.interceptors, [{ module: '/cwd/i.js', exportName: null }]);
    assert.equal(config.host, 'unix:/cwd/run/s');
  });

  test('packages remember the folder that they are looked up from', () => {
    assert.deepEqual(resolve({ servicers: ['@acme/greeter'] }).config.servicers, [
      { module: '@acme/greeter', exportName: null, from: '/app/settings' },
    ]);
  });

  test('${CREDENTIALS_DIRECTORY}/ at the beginning is the folder of the credentials, wherever the path stands', () => {
    const data = {
      servicers: ['./x.js'],
      certificates: { serverCertificateKey: '${CREDENTIALS_DIRECTORY}/server.key', serverCertificate: './${CREDENTIALS_DIRECTORY}/x' },
      signatureData: { k: { file: '${CREDENTIALS_DIRECTORY}/k' } },
    };
    const env = { CREDENTIALS_DIRECTORY: '/run/credentials/x.service', GRPCSERVERD_CERTIFICATES_ROOT_CERTIFICATE: '${CREDENTIALS_DIRECTORY}/ca.crt' };
    const { config } = resolveConfig({ file: { path: '/app/c.yaml', data }, env, flags: {}, cwd: '/cwd' });
    assert.deepEqual(config.certificates, {
      serverCertificateKey: { path: '/run/credentials/x.service/server.key' },
      serverCertificate: { path: '/app/${CREDENTIALS_DIRECTORY}/x' },
      rootCertificate: { path: '/run/credentials/x.service/ca.crt' },
    });
    assert.deepEqual(config.signatureData.k, { file: '/run/credentials/x.service/k' });
  });

  test('without such a folder the key and its path are named, and what to do', () => {
    const data = { servicers: ['./x.js'], certificates: { serverCertificateKey: '${CREDENTIALS_DIRECTORY}/server.key' } };
    assert.throws(() => resolveConfig({ file: { path: '/cwd/c.yaml', data }, env: {}, flags: {}, cwd: '/cwd' }), (error: DaemonError) => {
      assert.equal(error.code, 'E_CONFIG_VALUE');
      assert.match(error.message, /c\.yaml.*certificates\.serverCertificateKey names \$\{CREDENTIALS_DIRECTORY\}\/server\.key/);
      assert.match(error.hint, /LoadCredential=/);
      return true;
    });
  });

  test('PEM text is no path', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
    assert.deepEqual(resolve({ certificates: { serverCertificate: pem } }).config.certificates.serverCertificate, { pem });
  });
});

test('the config is frozen all the way down, and nested', () => {
  const { config, origins } = resolve({ signatureData: { k: ['a'] } });
  assert.equal(config.keepalive.time, 60_000);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.log) && Object.isFrozen(config.signatureData.k) && Object.isFrozen(config.servicers[0]));
  assert.ok(Object.isFrozen(origins));
});

function writtenDefault(key: OptionKey): unknown {
  const { type, default: fallback } = optionSpec(key);
  if (fallback === null || typeof fallback === 'boolean' || Array.isArray(fallback) || typeof fallback === 'object') return fallback;
  return type.format(fallback);
}
