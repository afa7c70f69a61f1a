import { stringify } from 'yaml';

import type { AuditRule, GroupResources } from '../types.ts';
import type { CommentedRule } from './presets.ts';

const HEAD =
  'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitManagedFields: true\nomitStages:\n  - RequestReceived\nrules:\n';
const FIELDS = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs', 'omitStages'] as const;

/** A policy as YAML: what is left out at its head, each rule below its comment, and only fields that say something. */
export function renderPolicy(rules: readonly CommentedRule[], leftOut: readonly string[]): string {
  const head = leftOut.length === 0 ? [] : ['This policy leaves out:', ...leftOut.map((each) => `- ${each}`)];
  const comments = head.map((line) => `# ${line}\n`).join('');
  return `${comments}${HEAD}${rules.map(ruleText).join('')}`;
}

function ruleText({ comment, rule }: CommentedRule): string {
  const lines = stringify(plainRule(rule), { lineWidth: 0 }).trimEnd().split('\n');
  return `  # ${comment}\n${lines.map((line, i) => `${i === 0 ? '  - ' : '    '}${line}\n`).join('')}`;
}

function plainRule(rule: AuditRule): Record<string, unknown> {
  const lists = FIELDS.filter((field) => rule[field].length > 0).map(
    (field) => [field, rule[field]] as const,
  );
  return {
    level: rule.level,
    ...Object.fromEntries(lists),
    ...(rule.resources.length === 0 ? {} : { resources: rule.resources.map(plainGroup) }),
    ...(rule.omitManagedFields === undefined ? {} : { omitManagedFields: rule.omitManagedFields }),
  };
}

function plainGroup({ group, resources, resourceNames }: GroupResources): Record<string, unknown> {
  return {
    group,
    ...(resources.length === 0 ? {} : { resources }),
    ...(resourceNames.length === 0 ? {} : { resourceNames }),
  };
}
