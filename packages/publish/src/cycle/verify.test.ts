import { createAuditor } from '@leastwise/findings';
import { describe, expect, test } from 'vitest';

import { PromiseBrokenError } from '../policies.ts';
import { DEFAULT_CHOICES } from '../team/index.ts';
import { NO_CODEOWNERS } from '../team/index.ts';
import { planSubjectChanges, type SubjectChange } from './changes.ts';
import { groupChanges } from './groups.ts';
import { knownClusters, lookAtBase } from './look-at-base.ts';
import { proposePolicies } from './policy-proposals.ts';
import { Frame } from './report-of-group.ts';
import { planSubjects } from './subjects.ts';
import { type Asked, asked, CART, days, stateOf } from './testing/states.ts';
import { Scene } from './testing/scene.ts';
import { BaseTree } from './tree.ts';
import { Defaults, verifyPart } from './verify.ts';

const OLD = asked(CART, ['get configmaps shop', 'delete pods shop'], days(0, 3));
const SEEN = [...OLD, ...asked(CART, ['get configmaps shop', 'watch pods shop'], days(4, 120))];

async function changesOf(scene: Scene, all: readonly Asked[]) {
  const state = stateOf(all);
  const clusters = knownClusters(state.clusters);
  const look = await lookAtBase(clusters, scene.settings, scene.ports());
  const { plans } = await planSubjects(clusters, look, scene.settings, scene.ports());
  const { changes } = await planSubjectChanges(
    plans,
    { choices: DEFAULT_CHOICES, lost: 0, auditPolicies: undefined },
    scene.ports(),
  );
  return {
    changes,
    frame: new Frame(state, scene.settings, { look, plans, auditor: createAuditor() }),
    look,
  };
}

/** What the files of a change would be, had something gone wrong. */
function damaged(change: SubjectChange, damage: (text: string) => string): SubjectChange {
  const files = [...change.files].map(([namespace, text]) => [namespace, text && damage(text)] as const);
  return { ...change, files: new Map(files) };
}

describe('a change is verified by its files', () => {
  test.each(['additions', 'removals'] as const)('%s as they are planned keep the promise', async (kind) => {
    const scene = new Scene();
    await scene.settle(OLD);
    const { changes } = await changesOf(scene, SEEN);
    const change = changes.find((each) => each.kind === kind);
    const verdict =
      change && verifyPart({ change, namespaces: ['shop'], covers: new Set(['shop']) }, new Defaults());
    expect([verdict?.mismatches, verdict?.broken]).toEqual([[], []]);
  });

  test.each([
    [
      'additions',
      'what it was to grant',
      (text: string) => text.replace('- watch\n', '- list\n'),
      'watch pods in shop',
    ],
    [
      'additions',
      'what was granted before',
      (text: string) => text.replace('- configmaps\n', '- secrets\n'),
      'get configmaps in shop',
    ],
    [
      'removals',
      'what is in use',
      (text: string) => text.replace('- configmaps\n', '- secrets\n'),
      'get configmaps in shop',
    ],
    [
      'removals',
      'the binding',
      (text: string) => text.replace('  name: cart\n', '  name: other\n'),
      'get configmaps in shop',
    ],
  ] as const)('%s whose file lacks %s do not', async (kind, _, damage, lost) => {
    const scene = new Scene();
    await scene.settle(OLD);
    const { changes } = await changesOf(scene, SEEN);
    const change = changes.find((each) => each.kind === kind);
    const verdict =
      change &&
      verifyPart(
        { change: damaged(change, damage), namespaces: ['shop'], covers: new Set(['shop']) },
        new Defaults(),
      );
    expect(verdict?.mismatches.map(({ detail }) => detail)).toEqual([`ServiceAccount shop/cart: ${lost}`]);
  });

  test('a file that does not read back as RBAC objects of its namespace does not', async () => {
    const { changes } = await changesOf(new Scene(), OLD);
    const [change] = changes;
    for (const damage of [
      (text: string) => `${text}{`,
      (text: string) => text.replaceAll('namespace: shop\n', 'namespace: pay\n'),
    ]) {
      const verdict =
        change &&
        verifyPart(
          { change: damaged(change, damage), namespaces: ['shop'], covers: new Set(['shop']) },
          new Defaults(),
        );
      expect(verdict?.mismatches[0]?.kind).toBe('invalid-object');
    }
  });

  test('what breaks the promise is never proposed, and neither is anything else', async () => {
    const scene = new Scene();
    const { changes, frame, look } = await changesOf(scene, OLD);
    const broken = changes.map((change) => damaged(change, (text) => text.replace('- delete\n', '- get\n')));
    const groups = groupChanges(broken, { choices: DEFAULT_CHOICES, codeowners: NO_CODEOWNERS });
    const world = { tree: new BaseTree(look.files), files: look.files };
    const error = await proposePolicies(groups, frame, world, scene.ports()).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(PromiseBrokenError);
    expect(String(error)).toContain('delete pods in shop');
  });
});
