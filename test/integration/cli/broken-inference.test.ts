// Exit 3: a rendered policy that would break its promise is never written.
import type * as Rbac from '@leastwise/rbac';
import type { PolicyOptions, SubjectPolicy } from '@leastwise/rbac';
import { describe, expect, test, vi } from 'vitest';

import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, logOf } from '../support/log.ts';

const folder = ownFolder();
/** What the planted fault makes of a policy; the policy itself where there is none. */
const plant = vi.hoisted(() => ({ fault: (policy: SubjectPolicy): SubjectPolicy => policy }));

vi.mock('@leastwise/rbac', async (importOriginal) => {
  const original = await importOriginal<typeof Rbac>();
  return {
    ...original,
    createInference: (options: PolicyOptions) => {
      const infer = original.createInference(options);
      return (...args: Parameters<typeof infer>) => plant.fault(infer(...args));
    },
  };
});

type RbacObject = SubjectPolicy['objects'][number];

function onRoles(change: (role: Extract<RbacObject, { rules: unknown }>) => RbacObject) {
  return (policy: SubjectPolicy): SubjectPolicy => ({
    ...policy,
    objects: policy.objects.map((object) => ('rules' in object ? change(object) : object)),
  });
}

const FAULTS: readonly (readonly [string, (policy: SubjectPolicy) => SubjectPolicy, string])[] = [
  ['a verb is missing', onRoles((role) => ({ ...role, rules: role.rules.slice(1) })), 'not-granted'],
  [
    'a binding is missing',
    (policy) => ({ ...policy, objects: policy.objects.filter((each) => 'rules' in each) }),
    'not-granted',
  ],
  [
    'a wildcard resource',
    onRoles((role) => ({
      ...role,
      rules: [...role.rules, { apiGroups: [''], resources: ['*'], verbs: ['get'] }],
    })),
    'invalid-object',
  ],
  [
    'cluster-admin',
    onRoles((role) => ({ ...role, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] })),
    'invalid-object',
  ],
  [
    'a URL in a Role',
    onRoles((role) => ({ ...role, rules: [...role.rules, { nonResourceURLs: ['/x'], verbs: ['get'] }] })),
    'invalid-object',
  ],
  [
    'a label that is too long',
    onRoles((role) => ({ ...role, metadata: { ...role.metadata, labels: { a: 'x'.repeat(64) } } })),
    'invalid-object',
  ],
];

describe.each(FAULTS)('%s', (_, fault, kind) => {
  const log = logOf([ask(ALICE, 'list pods ns1'), ask(BOB, 'list services ns2')]);

  test('run ends with 3, names it, and leaves the repository as it was', async () => {
    const [out, file] = [folder('out'), await written(folder('audit.log'), log)];
    plant.fault = (policy) => policy;
    const few = await written(folder('few.log'), logOf([ask(ALICE, 'list pods ns1')]));
    expect((await leastwise(['run', '-q', '-f', few, '--out', out])).code).toBe(0);
    const before = await treeOf(out);
    // One subject's fault is enough.
    plant.fault = (policy) => (policy.subject.name === 'bob' ? fault(policy) : policy);
    const { code, stdout, stderr } = await leastwise(['run', '-f', file, '--out', out]);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('a rendered policy would break its promise; nothing was written:');
    expect(stderr).toContain(kind);
    expect(await treeOf(out)).toEqual(before);
    // What was read is kept: the next run, without the fault, needs no log.
    plant.fault = (policy) => policy;
    const empty = await written(folder('empty.log'), '');
    expect((await leastwise(['run', '-q', '-f', empty, '--out', out])).code).toBe(0);
    expect(Object.keys(await treeOf(out))).toContain('clusters/default/namespaces/ns2/user-bob/rbac.yaml');
  });

  test('generate ends with 3 and prints nothing', async () => {
    plant.fault = fault;
    const { code, stdout, stderr } = await leastwise(['generate', '-q', '-f', '-', '--all'], { stdin: log });
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(kind);
    const out = folder('policies');
    expect(
      (await leastwise(['generate', '-q', '-f', '-', '--all', '-o', `dir=${out}`], { stdin: log })).code,
    ).toBe(3);
    expect(await treeOf(out)).toEqual({});
  });
});
