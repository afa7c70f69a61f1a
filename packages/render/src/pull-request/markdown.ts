import type { Permission } from '@leastwise/audit-event';
import type { PolicyRule } from '@leastwise/rbac';

import { showCodePoint } from '../escape-invisible.ts';
import { defuse, markdownCode, markdownUrl } from '../escape-markdown.ts';
import type { ManifestValue } from '../order-object.ts';
import { quoteYaml } from '../quote-yaml.ts';
import { compare } from '../subject-name.ts';

/** How much of one name is shown: names of Kubernetes objects fit, and nobody can make a row of a megabyte. */
const SHOWN_CHARACTERS = 256;
/** Paths of ours fit, and a target follows that says it all. */
const LINK_CHARACTERS = 128;
/** A longer cell does not widen the others of its column. */
const PADDED_CHARACTERS = 60;

/** Any text as a code span that also stays silent in a commit message; cut after 256 characters. */
export function code(text: string, characters = SHOWN_CHARACTERS): string {
  return markdownCode(defuse(shorten(text, characters)));
}

/** A link to a file of the repository, or its path where there is nothing to link to. */
export function fileLink(text: string, base: string | undefined, path: string): string {
  const shown = defuse(shorten(text, LINK_CHARACTERS));
  return base === undefined ? markdownCode(shown) : markdownUrl(shown, base, path.split('/'));
}

/** Cuts text, never in the middle of a character. */
export function shorten(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** `1 grant`, `2 grants`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The verbs and what they are for, apart from where that is. */
export interface Grant {
  readonly permission: Permission;
  readonly verbs: readonly string[];
}

/**
 * What is granted, as kubectl spells it: get,list deployments.apps/scale named x in ns, names as code. Space and comma
 * within a verb, resource or group are shown by their numbers, so that no name can pass for two.
 */
export function grantText({ permission, verbs }: Grant): string {
  const { apiGroup, resource, namespace, name, path } = permission;
  const verb = [...verbs].sort().map(unspaced).join(',');
  if (resource === '') return uncut(`${verb} ${unspaced(path)}`);
  const [parent = '', ...sub] = unspaced(resource).split('/');
  const what = [apiGroup === '' ? parent : `${parent}.${unspaced(apiGroup)}`, ...sub].join('/');
  const named = name === '' ? '' : ` named ${code(name)}`;
  return `${uncut(`${verb} ${what}`)}${named} ${namespace === '' ? 'cluster-wide' : `in ${code(namespace)}`}`;
}

/** {@link grantText} of one permission. */
export function permissionText(permission: Permission): string {
  return grantText({ permission, verbs: [permission.verb] });
}

/** Orders permissions by where they hold, what they are for, and the verb. */
export function comparePermissions(a: Permission, b: Permission): number {
  return compare(targetKey(a), targetKey(b)) || compare(a.verb, b.verb);
}

/** Equal for permissions that differ in the verb at most. */
export function targetKey({ namespace, apiGroup, resource, path, name }: Permission): string {
  return JSON.stringify([namespace, apiGroup, resource, path, name]);
}

/** One column of a table. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** A table whose cells are aligned in the source too; cells are Markdown without a pipe or a line break. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, at) =>
    rows.reduce(
      (most, row) => {
        const width = lengthOf(row[at] ?? '');
        return width > PADDED_CHARACTERS ? most : Math.max(most, width);
      },
      Math.max(3, lengthOf(title)),
    ),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.isNumber === true)).join(' | ')} |`;
  const rule = columns.map(
    ({ isNumber }, at) =>
      '-'.repeat((widths[at] ?? 3) - Number(isNumber === true)) + (isNumber === true ? ':' : ''),
  );
  return [line(columns.map(({ title }) => title)), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** What is hidden until somebody wants to see it. The summary is HTML: words and numbers of ours only. */
export function fold(summary: string, content: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** A rule on one line, as YAML: `{apiGroups: [""], resources: [pods], verbs: [get]}`. */
export function ruleLine(rule: PolicyRule): string {
  return `{${fieldsOf(rule)
    .map(([key, values]) => `${key}: ${flowList(values)}`)
    .join(', ')}}`;
}

/** A rule as an entry of a list of rules, ready to be pasted. */
export function ruleYaml(rule: PolicyRule): string {
  return yamlOf([Object.fromEntries(fieldsOf(rule))]);
}

/** A value as YAML, lists of text on one line. Every YAML reader reads this very value back. */
export function yamlOf(value: ManifestValue, indent = ''): string {
  if (typeof value === 'string') return scalar(value);
  if (typeof value === 'boolean') return String(value);
  if (isList(value)) {
    if (value.every((item) => typeof item === 'string')) return flowList(value);
    return value.map((item) => `${indent}- ${yamlOf(item, `${indent}  `).trimStart()}`).join('\n');
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  return entries.map(([key, field]) => `${indent}${scalar(key)}:${fieldYaml(field, indent)}`).join('\n');
}

function fieldYaml(field: ManifestValue, indent: string): string {
  const text = yamlOf(field, `${indent}  `);
  const isBlock = text.startsWith(`${indent}  `);
  return isBlock ? `\n${text}` : ` ${text}`;
}

function isList(value: ManifestValue): value is readonly ManifestValue[] {
  return Array.isArray(value);
}

function fieldsOf({
  apiGroups,
  resources,
  resourceNames,
  nonResourceURLs,
  verbs,
}: PolicyRule): [string, readonly string[]][] {
  const fields: [string, readonly string[] | undefined][] = [
    ['apiGroups', apiGroups],
    ['resources', resources],
    ['resourceNames', resourceNames],
    ['nonResourceURLs', nonResourceURLs],
    ['verbs', verbs],
  ];
  return fields.flatMap(([key, values]) => (values === undefined ? [] : [[key, [...values].sort()]]));
}

function flowList(values: readonly string[]): string {
  return `[${values.map(scalar).join(', ')}]`;
}

/** In a list of one, these would be the bracketed words that keep a commit from being built: `[ci-skip]`. */
const BRACKETED = /skip|no.?ci/i;

/** A YAML scalar that also stays silent in a commit message: what would not, is quoted and escaped in YAML's own way. */
function scalar(text: string): string {
  const quoted = quoteYaml(text);
  if (defuse(quoted) === quoted && !BRACKETED.test(quoted)) return quoted;
  // What needs no quotes holds nothing that would have to be escaped between them.
  return defuse(quoted.startsWith('"') ? quoted : `"${quoted}"`, inYaml);
}

function inYaml(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/** Cut before it is joined, so that no part can push another out of sight. */
function unspaced(text: string): string {
  return shorten(text, SHOWN_CHARACTERS).replace(/[\s,]/gu, showCodePoint);
}

function uncut(text: string): string {
  return code(text, text.length);
}

function pad(cell: string, width: number, isNumber: boolean): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(cell)));
  return isNumber ? space + cell : cell + space;
}

const SURROGATE_PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;

/** In characters; wide ones are not told apart, since terminals and fonts do not agree on them. */
function lengthOf(text: string): number {
  return text.replace(SURROGATE_PAIRS, '_').length;
}
