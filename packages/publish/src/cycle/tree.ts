import { parseYamlValue, type YamlNode } from '@leastwise/rbac';
import { isGenerated, kustomization } from '@leastwise/render';

import { foldersOf } from '../fold-path.ts';
import { quoted } from '../team/problem.ts';
import type { Files, PlannedChange } from '../types.ts';

const LISTING = 'kustomization.yaml';

/** The content that files are to have by path; `undefined`: they are to go. */
export type Contents = ReadonlyMap<string, string | undefined>;

/** What leads from the base to some contents. */
export interface TreeChanges {
  /** Each changes something; in the order of the paths. */
  readonly changes: readonly PlannedChange[];
  /** One line each, for people: files that would have to change and are not ours. */
  readonly problems: readonly string[];
}

/** What is added to the list of a folder, and what is taken off. */
interface Edit {
  readonly added: Set<string>;
  readonly dropped: Set<string>;
}

/** The files of the clusters at the base branch, and what changing some of them makes of the lists of all folders above. */
export class BaseTree {
  readonly #base: Files;
  /** By folder, what stands directly in it. */
  readonly #children = new Map<string, Set<string>>();
  readonly #listed = new Map<string, ReadonlySet<string>>();

  constructor(base: Files) {
    this.#base = base;
    for (const path of base.keys()) {
      for (const part of [...foldersOf(path), path]) {
        const [folder, name] = split(part);
        const children = this.#children.get(folder) ?? new Set();
        this.#children.set(folder, children.add(name));
      }
    }
  }

  /**
   * The changes that give files these contents, with the `kustomization.yaml` of each folder above: one that lists
   * something new is written, one that has nothing left to list goes, and all others stay as they are. What else is
   * listed, by whomever, stays listed. A list that is not ours is left alone.
   * @param manifests - files below `clusters/<cluster>`
   * @param others - files that no list names
   */
  changesFor(manifests: Contents, others: Contents = new Map()): TreeChanges {
    const wanted = new Map([...manifests, ...others, ...this.#listings(manifests)]);
    const problems: string[] = [];
    const changes = [...wanted]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([path, content]): PlannedChange[] => {
        const before = this.#base.get(path);
        if (before === content) return [];
        if (before !== undefined && path.endsWith(`/${LISTING}`) && !isGenerated(path, before)) {
          problems.push(`${quoted(path)} is not written by leastwise: what it lists is left alone`);
          return [];
        }
        return [content === undefined ? { action: 'delete', path } : { action: 'write', path, content }];
      });
    return { changes, problems };
  }

  #listings(manifests: Contents): Map<string, string | undefined> {
    const edits = new Map<string, Edit>();
    const edit = (path: string, isThere: boolean): void => {
      const [folder, name] = split(path);
      const known = edits.get(folder) ?? { added: new Set(), dropped: new Set() };
      edits.set(folder, known);
      (isThere ? known.added : known.dropped).add(name);
    };
    for (const [path, content] of manifests) edit(path, content !== undefined);
    const listings = new Map<string, string | undefined>();
    // From the innermost folder outwards, for each says of the one above whether it is still there.
    for (let depth = Math.max(0, ...[...edits.keys()].map(depthOf)); depth >= ROOT_DEPTH; depth -= 1) {
      for (const [folder, each] of [...edits].filter(([at]) => depthOf(at) === depth)) {
        const before = this.#listedIn(folder);
        const after = new Set([...before, ...each.added].filter((name) => !each.dropped.has(name)));
        const isSame = after.size === before.size && [...after].every((name) => before.has(name));
        const path = `${folder}/${LISTING}`;
        if (!isSame || !this.#base.has(path)) {
          listings.set(path, after.size === 0 ? undefined : kustomization(after));
        }
        if (depth > ROOT_DEPTH) edit(folder, after.size > 0);
      }
    }
    return listings;
  }

  /** What a folder lists at the base; where it has no list that can be read, what of it kustomize could take. */
  #listedIn(folder: string): ReadonlySet<string> {
    const known = this.#listed.get(folder);
    if (known !== undefined) return known;
    const listed = resourcesOf(this.#base.get(`${folder}/${LISTING}`)) ?? this.#resourcesBelow(folder);
    this.#listed.set(folder, listed);
    return listed;
  }

  #resourcesBelow(folder: string): ReadonlySet<string> {
    const names = [...(this.#children.get(folder) ?? [])];
    const isResource = (name: string): boolean => {
      const path = `${folder}/${name}`;
      return this.#base.has(`${path}/${LISTING}`) || (name === 'rbac.yaml' && this.#base.has(path));
    };
    return new Set(names.filter(isResource));
  }
}

/** `clusters/<cluster>`, above which nothing is listed. */
const ROOT_DEPTH = 2;

function depthOf(folder: string): number {
  return folder.split('/').length;
}

function split(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
}

/** The resources of a kustomization; `undefined` where there is none that can be read. */
function resourcesOf(content: string | undefined): ReadonlySet<string> | undefined {
  if (content === undefined) return undefined;
  const { value, problems } = parseYamlValue(content);
  if (!(value instanceof Map) || problems.length > 0) return undefined;
  const resources: YamlNode | undefined = (value as ReadonlyMap<string, YamlNode>).get('resources');
  if (!Array.isArray(resources)) return undefined;
  const names = resources.filter((each): each is string => typeof each === 'string');
  return names.length === resources.length ? new Set(names) : undefined;
}
