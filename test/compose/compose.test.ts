import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { configSchema as aggregatorSchema } from '@leastwise/aggregator';
import { configSchema as publisherSchema } from '@leastwise/publisher';
import { loadConfig } from '@leastwise/runtime';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

interface Build {
  readonly context: string;
  readonly dockerfile?: string;
  readonly target?: string;
}

interface Service {
  readonly image: string;
  readonly build?: Build;
  readonly user: string;
  readonly restart: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly cap_add?: readonly string[];
  readonly privileged?: boolean;
  readonly security_opt: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly deploy: {
    readonly resources: {
      readonly limits: { readonly cpus: string; readonly memory: string; readonly pids: number };
    };
  };
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const SERVICES = Object.entries(compose.services);
const isStep = ({ restart }: Service): boolean => restart === 'no';
/** Of a volume in the short form: what is mounted, where, and how. */
const partsOf = (volume: string): string[] => volume.split(':');

test('the composition has every part of the pipeline', () => {
  expect(Object.keys(compose.services).sort()).toEqual([
    ...[
      'aggregator-1',
      'aggregator-2',
      'aggregator-dev',
      'alertmanager',
      'audit-folder',
      'feeder',
      'fluent-bit',
    ],
    ...[
      'gitea',
      'gitea-setup',
      'grafana',
      'kafka',
      'kafka-topics',
      'prometheus',
      'publisher',
      'publisher-dev',
    ],
    'redis',
  ]);
});

describe.each(SERVICES)('%s', (_, service) => {
  test('is an image of an exact version, or built here', () => {
    if (service.build === undefined)
      expect(service.image).toMatch(/^docker\.io\/[\w./-]+:v?\d+\.\d+\.\d+(?:-\w+)?$/);
    else expect(service.image).toMatch(/^leastwise-[\w-]+:compose$/);
  });

  test('runs as nobody in particular, by number, on a file system that nobody changes', () => {
    expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.cap_add).toBeUndefined();
    expect(service.privileged).toBeUndefined();
  });

  test('has limits', () => {
    const { cpus, memory, pids } = service.deploy.resources.limits;
    expect(Number(cpus)).toBeLessThanOrEqual(2);
    expect(memory).toMatch(/^(?:[1-9]\d{1,2}M|1G)$/);
    expect(pids).toBeLessThanOrEqual(512);
  });

  test('is asked how it is, unless it ends by itself', () => {
    if (isStep(service)) expect(service.healthcheck).toEqual({ disable: true });
    else expect(service.healthcheck.test?.[0]).toBe('CMD');
  });

  test('mounts what there is: files of the project that it cannot write to, and volumes that are declared', () => {
    for (const [source = '', target, mode] of (service.volumes ?? []).map(partsOf)) {
      expect(target).toMatch(/^\//);
      if (!source.startsWith('.')) {
        expect(Object.keys(compose.volumes)).toContain(source);
        continue;
      }
      expect(mode, source).toBe('ro');
      expect(existsSync(`${ROOT}${source}`), source).toBe(true);
    }
  });

  test('is reached from this machine only, if at all', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
  });

  test('waits for what is well or through with its work, and for nothing that is not there', () => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const other = compose.services[name];
      const expected = other && isStep(other) ? 'service_completed_successfully' : 'service_healthy';
      expect(condition, name).toBe(expected);
    }
  });

  test('holds no secret', () => {
    const told = JSON.stringify(service.environment ?? {});
    expect(told).not.toMatch(/password|token|secret/i);
  });

  test('is built of what there is', () => {
    if (service.build === undefined) return;
    const { context, dockerfile = 'Dockerfile', target } = service.build;
    const text = read(`${context}/${dockerfile}`);
    if (target !== undefined) expect(text).toMatch(new RegExp(`^FROM \\S+ AS ${target}$`, 'm'));
  });
});

test('the broker and Redis are in a network without a way out, and not in another', () => {
  expect(compose.networks['stream']).toEqual({ internal: true });
  for (const name of ['kafka', 'redis', 'fluent-bit', 'aggregator-1']) {
    expect(compose.services[name]?.networks).toEqual(['stream']);
  }
});

test('volumes are mounted by somebody, all of them', () => {
  const mounted = SERVICES.flatMap(([, { volumes = [] }]) => volumes.map((volume) => partsOf(volume)[0]));
  expect(Object.keys(compose.volumes).filter((name) => !mounted.includes(name))).toEqual([]);
});

describe('the configuration', () => {
  const argv = (name: string): string[] => [`--config=${ROOT}deploy/compose/${name}.yaml`];

  test('of the aggregators is good, and takes the cluster from the shipper', () => {
    const config = loadConfig({
      service: 'aggregator',
      schema: aggregatorSchema,
      env: {},
      argv: argv('aggregator'),
    });
    expect(config).toMatchObject({ ok: true, value: { cluster: { field: 'cluster' } } });
  });

  test('of the publisher is good', () => {
    const config = loadConfig({
      service: 'publisher',
      schema: publisherSchema,
      env: {},
      argv: argv('publisher'),
    });
    expect(config).toMatchObject({ ok: true, value: { forge: { kind: 'gitea' }, policies: 'branch' } });
  });

  test('of Prometheus looks at each of our services, and has rules of those that run', () => {
    const { scrape_configs: jobs } = parse(read('deploy/compose/prometheus.yaml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs.flatMap(({ static_configs: all }) => all.flatMap((each) => each.targets));
    for (const name of ['aggregator-1', 'aggregator-2', 'publisher', 'fluent-bit']) {
      expect(targets.filter((target) => target.startsWith(`${name}:`))).toHaveLength(1);
    }
    const rules = (compose.services['prometheus']?.volumes ?? []).filter((volume) =>
      volume.includes('.rules.yaml'),
    );
    expect(rules).toHaveLength(2);
  });

  test('of Redis evicts nothing and keeps what it was told', () => {
    const lines = read('deploy/compose/redis.conf').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['maxmemory-policy noeviction', 'appendonly yes']));
  });

  test('of Redis leaves room below the limit of its container', () => {
    const [, most] = /^maxmemory (\d+)mb$/m.exec(read('deploy/compose/redis.conf')) ?? [];
    const limit = compose.services['redis']?.deploy.resources.limits.memory ?? '';
    expect(Number(most)).toBeLessThan(Number.parseInt(limit, 10) * 0.75);
  });

  test('makes the topics that the aggregators read', () => {
    const made = [...read('deploy/compose/kafka-topics.sh').matchAll(/^create (\S+)/gm)].map(
      ([, name]) => name,
    );
    expect(made).toEqual(['audit-events', 'audit-events-keyed', 'leastwise-dead-letters']);
  });
});

describe('the Dockerfile', () => {
  const text = read('deploy/docker/Dockerfile');
  const ignored = read('.dockerignore');

  test('starts from images of exact versions', () => {
    const bases = [...text.matchAll(/^ARG BASE_\w+=(.*)$/gm)].map(([, base]) => base);
    expect(bases).toHaveLength(2);
    for (const base of bases) expect(base).toMatch(/^docker\.io\/library\/node:24\.\d+\.\d+-slim$/);
    const others = [...read('deploy/fluent-bit/Dockerfile').matchAll(/^ARG \w+=(.*)$/gm)].map(
      ([, base]) => base,
    );
    for (const base of others) expect(base).toMatch(/^docker\.io\/[\w./-]+:\d+\.\d+\.\d+(?:-\w+)?$/);
  });

  test('copies what there is, and what the context lets through', () => {
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) =>
      list.split(' '),
    );
    expect(sources).toContain('package-lock.json');
    for (const source of sources) {
      expect(existsSync(`${ROOT}${source}`), source).toBe(true);
      const allowed = ignored.split('\n').filter((line) => line.startsWith('!'));
      expect(
        allowed.some((line) => source.startsWith(line.slice(1))),
        source,
      ).toBe(true);
    }
  });

  test('lets nothing into the context that may hold a secret or a result', () => {
    expect(ignored).toMatch(/^\*$/m);
    for (const line of ['**/node_modules', '**/dist', '**/.env*'])
      expect(ignored.split('\n')).toContain(line);
    expect(ignored).not.toMatch(/^!\.git/m);
  });

  test('installs for each program what its workspace asks for', () => {
    const installed = [...text.matchAll(/--workspace (\S+)/g)].map(([, folder]) => folder);
    const programs = ['packages/cli', 'services/aggregator', 'services/auditor', 'services/publisher'];
    expect(installed).toEqual(programs);
    for (const folder of programs) {
      const { bin } = JSON.parse(read(`${folder}/package.json`)) as { bin: Readonly<Record<string, string>> };
      for (const [name, file] of Object.entries(bin)) {
        expect(text).toContain(`/opt/leastwise/${folder}/${file.slice(2)} /usr/local/bin/${name}`);
        // The executable bit is copied with the file.
        expect(statSync(`${ROOT}${folder}/${file}`).mode & 0o111, file).not.toBe(0);
      }
    }
  });

  test('ships exactly the workspaces that these programs depend on, and none for tests', () => {
    const script = `import { shippedFolders } from ${JSON.stringify(`${ROOT}deploy/docker/ship.mjs`)};
      console.log(JSON.stringify(shippedFolders(${JSON.stringify(ROOT)})));`;
    const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    const shipped = JSON.parse(told) as string[];
    expect(shipped).toEqual(closureOf(['cli', 'aggregator', 'auditor', 'publisher']));
    expect(shipped).not.toContain('packages/testkit');
  });

  test('runs as nobody in particular, by number, with something that waits for orphans', () => {
    const users = [...text.matchAll(/^USER (.*)$/gm)].map(([, user]) => user);
    expect(users.at(-1)).toBe('65532:65532');
    const programs = [...text.matchAll(/^ENTRYPOINT (.*)$/gm)].map(
      ([, each = '']) => JSON.parse(each) as string[],
    );
    for (const each of programs) expect(each.slice(0, 2)).toEqual(['tini', '--']);
    expect(programs.map((each) => each[2]).sort()).toEqual([
      ...['leastwise', 'leastwise-aggregator', 'leastwise-auditor', 'leastwise-publisher'],
    ]);
  });

  test('gives git to those that start it, and to nobody else', () => {
    const from = new Map(
      [...text.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, base = '', name = '']) => [name, base]),
    );
    for (const name of ['aggregator', 'auditor']) expect(from.get(name)).toBe('runtime');
    for (const name of ['publisher', 'leastwise']) expect(from.get(name)).toBe('runtime-git');
  });

  test('keeps the settings of npm out of the layers', () => {
    const installs = text.split(/^RUN /m).filter((step) => step.includes('npm ci'));
    expect(installs).toHaveLength(2);
    for (const step of installs) {
      expect(step).toContain('--mount=type=secret,id=npmrc');
      expect(step).toContain('--ignore-scripts');
    }
  });
});

/** By the manifests, without the code under test: the folders of the workspaces that some depend on. */
function closureOf(names: readonly string[]): string[] {
  const folderOf = (name: string): string | undefined =>
    [`packages/${name}`, `services/${name}`].find((folder) => existsSync(`${ROOT}${folder}/package.json`));
  const found = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const folder = folderOf(name);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    const { dependencies = {} } = JSON.parse(read(`${folder}/package.json`)) as {
      dependencies?: Readonly<Record<string, string>>;
    };
    const prefix = '@leastwise/';
    queue.push(
      ...Object.keys(dependencies).flatMap((each) =>
        each.startsWith(prefix) ? [each.slice(prefix.length)] : [],
      ),
    );
  }
  return [...found].sort();
}
