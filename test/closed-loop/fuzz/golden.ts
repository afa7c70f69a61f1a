import { readFileSync } from 'node:fs';

import type { AccessRequest, RbacObject } from '@leastwise/rbac';

/** A rule set on which our evaluator and an API server have once disagreed, with the server's answers. */
export interface GoldenCase {
  readonly name: string;
  /** Names and labels in it are of no other case. */
  readonly objects: readonly RbacObject[];
  readonly reviews: readonly {
    readonly user: string;
    readonly verb: string;
    readonly resource: string;
    readonly allowed: boolean;
  }[];
}

/** All of them. */
export function goldenCases(): readonly GoldenCase[] {
  return JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as GoldenCase[];
}

/** The requests of a case, each with what a server answered. */
export function goldenRequests({
  reviews,
}: GoldenCase): readonly { readonly request: AccessRequest; readonly allowed: boolean }[] {
  return reviews.map(({ user, verb, resource, allowed }) => ({
    request: {
      subject: { kind: 'User', namespace: '', name: user },
      groups: ['system:authenticated'],
      permission: { verb, apiGroup: '', resource, namespace: '', name: '', path: '' },
    },
    allowed,
  }));
}
