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

/** In the order of its parts: keys of objects are JSON and hold no control character, rules are fewer than 10^8. */
function pathKey({ binding, role, ruleIndex = -1, grant }: GrantStep): string {
  return `${objectKey(binding)}\0${objectKey(role)}\0${String(ruleIndex + 1).padStart(8, '0')}\0${grant}`;
}

function distinct(paths: readonly GrantStep[]): readonly GrantStep[] {
  if (paths.length < 2) return paths;
  const byKey = new Map<string, GrantStep>();
  for (const path of paths) {
    const key = pathKey(path);
    if (!byKey.has(key)) byKey.set(key, path);
  }
  return [...byKey].sort(([a], [b]) => byCodeUnits(a, b)).map(([, path]) => path);
}

/** The worse of two drafts that tell the same, with the ways of both. */
function merged(one: Draft, other: Draft): Draft {
  const order =
    severityRank(one.severity) - severityRank(other.severity) || byCodeUnits(one.message, other.message);
  const first = order <= 0 ? one : other;
  return { ...first, paths: [...one.paths, ...other.paths] };
}

/** Keys of findings by what tells one from another: a hash is the dearest part of a finding that is told again. */
export class KeyBook {
  #known = new Map<string, string>();
  #last: ReadonlyMap<string, string> = new Map();

  /** Begins an audit: what the one before last knew is forgotten. */
  turn(): void {
    this.#last = this.#known;
    this.#known = new Map();
  }

  keyOf(text: string): string {
    const key = this.#last.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, KEY_LENGTH);
    this.#known.set(text, key);
    return key;
  }
}

function findingOf(key: string, draft: Draft, book: KeyBook): RbacFinding {
  const { subject, paths, ...rest } = draft;
  const ways = distinct(paths);
  return {
    ...rest,
    ...(subject === undefined ? {} : { subject: bindingSubject(subject) }),
    paths: ways.slice(0, MAX_PATHS),
    ...(ways.length > MAX_PATHS ? { morePaths: ways.length - MAX_PATHS } : {}),
    key: book.keyOf(key),
  };
}

/** Worst first, then by check, object, subject and place; the key decides last, so that nothing is left to chance. */
function orderOf(key: string, { severity, check, object, subject }: Draft): string {
  const { namespace = '', kind, name } = object;
  const who = subject === undefined ? '' : subjectKey(subject);
  return [severityRank(severity), check, namespace, kind, name, who, key].join('\0');
}

/** Findings of drafts: each once, with its key, in order. @param book - of the audits before */
export function finish(drafts: readonly Draft[], book: KeyBook): readonly RbacFinding[] {
  book.turn();
  const byKey = new Map<string, Draft>();
  for (const draft of drafts) {
    const key = draftKey(draft);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? draft : merged(known, draft));
  }
  return [...byKey]
    .map(([key, draft]) => ({ key, draft, order: orderOf(key, draft) }))
    .sort((a, b) => byCodeUnits(a.order, b.order))
    .map(({ key, draft }) => findingOf(key, draft, book));
}
