import { parseYamlValue, type YamlNode, type YamlProblem } from '@leastwise/rbac';

import type { PolicyPath, PolicyProblem, SourcedPolicy } from '../types.ts';
import { splitDocuments } from './documents.ts';
import { pathText } from './fields.ts';
import { readPolicy } from './read-policy.ts';

/** What a file says about auditing. */
export interface AuditPolicies {
  /** Those that an API server would start with, in the order of the file. */
  readonly policies: readonly SourcedPolicy[];
  /** All of them, in the order of the file. */
  readonly problems: readonly PolicyProblem[];
  /** Nothing in it is a policy, nor meant to be one: that is the only problem. */
  readonly holdsNone: boolean;
}

/** A text with the place where it stands in its file. */
interface Place {
  readonly file: string;
  readonly within: string;
  /** The line in the file of a line of the text, both from 1. */
  lineAt(line: number): number;
}

/** Where a policy stands in a document. */
interface Found {
  readonly path: PolicyPath;
  readonly value: YamlNode;
}

const GROUP = 'audit.k8s.io/';

/**
 * Reads all audit policies of a file: its documents themselves, policies inside of other objects (Talos's
 * `cluster.apiServer.auditPolicy`, lists), and texts that hold one (ConfigMaps, kops's file assets, RKE2's
 * `audit-policy-file` in Rancher's machine configuration). Validates each as the API server does. Never throws.
 *
 * A field that is there twice is a problem, and its policy is not used, since readers differ in which one counts. YAML
 * aliases are not supported.
 *
 * @param text - YAML or JSON, at most 1 MiB a document
 */
export function readAuditPolicies(text: string, file: string): AuditPolicies {
  const reading = new Reading();
  reading.text(text, { file, within: '', lineAt: (line) => line });
  const { policies, problems } = reading;
  const holdsNone = policies.length === 0 && problems.length === 0;
  if (holdsNone) problems.push({ id: 'E01', file, line: 1, reason: 'it holds no audit policy' });
  return { policies, problems: problems.toSorted((a, b) => a.line - b.line), holdsNone };
}

class Reading {
  readonly policies: SourcedPolicy[] = [];
  readonly problems: PolicyProblem[] = [];

  text(text: string, place: Place): void {
    for (const { text: part, startLine } of splitDocuments(text)) {
      this.#document(part, { ...place, lineAt: (line) => place.lineAt(line + startLine - 1) });
    }
  }

  #document(text: string, place: Place): void {
    const document = parseYamlValue(text);
    const { value } = document;
    if (value === undefined) {
      for (const problem of document.problems) this.#unread(problem, place);
      return;
    }
    for (const { path, value: found } of policiesIn(value, [])) {
      const lineOf = (below: PolicyPath): number => place.lineAt(document.lineOf([...path, ...below]));
      const own = document.problems.filter((each) => isBelow(each.path, path));
      for (const problem of own) this.#unread(problem, place);
      this.#policy(found, {
        ...place,
        within: joined(place.within, path),
        lineOf,
        isWhole: own.length === 0,
      });
    }
    for (const { path, text: inner } of textsIn(value, [])) {
      const keyLine = document.lineOf(path);
      const isBlock = isBlockBelow(text, keyLine, inner);
      this.text(inner, {
        file: place.file,
        within: joined(place.within, path),
        // In a block scalar the lines are those of the file; in quotes all of it stands at its key.
        lineAt: (line) => place.lineAt(isBlock ? keyLine + line : keyLine),
      });
    }
  }

  #unread({ line, reason, detail, path }: YamlProblem, place: Place): void {
    const id = reason === 'duplicate-key' ? 'E02' : 'E01';
    const where = reason === 'duplicate-key' && path.length > 1 ? ` (${pathText(path.slice(0, -1))})` : '';
    this.problems.push({ id, file: place.file, line: place.lineAt(line), reason: `${detail}${where}` });
  }

  #policy(
    value: YamlNode,
    at: Pick<SourcedPolicy, 'file' | 'within' | 'lineOf'> & { readonly isWhole: boolean },
  ): void {
    const { file, within, lineOf, isWhole } = at;
    const { policy, apiVersion, problems } = readPolicy(value);
    for (const { id, path, reason } of problems) this.problems.push({ id, file, line: lineOf(path), reason });
    if (policy !== undefined && isWhole) this.policies.push({ policy, apiVersion, file, within, lineOf });
  }
}

function joined(within: string, path: PolicyPath): string {
  const own = pathText(path);
  return within === '' || own === '' ? `${within}${own}` : `${within}.${own}`;
}

/** Whether a place is in a policy, or around it. */
function isBelow(path: PolicyPath, root: PolicyPath): boolean {
  return root.slice(0, path.length).every((part, i) => path[i] === part);
}

function isMap(value: YamlNode): value is ReadonlyMap<string, YamlNode> {
  return value instanceof Map;
}

function isPolicy(value: ReadonlyMap<string, YamlNode>, isRoot: boolean): boolean {
  const [apiVersion, kind] = [value.get('apiVersion'), value.get('kind')];
  if (typeof apiVersion === 'string' && apiVersion.startsWith(GROUP))
    return kind !== 'Event' && kind !== 'EventList';
  // Somebody meant one, and forgot the version.
  return isRoot && apiVersion === undefined && value.has('rules') && (kind ?? 'Policy') === 'Policy';
}

function policiesIn(value: YamlNode, path: PolicyPath): Found[] {
  if (isMap(value) && isPolicy(value, path.length === 0)) return [{ path, value }];
  return childrenOf(value, path).flatMap((child) => policiesIn(child.value, child.path));
}

function textsIn(value: YamlNode, path: PolicyPath): { readonly path: PolicyPath; readonly text: string }[] {
  if (typeof value === 'string') return path.length > 0 && isPolicyText(value) ? [{ path, text: value }] : [];
  if (isMap(value) && isPolicy(value, path.length === 0)) return [];
  return childrenOf(value, path).flatMap((child) => textsIn(child.value, child.path));
}

function childrenOf(value: YamlNode, path: PolicyPath): Found[] {
  if (isMap(value)) return [...value].map(([key, child]) => ({ path: [...path, key], value: child }));
  if (!Array.isArray(value)) return [];
  return (value as readonly YamlNode[]).map((child, i) => ({ path: [...path, i], value: child }));
}

/** A manifest from its first line on: a script that writes a policy somewhere is none. */
function isPolicyText(text: string): boolean {
  const first = text.split('\n').find((line) => !/^\s*(?:#.*|---.*|%.*)?$/.test(line)) ?? '';
  const isManifest =
    /^\s*(?:\{|["']?(?:apiVersion|kind|metadata|omitStages|omitManagedFields|rules)["']?\s*:)/;
  return text.includes(GROUP) && isManifest.test(first);
}

/** Whether the lines of a text follow the line of its key, as they do in a literal block scalar. */
function isBlockBelow(source: string, keyLine: number, text: string): boolean {
  const lines = source.split('\n').slice(keyLine);
  return text
    .trimEnd()
    .split('\n')
    .every((line, i) => lines[i]?.trim() === line.trim());
}
