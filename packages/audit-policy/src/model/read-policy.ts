import type { YamlNode } from '@leastwise/rbac';

import { quoted } from '../quoted.ts';
import {
  AUDIT_LEVELS,
  AUDIT_STAGES,
  type AuditLevel,
  type AuditPolicy,
  type AuditRule,
  type GroupResources,
  type PolicyPath,
} from '../types.ts';
import type { Stage } from '@leastwise/audit-event';
import { type FieldProblem, FieldReader } from './fields.ts';

const POLICY_FIELDS = ['apiVersion', 'kind', 'metadata', 'omitManagedFields', 'omitStages', 'rules'];
const RULE_FIELDS = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
];
const GROUP_FIELDS = ['group', 'resources', 'resourceNames'];
/** Of ObjectMeta (k8s.io/apimachinery pkg/apis/meta/v1/types.go). */
const METADATA_FIELDS = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
];
const VERSIONS = ['audit.k8s.io/v1', 'audit.k8s.io/v1beta1'];

const MAX_DNS_SUBDOMAIN = 253;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A policy, where nothing keeps an API server from starting with it, and all problems that it has. */
export interface ReadPolicy {
  readonly policy: AuditPolicy | undefined;
  readonly apiVersion: string;
  readonly problems: readonly FieldProblem[];
}

/**
 * Reads a policy from plain values, and validates it as the API server does: what it would refuse is E01, a field that
 * it would ignore E02.
 * @see k8s.io/apiserver pkg/audit/policy/reader.go and pkg/apis/audit/validation/validation.go
 */
export function readPolicy(value: YamlNode | undefined): ReadPolicy {
  const reader = new FieldReader();
  const fields = reader.map(value, [], POLICY_FIELDS);
  const apiVersion = reader.text(fields.get('apiVersion'), ['apiVersion']);
  if (!VERSIONS.includes(apiVersion)) reader.refuse(['apiVersion'], 'has to be audit.k8s.io/v1');
  if (fields.get('kind') !== 'Policy') reader.refuse(['kind'], 'has to be Policy');
  reader.map(fields.get('metadata'), ['metadata'], METADATA_FIELDS);
  const rules = reader.list(fields.get('rules'), ['rules']);
  if (rules.length === 0) reader.refuse(['rules'], 'is empty: a policy without rules is refused');
  const policy = {
    omitStages: stagesOf(reader, fields.get('omitStages'), ['omitStages']),
    omitManagedFields: reader.flag(fields.get('omitManagedFields'), ['omitManagedFields']),
    rules: rules.map((rule, i) => ruleOf(reader, rule, ['rules', i])),
  };
  const isRefused = reader.problems.some(({ id }) => id === 'E01');
  return { policy: isRefused ? undefined : policy, apiVersion, problems: reader.problems };
}

function ruleOf(reader: FieldReader, value: YamlNode, path: PolicyPath): AuditRule {
  const fields = reader.map(value, path, RULE_FIELDS);
  const at = (key: string): PolicyPath => [...path, key];
  const texts = (key: string): readonly string[] => reader.texts(fields.get(key), at(key));
  const rule = {
    level: levelOf(reader, fields.get('level'), at('level')),
    users: texts('users'),
    userGroups: texts('userGroups'),
    verbs: texts('verbs'),
    resources: reader
      .list(fields.get('resources'), at('resources'))
      .map((each, i) => groupOf(reader, each, [...at('resources'), i])),
    namespaces: texts('namespaces'),
    nonResourceURLs: texts('nonResourceURLs'),
    omitStages: stagesOf(reader, fields.get('omitStages'), at('omitStages')),
    omitManagedFields: reader.flag(fields.get('omitManagedFields'), at('omitManagedFields')),
  };
  checkURLs(reader, rule, at('nonResourceURLs'));
  return rule;
}

function levelOf(reader: FieldReader, value: YamlNode | undefined, path: PolicyPath): AuditLevel {
  const text = reader.text(value, path);
  const level = AUDIT_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  if (text !== '') reader.refuse(path, `is ${quoted(text)}, which is none of ${AUDIT_LEVELS.join(', ')}`);
  else if (value === undefined || value === null || value === '') reader.refuse(path, 'is missing');
  return 'None';
}

function stagesOf(reader: FieldReader, value: YamlNode | undefined, path: PolicyPath): Stage[] {
  return reader.list(value, path).flatMap((each, i) => {
    const before = reader.problems.length;
    const text = reader.text(each, [...path, i]);
    const stage = AUDIT_STAGES.find((known) => known === text);
    if (stage !== undefined) return [stage];
    if (reader.problems.length === before)
      reader.refuse([...path, i], `is ${quoted(text)}, which is none of ${AUDIT_STAGES.join(', ')}`);
    return [];
  });
}

function groupOf(reader: FieldReader, value: YamlNode, path: PolicyPath): GroupResources {
  const fields = reader.map(value, path, GROUP_FIELDS);
  const group = reader.text(fields.get('group'), [...path, 'group']);
  const resources = reader.texts(fields.get('resources'), [...path, 'resources']);
  const resourceNames = reader.texts(fields.get('resourceNames'), [...path, 'resourceNames']);
  if (!isGroupName(group)) {
    const hint = group.includes('/') ? ': leave the version out' : '';
    reader.refuse([...path, 'group'], `is ${quoted(group)}, which is no DNS subdomain${hint}`);
  }
  if (resourceNames.length > 0 && resources.length === 0)
    reader.refuse([...path, 'resourceNames'], 'needs at least one resource beside it');
  return { group, resources, resourceNames };
}

function isGroupName(group: string): boolean {
  if (group === '' || group === '*') return true;
  return group.length <= MAX_DNS_SUBDOMAIN && DNS_SUBDOMAIN.test(group);
}

function checkURLs(reader: FieldReader, rule: AuditRule, path: PolicyPath): void {
  for (const [i, url] of rule.nonResourceURLs.entries()) {
    if (url === '*') continue;
    if (!url.startsWith('/')) reader.refuse([...path, i], `is ${quoted(url)}, which does not begin with /`);
    if (url.slice(0, -1).includes('*'))
      reader.refuse([...path, i], `is ${quoted(url)}: * may stand only at the end`);
  }
  const isMixed = rule.resources.length > 0 || rule.namespaces.length > 0;
  if (rule.nonResourceURLs.length > 0 && isMixed)
    reader.refuse(path, 'is beside resources or namespaces: a rule is about one or the other');
}
