import { DAY_US } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { Scene } from './testing/scene.ts';
import { type Asked, asked, CART, days, PAY, refused, T0 } from './testing/states.ts';

const WHATS = ['get configmaps shop', 'delete pods shop', 'get pods pay'];
const OLD = asked(CART, WHATS, [0]);
const SEEN = [...OLD, ...asked(CART, ['get configmaps shop'], days(1, 120))];
const REMOVALS = 'prod.namespace-shop.removals';

/** A repository whose removals were merged on day 121. */
async function mergedScene(
  settings: Partial<Scene['settings']> = {},
): Promise<{ scene: Scene; number: number }> {
  const scene = new Scene(settings);
  await scene.settle(OLD);
  await scene.run(SEEN);
  const { number } = scene.pull(REMOVALS);
  scene.merge(REMOVALS);
  at(scene, number, 121);
  return { scene, number };
}

/** The forge's twin has a clock of its own. */
function at(scene: Scene, number: number, day: number): void {
  const { title } = scene.world.row(number);
  const edit = { title, endedUs: T0 + day * DAY_US };
  scene.world.forge.people.edit(number, edit);
  scene.nowUs = T0 + (day + 0.9) * DAY_US;
}

async function commentsAfter(scene: Scene, number: number, more: readonly Asked[]): Promise<string[]> {
  await scene.run([...SEEN, ...more]);
  return scene.world.row(number).comments.map(({ body }) => body);
}

describe('in the day after a merge', () => {
  test('what it took away and is refused since is told on it, once, with the rule that would cure it', async () => {
    const { scene, number } = await mergedScene();
    const [comment, ...others] = await commentsAfter(
      scene,
      number,
      refused(CART, ['delete pods shop'], [121.2]),
    );
    expect(others).toEqual([]);
    expect(comment).toContain('**Refused since this merge:** 1 permission');
    expect(comment).toContain('verbs: [delete]');
    const { changes } = scene;
    await scene.run([...SEEN, ...refused(CART, ['delete pods shop'], [121.2])]);
    expect(scene.changes).toBe(changes);
  });

  test.each([
    ['was refused before the merge only', refused(CART, ['delete pods shop'], [120.95])],
    ['it never granted', refused(CART, ['create pods shop'], [121.2])],
    ['is granted still', refused(CART, ['get configmaps shop'], [121.2])],
    ['another subject is refused', refused(PAY, ['delete pods shop'], [121.2])],
  ])('what %s is not', async (_, more) => {
    const { scene, number } = await mergedScene();
    expect(await commentsAfter(scene, number, more)).toEqual([]);
  });

  test('nothing is told once the merge is taken back', async () => {
    const { scene, number } = await mergedScene();
    const path = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';
    scene.commit('main', {
      [path]: (scene.files.get(path) ?? '')
        .replace('- configmaps\n', '- configmaps\n  - pods\n')
        .replace('- get\n', '- get\n  - delete\n'),
    });
    expect(await commentsAfter(scene, number, refused(CART, ['delete pods shop'], [121.2]))).toEqual([]);
  });

  test('a day later nobody is told any more', async () => {
    const { scene, number } = await mergedScene();
    scene.nowUs = T0 + 122.3 * DAY_US;
    expect(await commentsAfter(scene, number, refused(CART, ['delete pods shop'], [122.2]))).toEqual([]);
  });

  test('what a wildcard granted is recognised', async () => {
    const scene = new Scene();
    await scene.settle(OLD);
    const path = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';
    const wide = (scene.files.get(path) ?? '')
      .replace('  - pods\n', '  - "*"\n')
      .replace('  - delete\n', '  - "*"\n');
    scene.commit('main', { [path]: wide });
    await scene.run(SEEN);
    const { number } = scene.pull(REMOVALS);
    scene.merge(REMOVALS);
    at(scene, number, 121);
    const [comment] = await commentsAfter(scene, number, refused(CART, ['patch secrets shop x'], [121.2]));
    expect(comment).toContain('`patch secrets` named `x`');
  });

  test('a group without new refusals costs the forge no call', async () => {
    const { scene } = await mergedScene();
    const asks: string[] = [];
    const { pulls, ...ports } = scene.ports();
    if (pulls === undefined) throw new Error('no forge');
    const listEnded = (branch: string) => {
      asks.push(branch);
      return pulls.listEnded(branch);
    };
    await scene.run(SEEN, { ...ports, pulls: { ...pulls, listEnded } });
    expect(asks).not.toContain(`leastwise/${REMOVALS}`);
  });

  test('a body whose hidden list somebody damaged tells nothing', async () => {
    const { scene, number } = await mergedScene();
    const { body } = scene.world.row(number);
    expect(body).toContain('<!-- leastwise-removed:');
    scene.world.forge.people.edit(number, {
      body: body.replace('leastwise-removed:', 'leastwise-removed: '),
    });
    expect(await commentsAfter(scene, number, refused(CART, ['delete pods shop'], [121.2]))).toEqual([]);
  });
});
