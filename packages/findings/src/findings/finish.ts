import { createHash } from 'node:crypto';

import { subjectKey } from '@leastwise/audit-event';
import type { BindingSubject } from '@leastwise/rbac';

import { severityRank } from '../severity.ts';
import { byCodeUnits } from '../text.ts';
import type { GrantStep, RbacFinding } from '../types.ts';
import { type Draft, draftKey, objectKey } from './draft.ts';

/** How many ways to a finding are told; how many there are besides is told too. */
export const MAX_PATHS = 16;

/** 128 bits: no two findings of any cluster share a key, and it fits into the name of an object. */
const KEY_LENGTH = 32;

function bindingSubject({ kind, namespace, name }: NonNullable<Draft['subject']>): BindingSubject {
  return { kind, name, ...(namespace === '' ? {} : { namespace }) };
}

function comparePaths(a: GrantStep, b: GrantStep): number {
  return (
    byCodeUnits(objectKey(a.binding), objectKey(b.binding)) ||
    byCodeUnits(objectKey(a.role), objectKey(b.role)) ||
    (a.ruleIndex ?? -1) - (b.ruleIndex ?? -1) ||
    byCodeUnits(a.grant, b.grant)
  );
}

function distinct(paths: readonly GrantStep[]): readonly GrantStep[] {
  if (paths.length < 2) return paths;
  const sorted = paths.toSorted(comparePaths);
  return sorted.filter((path, i) => {
    const before = sorted[i - 1];
    return before === undefined || comparePaths(before, path) !== 0;
  });
}

/** The worse of two drafts that tell the same, with the ways of both. */
function merged(one: Draft, other: Draft): Draft {
  const order =
    severityRank(one.severity) - severityRank(other.severity) || byCodeUnits(one.message, other.message);
  const first = order <= 0 ? one : other;
  return { ...first, paths: [...one.paths, ...other.paths] };
}

function findingOf(key: string, draft: Draft): RbacFinding {
  const { subject, paths, ...rest } = draft;
  const ways = distinct(paths);
  return {
    ...rest,
    ...(subject === undefined ? {} : { subject: bindingSubject(subject) }),
    paths: ways.slice(0, MAX_PATHS),
    ...(ways.length > MAX_PATHS ? { morePaths: ways.length - MAX_PATHS } : {}),
    key: createHash('sha256').update(key).digest('hex').slice(0, KEY_LENGTH),
  };
}

/** Worst first, then by check, object, subject and place; the key decides last, so that nothing is left to chance. */
function orderOf(key: string, { severity, check, object, subject }: Draft): string {
  const { namespace = '', kind, name } = object;
  const who = subject === undefined ? '' : subjectKey(subject);
  return [severityRank(severity), check, namespace, kind, name, who, key].join('\0');
}

/** Findings of drafts: each once, with its key, in order. */
export function finish(drafts: readonly Draft[]): readonly RbacFinding[] {
  const byKey = new Map<string, Draft>();
  for (const draft of drafts) {
    const key = draftKey(draft);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? draft : merged(known, draft));
  }
  return [...byKey]
    .map(([key, draft]) => ({ key, draft, order: orderOf(key, draft) }))
    .sort((a, b) => byCodeUnits(a.order, b.order))
    .map(({ key, draft }) => findingOf(key, draft));
}
