import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';

import { durationMs, EXIT_CONFIG, loadConfig, secret, Secret, sizeBytes } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'leastwise-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `${String(files++)}.yaml`);
  writeFileSync(path, text);
  return path;
}

const schema = z.strictObject({
  logLevel: z.enum(['debug', 'info']).default('info'),
  port: z.number().int().min(1).max(65_535).default(9090),
  kafka: z.strictObject({
    brokers: z.array(z.string().min(1)).min(1).default(['localhost:9092']),
    fromBeginning: z.boolean().default(true),
    session: durationMs({ min: 1000, max: 600_000 }).default(30_000),
    maxBytes: sizeBytes().default(1024),
  }),
  redis: z
    .strictObject({
      password: secret().optional(),
      tls: z.strictObject({ caFile: z.string(), isVerified: z.boolean().default(true) }).optional(),
    })
    .prefault({}),
  clusters: z
    .record(z.string(), z.strictObject({ topic: z.string(), token: secret().optional() }))
    .default({}),
});

function load(given: { yaml?: string; env?: Record<string, string>; argv?: string[] } = {}) {
  const { yaml, env = {}, argv = [] } = given;
  const path = yaml === undefined ? {} : { LEASTWISE_AGGREGATOR_CONFIG: file(yaml) };
  return loadConfig({ service: 'aggregator', schema, env: { ...env, ...path }, argv });
}

function problems(given: Parameters<typeof load>[0]): string[] {
  const loaded = load(given);
  return loaded.ok ? [] : loaded.problems.map((text) => text.replaceAll(/\/\S+\/\d+\.yaml/g, 'FILE'));
}

function value(given: Parameters<typeof load>[0] = {}) {
  const loaded = load(given);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.value;
}

test('nothing given: every default, those in nested maps too', () => {
  expect(value()).toEqual({
    logLevel: 'info',
    port: 9090,
    kafka: { brokers: ['localhost:9092'], fromBeginning: true, session: 30_000, maxBytes: 1024 },
    redis: {},
    clusters: {},
  });
  expect(EXIT_CONFIG).toBe(78);
});

describe('layers', () => {
  test('of any combination of the layers the highest one wins, key by key', () => {
    const layer = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    const layers = fc.record({ file: layer, env: layer, flag: layer });
    fc.assert(
      fc.property(layers, layers, (port, bytes) => {
        const yaml = [
          port.file === undefined ? '' : `port: ${port.file}`,
          bytes.file === undefined ? '' : `kafka: { maxBytes: ${bytes.file}B }`,
        ].join('\n');
        const env: Record<string, string> = {};
        if (port.env !== undefined) env['LEASTWISE_AGGREGATOR_PORT'] = String(port.env);
        if (bytes.env !== undefined) env['LEASTWISE_AGGREGATOR_KAFKA_MAX_BYTES'] = `${bytes.env}B`;
        const argv: string[] = [];
        if (port.flag !== undefined) argv.push(`--port=${port.flag}`);
        if (bytes.flag !== undefined) argv.push('--kafka.maxBytes', `${bytes.flag}B`);
        const loaded = load({ yaml, env, argv });
        if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
        expect(loaded.value.port).toBe(port.flag ?? port.env ?? port.file ?? 9090);
        expect(loaded.value.kafka.maxBytes).toBe(bytes.flag ?? bytes.env ?? bytes.file ?? 1024);
        expect(loaded.value.kafka.session).toBe(30_000);
        const layersOfPort = [port.flag && '--port', port.env && 'LEASTWISE_AGGREGATOR_PORT'];
        const top = layersOfPort.find((origin) => origin !== undefined);
        if (top !== undefined) expect(loaded.origins.get('port')).toBe(top);
        else expect(loaded.origins.has('port')).toBe(port.file !== undefined);
      }),
      { numRuns: 60 },
    );
  });

  test('--config wins over the variable', () => {
    const [one, two] = [file('port: 1'), file('port: 2')];
    const env = { LEASTWISE_AGGREGATOR_CONFIG: one };
    const loaded = loadConfig({ service: 'aggregator', schema, env, argv: ['--config', two] });
    expect(loaded).toMatchObject({ ok: true, value: { port: 2 } });
    if (loaded.ok) expect(loaded.origins.get('port')).toBe(`${two}:1`);
  });

  test('texts become what the schema wants: lists, booleans, numbers, units, JSON', () => {
    const env = {
      LEASTWISE_AGGREGATOR_KAFKA_BROKERS: 'a:9092, b:9092',
      LEASTWISE_AGGREGATOR_KAFKA_FROM_BEGINNING: 'false',
      LEASTWISE_AGGREGATOR_KAFKA_SESSION: '1m30s',
      LEASTWISE_AGGREGATOR_CLUSTERS: '{"prod":{"topic":"t"}}',
    };
    expect(value({ env, argv: ['--kafka.maxBytes=4MiB', '--port', '8080'] })).toMatchObject({
      port: 8080,
      kafka: {
        brokers: ['a:9092', 'b:9092'],
        fromBeginning: false,
        session: 90_000,
        maxBytes: 4 * 1024 ** 2,
      },
      clusters: { prod: { topic: 't' } },
    });
    expect(value({ argv: ['--kafka.fromBeginning', '--port=1'] }).kafka.fromBeginning).toBe(true);
    expect(value({ argv: ['--redis.tls.caFile=ca.pem'] }).redis.tls).toEqual({
      caFile: 'ca.pem',
      isVerified: true,
    });
  });

  test('an empty file, one of comments only, and a map whose keys are commented out say nothing', () => {
    for (const yaml of ['', '\n# port: 1\n', '---\n', 'kafka:\n  # brokers: []\n']) {
      expect(value({ yaml }).port).toBe(9090);
    }
  });
});

describe('problems', () => {
  test('all of them at once, each with where it was written and what was wanted', () => {
    const yaml = 'port: http\nkafka:\n  brokerz: [a]\n  brokers:\n    - a\n    - 5\nclusters:\n  prod: {}\n';
    const env = {
      LEASTWISE_AGGREGATOR_KAFKA_SESION: '3s',
      LEASTWISE_AGGREGATOR_KAFKA_MAX_BYTES: '4',
      LEASTWISE_PUBLISHER_PORT: 'other service',
      PATH: '/bin',
    };
    const argv = [
      '--kafka.session=1ms',
      '--logLevel=loud',
      '--prot=1',
      'stray',
      '--redis.tls.isVerified=yes',
    ];
    expect(problems({ yaml, env, argv })).toEqual([
      'FILE:3: kafka.brokerz: is no key of this configuration (did you mean brokers?)',
      'LEASTWISE_AGGREGATOR_KAFKA_SESION: names no key (did you mean LEASTWISE_AGGREGATOR_KAFKA_SESSION?)',
      '--prot: names no key (did you mean port?)',
      'argument 4: is no flag; values are given as --key=value',
      '--redis.tls.isVerified: expected true or false',
      '--logLevel: logLevel: expected one of "debug"|"info"',
      'FILE:1: port: expected number, received string',
      'FILE:6: kafka.brokers.1: expected string, received number',
      '--kafka.session: kafka.session: must be at least 1s',
      'LEASTWISE_AGGREGATOR_KAFKA_MAX_BYTES: kafka.maxBytes: expected a size with a unit, such as 4MiB, 512KiB or 10MB',
      'FILE:8: clusters.prod.topic: is missing',
    ]);
  });

  test('what is required and nowhere given says where it can be given', () => {
    const strict = z.strictObject({ kafka: z.strictObject({ groupId: z.string() }) });
    expect(loadConfig({ service: 'aggregator', schema: strict, env: {}, argv: [] })).toEqual({
      ok: false,
      problems: [
        'kafka.groupId: is missing; give it in the file, as LEASTWISE_AGGREGATOR_KAFKA_GROUP_ID or as --kafka.groupId',
      ],
    });
  });

  test.each(['12a', '0x10', '', ' 5', '1_000', 'NaN', 'Infinity', '1e', '٣'])(
    'a number that does not parse (%j) stops the start, and is told of once',
    (text) => {
      expect(problems({ env: { LEASTWISE_AGGREGATOR_PORT: text } })).toEqual([
        'LEASTWISE_AGGREGATOR_PORT: expected a number',
      ]);
    },
  );

  test('what is broken, or in a file that cannot be read, is not missing as well', () => {
    const strict = z.strictObject({ port: z.number(), password: secret() });
    const read = (env: Record<string, string>, argv: string[]) =>
      loadConfig({ service: 'x', schema: strict, env, argv });
    expect(read({ LEASTWISE_X_PORT: 'many', LEASTWISE_X_PASSWORD_FILE: '/nowhere' }, [])).toEqual({
      ok: false,
      problems: [
        'LEASTWISE_X_PASSWORD_FILE: cannot read the file of this secret: there is no such file',
        'LEASTWISE_X_PORT: expected a number',
      ],
    });
    const [broken, empty] = [file('port: ]'), file('')];
    expect(read({}, ['--config', broken])).toMatchObject({
      problems: [`${broken}:1: is not YAML (UNEXPECTED_TOKEN)`],
    });
    expect(read({}, ['--config', empty])).toMatchObject({
      problems: [
        expect.stringContaining('port: is missing'),
        expect.stringContaining('password: is missing'),
      ],
    });
  });

  test('a value that does not parse is a problem even where a flag hides it', () => {
    expect(problems({ env: { LEASTWISE_AGGREGATOR_PORT: 'x' }, argv: ['--port=1'] })).toHaveLength(1);
  });

  test('flags: twice, without a value', () => {
    expect(problems({ argv: ['--port=1', '--port=2', '--logLevel', '--kafka.session'] })).toEqual([
      '--port: is given twice',
      '--logLevel: has no value',
      '--kafka.session: has no value',
    ]);
  });

  test('unknown keys deep inside lists and maps, and __proto__, are unknown keys', () => {
    expect(problems({ yaml: 'clusters:\n  a:\n    topic: t\n    topik: u\n' })).toEqual([
      'FILE:4: clusters.a.topik: is no key of this configuration',
    ]);
    expect(problems({ yaml: '__proto__:\n  port: 5\n' })[0]).toContain('__proto__');
    expect(problems({ yaml: 'kafka: { __proto__: { a: 1 } }' })[0]).toContain('kafka.__proto__');
    expect(problems({ argv: ['--__proto__.port=5', '--constructor=1'] })).toHaveLength(2);
  });

  test('variables that Kubernetes sets for a Service of the same name are nobody’s configuration', () => {
    const env = {
      LEASTWISE_AGGREGATOR_SERVICE_HOST: '10.0.0.1',
      LEASTWISE_AGGREGATOR_SERVICE_PORT: '9090',
      LEASTWISE_AGGREGATOR_SERVICE_PORT_METRICS: '9090',
      LEASTWISE_AGGREGATOR_PORT: 'tcp://10.0.0.1:9090',
      LEASTWISE_AGGREGATOR_PORT_9090_TCP: 'tcp://10.0.0.1:9090',
      LEASTWISE_AGGREGATOR_PORT_9090_TCP_ADDR: '10.0.0.1',
      LEASTWISE_AGGREGATOR_METRICS_SERVICE_HOST: '10.0.0.2',
      LEASTWISE_AGGREGATOR_METRICS_PORT: 'tcp://10.0.0.2:80',
    };
    expect(value({ env }).port).toBe(9090);
  });
});

describe('the YAML file', () => {
  test.each([
    ['port: 1\nport: 2\n', 'FILE:2: the key is there twice'],
    ['port: 1\n---\nport: 2\n', 'FILE:2: expected one document, and a second one begins'],
    ['- 1\n', 'FILE:1: expected a map of keys'],
    ['just text\n', 'FILE:1: expected a map of keys'],
    ['port: *nowhere\n', 'FILE: has an alias without an anchor, or more aliases than a configuration needs'],
    ['kafka:\n\tport: 1\n', 'FILE:2: YAML is indented with spaces, not with tabs'],
    ['port: !!js/function x\n', 'FILE:1: the tag is not known, or does not fit its value'],
  ])('%j', (yaml, problem) => {
    expect(problems({ yaml })[0]).toBe(problem);
  });

  test('a few aliases are fine; a bomb of them is refused before it grows', () => {
    expect(value({ yaml: 'clusters: { a: &a { topic: t }, b: *a }' }).clusters['b']).toEqual({ topic: 't' });
    const bomb = Array.from({ length: 30 }, (_, level) =>
      level === 0 ? 'a0: &a0 [x, x]' : `a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`,
    );
    expect(problems({ yaml: bomb.join('\n') })[0]).toContain('aliases');
    expect(problems({ yaml: 'clusters: &c { a: *c }' }).length).toBeGreaterThan(0);
  });

  test('a file that is not there is one problem, and hides no other', () => {
    const argv = ['--config=/nowhere/x.yaml', '--port=0'];
    expect(problems({ argv })).toEqual([
      '/nowhere/x.yaml: cannot read the configuration file: there is no such file',
      '--port: port: too small: expected number to be >=1',
    ]);
  });

  test('any text is read or refused, never thrown', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab:-&*! \n[]{}"\'|>#?,%@`\t<5') }), (yaml) => {
        expect(typeof load({ yaml }).ok).toBe('boolean');
      }),
      { numRuns: 300 },
    );
  });
});

describe('secrets', () => {
  const hidden = 'hunter2-hunter2';

  test('directly, or by the name of a file, in every layer; the newline at its end is no part', () => {
    const path = file(`${hidden}\n`);
    const ways = [
      { yaml: `redis: { password: ${hidden} }` },
      { yaml: `redis: { passwordFile: ${path} }` },
      { env: { LEASTWISE_AGGREGATOR_REDIS_PASSWORD: hidden } },
      { env: { LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: path } },
      { argv: [`--redis.password=${hidden}`] },
      { argv: ['--redis.passwordFile', path] },
      { yaml: 'redis: { passwordFile: /nowhere }', argv: [] as string[] },
    ];
    for (const way of ways.slice(0, -1)) {
      const { password } = value(way).redis;
      expect(password).toBeInstanceOf(Secret);
      expect(password?.reveal()).toBe(hidden);
    }
    expect(
      value({ yaml: `clusters: { a: { topic: t, tokenFile: ${path} } }` }).clusters['a']?.token?.reveal(),
    ).toBe(hidden);
  });

  test('a missing file, an empty one, and a secret given twice are problems', () => {
    expect(problems({ yaml: 'redis:\n  passwordFile: /nowhere/x\n' })).toEqual([
      'FILE:2: redis.passwordFile: cannot read the file of this secret: there is no such file',
    ]);
    expect(problems({ yaml: 'clusters: { a: { topic: t, tokenFile: 5 } }' })).toEqual([
      'FILE:1: clusters.a.tokenFile: expected the path of a file',
    ]);
    expect(problems({ env: { LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: file('') } })).toEqual([
      'LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: redis.password: must not be empty',
    ]);
    const twice = { LEASTWISE_AGGREGATOR_REDIS_PASSWORD: 'a', LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: 'b' };
    expect(problems({ env: twice })).toEqual([
      'LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: the secret is given twice, by LEASTWISE_AGGREGATOR_REDIS_PASSWORD too',
    ]);
    expect(problems({ yaml: 'redis: { password: a, passwordFile: b }' })).toEqual([
      'FILE:1: redis.passwordFile: the secret is given twice, as password too',
    ]);
  });

  test('no problem ever holds one', () => {
    const chatty = z.strictObject({
      password: secret().refine((given) => given.reveal() === '', { error: `not ${hidden}` }),
    });
    const ways: [string[], Record<string, string>][] = [
      [[`--password=${hidden}`], {}],
      [[`--pasword=${hidden}`], {}],
      [['--pasword', hidden], {}],
      [[hidden], {}],
      [['--passwordFile', hidden], {}],
      [[], { LEASTWISE_X_PASSWORD_FILE: hidden }],
      [[], { LEASTWISE_X_PASWORD: hidden }],
      [[`--config=${file(`password: [${hidden}\n"`)}`], {}],
      [[`--config=${file(`password: ${hidden}: ${hidden}`)}`], {}],
      [[`--config=${file(`password: { ${hidden}: 1 }`)}`], {}],
      [[`--config=${file(`password: *${hidden}`)}`], {}],
      [[`--config=${file(`password: ]${hidden}`)}`], {}],
      [[`--config=${file(`password: !${hidden} x`)}`], {}],
      [[`--config=${file(`password: |${hidden}\n x`)}`], {}],
    ];
    for (const [argv, env] of ways) {
      const loaded = loadConfig({ service: 'x', schema: chatty, env, argv });
      expect(loaded.ok).toBe(false);
      expect(JSON.stringify(loaded)).not.toContain(hidden);
    }
  });
});

describe('schemas', () => {
  test('a union of maps takes the keys of each of its options', () => {
    const sasl = z.discriminatedUnion('mechanism', [
      z.strictObject({ mechanism: z.literal('plain'), password: secret() }),
      z.strictObject({ mechanism: z.literal('token'), url: z.string() }),
    ]);
    const withSasl = z.strictObject({ sasl: sasl.optional() });
    const argv = ['--sasl.mechanism=plain', '--sasl.password=abc'];
    const loaded = loadConfig({ service: 'x', schema: withSasl, env: {}, argv });
    expect(loaded).toMatchObject({ ok: true, value: { sasl: { mechanism: 'plain' } } });
    const wrong = loadConfig({ service: 'x', schema: withSasl, env: {}, argv: ['--sasl.mechanism=md5'] });
    expect(wrong).toMatchObject({
      problems: ["--sasl.mechanism: sasl.mechanism: invalid discriminator value. Expected 'plain' | 'token'"],
    });
    const mixed = loadConfig({ service: 'x', schema: withSasl, env: {}, argv: [...argv, '--sasl.url=u'] });
    expect(mixed).toMatchObject({ problems: ['--sasl.url: sasl.url: is no key of this configuration'] });
    expect(loadConfig({ service: 'x', schema: withSasl, env: {}, argv: [] })).toMatchObject({ value: {} });
  });

  test('a union of plain values takes each of them', () => {
    const workers = z.strictObject({
      workers: z.union([z.number().int(), z.literal('auto')]).default('auto'),
    });
    const given = (text: string) =>
      loadConfig({ service: 'x', schema: workers, env: {}, argv: [`--workers=${text}`] });
    expect(given('3')).toMatchObject({ value: { workers: 3 } });
    expect(given('auto')).toMatchObject({ value: { workers: 'auto' } });
    expect(given('some')).toMatchObject({
      problems: ['--workers: workers: expected number, received string, or expected "auto"'],
    });
  });

  test('two keys with one name are a bug of the schema', () => {
    const bad = [
      z.strictObject({ config: z.string().optional() }),
      z.strictObject({ aB: z.string().optional(), a: z.strictObject({ b: z.string().optional() }) }),
      z.strictObject({ key: secret().optional(), keyFile: z.string().optional() }),
    ];
    for (const each of bad) {
      expect(() => loadConfig({ service: 'x', schema: each, env: {}, argv: [] })).toThrow('names two things');
    }
  });
});
