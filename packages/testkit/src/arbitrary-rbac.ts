import type { Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';

import { KINDS, NAMESPACES, NON_RESOURCE_PATHS, VERBS } from './kinds.ts';

/**
 * Texts that an attacker may choose as a username or group, and that break what forgets to escape: YAML's words,
 * Markdown, HTML, shells, templates, paths, prototypes, control characters, and letters that only look alike.
 */
export const HOSTILE_TEXTS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  '*',
  '-',
  '~',
  'null',
  'true',
  'no',
  '0x1f',
  '1e3',
  '2026-03-02',
  'a: b',
  'a # b',
  '- a',
  '&anchor',
  '!tag',
  '{{ x }}',
  '${x}',
  '$(rm -rf /)',
  "'",
  '"',
  '\\',
  '`',
  '|',
  'a|b',
  'a\nb',
  'a\r\nb',
  'a\tb',
  ' a ',
  'a,b=c',
  '%2e%2e',
  '%',
  'a%00b',
  '<script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '@everyone',
  'Ünïcode',
  '\u{1F600}',
  'a\u2028b',
  'a\u202Eb',
  '\uFEFFa',
  'ALICE',
  'a'.repeat(300),
];

/** As above, with path separators: no segment of a URL, but a username all the same. */
export const HOSTILE_USERNAMES: readonly string[] = [
  ...HOSTILE_TEXTS,
  '../../etc/passwd',
  '/',
  'a/b',
  '.',
  '..',
  'mallory@example.com',
  'https://issuer.example#sub',
  'system:serviceaccount:',
  'system:serviceaccount:a',
  'system:serviceaccount:a:b:c',
  'system:serviceaccount::b',
  'system:node:node-1',
];

const ORDINARY_NAMES = [
  'web',
  'api',
  'web-7d4b9c6f5-xk2lp',
  'web-7d4b9c6f5-zz9qq',
  'web-7d4b9c6f5-bcd7f',
  '3f2b1c9e-8a4e-4f6d-b70a-d6894488a2e8',
  'kube-root-ca.crt',
  'leader',
  'system:controller:job-controller',
];

/** Object names: mostly ordinary and few, so that requests meet; sometimes hostile. Never empty, `.`, `..` or with a slash. */
export const arbitraryObjectName: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ORDINARY_NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS.filter((text) => !/[%/]/u.test(text))) },
);

/** Users, groups and service accounts; the names of users and groups are hostile one time in three. */
export const arbitrarySubject: fc.Arbitrary<Subject> = fc.oneof(
  fc.record({
    kind: fc.constant('ServiceAccount' as const),
    namespace: fc.constantFrom(...NAMESPACES),
    name: fc.constantFrom('app', 'deployer', 'default', 'app.v2', 'a'.repeat(253)),
  }),
  fc.record({
    kind: fc.constantFrom('User' as const, 'Group' as const),
    namespace: fc.constant(''),
    name: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom('alice', 'bob', 'Alice', 'team:dev', 'dev@example.com') },
      { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_USERNAMES) },
    ),
  }),
);

const arbitraryResourcePermission: fc.Arbitrary<Permission> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    subresource: fc.nat(),
    verb: fc.constantFrom(...VERBS, 'bind', 'escalate', 'impersonate', 'use', 'approve', 'sign', ''),
    namespace: fc.constantFrom('', ...NAMESPACES),
    name: fc.option(arbitraryObjectName, { nil: '' }),
  })
  .map(({ kind, subresource, verb, namespace, name }) => {
    const sub = kind.subresources[subresource % (kind.subresources.length * 2 + 1)];
    const isUnnamed = sub === undefined && (verb === 'create' || verb === 'deletecollection');
    return {
      verb,
      apiGroup: kind.apiGroup,
      resource: sub === undefined ? kind.resource : `${kind.resource}/${sub.name}`,
      namespace: kind.isNamespaced ? namespace : '',
      name: isUnnamed ? '' : name,
      path: '',
    };
  });

const arbitraryPathPermission: fc.Arbitrary<Permission> = fc
  .tuple(fc.constantFrom('get', 'post', 'head', 'options'), fc.constantFrom(...NON_RESOURCE_PATHS))
  .map(([verb, path]) => ({ verb, apiGroup: '', resource: '', namespace: '', name: '', path }));

/** Cells of RBAC as authorizers are asked for them, over a universe small enough for two of them to meet. */
export const arbitraryPermission: fc.Arbitrary<Permission> = fc.oneof(
  { weight: 8, arbitrary: arbitraryResourcePermission },
  { weight: 1, arbitrary: arbitraryPathPermission },
);
