import { isTemplate, jsonDocument, type ManifestDocument, yamlDocuments } from './documents.ts';
import { RBAC_KINDS, readObject } from './objects.ts';
import { type ManifestProblem, type ManifestReason, type Path, quoted } from './problem.ts';
import { type Fields, Shape } from './shape.ts';
import type { RbacObject } from '../types.ts';

/** What a file of manifests holds of RBAC. */
export interface Manifests {
  readonly objects: RbacObject[];
  /** Objects of other kinds. */
  readonly ignored: number;
  /** Objects with a problem are left out, but for service accounts without a namespace, who are bound to nothing. */
  readonly problems: ManifestProblem[];
}

/** How many problems of one file are told. */
export const MAX_MANIFEST_PROBLEMS = 1_000;

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];
const MAX_LIST_DEPTH = 4;

type RbacKind = (typeof RBAC_KINDS)[number];

interface Where {
  readonly document: ManifestDocument;
  readonly path: Path;
}

/** What an item of a list is taken for that does not say so itself, as in `kubectl get --raw`. */
interface Inherited {
  readonly kind: string | undefined;
  readonly apiVersion: string | undefined;
}

class Collector {
  readonly objects: RbacObject[] = [];
  readonly problems: ManifestProblem[] = [];
  ignored = 0;
  readonly #file: string;
  readonly #isTemplated: boolean;
  readonly #defaultNamespace: string;

  constructor(file: string, { isTemplated, namespace }: { isTemplated: boolean; namespace: string }) {
    this.#file = file;
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

  document(document: ManifestDocument): void {
    if (!document.isObject) {
      this.problem(document.lineOf([]), 'not-an-object', 'not a Kubernetes object');
      return;
    }
    const { kind, apiVersion } = document;
    if (kind !== undefined && apiVersion !== undefined && !isRelevant(kind, apiVersion)) {
      this.ignored += 1;
      return;
    }
    const read = document.read();
    if ('reason' in read) this.problem(document.lineOf([]), read.reason, read.detail);
    else this.#value(read.value, { document, path: [] }, { kind: undefined, apiVersion: undefined });
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
    if (!isRelevant(kind, apiVersion)) this.ignored += 1;
    else if (group === RBAC_GROUP && !VERSIONS.includes(version)) {
      this.problem(
        where.document.lineOf(versionPath),
        'unsupported-value',
        `apiVersion ${quoted(apiVersion)} is not known`,
      );
    } else if (kind.endsWith('List'))
      this.#list(fields, where, { kind: kind.slice(0, -'List'.length), apiVersion });
    else this.#object(rbacKind(kind), fields, where);
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

  #object(kind: RbacKind | undefined, fields: Fields, { document, path }: Where): void {
    if (kind === undefined) {
      this.ignored += 1;
      return;
    }
    const shape = new Shape(this.#isTemplated);
    const object = readObject(shape, kind, fields, { path, defaultNamespace: this.#defaultNamespace });
    if (shape.findings.every(({ reason }) => reason === 'no-namespace')) this.objects.push(object);
    this.#tell(shape, document);
  }

  #tell({ findings }: Shape, document: ManifestDocument): void {
    for (const { path, reason, detail } of findings) {
      if (this.problems.length > MAX_MANIFEST_PROBLEMS) return;
      this.problem(document.lineOf(path), reason, detail);
    }
  }
}

function rbacKind(kind: string): RbacKind | undefined {
  return RBAC_KINDS.find((each) => each === kind);
}

function isRelevant(kind: string, apiVersion: string): boolean {
  if (kind === 'List' && apiVersion === 'v1') return true;
  return apiVersion.startsWith(`${RBAC_GROUP}/`);
}

/**
 * Reads the RBAC objects of a file: YAML of any number of documents, JSON, lists of any of them. All
 * versions of RBAC are read as v1, whose form they share. A Role or RoleBinding without a namespace is taken for
 * one of `namespace`, into which `kubectl apply -n` would put it. Templates are not rendered, but told: a file
 * with `{{` outside of quotes is one; where all of it is quoted, it is part of somebody's name.
 * @param text - untrusted; reading takes time linear in its length
 * @param file - for the problems only
 */
export function parseManifests(text: string, file: string, { namespace = 'default' } = {}): Manifests {
  const json = jsonDocument(text);
  if (json) {
    const collector = new Collector(file, { isTemplated: false, namespace });
    collector.document(json);
    // With problems the file is read once more, as YAML, which knows lines.
    if (collector.problems.length === 0) return result(collector);
  }
  const collector = new Collector(file, { isTemplated: isTemplate(text), namespace });
  for (const document of yamlDocuments(text)) {
    if ('read' in document) collector.document(document);
    else collector.problem(document.line, 'unreadable', document.detail);
  }
  return result(collector);
}

function result({ objects, ignored, problems }: Collector): Manifests {
  return { objects, ignored, problems };
}
