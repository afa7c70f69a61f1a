import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { configJsonSchema, loadConfig } from '@leastwise/runtime';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

import { AuditPolicyError, readPolicies } from './audit-policies.ts';
import { configSchema, type PublisherConfig } from './config.ts';
import { configProblems } from './config-problems.ts';
import { ExistingRbacError, readExisting } from './existing.ts';
import { policyOptionsOf } from './policy-config.ts';
import { reportTargets } from './policy-reports.ts';
import { activitySettings, clusterFiles, cycleSettings, repositorySettings } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'leastwise-publisher-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(...flags: readonly string[]) {
  return loadConfig({ service: 'publisher', schema: configSchema, env: {}, argv: flags });
}

function configOf(...flags: readonly string[]): PublisherConfig {
  const config = load('--repository.url=/srv/policies.git', ...flags);
  if (!config.ok) throw new Error(config.problems.join('\n'));
  return config.value;
}

const ROLE = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: []\n';

describe('a configuration', () => {
  it('needs the address of a repository, and nothing more', async () => {
    const missing = load();
    expect(missing.ok ? [] : missing.problems).toEqual([
      expect.stringMatching(/^repository\.url: is missing/),
    ]);
    const config = configOf();
    expect(await configProblems(config)).toEqual([]);
    expect(cycleSettings(config, '1.2.3', undefined)).toMatchObject({
      base: 'main',
      directly: 'nothing',
      version: '1.2.3',
      codeownersDialect: 'github',
      publishesReports: true,
    });
    expect(cycleSettings(config, '1.2.3', undefined)).not.toHaveProperty('links');
  });

  it('is wrong in all its parts at once', async () => {
    const flags = [
      ...['--redis.mode=sentinel', '--redis.tls.enabled=true', '--redis.tls.certFile=/nonexistent/c'],
      ...['--repository.sshKeyFile=/nonexistent/k', '--forge.kind=gitea', '--policies=base'],
      ...['--forge.app.id=7', `--rbac={"prod":["${folder}/gone"]}`],
      `--auditPolicies={"prod":"${folder}/gone","stage":"${fileWith('audit.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n')}"}`,
    ];
    expect(await configProblems(configOf(...flags))).toEqual([
      'redis.masterName goes with redis.mode sentinel',
      'redis.tls.certFile: cannot read /nonexistent/c',
      'repository.sshKeyFile: is for a repository over ssh, which this one is not',
      'forge.apiUrl: is needed: the address of the repository does not tell it',
      'forge.repository: is needed: owner/name',
      'forge.app.id: is for GitHub, which this forge is not',
      'repository.sshKeyFile: there is no such file',
      'policies: base commits unreviewed, which is for a repository without pull requests',
      'forge.app.installationId: is missing',
      'forge.app.privateKeyFile: is missing',
      `rbac: ENOENT: no such file or directory, stat '${folder}/gone'`,
      `auditPolicies.prod: ENOENT: no such file or directory, stat '${folder}/gone'`,
      `auditPolicies.stage: ${folder}/audit.yaml:3: rules is empty: a policy without rules is refused`,
    ]);
  });

  it('has a state in a folder that is there, or in a Redis that is one', async () => {
    const gone = await configProblems(configOf(`--state.folder=${folder}/gone`, '--redis.nodes=nonsense'));
    expect(gone).toEqual(['state.folder: there is no such folder']);
    expect(await configProblems(configOf(`--state.folder=${folder}`, '--redis.nodes=nonsense'))).toEqual([]);
    const all = [
      ['--redis.nodes=nonsense', 'redis.nodes: "nonsense" is not host:port'],
      ['--redis.nodes=a:1,b:2', 'redis.nodes: one server where redis.mode is standalone'],
      ['--redis.nodes=', 'redis.nodes is empty'],
    ] as const;
    for (const [flag, problem] of all) expect(await configProblems(configOf(flag))).toEqual([problem]);
    const cluster = configOf('--redis.mode=cluster', '--redis.nodes=a:1,[::1]:2', '--redis.db=1');
    expect(await configProblems(cluster)).toEqual(['redis.db: a Cluster has database 0 only']);
  });

  it('takes the id of an app as a number or as a word, and all of an app or nothing', () => {
    const file = fileWith('config.yaml', 'forge:\n  app: {id: 123456, installationId: "99"}\n');
    const { forge } = repositorySettings(configOf(`--config=${file}`));
    expect(forge.app).toEqual({ id: '123456', installationId: '99', privateKeyFile: '' });
    expect(repositorySettings(configOf('--forge.app.id=Iv1.7')).forge.app?.id).toBe('Iv1.7');
    expect(repositorySettings(configOf()).forge.app).toBeUndefined();
  });

  it('says where policies and reports go', () => {
    const directly = (...flags: readonly string[]) =>
      cycleSettings(configOf(...flags), '', undefined).directly;
    expect(directly('--reports=base')).toBe('reports');
    expect(directly('--policies=base')).toBe('everything');
    expect(directly('--reports=none')).toBe('nothing');
    expect(cycleSettings(configOf('--reports=none'), '', undefined).publishesReports).toBe(false);
    expect(cycleSettings(configOf('--forge.kind=gitlab'), '', 'https://x/')).toMatchObject({
      codeownersDialect: 'gitlab',
      links: 'https://x/',
    });
  });
});

describe('reports of what was done with kubectl', () => {
  const nobody = (problem: string): void => {
    throw new Error(problem);
  };
  const settings = async (...flags: readonly string[]) =>
    (await activitySettings(configOf(...flags), nobody)).activityReports;

  it('are on, in UTC, without pseudonyms and office hours, unless somebody says otherwise', async () => {
    expect(await settings()).toMatchObject({ pseudonymOf: undefined, officeHours: undefined });
    expect((await settings())?.timeZone?.name).toBe('UTC');
    expect(await settings('--kubectlReports.enabled=false')).toBeUndefined();
    expect(await settings('--reports=none')).toBeUndefined();
    const hours = await settings(
      '--kubectlReports.officeHours=8-18',
      '--kubectlReports.timeZone=Europe/Berlin',
    );
    expect(hours?.officeHours).toEqual({ from: 8, to: 18 });
    expect(hours?.timeZone?.name).toBe('Europe/Berlin');
  });

  it('have pseudonyms by the key in a file, and none are made while it cannot be read', async () => {
    const key = fileWith('key', '0123456789abcdef');
    const flag = `--kubectlReports.pseudonymKeyFile=${key}`;
    const pseudonymOf = (await settings(flag))?.pseudonymOf;
    expect(pseudonymOf?.('alice')).toMatch(/^person-[0-9a-f]{8}$/);
    expect((await settings(flag))?.pseudonymOf?.('alice')).toBe(pseudonymOf?.('alice'));
    const problems: string[] = [];
    const missing = configOf('--kubectlReports.pseudonymKeyFile=/nowhere/key');
    expect(await activitySettings(missing, (problem) => problems.push(problem))).toEqual({});
    expect(problems).toEqual([expect.stringContaining('/nowhere/key')]);
  });

  it('that cannot be made as configured are told', async () => {
    const short = fileWith('short', 'short');
    const config = configOf(
      `--kubectlReports.pseudonymKeyFile=${short}`,
      '--kubectlReports.timeZone=Nowhere/At-all',
      '--kubectlReports.officeHours=18-8',
    );
    const problems = (await configProblems(config)).filter((each) => each.startsWith('kubectlReports'));
    expect(problems).toEqual([
      expect.stringContaining('kubectlReports.timeZone: "Nowhere/At-all"'),
      expect.stringContaining('kubectlReports.officeHours: "18-8"'),
      expect.stringContaining('at least 16 bytes'),
    ]);
    expect(load('--repository.url=x', '--kubectlReports.officeHours=nine-to-five').ok).toBe(false);
  });
});

describe('audit policies', () => {
  const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
  const CART = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' } as const;
  const GET_PODS = { verb: 'get', apiGroup: '', resource: 'pods', namespace: '', name: '', path: '' };

  it('are read for each cluster, with what the API server ignores', async () => {
    const all = fileWith('all.yaml', `${HEAD}rules: [{level: Metadata, comment: x}]\n`);
    const none = fileWith('none.yaml', `${HEAD}rules: [{level: None}]\n`);
    const policies = await readPolicies({ prod: all, stage: none });
    expect(policies?.get('prod')?.of(CART).sightOf(GET_PODS).sight).toBe('logged');
    expect(policies?.get('stage')?.of(CART).sightOf(GET_PODS).sight).toBe('hidden');
    expect(await readPolicies({})).toBeUndefined();
    const files = await clusterFiles(configOf(`--auditPolicies={"prod":"${all}"}`));
    expect([...(files.auditPolicies?.keys() ?? [])]).toEqual(['prod']);
    expect(files).not.toHaveProperty('existing');
  });

  it('that cannot be used are all told, with file and line', async () => {
    const files = {
      typo: fileWith('typo.yaml', `${HEAD}rules:\n- level: Everything\n`),
      both: fileWith('both.yaml', `${HEAD}rules: [{level: None}]\n---\n${HEAD}rules: [{level: None}]\n`),
      none: fileWith('nothing.yaml', 'kind: ConfigMap\n'),
      gone: join(folder, 'not-there.yaml'),
    };
    const error: unknown = await readPolicies(files).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuditPolicyError);
    expect(error instanceof AuditPolicyError ? error.problems : []).toEqual([
      expect.stringMatching(/^typo: .*typo\.yaml:4: .*"Everything"/),
      expect.stringMatching(/^both: .*both\.yaml holds several policies \(line 1, line 5\)/),
      expect.stringMatching(/^none: .*nothing\.yaml:1: it holds no audit policy/),
      expect.stringMatching(/^gone: ENOENT/),
    ]);
  });
});

describe('knobs', () => {
  it('are those of the preset where nothing is said, and the defaults without one', () => {
    const exact = policyOptionsOf({});
    expect(exact).toMatchObject({ verbMerge: 'Exact', retentionDays: 90, includeDenied: false });
    const audicia = policyOptionsOf({ preset: 'audicia', retentionDays: 7 });
    expect(audicia.retentionDays).toBe(7);
    expect(audicia.verbMerge).not.toBe('Exact');
    expect(policyOptionsOf({ preset: 'audicia', verbMerge: 'Exact' }).verbMerge).toBe('Exact');
  });

  it('grant nothing that was refused, and name many subjects apart, also by a preset', () => {
    const { includeDenied, naming } = policyOptionsOf({ preset: 'audit2rbac' });
    expect(includeDenied).toBe(false);
    expect(naming.template).toContain('${subject}');
    expect(naming.template).not.toContain('${user}');
    const own = policyOptionsOf({ generateName: 'x-${subject}', generateLabels: { a: 'b' } }).naming;
    expect(own).toMatchObject({ template: 'x-${subject}', labels: { a: 'b' } });
  });

  it('know what everybody has in the version that they name', () => {
    const old = policyOptionsOf({ kubernetesVersion: 'v1.25.3' });
    expect(old.kubernetesVersion).toEqual({ major: 1, minor: 25 });
    expect(old.existing).not.toEqual(policyOptionsOf({}).existing);
  });

  it.each([
    ['--policy.retentionDays=0', 'policy.retentionDays'],
    ['--policy.kubernetesVersion=new', 'policy.kubernetesVersion: expected a version'],
    ['--policy.generateName=x', 'policy.generateName: expected a template'],
    ['--policy.resourceNames=some', 'policy.resourceNames'],
    ['--policy.includeDenied=true', 'includeDenied'],
    ['--every=10', 'every: expected a duration'],
  ])('%s is refused', (flag, problem) => {
    const config = load('--repository.url=x', flag);
    expect(config.ok ? '' : config.problems.join('\n')).toContain(problem);
  });
});

describe('policy reports in clusters', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const KUBECONFIG = JSON.stringify({
    clusters: [{ name: 'one', cluster: { server: 'https://one.example:6443' } }],
    users: [{ name: 'me', user: { token: 'secret-4711' } }],
    contexts: [{ name: 'good', context: { cluster: 'one', user: 'me' } }],
  });
  const configured = (clusters: unknown, ...flags: readonly string[]) =>
    configOf(`--policyReports.clusters=${JSON.stringify(clusters)}`, ...flags);

  it('are kept nowhere unless somebody says where', () => {
    const { policyReports } = configOf();
    expect(policyReports).toEqual({ clusters: {}, namespace: 'leastwise-system' });
    expect(reportTargets(policyReports)).toEqual([]);
  });

  it('are kept where a kubeconfig or the pod leads to, by its context', async () => {
    const kubeconfigFile = fileWith('kubeconfig', KUBECONFIG);
    const config = configured({ prod: { kubeconfigFile, context: 'good' } });
    expect(await configProblems(config)).toEqual([]);
    const [target] = reportTargets(config.policyReports);
    const cluster = await target?.open();
    expect([target?.cluster, cluster?.server]).toEqual(['prod', 'https://one.example:6443']);
    cluster?.close();
  });

  it('have problems that are told at once, and without what is in the files', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '');
    const kubeconfigFile = fileWith('kubeconfig', KUBECONFIG);
    const clusters = {
      nowhere: {},
      off: { inCluster: false },
      both: { kubeconfigFile, inCluster: true },
      odd: { inCluster: true, context: 'good' },
      gone: { kubeconfigFile: `${folder}/gone` },
      other: { kubeconfigFile, context: 'bad' },
      undecided: { kubeconfigFile },
      pod: { inCluster: true },
      fine: { kubeconfigFile, context: 'good' },
    };
    const oneWay = 'wants kubeconfigFile or inCluster, one of the two';
    const problems = await configProblems(configured(clusters, '--policyReports.namespace=A/b'));
    expect(problems).toEqual([
      'policyReports.namespace: cannot be the name of a namespace',
      `policyReports.clusters.nowhere: ${oneWay}`,
      `policyReports.clusters.off: ${oneWay}`,
      `policyReports.clusters.both: ${oneWay}`,
      'policyReports.clusters.odd.context: is of a kubeconfig',
      `policyReports.clusters.gone: the kubeconfig ${folder}/gone cannot be read (ENOENT)`,
      `policyReports.clusters.other: the kubeconfig ${kubeconfigFile} has no context "bad"; it has ["good"]`,
      `policyReports.clusters.undecided: the kubeconfig ${kubeconfigFile} has no current context: name one`,
      expect.stringMatching(/^policyReports\.clusters\.pod: no kubeconfig is given, and this is no pod/),
    ]);
    expect(problems.join()).not.toContain('secret-4711');
  });

  it.each([
    ['--policyReports.clusters={"prod":{"kubeconfg":"x"}}', 'kubeconfg: is no key of this configuration'],
    ['--policyReports.clusters={"prod":{"kubeconfigFile":""}}', 'kubeconfigFile'],
    ['--policyReports.prod=x', 'policyReports.prod'],
  ])('%s is refused', (flag, problem) => {
    const config = load('--repository.url=x', flag);
    expect(config.ok ? '' : config.problems.join('\n')).toContain(problem);
  });
});

describe('the RBAC that exists', () => {
  it('is read from files and folders, also from those of a ConfigMap, and hidden ones are passed over', async () => {
    const mounted = join(folder, 'mounted');
    mkdirSync(join(mounted, '..data-1'), { recursive: true });
    writeFileSync(join(mounted, '..data-1', 'roles.yaml'), ROLE);
    symlinkSync('..data-1/roles.yaml', join(mounted, 'roles.yaml'));
    writeFileSync(join(mounted, 'README.md'), '# nothing');
    mkdirSync(join(mounted, 'more'));
    writeFileSync(join(mounted, 'more', 'b.yml'), ROLE.replace('name: a', 'name: b'));
    const read = await readExisting({
      prod: [mounted, fileWith('c.json', '{"kind":"ConfigMap","apiVersion":"v1"}')],
      test: [join(mounted, 'more')],
    });
    const names = [...(read ?? [])].map(([cluster, objects]) => [
      cluster,
      objects.map(({ metadata }) => metadata.name),
    ]);
    expect(names).toEqual([
      ['prod', ['b', 'a']],
      ['test', ['b']],
    ]);
    expect(await readExisting({})).toBeUndefined();
  });

  it('is not used in part: all that cannot be read is told', async () => {
    const broken = fileWith('broken.yaml', 'kind: [\n');
    const reading = readExisting({ prod: [broken, `${folder}/gone`], test: [fileWith('fine.yaml', ROLE)] });
    const error = await reading.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ExistingRbacError);
    expect(error).toMatchObject({
      problems: [
        expect.stringMatching(/broken\.yaml:\d+: /) as unknown,
        expect.stringMatching(/^ENOENT/) as unknown,
      ],
    });
  });
});

describe('the JSON Schema for editors', () => {
  it('is that of the sources', () => {
    const file = new URL('../../../deploy/schema/publisher.schema.json', import.meta.url);
    const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
    // As text, for the order of the keys is what people read.
    expect(JSON.stringify(written)).toBe(JSON.stringify(configJsonSchema(configSchema)));
  });
});
