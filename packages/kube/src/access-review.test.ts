import { describe, expect, test } from 'vitest';

import { isAllowed } from './access-review.ts';
import type { Cluster, KubeAnswer, KubeRequest } from './request.ts';
import { answer } from './testing/fake-cluster.ts';

const WAITING = { sleep: async () => undefined, now: () => 0, random: () => 0 };

/** A cluster that answers so, and what it was asked. */
function answering(...answers: readonly KubeAnswer[]): { cluster: Cluster; asked: KubeRequest[] } {
  const asked: KubeRequest[] = [];
  const left = [...answers];
  const send = async (request: KubeRequest): Promise<KubeAnswer> => {
    asked.push(request);
    return left.shift() ?? answer(500, {});
  };
  return { asked, cluster: { server: 'https://c', send, close: () => undefined } };
}

const QUESTION = {
  ...{ verb: 'patch', group: 'leastwise.dev', resource: 'rbacviolations' },
  ...{ subresource: 'status', namespace: 'ns', name: undefined },
};

describe('an access review', () => {
  test.each([true, false])('that is answered with %s', async (allowed) => {
    const { cluster, asked } = answering(answer(201, { status: { allowed } }));
    expect(await isAllowed(cluster, QUESTION, WAITING)).toBe(allowed);
    const [request] = asked;
    expect([request?.method, request?.path]).toEqual([
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    ]);
    expect(JSON.parse(request?.body?.text ?? '')).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          ...{ verb: 'patch', group: 'leastwise.dev', resource: 'rbacviolations' },
          ...{ subresource: 'status', namespace: 'ns' },
        },
      },
    });
  });

  test('is asked again of a server that is overloaded', async () => {
    const { cluster } = answering(answer(503, {}), answer(201, { status: { allowed: true } }));
    expect(await isAllowed(cluster, QUESTION, WAITING)).toBe(true);
  });

  test('that is refused, or says nothing, is no answer', async () => {
    await expect(isAllowed(answering(answer(403, {})).cluster, QUESTION, WAITING)).rejects.toMatchObject({
      failure: 'forbidden',
    });
    await expect(
      isAllowed(answering(answer(201, { status: {} })).cluster, QUESTION, WAITING),
    ).rejects.toMatchObject({ failure: 'unexpected' });
  });
});
