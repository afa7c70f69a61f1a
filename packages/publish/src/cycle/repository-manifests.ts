import { objectKey, parseManifests, parseYamlValue, type RbacObject } from '@leastwise/rbac';

import type { Files, PlannedChange } from '../types.ts';

/** How many files of manifests are looked into, in the order of their paths, and up to which length. */
const MAX_FILES = 5_000;
const MAX_LENGTH = 1_048_576;

const MANIFEST = /\.(?:ya?ml|json)$/i;
const LISTS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Where an object's own manifest stands in a repository. */
export interface Manifest {
  readonly path: string;
  /** Whether the object can be cut out of the file, whole and nothing else; else that is for a person to do. */
  readonly canBeRemoved: boolean;
}

/** The RBAC objects that a repository holds outside of the folders that are ours. */
export class RepositoryManifests {
  readonly #files: Files;
  readonly #paths = new Map<string, string[]>();
  /** Whether there are more files than are looked into, or larger ones. */
  readonly isCut: boolean;

  /** @param files - of the base branch, all of them */
  constructor(files: Files) {
    this.#files = files;
    const all = [...files].filter(([path]) => MANIFEST.test(path) && !/^(?:clusters|reports)\//.test(path));
    const some = all.filter(([, content]) => content.length <= MAX_LENGTH && RBAC.test(content));
    const read = some.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MAX_FILES);
    this.isCut = read.length < some.length || all.some(([, content]) => content.length > MAX_LENGTH);
    for (const [path, content] of read) {
      for (const object of parseManifests(content, path).objects) {
        const key = objectKey(object);
        const known = this.#paths.get(key);
        if (known === undefined) this.#paths.set(key, [path]);
        else if (known.at(-1) !== path) known.push(path);
      }
    }
  }

  /**
   * The file of an object. Where several hold one of its kind, namespace and name, the first is named and none is
   * changed: nobody can tell which of them is in force.
   */
  find(object: RbacObject): Manifest | undefined {
    const key = objectKey(object);
    const [path, ...others] = this.#paths.get(key) ?? [];
    if (path === undefined) return undefined;
    return { path, canBeRemoved: others.length === 0 && this.remove(path, [object]) !== undefined };
  }

  /** Cuts objects out of a file, each a whole document; `undefined` where they cannot all be. */
  remove(path: string, objects: readonly RbacObject[]): PlannedChange | undefined {
    const keys = objects.map(objectKey);
    const rest = without(new Set(keys), this.#files.get(path) ?? '', path);
    if (rest === undefined) return undefined;
    if (rest !== '') return { action: 'write', path, content: rest };
    return this.#isListed(path) ? undefined : { action: 'delete', path };
  }

  /** Whether a kustomization of the repository, which could not be built without it, may list a file. */
  #isListed(path: string): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return [...this.#files].some(
      ([at, content]) => LISTS.includes(at.slice(at.lastIndexOf('/') + 1)) && namesFile(content, name),
    );
  }
}

const RBAC = /rbac\.authorization\.k8s\.io/;

/** A list that cannot be read may name anything. */
function namesFile(list: string, name: string): boolean {
  const { value, problems } = parseYamlValue(list);
  if (value === undefined || problems.length > 0) return true;
  return list.split(/[\s"',[\]{}]+/).some((word) => word === name || word.endsWith(`/${name}`));
}

/**
 * The text without the documents that hold one of the objects each and nothing else; `''` where it holds nothing else.
 * `undefined` where they cannot be cut out exactly: one stands in a list, or twice; or the file is a template, is not
 * YAML, or has directives and document ends, which belong to several documents.
 */
function without(keys: ReadonlySet<string>, text: string, path: string): string | undefined {
  const whole = parseManifests(text, path);
  if (whole.problems.length > 0 || /^(?:%|\.\.\.)/m.test(text)) return undefined;
  // At the start of a line this is never text: not in a block, and not between quotes.
  const documents = text.split(/^(?=---(?:\s|$))/m);
  const isCut = (document: string): boolean => {
    const { objects, ignored, problems } = parseManifests(document, path);
    const [only, ...more] = objects;
    const isOne = only !== undefined && more.length === 0 && ignored === 0 && problems.length === 0;
    return isOne && keys.has(objectKey(only));
  };
  const rest = documents.filter((document) => !isCut(document)).join('');
  const left = parseManifests(rest, path);
  const isExact =
    left.problems.length === 0 &&
    left.ignored === whole.ignored &&
    left.objects.length === whole.objects.length - keys.size &&
    !left.objects.some((object) => keys.has(objectKey(object)));
  if (!isExact) return undefined;
  return left.objects.length + left.ignored === 0 ? '' : rest;
}
