import type { YamlNode } from '@leastwise/rbac';

import { FINDING_SEVERITIES } from '../types.ts';
import {
  DEFAULT_REVIEWED_AT_KEY,
  DEFAULT_VIOLATION_POLICY,
  type ForbiddenRole,
  type ForbiddenSubject,
  type NamespaceOwners,
  type RestrictedNamespace,
  type SubjectPattern,
  type Suppression,
  type ViolationPolicy,
  type WorkloadResource,
} from './policy.ts';
import { count, Fields, flag, listOf, oneOf, type Path, type Place, type Read, text } from './reader.ts';

const MAX_DAYS = 3_650;
const MAX_COUNT = 1_000_000;
const CHECK_ID = /^R\d{3}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** An annotation's key: an optional domain, and a name. */
const ANNOTATION = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const RESOURCE = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/;

const anyText = text();
const texts = listOf(anyText);
const severity = oneOf(FINDING_SEVERITIES);
const subjectKind = oneOf(['User', 'Group', 'ServiceAccount'] as const);

/** A day that there is: 2026-02-30 is none. */
const day = text((value) => {
  const time = DAY.test(value) ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}, 'a day such as 2026-12-31');

/** What a key says, where it says anything. */
function present<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  // An object with this one key, or none, is what the type says.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}

function subjectPattern(fields: Fields): SubjectPattern {
  return {
    ...present('kind', fields.optional('kind', subjectKind, undefined)),
    name: fields.required('name', anyText, ''),
    ...present('namespace', fields.optional('namespace', anyText, undefined)),
  };
}

function nameAlone(value: string, place: Place): { readonly name: string } | null {
  const name = anyText(value, place);
  return name === null ? null : { name };
}

const subject: Read<SubjectPattern> = (value, place) =>
  typeof value === 'string'
    ? nameAlone(value, place)
    : Fields.read(value, place, (fields) => subjectPattern(fields));

const forbiddenSubject: Read<ForbiddenSubject> = (value, place) => {
  if (typeof value !== 'string') {
    return Fields.read(value, place, (fields) => ({
      subject: subjectPattern(fields),
      severity: fields.optional('severity', severity, 'HIGH'),
    }));
  }
  const pattern = nameAlone(value, place);
  return pattern && { subject: pattern, severity: 'HIGH' };
};

const forbiddenRole: Read<ForbiddenRole> = (value, place) => {
  if (typeof value === 'string') return nameAlone(value, place);
  return Fields.read(value, place, (fields) => ({
    ...present('kind', fields.optional('kind', oneOf(['Role', 'ClusterRole'] as const), undefined)),
    name: fields.required('name', anyText, ''),
    ...present('severity', fields.optional('severity', severity, undefined)),
  }));
};

const restrictedNamespace: Read<RestrictedNamespace> = (value, place) => {
  const nothingAllowed = { allowedSubjects: [], allowedRoles: [], severity: 'HIGH' } as const;
  if (typeof value === 'string') {
    const namespace = anyText(value, place);
    return namespace === null ? null : { namespace, ...nothingAllowed };
  }
  return Fields.read(value, place, (fields) => ({
    namespace: fields.required('namespace', anyText, ''),
    allowedSubjects: fields.optional('allowed_subjects', listOf(subject), []),
    allowedRoles: fields.optional('allowed_roles', texts, []),
    severity: fields.optional('severity', severity, 'HIGH'),
  }));
};

const workloadResource: Read<WorkloadResource> = (value, place) => {
  const written = text((each) => RESOURCE.test(each), 'a resource such as rollouts.argoproj.io')(
    value,
    place,
  );
  if (written === null) return null;
  const dot = written.indexOf('.');
  return dot < 0
    ? { apiGroup: '', resource: written }
    : { apiGroup: written.slice(dot + 1), resource: written.slice(0, dot) };
};

const owners: Read<NamespaceOwners> = (value, place) =>
  Fields.read(value, place, (fields) => ({
    namespaces: fields.optional('namespaces', texts, []),
    isClusterWide: fields.optional('cluster_wide', flag, false),
    owners: fields.required('owners', texts, []),
  }));

const thresholds: Read<ViolationPolicy['thresholds']> = (value, place) => {
  const byDefault = DEFAULT_VIOLATION_POLICY.thresholds;
  return Fields.read(value, place, (fields) => ({
    rolesPerSubject: fields.optional('roles_per_subject', count(MAX_COUNT), byDefault.rolesPerSubject),
    subjectsPerNamespace: fields.optional(
      'subjects_per_namespace',
      count(MAX_COUNT),
      byDefault.subjectsPerNamespace,
    ),
    unusedDays: fields.optional('unused_days', count(MAX_DAYS), byDefault.unusedDays),
  }));
};

const reviewedAt: Read<NonNullable<ViolationPolicy['reviewedAt']>> = (value, place) =>
  Fields.read(value, place, (fields) => ({
    key: fields.optional(
      'key',
      text((each) => ANNOTATION.test(each), 'the key of an annotation'),
      DEFAULT_REVIEWED_AT_KEY,
    ),
    maxAgeDays: fields.optional('max_age_days', count(MAX_DAYS), 90),
  }));

function checkId(ids: ReadonlySet<string>): Read<string> {
  return text((value) => CHECK_ID.test(value) && ids.has(value), 'the id of a check, such as R030');
}

function suppression(ids: ReadonlySet<string>, lineOf: (path: Path) => number): Read<Suppression> {
  const object: Read<NonNullable<Suppression['object']>> = (value, place) =>
    Fields.read(value, place, (fields) => ({
      ...present('kind', fields.optional('kind', anyText, undefined)),
      ...present('namespace', fields.optional('namespace', anyText, undefined)),
      name: fields.required('name', anyText, ''),
    }));
  return (value, place) =>
    Fields.read(value, place, (fields) => ({
      check: fields.required('check', checkId(ids), ''),
      ...present('subject', fields.optional('subject', subject, undefined)),
      ...present('namespace', fields.optional('namespace', anyText, undefined)),
      ...present('object', fields.optional('object', object, undefined)),
      owner: fields.required('owner', anyText, ''),
      reason: fields.required('reason', anyText, ''),
      until: fields.required('until', day, ''),
      line: lineOf(place.path),
    }));
}

/** What decides how a policy is read, beside its text. */
export interface PolicyContext {
  /** The ids of all checks. */
  readonly checks: ReadonlySet<string>;
  readonly lineOf: (path: Path) => number;
}

/** Reads a policy from the values of its file; `null` iff a problem was told. */
export function readPolicy(
  value: YamlNode,
  place: Place,
  { checks, lineOf }: PolicyContext,
): ViolationPolicy | null {
  const byDefault = DEFAULT_VIOLATION_POLICY;
  const remediation: Read<ViolationPolicy['remediation']> = (each, at) =>
    Fields.read(each, at, (fields) => ({ rules: fields.optional('rules', listOf(checkId(checks)), []) }));
  return Fields.read(value, place, (fields) => ({
    forbiddenSubjects: fields.optional('forbidden_subjects', listOf(forbiddenSubject), []),
    forbiddenRoles: fields.optional('forbidden_roles', listOf(forbiddenRole), []),
    restrictedNamespaces: fields.optional('restricted_namespaces', listOf(restrictedNamespace), []),
    privilegedNamespaces: fields.optional('privileged_namespaces', texts, byDefault.privilegedNamespaces),
    ...present(
      'provider',
      fields.optional('provider', oneOf(['aks', 'eks', 'gke', 'other'] as const), undefined),
    ),
    workloadResources: fields.optional('workload_resources', listOf(workloadResource), []),
    thresholds: fields.optional('thresholds', thresholds, byDefault.thresholds),
    ...present('reviewedAt', fields.optional('reviewed_at', reviewedAt, undefined)),
    owners: fields.optional('owners', listOf(owners), []),
    suppressions: fields.optional('suppressions', listOf(suppression(checks, lineOf)), []),
    remediation: fields.optional('remediation', remediation, byDefault.remediation),
  }));
}
