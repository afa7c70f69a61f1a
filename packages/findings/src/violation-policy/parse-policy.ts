import { parseYamlValue } from '@leastwise/rbac';

import { CHECKS } from '../checks/all.ts';
import { DEFAULT_VIOLATION_POLICY, type ViolationPolicy } from './policy.ts';
import { readPolicy } from './read-policy.ts';
import { type Path, Place, type PolicyReason, quoted, type Remark } from './reader.ts';

/** Something in a violation policy that is not as it has to be. */
export interface PolicyProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From the root, such as `suppressions[0].until`; `''` for the file as a whole. Escaped. */
  readonly path: string;
  readonly reason: PolicyReason;
  /** For people; text of the file in it is escaped and cut. */
  readonly detail: string;
}

/** A policy, or all that is wrong with it: then nothing of it counts. */
export type ParsedPolicy =
  | { readonly policy: ViolationPolicy; readonly problems: readonly [] }
  | { readonly policy: undefined; readonly problems: readonly PolicyProblem[] };

/** How many problems of one file are told. */
export const MAX_POLICY_PROBLEMS = 100;

const CHECK_IDS: ReadonlySet<string> = new Set(CHECKS.map(({ info }) => info.id));

function pathText(path: Path): string {
  return path
    .map((part, i) => {
      if (typeof part === 'number') return `[${part}]`;
      const word = /^[\w./-]{1,80}$/.test(part) ? part : quoted(part);
      return i === 0 ? word : `.${word}`;
    })
    .join('');
}

function told(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const inOrder = problems.toSorted((a, b) => a.line - b.line);
  const beyond = inOrder[MAX_POLICY_PROBLEMS];
  if (beyond === undefined) return inOrder;
  const detail = `${inOrder.length - MAX_POLICY_PROBLEMS} problems more, from here on`;
  return [
    ...inOrder.slice(0, MAX_POLICY_PROBLEMS),
    { ...beyond, path: '', reason: 'too-many-problems', detail },
  ];
}

/**
 * Reads a violation policy, as it stands in `policy.yaml` of its ConfigMap. An empty one says nothing:
 * `DEFAULT_VIOLATION_POLICY`. All that is wrong is told at once, in the order of the lines, up to
 * {@link MAX_POLICY_PROBLEMS}.
 * @param text - untrusted
 * @param file - for the problems only
 * @remarks Pure. Never throws.
 */
export function parseViolationPolicy(text: string, file: string): ParsedPolicy {
  const yaml = parseYamlValue(text);
  const { value, problems: unreadable } = yaml;
  const lineOf = (path: Path): number => yaml.lineOf(path);
  const remarks: Remark[] = [];
  const policy =
    value === undefined || value === null
      ? DEFAULT_VIOLATION_POLICY
      : readPolicy(value, new Place(remarks), { checks: CHECK_IDS, lineOf });
  const problems: PolicyProblem[] = [
    ...unreadable.map(({ line, path, reason, detail }) => ({
      file,
      line,
      path: pathText(path),
      reason,
      detail,
    })),
    ...remarks.map(({ path, reason, detail }) => ({
      file,
      line: lineOf(path),
      path: pathText(path),
      reason,
      detail,
    })),
  ];
  if (policy !== null && problems.length === 0) return { policy, problems: [] };
  return { policy: undefined, problems: told(problems) };
}
