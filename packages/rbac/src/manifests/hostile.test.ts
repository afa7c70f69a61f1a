import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { rbacObjects } from '../authorizer/testing/arbitrary.ts';
import { diffRbac } from '../diff/index.ts';
import type { BindingSubject, RbacObject } from '../types.ts';
import { MAX_MANIFEST_PROBLEMS, parseManifests } from './index.ts';
import { API, names, problems, ROLE } from './testing/read.ts';

describe('hostile files', () => {
  test('keys that are names of Object.prototype are harmless', () => {
    const labels = `labels: {__proto__: p, constructor: c}, `;
    const text = ROLE.replace('name: r', `${labels}name: r`).replace(
      'rules:',
      '__proto__: {kind: ClusterRole, polluted: yes}\nrules:',
    );
    for (const each of [text, JSON.stringify(parse(text))]) {
      const [object] = parseManifests(each, 'f').objects;
      expect(object?.kind).toBe('Role');
      expect(Object.entries(object?.metadata.labels ?? {})).toEqual([
        ['__proto__', 'p'],
        ['constructor', 'c'],
      ]);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    // An object is read by its own fields only.
    expect(problems('__proto__: {kind: Role, apiVersion: rbac.authorization.k8s.io/v1}')).toHaveLength(1);
  });

  test('aliases work, an alias bomb does not', () => {
    expect(names(ROLE.replace('[pods]', '&x [pods]').replace('[get]', '*x'))).toEqual(['Role r']);
    const bomb = Array.from(
      { length: 12 },
      (_, i) => `k${i + 1}: &k${i + 1} [${Array(9).fill(`*k${i}`).join()}]\n`,
    ).join('');
    expect(problems(`${ROLE}k0: &k0 [x]\n${bomb}`)).toHaveLength(1);
    expect(problems(`${ROLE}k: &k x\nl: [${Array(5_000).fill('*k').join()}]\n`)).toEqual([
      '1 unreadable: too many aliases',
    ]);
  });

  /** Each took minutes, or threw, in some YAML parser. */
  const texts: [string, string][] = [
    [
      'nested explicit keys',
      `${ROLE}x:\n${Array.from({ length: 700 }, (_, i) => `${' '.repeat(i + 1)}?`).join('\n')}\n`,
    ],
    ['explicit keys in a line', `a: ${'? '.repeat(5_000)}`],
    ['explicit keys from the start', '? '.repeat(700)],
    ['open brackets', '['.repeat(20_000)],
    ['nested flow maps', `${ROLE}x: ${'{a: '.repeat(700)}1${'}'.repeat(700)}\n`],
    [
      'deep JSON',
      `{"kind":"Role","apiVersion":"${API}","metadata":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    ],
    ['lists of lists', `${'{"apiVersion":"v1","kind":"List","items":['.repeat(200)}${']}'.repeat(200)}`],
    ['very many keys', `${ROLE}${Array.from({ length: 20_000 }, (_, i) => `k${i}: v\n`).join('')}`],
    ['closing brackets', ']\n'.repeat(10_000)],
  ];
  test.each(texts)('%s', (_, text) => {
    expect(parseManifests(text, 'f').problems.length).toBeLessThanOrEqual(MAX_MANIFEST_PROBLEMS + 1);
  });

  test('no text throws', () => {
    const pieces = ROLE.split(/(?<=[\n:,\][])/).concat([
      '{',
      '}',
      '&a ',
      '*a',
      '? ',
      '- ',
      '<<: ',
      '---\n',
      '"',
      '|\n',
      '{{',
      '\0',
      '!x ',
      '%',
    ]);
    const mutated = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((list) => list.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          mutated.map((tail) => ROLE + tail),
          fc.string(),
        ),
        (text) => {
          parseManifests(text, 'f');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** The API server takes no ClusterRoleBinding to a Role, and none of a service account without a namespace. */
function isValid(object: RbacObject): boolean {
  if (object.kind !== 'ClusterRoleBinding') return true;
  const isNowhere = ({ kind, namespace }: BindingSubject): boolean =>
    kind === 'ServiceAccount' && namespace === undefined;
  return object.roleRef.kind === 'ClusterRole' && !object.subjects.some(isNowhere);
}

test('reads back what was written, as documents, as a List and as JSON', () => {
  fc.assert(
    fc.property(rbacObjects, (generated) => {
      const objects = generated.filter(isValid);
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      const documents = objects
        .map((object) => stringify(object, { aliasDuplicateObjects: false }))
        .join('---\n');
      for (const text of [
        documents,
        stringify(list, { aliasDuplicateObjects: false }),
        JSON.stringify(list),
      ]) {
        const { objects: read, problems: found } = parseManifests(text, 'f');
        expect(found).toEqual([]);
        expect(read).toHaveLength(objects.length);
        expect(diffRbac(objects, read)).toEqual({ subjects: [], isComplete: true });
      }
    }),
  );
});
