import type { YamlNode } from '@leastwise/rbac';

import { quoted } from '../quoted.ts';
import type { PolicyPath } from '../types.ts';

/** A problem before its line is known. */
export interface FieldProblem {
  readonly id: 'E01' | 'E02';
  readonly path: PolicyPath;
  readonly reason: string;
}

/** A field's name as a person would say it: `rules[2].level`. */
export function pathText(path: PolicyPath): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${nameText(part)}`))
    .join('');
}

function nameText(name: string): string {
  return /^[\w./-]{1,80}$/.test(name) ? name : quoted(name);
}

/** Reads plain values of a policy and collects all that is wrong with them. `null` counts as absent, as in Go. */
export class FieldReader {
  readonly problems: FieldProblem[] = [];

  /** Notes what an API server would refuse. */
  refuse(path: PolicyPath, what: string): void {
    this.problems.push({ id: 'E01', path, reason: `${pathText(path)} ${what}`.trim() });
  }

  /** A map whose keys are all known; what is not known is a problem. Empty where there is none. */
  map(
    value: YamlNode | undefined,
    path: PolicyPath,
    known: readonly string[],
  ): ReadonlyMap<string, YamlNode> {
    if (value === undefined || value === null) return new Map();
    if (!(value instanceof Map)) {
      this.refuse(path, 'is not a map');
      return new Map();
    }
    const fields = value as ReadonlyMap<string, YamlNode>;
    for (const key of fields.keys()) if (!known.includes(key)) this.#unknown([...path, key], known);
    return fields;
  }

  #unknown(path: PolicyPath, known: readonly string[]): void {
    const key = String(path.at(-1));
    const meant = known.find((each) => isNear(each, key));
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    const reason = `${pathText(path)} is no field: the API server ignores it with a warning in its log${hint}`;
    this.problems.push({ id: 'E02', path, reason });
  }

  /** A list; empty where there is none. */
  list(value: YamlNode | undefined, path: PolicyPath): readonly YamlNode[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value as readonly YamlNode[];
    this.refuse(path, 'is not a list');
    return [];
  }

  /** A text; `''` where there is none. */
  text(value: YamlNode | undefined, path: PolicyPath): string {
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    this.refuse(path, 'is not a text: put it in quotes');
    return '';
  }

  /** A list of texts. */
  texts(value: YamlNode | undefined, path: PolicyPath): readonly string[] {
    return this.list(value, path).map((each, i) => this.text(each, [...path, i]));
  }

  /** `true` or `false`; `undefined` where there is none. */
  flag(value: YamlNode | undefined, path: PolicyPath): boolean | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'boolean') return value;
    this.refuse(path, 'is neither true nor false');
    return undefined;
  }
}

/** Whether a key is a field's name but for its case, or an `s` or a few characters at the end. */
function isNear(field: string, key: string): boolean {
  const [a, b] = [field.toLowerCase(), key.toLowerCase()];
  return (
    a === b || (b.length >= 4 && Math.abs(a.length - b.length) <= 2 && (a.startsWith(b) || b.startsWith(a)))
  );
}
