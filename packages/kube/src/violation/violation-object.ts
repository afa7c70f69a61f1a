import { createHash } from 'node:crypto';

import type { CheckInfo, GrantStep, ObjectReference, RbacFinding } from '@leastwise/findings';
import { FINDING_SEVERITIES } from '@leastwise/findings';

import { wellFormed } from '../json-value.ts';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../policy-report/types.ts';
import type { RbacViolation, ViolationObject, ViolationSubject, WantedViolation } from './types.ts';

/** Labels by which violations are looked for. */
const RULE_LABEL = 'leastwise.dev/rule';
/** The value is in lower case. */
const SEVERITY_LABEL = 'leastwise.dev/severity';

const MAX_NAME = 63;
const HASH_DIGITS = 16;
const MAX_LISTED = 16;
const MAX_TEXT = 2048;
const MAX_SHORT = 512;

function cut(text: string, max: number): string {
  const formed = wellFormed(text);
  return formed.length <= max ? formed : `${formed.slice(0, max - 1)}…`;
}

/**
 * The name of the violation of one rule by one object, a function of the two alone: an object made anew under its old
 * name has the same one. At most 63 characters, so that it fits a label as well.
 */
export function violationName(
  rule: string,
  object: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>,
): string {
  const { kind, namespace = '', name } = object;
  const identity = JSON.stringify([rule, kind, namespace, name]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, HASH_DIGITS);
  const folded = `${rule}-${namespace}-${name}`
    .slice(0, MAX_NAME)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return `${folded.slice(0, MAX_NAME - HASH_DIGITS - 1).replace(/-+$/, '')}-${hash}`;
}

function objectOf({ kind, namespace, name, uid }: ObjectReference): ViolationObject {
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: cut(name, MAX_SHORT),
    ...(uid === undefined ? {} : { uid }),
  };
}

function placeOf({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>): string {
  return namespace === undefined || namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

function stepText({ binding, role, ruleIndex, grant }: GrantStep): string {
  const rule = ruleIndex === undefined ? '' : `, rule ${ruleIndex}`;
  return cut(`${placeOf(binding)} → ${placeOf(role)}${rule}: ${grant}`, MAX_TEXT);
}

function distinct<T>(values: readonly T[], textOf: (value: T) => string): T[] {
  const known = new Map<string, T>();
  for (const value of values) {
    const text = textOf(value);
    if (!known.has(text)) known.set(text, value);
  }
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

function subjectsOf(findings: readonly RbacFinding[]): ViolationSubject[] {
  const all = findings.flatMap(({ subject }) => (subject ? [subject] : []));
  return distinct(
    all.map(({ kind, namespace, name }) => ({
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name: cut(name, MAX_SHORT),
    })),
    (each) => JSON.stringify([each.kind, each.namespace, each.name]),
  );
}

/** What violations are made with. */
export interface ViolationContext {
  readonly catalogue: ReadonlyMap<string, CheckInfo>;
  /** Who has to act on an object. */
  readonly ownersOf: (object: ObjectReference) => readonly string[];
}

function severityRank({ severity }: RbacFinding): number {
  return FINDING_SEVERITIES.indexOf(severity);
}

function violationOf(findings: readonly RbacFinding[], context: ViolationContext): RbacViolation | undefined {
  const worst = [...findings].sort(
    (a, b) => severityRank(a) - severityRank(b) || (a.key < b.key ? -1 : 1),
  )[0];
  if (!worst) return undefined;
  const { check, severity, object } = worst;
  const info = context.catalogue.get(check);
  const subjects = subjectsOf(findings);
  const steps = distinct(
    findings.flatMap(({ paths }) => paths.map(stepText)),
    (text) => text,
  );
  const unlisted = findings.reduce((sum, { morePaths = 0 }) => sum + morePaths, 0);
  return {
    apiVersion: 'leastwise.dev/v1alpha1',
    kind: 'RBACViolation',
    metadata: {
      name: violationName(check, object),
      labels: {
        [MANAGED_BY_LABEL]: MANAGED_BY,
        [RULE_LABEL]: check,
        [SEVERITY_LABEL]: severity.toLowerCase(),
      },
    },
    spec: {
      rule: check,
      severity,
      title: cut(info?.title ?? check, MAX_SHORT),
      message: cut(worst.message, MAX_TEXT),
      remedy: cut(info?.remedy ?? '', MAX_TEXT),
      object: objectOf(object),
      subjects: subjects.slice(0, MAX_LISTED),
      moreSubjects: Math.max(0, subjects.length - MAX_LISTED),
      grants: steps.slice(0, MAX_LISTED),
      moreGrants: Math.max(0, steps.length - MAX_LISTED) + unlisted,
      owners: context
        .ownersOf(object)
        .slice(0, MAX_LISTED)
        .map((each) => cut(each, MAX_SHORT)),
    },
  };
}

/**
 * Findings as violations: one for each object and rule, with the worst severity, whoever the subjects are. It is
 * suppressed only where each of its findings is.
 */
export function violationObjects(
  findings: readonly RbacFinding[],
  context: ViolationContext,
): readonly WantedViolation[] {
  const groups = new Map<string, RbacFinding[]>();
  for (const finding of findings) {
    const { kind, namespace, name } = finding.object;
    const key = JSON.stringify([finding.check, kind, namespace ?? '', name]);
    const group = groups.get(key);
    if (group) group.push(finding);
    else groups.set(key, [finding]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => {
      const open = group.filter(({ suppressed }) => suppressed === undefined);
      const violation = violationOf(open.length > 0 ? open : group, context);
      if (!violation) return [];
      const last = endingFirst(group);
      return [open.length > 0 || !last ? { violation } : { violation, suppressed: last }];
    });
}

/** Of several suppressions the one that ends first: then the violation is open again. */
function endingFirst(group: readonly RbacFinding[]): RbacFinding['suppressed'] {
  const all = group.flatMap(({ suppressed }) => (suppressed ? [suppressed] : []));
  return all.sort((a, b) => (a.until < b.until ? -1 : a.until > b.until ? 1 : a.owner < b.owner ? -1 : 1))[0];
}
