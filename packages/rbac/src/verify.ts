import { impliedGroups } from '@leastwise/audit-event';

import { createAuthorizer } from './authorizer/index.ts';
import { cellsOfRule, countedOutcomes, type Outcome, secondaryCells } from './classify.ts';
import { cellKey, describeCell } from './grant.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell, SubjectPolicy } from './policy.ts';
import { bindingSubject } from './subjects.ts';
import type { ObjectMeta, PolicyRule, RbacObject, SubjectState } from './types.ts';
import { isDnsSubdomain, isValidNamespace } from './validity.ts';

/** A promise that a rendered policy would break, for people. */
export interface Mismatch {
  readonly kind: 'not-granted' | 'invalid-object';
  readonly detail: string;
}

/** A name that no object bears, asked for where the names themselves were too many to keep. */
const ANY_NAME = 'leastwise-any-name';

interface Asked {
  /** As the policy lists it. */
  readonly cell: Cell;
  /** As the authorizer is asked. */
  readonly permission: Cell;
}

function observedCells(state: SubjectState, outcome: Outcome, options: PolicyOptions): Asked[] {
  const cells: Asked[] = [];
  for (const rule of state[outcome].rules.values()) {
    for (const { cell: observed, isOverflow } of cellsOfRule(rule, outcome)) {
      for (const cell of [observed, ...secondaryCells(observed, options)]) {
        cells.push({ cell, permission: isOverflow ? { ...cell, name: ANY_NAME } : cell });
      }
    }
  }
  return cells;
}

function nameProblem(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..' || /[/%]/.test(name)) return 'not a valid object name';
  return name.length > 253 ? 'a name over 253 characters' : undefined;
}

/** At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends. */
const QUALIFIED_PART = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
/** Of keys and values together, in UTF-8 (apimachinery's TotalAnnotationSizeLimitB). */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** Whether a key is one of labels and annotations: a name, or a DNS subdomain, a slash and a name (apimachinery's IsQualifiedName). */
function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  return QUALIFIED_PART.test(key.slice(slash + 1)) && (slash < 0 || isDnsSubdomain(key.slice(0, slash)));
}

function labelProblem({ labels = {} }: ObjectMeta): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    if (!isQualifiedName(key)) return `the key of a label is not valid: ${key}`;
    if (value !== '' && !QUALIFIED_PART.test(value)) return `label ${key} has no valid value`;
  }
  return undefined;
}

/** As apimachinery's ValidateAnnotations has it, which takes prefixes in any letter case. */
function annotationProblem({ annotations = {} }: ObjectMeta): string | undefined {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    if (!isQualifiedName(key.toLowerCase())) return `the key of an annotation is not valid: ${key}`;
    bytes += Buffer.byteLength(key, 'utf8') + Buffer.byteLength(value, 'utf8');
  }
  return bytes > MAX_ANNOTATION_BYTES ? 'annotations over 256 KiB' : undefined;
}

function ruleProblem(rule: PolicyRule, kind: RbacObject['kind']): string | undefined {
  const { apiGroups = [], resources = [], nonResourceURLs = [], verbs } = rule;
  if (verbs.length === 0) return 'a rule without verbs';
  if ([...apiGroups, ...resources, ...nonResourceURLs].some((each) => each.includes('*'))) {
    return 'a wildcard in groups, resources or URLs';
  }
  if (nonResourceURLs.length > 0) return kind === 'Role' ? 'a non-resource URL in a Role' : undefined;
  return apiGroups.length === 0 || resources.length === 0 ? 'a rule that names nothing' : undefined;
}

function rulesProblem(object: RbacObject): string | undefined {
  if (!('rules' in object)) return undefined;
  for (const rule of object.rules) {
    const problem = ruleProblem(rule, object.kind);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function objectProblem(object: RbacObject): string | undefined {
  const { metadata } = object;
  const { name, namespace } = metadata;
  const isNamespaced = object.kind === 'Role' || object.kind === 'RoleBinding';
  if (isNamespaced !== (namespace !== undefined))
    return 'a namespace where none belongs, or none where one does';
  if (namespace !== undefined && !isValidNamespace(namespace)) return 'not a valid namespace';
  return nameProblem(name) ?? labelProblem(metadata) ?? annotationProblem(metadata) ?? rulesProblem(object);
}

/**
 * The guardrails that no knob lifts: only objects that the API server accepts, and no wildcard in
 * groups, resources or URLs.
 */
export function checkObjects(objects: readonly RbacObject[]): Mismatch[] {
  const seen = new Set<string>();
  return objects.flatMap((object): Mismatch[] => {
    const where = `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const isRepeated = seen.has(where);
    seen.add(where);
    const problem = isRepeated ? 'an object of the same name' : objectProblem(object);
    return problem === undefined ? [] : [{ kind: 'invalid-object', detail: `${where}: ${problem}` }];
  });
}

/** Prepares {@link checkPolicy} for many policies under the same options. */
export function createPolicyCheck(
  options: PolicyOptions,
): (state: SubjectState, policy: SubjectPolicy) => Mismatch[] {
  const byDefault = createAuthorizer(options.existing);
  return (state, policy) => {
    const rendered = createAuthorizer(policy.objects);
    const bound = bindingSubject(state.subject);
    const groups = impliedGroups(state.subject);
    const excepted = new Set(policy.exceptions.map(({ cell }) => cellKey(cell)));
    const mismatches = checkObjects(policy.objects);
    const observed = countedOutcomes(options).flatMap((outcome) => observedCells(state, outcome, options));
    for (const { cell, permission } of observed) {
      const request = { subject: state.subject, groups, permission };
      if (rendered.authorize(request).allowed || byDefault.authorize(request).allowed) continue;
      if (excepted.has(cellKey(cell))) continue;
      const detail = `${bound.kind} ${bound.name}: ${describeCell(permission)}`;
      mismatches.push({ kind: 'not-granted', detail });
    }
    return mismatches;
  };
}

/**
 * Re-authorizes everything that a subject was observed to need against what was rendered for it, and
 * checks the guardrails. Empty means: the policy keeps its promise.
 * @remarks Uses the authorizer that is written apart from the inference.
 */
export function checkPolicy(state: SubjectState, policy: SubjectPolicy, options: PolicyOptions): Mismatch[] {
  return createPolicyCheck(options)(state, policy);
}
