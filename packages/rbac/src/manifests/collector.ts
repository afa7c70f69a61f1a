import type { ManifestDocument } from './documents.ts';
import { RBAC_GROUP } from './objects.ts';
import { type ManifestProblem, type ManifestReason, type Path, quoted } from './problem.ts';
import { type Fields, Shape } from './shape.ts';

/** How many problems of one file are told. */
export const MAX_MANIFEST_PROBLEMS = 1_000;

const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];
const MAX_LIST_DEPTH = 4;

/** Something of a file, and where it begins. */
export interface Located<T> {
  readonly value: T;
  /** From 1; found when it is asked for, since not everybody needs it. */
  readonly line: () => number;
}

/** Where an object stands, and the namespace that it gets when it says none. */
export interface ReadContext {
  readonly path: Path;
  readonly defaultNamespace: string;
}

/** What is wanted of a file. */
export interface Reader<T> {
  /** Whether objects of this kind, or lists of it, are looked into; all others are counted, whatever is in them. */
  isRelevant(kind: string, apiVersion: string): boolean;
  /** One object; what is wrong with it is noted in `shape`. `undefined` for a kind that is not wanted after all. */
  read(
    shape: Shape,
    type: { readonly kind: string; readonly apiVersion: string },
    fields: Fields,
    context: ReadContext,
  ): T | undefined;
}

interface Where {
  readonly document: ManifestDocument;
  readonly path: Path;
}

/** What an item of a list is taken for that does not say so itself, as in `kubectl get --raw`. */
interface Inherited {
  readonly kind: string | undefined;
  readonly apiVersion: string | undefined;
}

/** Collects the objects of one file, and what is wrong with them. */
export class Collector<T> {
  readonly found: Located<T>[] = [];
  readonly problems: ManifestProblem[] = [];
  ignored = 0;
  readonly #file: string;
  readonly #reader: Reader<T>;
  readonly #isTemplated: boolean;
  readonly #defaultNamespace: string;

  constructor(
    file: string,
    reader: Reader<T>,
    { isTemplated, namespace }: { isTemplated: boolean; namespace: string },
  ) {
    this.#file = file;
    this.#reader = reader;
    this.#isTemplated = isTemplated;
    this.#defaultNamespace = namespace;
  }

  /** Templates fail in many places for one reason, which is told once. */
  problem(line: number, reason: ManifestReason, detail: string): void {
    if (this.problems.length > MAX_MANIFEST_PROBLEMS) return;
    const isBroken = reason === 'unreadable' || reason === 'not-an-object';
    if (isBroken && this.#isTemplated) {
      this.#push(line, 'templated', `${detail}: render the template first, for example with helm template`);
    } else if (this.problems.length === MAX_MANIFEST_PROBLEMS) {
      this.#push(line, 'too-many-problems', `more than ${MAX_MANIFEST_PROBLEMS} problems`);
    } else this.#push(line, reason, detail);
  }

  #push(line: number, reason: ManifestReason, detail: string): void {
    if (reason === 'templated' && this.problems.some((each) => each.reason === reason)) return;
    this.problems.push({ file: this.#file, line, reason, detail });
  }

  /** Reads what a document holds. */
  document(document: ManifestDocument): void {
    if (!document.isObject) {
      this.problem(document.lineOf([]), 'not-an-object', 'not a Kubernetes object');
      return;
    }
    const { kind, apiVersion } = document;
    if (kind !== undefined && apiVersion !== undefined && !this.#isRelevant(kind, apiVersion)) {
      this.ignored += 1;
      return;
    }
    const read = document.read();
    if ('reason' in read) this.problem(document.lineOf([]), read.reason, read.detail);
    else this.#value(read.value, { document, path: [] }, { kind: undefined, apiVersion: undefined });
  }

  #isRelevant(kind: string, apiVersion: string): boolean {
    return (kind === 'List' && apiVersion === 'v1') || this.#reader.isRelevant(kind, apiVersion);
  }

  #value(value: unknown, where: Where, inherited: Inherited): void {
    const shape = new Shape(this.#isTemplated);
    const fields = shape.fields(value, where.path);
    const kind = shape.text(shape.get(fields, 'kind') ?? inherited.kind, [...where.path, 'kind']);
    const versionPath = [...where.path, 'apiVersion'];
    const apiVersion = shape.text(shape.get(fields, 'apiVersion') ?? inherited.apiVersion, versionPath);
    if (shape.findings.length > 0 || kind === '' || apiVersion === '') {
      this.problem(
        where.document.lineOf(where.path),
        'not-an-object',
        'no kind and apiVersion: not a Kubernetes object',
      );
      return;
    }
    const [group = '', version = ''] = apiVersion.split('/');
    if (!this.#isRelevant(kind, apiVersion)) this.ignored += 1;
    else if (group === RBAC_GROUP && !VERSIONS.includes(version)) {
      this.problem(
        where.document.lineOf(versionPath),
        'unsupported-value',
        `apiVersion ${quoted(apiVersion)} is not known`,
      );
    } else if (kind.endsWith('List'))
      this.#list(fields, where, { kind: kind.slice(0, -'List'.length), apiVersion });
    else this.#object({ kind, apiVersion }, fields, where);
  }

  #list(fields: Fields, { document, path }: Where, inherited: Inherited): void {
    const shape = new Shape(this.#isTemplated);
    const at = [...path, 'items'];
    if (at.length > 2 * MAX_LIST_DEPTH) {
      this.problem(document.lineOf(path), 'unsupported-value', 'lists are nested too deeply');
      return;
    }
    const items = shape.list(shape.get(fields, 'items'), at);
    this.#tell(shape, document);
    const each = inherited.kind === '' ? { kind: undefined, apiVersion: undefined } : inherited;
    for (const [i, item] of items.entries()) this.#value(item, { document, path: [...at, i] }, each);
  }

  #object(
    type: { readonly kind: string; readonly apiVersion: string },
    fields: Fields,
    { document, path }: Where,
  ): void {
    const shape = new Shape(this.#isTemplated);
    const context = { path, defaultNamespace: this.#defaultNamespace };
    const value = this.#reader.read(shape, type, fields, context);
    if (value === undefined) {
      this.ignored += 1;
      return;
    }
    if (shape.findings.every(({ reason }) => reason === 'no-namespace')) {
      this.found.push({ value, line: () => document.lineOf(path) });
    }
    this.#tell(shape, document);
  }

  #tell({ findings }: Shape, document: ManifestDocument): void {
    for (const { path, reason, detail } of findings) {
      if (this.problems.length > MAX_MANIFEST_PROBLEMS) return;
      this.problem(document.lineOf(path), reason, detail);
    }
  }
}
