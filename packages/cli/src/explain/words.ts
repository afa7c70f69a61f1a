import { type Cell, formatGrant, type PolicyRule } from '@leastwise/rbac';

import { printable, safeJson } from '../output.ts';
import type { ToldBinding } from './seen.ts';

/** What needs no quotes to be told from the words around it. */
const PLAIN = /^[\w.*:/@~-]+$/;
const MAX_LISTED = 12;

/** A name that others chose, as a terminal may show it: quoted where it could be taken for more than a name. */
export function word(text: string): string {
  return PLAIN.test(text) ? text : printable(safeJson(JSON.stringify(text)));
}

/** Words one after the other; of many the first, and how many more. */
export function listed(words: readonly string[], separator = ', ', most = MAX_LISTED): string {
  const more = words.length - most;
  return [...words.slice(0, most), ...(more > 0 ? [`${String(more)} more`] : [])].join(separator);
}

/** A permission on one line: `get deployments.apps/scale named web in namespace prod`. */
export function cellText(cell: Cell): string {
  return formatGrant({ ...cell, scope: cell.namespace === '' ? '*' : cell.namespace });
}

/** A rule on one line, its lists cut short: `get, list pods, deployments.apps named web`. */
export function ruleText({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): string {
  const targets = apiGroups.flatMap((group) => resources.map((resource) => resourceText(resource, group)));
  const urls = nonResourceURLs.map((url) => (url.startsWith('/') ? word(url) : `URLs ${word(url)}`));
  const what = [...targets, ...urls];
  const names = resourceNames.length === 0 ? '' : ` named ${listed(resourceNames.map(word))}`;
  return `${listed(verbs.map(word))} ${listed(what)}${names}`;
}

/** As kubectl has it: `deployments.apps/scale`. */
function resourceText(resource: string, group: string): string {
  const [name = '', ...sub] = resource.split('/');
  return word([group === '' ? name : `${name}.${group}`, ...sub].join('/'));
}

/** A rule as YAML of one line, whole, to be put into a role. */
export function ruleYaml(rule: PolicyRule): string {
  return printable(`- ${safeJson(JSON.stringify(rule))}`);
}

/** Where something holds. */
export function scopeText(scope: string): string {
  return scope === '*' ? 'in the whole cluster' : `in namespace ${word(scope)}`;
}

/** `RoleBinding ns/a -> ClusterRole b`. */
export function bindingText({ binding, role }: ToldBinding): string {
  const place = binding.namespace === '' ? '' : `${word(binding.namespace)}/`;
  return `${binding.kind} ${place}${word(binding.name)} -> ${role.kind} ${word(role.name)}`;
}
