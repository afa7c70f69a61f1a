/*
 * Who may import whom. Arrows point one way: services and cli → adapters → ports → domain.
 * Rooms that do not exist yet are named here too, so that they are born with their walls.
 */

const any = (...names) => `^packages/(${names.join('|')})/`;

const DOMAIN = any('audit-event', 'rbac', 'activity', 'findings', 'audit-policy', 'render');
const PORTS = any('source', 'state', 'publish');
const RUNTIME = any('runtime');
/** Code that runs in tests only; a port's conformance suite is a test that adapters import. */
const TESTS = [
  '[.]test[.]ts$',
  '/testing/',
  '^packages/[^/]+/src/conformance([.]ts$|/)',
  '^packages/testkit/',
  '^test/',
];
/** A package that is not installed resolves to its bare name. */
const npm = (...names) => `(^|(^|/)node_modules/)(${names.join('|')})(/|$)`;
const node = (...names) => `^(node:)?(${names.join('|')})$`;

module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment:
        'Domain packages import domain packages, yaml, and the pure parts of Node (crypto, zlib, buffer); nothing that reads, writes, waits or logs. Move the I/O to a port or an adapter and pass values in.',
      severity: 'error',
      from: { path: DOMAIN, pathNot: TESTS },
      to: { pathNot: [DOMAIN, npm('yaml'), node('crypto', 'zlib', 'buffer')], couldNotResolve: false },
    },
    {
      name: 'ports-import-domain-only',
      comment:
        'A port is an interface with its embedded twin: it may import domain and Node, but no other port, no adapter and no npm package.',
      severity: 'error',
      from: { path: '^packages/(source|state|publish)/', pathNot: TESTS },
      to: { pathNot: [DOMAIN, '^packages/$1/'], dependencyTypesNot: ['core'], couldNotResolve: false },
    },
    {
      name: 'adapters-import-inward',
      comment:
        'An adapter wraps one outside thing: of ours it may import domain, ports and runtime, never another adapter, the cli or a service.',
      severity: 'error',
      from: { path: '^packages/(source-file|source-kafka|state-redis|kube|forge)/', pathNot: TESTS },
      to: { path: '^(packages|services|test)/', pathNot: [DOMAIN, PORTS, RUNTIME, '^packages/$1/'] },
    },
    {
      name: 'runtime-stands-alone',
      comment: 'Configuration, logging and shutdown know nothing of what they serve.',
      severity: 'error',
      from: { path: RUNTIME, pathNot: TESTS },
      to: { path: '^(packages|services|test)/', pathNot: RUNTIME },
    },
    {
      name: 'services-are-thin',
      comment: 'A service wires packages together; it does not reach for the cli or for another service.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: TESTS },
      to: { path: '^(packages/cli|services|test)/', pathNot: '^services/$1/' },
    },
    {
      name: 'nothing-imports-a-service',
      comment: 'A service is started, not imported; what two of them need is a package.',
      severity: 'error',
      from: { pathNot: ['^services/', '^test/'] },
      to: { path: '^services/' },
    },
    {
      name: 'nothing-imports-the-cli',
      comment: 'The cli is the outermost room: only the tests of the whole look into it.',
      severity: 'error',
      from: { pathNot: ['^packages/cli/', '^test/', '^examples/'] },
      to: { path: '^packages/cli/' },
    },
    {
      name: 'testkit-in-tests-only',
      comment: 'The test kit is never a run-time dependency.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: '^packages/testkit/' },
    },
    {
      name: 'tests-are-leaves',
      comment: 'Code that ships imports no test and no test helper.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: ['[.]test[.]ts$', '/testing/', '^test/'] },
    },
    {
      name: 'no-deep-import',
      comment: 'Another package is reached by its name, never by a path: its exports are all it promises.',
      severity: 'error',
      from: { path: '^(packages|services)/([^/]+)/' },
      to: { path: '^(packages|services)/', pathNot: '^$1/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-deep-import-from-tests',
      comment: 'Another package is reached by its name, never by a path: its exports are all it promises.',
      severity: 'error',
      from: { path: '^(test|examples)/' },
      to: { path: '^(packages|services)/', dependencyTypes: ['local'] },
    },
    {
      name: 'sources-not-builds',
      comment:
        'An import that ends in dist was not resolved by the "@leastwise/source" condition: the graph would lack what lies behind it, and a build may be stale.',
      severity: 'error',
      from: { pathNot: ['^(packages|services)/[^/]+/bin/', '^examples/', '^test/bench/'] },
      to: { path: '^(packages|services)/[^/]+/dist/' },
    },
    {
      name: 'one-kafka',
      comment:
        'kafkajs is dormant and will be replaced: it stays behind source-kafka. Tests look at real servers by themselves.',
      severity: 'error',
      from: { pathNot: ['^packages/source-kafka/', '^packages/testkit/', '^test/'] },
      to: { path: npm('kafkajs', '@platformatic/kafka') },
    },
    {
      name: 'one-redis',
      comment:
        'The commit protocol lives in state-redis: no other room speaks to Redis. Tests look at real servers by themselves.',
      severity: 'error',
      from: { pathNot: ['^packages/state-redis/', '^packages/testkit/', '^test/'] },
      to: { path: npm('ioredis', 'redis') },
    },
    {
      name: 'one-kube-client',
      comment:
        'Live clusters are read by packages/kube alone; the closed loop drives clusters as any client would.',
      severity: 'error',
      from: { pathNot: ['^packages/kube/', '^test/closed-loop/'] },
      to: { path: npm('@kubernetes/client-node') },
    },
    {
      name: 'one-git',
      comment: 'Programs are started by forge alone (git), so that arguments are made safe in one place.',
      severity: 'error',
      from: { pathNot: ['^packages/forge/', ...TESTS, '^examples/'] },
      to: { path: [node('child_process'), npm('simple-git', 'isomorphic-git', 'execa')] },
    },
    {
      name: 'one-logger',
      comment: 'Logs and metrics are made by runtime and passed in.',
      severity: 'error',
      from: { pathNot: RUNTIME },
      to: { path: npm('pino', 'prom-client') },
    },
    {
      name: 'no-circular',
      comment:
        'A circle of modules has no order to be read, loaded or tested in. Types may refer to each other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      comment: 'Imports something that is not there, or that its package does not export.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^(packages|services)/[^/]+/dist/'] },
    tsPreCompilationDeps: 'specify',
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      // Without the source condition every import of a workspace package would end in its dist.
      conditionNames: ['@leastwise/source', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
