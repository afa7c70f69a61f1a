import { expect } from 'vitest';

import { parseManifests } from '../index.ts';

export const API = 'rbac.authorization.k8s.io/v1';
/** A manifest of eight lines. */
export const ROLE = `apiVersion: ${API}
kind: Role
metadata: {name: r, namespace: ns}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
`;

/** What {@link ROLE} is read as. */
export function role(name: string): unknown {
  const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }];
  return { apiVersion: API, kind: 'Role', metadata: { name, namespace: 'ns' }, rules };
}

/** The kinds and names of objects without problems. */
export function names(text: string): string[] {
  const { objects, problems } = parseManifests(text, 'f.yaml');
  expect(problems).toEqual([]);
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

/** The problems as `line reason: detail`. */
export function problems(text: string): string[] {
  return parseManifests(text, 'f.yaml').problems.map(
    ({ line, reason, detail }) => `${line} ${reason}: ${detail}`,
  );
}
