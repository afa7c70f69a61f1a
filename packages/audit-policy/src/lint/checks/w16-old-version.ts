import type { LintCheck } from '../check.ts';

/** A version that API servers of today refuse. */
export const W16: LintCheck = {
  id: 'W16',
  severity: 'warning',
  title: 'old apiVersion',
  remedy: 'write apiVersion: audit.k8s.io/v1: the fields are the same',
  find: ({ apiVersion }) =>
    apiVersion === 'audit.k8s.io/v1'
      ? []
      : [{ path: ['apiVersion'], reason: `API servers from 1.24 on do not start with ${apiVersion}` }],
};
