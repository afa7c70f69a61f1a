import {
  type Cell,
  createAuthorizer,
  DEFAULT_OPTIONS,
  emptyEvidence,
  type Evidence,
  type PolicyRule,
  type RbacObject,
  type RuleState,
} from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { UsedPermissions } from './used-permissions.ts';

const PERIOD = { firstDay: 100, lastDay: 110 };
const GROUP = 'rbac.authorization.k8s.io';

function evidence(day: number): Evidence {
  return { ...emptyEvidence(), count: 1, days: [day], lastSeenUs: day };
}

function cell(fields: Partial<Cell>): Cell {
  return { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'ns1', name: '', path: '', ...fields };
}

/** What was seen, each of its own rule, on one day. */
function seen(cells: readonly Cell[], day = 105): RuleState[] {
  return cells.map(({ verb, apiGroup, resource, namespace, name, path }) => ({
    ...{ verb, apiGroup, resource, namespace, overflow: undefined },
    names: new Map([[resource === '' ? path : name, evidence(day)]]),
  }));
}

function usedOf(rules: readonly RuleState[]): UsedPermissions {
  const byKey = new Map(rules.map((rule, i) => [String(i), rule]));
  return new UsedPermissions({ allowed: { rules: byKey, overflow: undefined } }, PERIOD, DEFAULT_OPTIONS);
}

describe('UsedPermissions', () => {
  test('takes the latest use within the days that count', () => {
    const uses = [seen([cell({})], 101), seen([cell({})], 104), seen([cell({})], 99), seen([cell({})], 111)];
    expect(usedOf(uses.flat()).of({ cell: cell({}), scope: 'ns1' })).toEqual({
      lastSeenUs: 104,
      isPartial: false,
    });
    for (const day of [99, 111]) {
      expect(usedOf(seen([cell({})], day)).of({ cell: cell({}), scope: 'ns1' })).toBeUndefined();
    }
  });

  test('says where more is held than was used', () => {
    const used = usedOf(seen([cell({}), cell({ resource: 'nodes', namespace: '' })]));
    const isPartial = (fields: Partial<Cell>, scope: string) =>
      used.of({ cell: cell({ namespace: scope === '*' ? '' : scope, ...fields }), scope })?.isPartial;
    expect(isPartial({}, 'ns1')).toBe(false);
    expect(isPartial({}, 'ns2')).toBeUndefined();
    expect(isPartial({}, '*')).toBe(true);
    expect(isPartial({ resource: 'nodes' }, '*')).toBe(false);
    expect(isPartial({ resource: 'nodes', verb: '*' }, '*')).toBe(true);
    expect(isPartial({ resource: '*' }, 'ns1')).toBe(true);
    expect(isPartial({ apiGroup: '*' }, 'ns1')).toBe(true);
  });

  test('takes a use of a name that was not kept for one of any', () => {
    const [rule] = seen([cell({ name: 'a' })], 101);
    if (rule === undefined) throw new Error('no rule');
    const asked = (name: string) => ({ cell: cell({ name }), scope: 'ns1' });
    expect(usedOf([rule]).of(asked('b'))).toBeUndefined();
    const capped = usedOf([{ ...rule, overflow: evidence(106) }]);
    expect(['a', 'b', ''].map((name) => capped.of(asked(name))?.lastSeenUs)).toEqual([106, 106, 106]);
  });

  test('knows that an exec by WebSocket needs create', () => {
    const used = usedOf(seen([cell({ resource: 'pods/exec', name: 'a' })]));
    const create = cell({ resource: 'pods/exec', verb: 'create', name: 'a' });
    expect(used.of({ cell: create, scope: 'ns1' })).toBeDefined();
    expect(used.of({ cell: { ...create, verb: 'delete' }, scope: 'ns1' })).toBeUndefined();
  });

  test('agrees with the authorizer about what a permission allows', () => {
    const resource = fc.record({
      verb: fc.constantFrom('get', 'list'),
      apiGroup: fc.constantFrom('', 'apps'),
      resource: fc.constantFrom('pods', 'pods/log', 'log'),
      namespace: fc.constantFrom('', 'ns1', 'ns2'),
      name: fc.constantFrom('', 'a', 'b'),
      path: fc.constant(''),
    });
    const url = fc
      .record({ verb: fc.constantFrom('get', 'list'), path: fc.constantFrom('/a', '/a/b', '/ab') })
      .map((fields) => cell({ resource: '', namespace: '', ...fields }));
    const wide = fc.oneof(
      fc.record({
        verb: fc.constantFrom('get', 'list', '*'),
        apiGroup: fc.constantFrom('', 'apps', '*'),
        resource: fc.constantFrom('pods', 'pods/log', '*', '*/log'),
        name: fc.constantFrom('', 'a'),
        path: fc.constant(''),
      }),
      fc.record({
        verb: fc.constantFrom('get', '*'),
        apiGroup: fc.constant(''),
        resource: fc.constant(''),
        name: fc.constant(''),
        path: fc.constantFrom('/a', '/a*', '*', '/a/*'),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(resource, url), { maxLength: 4 }),
        wide,
        fc.boolean(),
        (all, held, inNs) => {
          const isNamespaced = inNs && held.resource !== '';
          const scope = isNamespaced ? 'ns1' : '*';
          const found = usedOf(seen(all)).of({
            cell: { ...held, namespace: isNamespaced ? 'ns1' : '' },
            scope,
          });
          const authorizer = createAuthorizer(objectsOf(held, isNamespaced));
          const isAllowed = all.some(
            (permission) =>
              authorizer.authorize({
                subject: { kind: 'User', namespace: '', name: 'alice' },
                groups: [],
                permission,
              }).allowed,
          );
          expect(found !== undefined).toBe(isAllowed);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function objectsOf(held: Omit<Cell, 'namespace'>, isNamespaced: boolean): RbacObject[] {
  const { verb, apiGroup, resource, name, path } = held;
  const names = name === '' ? {} : { resourceNames: [name] };
  const rule: PolicyRule =
    resource === ''
      ? { verbs: [verb], nonResourceURLs: [path] }
      : { verbs: [verb], apiGroups: [apiGroup], resources: [resource], ...names };
  const apiVersion = `${GROUP}/v1` as const;
  const metadata = isNamespaced ? { name: 'x', namespace: 'ns1' } : { name: 'x' };
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: 'x' }, rules: [rule] },
    {
      apiVersion,
      kind: isNamespaced ? 'RoleBinding' : 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'x' },
      subjects: [{ apiGroup: GROUP, kind: 'User', name: 'alice' }],
    },
  ];
}
