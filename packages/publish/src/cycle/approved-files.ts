import type { Subject } from '@leastwise/audit-event';
import { parseManifests, type RbacObject } from '@leastwise/rbac';
import { clusterFolder, isGenerated, namespaceFolder, subjectFolder } from '@leastwise/render';

import type { Files } from '../types.ts';
import { quoted } from '../team/problem.ts';

/** One file of a subject as the base branch has it. */
export interface ApprovedFile {
  readonly path: string;
  /** `''` for the cluster's. */
  readonly namespace: string;
  readonly content: string;
  readonly objects: readonly RbacObject[];
}

/** The files of one subject at the base branch. */
export interface SubjectFiles {
  readonly files: readonly ApprovedFile[];
  /** What all of them hold. */
  readonly objects: readonly RbacObject[];
  /** Why they cannot be worked with: then they are to be left as they are. */
  readonly problem?: {
    readonly reason: 'unreadable' | 'foreign-file';
    /** One line for people, escaped. */
    readonly text: string;
  };
}

const MANIFEST = /^clusters\/([^/]+)\/(?:cluster|namespaces\/([^/]+))\/([^/]+)\/rbac\.yaml$/;

interface Found {
  readonly path: string;
  readonly content: string;
  /** `undefined` where we make no folder of that name. */
  readonly namespace: string | undefined;
}

/** What was approved, by cluster and subject. A file is read when its subject is asked for. */
export class ApprovedFiles {
  readonly #byFolder = new Map<string, Found[]>();

  constructor(base: Files) {
    for (const [path, content] of base) {
      const match = MANIFEST.exec(path);
      if (match === null) continue;
      const [, cluster = '', folder, subject = ''] = match;
      const namespace = folder === undefined ? '' : namespaceOf(folder);
      const found = this.#byFolder.get(`${cluster}/${subject}`);
      if (found === undefined) this.#byFolder.set(`${cluster}/${subject}`, [{ path, content, namespace }]);
      else found.push({ path, content, namespace });
    }
  }

  /** The files of a subject: all that stand in its folders, whoever wrote them. */
  of(cluster: string, subject: Subject): SubjectFiles {
    return readFiles(this.#byFolder.get(`${clusterFolder(cluster)}/${subjectFolder(subject)}`) ?? []);
  }

  /** How many subjects of a cluster have files and are none of the given ones. */
  countOthers(cluster: string, subjects: Iterable<Subject>): number {
    const folder = clusterFolder(cluster);
    const known = new Set([...subjects].map((subject) => `${folder}/${subjectFolder(subject)}`));
    return [...this.#byFolder.keys()].filter((key) => key.startsWith(`${folder}/`) && !known.has(key)).length;
  }
}

/** The namespace of a folder; `undefined` where we make no folder of that name. */
function namespaceOf(folder: string): string | undefined {
  try {
    const namespace = decodeURIComponent(folder);
    return namespaceFolder(namespace) === folder ? namespace : undefined;
  } catch {
    return undefined;
  }
}

function readFiles(found: readonly Found[]): SubjectFiles {
  const files: ApprovedFile[] = [];
  let problem: SubjectFiles['problem'];
  for (const { path, content, namespace } of [...found].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (namespace === undefined || !isGenerated(path, content)) {
      const text = `${quoted(path)} is not written by leastwise: it is left alone, and so are its subject's other files`;
      problem ??= { reason: 'foreign-file', text };
      continue;
    }
    const { objects, ignored, problems } = parseManifests(content, path, { namespace });
    const wrong =
      problems[0] ??
      (ignored > 0
        ? { line: 1, detail: 'it holds objects that are not of RBAC' }
        : objects.some((object) => placeOf(object) !== namespace)
          ? { line: 1, detail: 'it holds an object that belongs elsewhere' }
          : undefined);
    if (wrong !== undefined) {
      const text = `${quoted(path)}:${wrong.line}: ${wrong.detail}; its subject's files are left alone until that is mended`;
      problem ??= { reason: 'unreadable', text };
      continue;
    }
    files.push({ path, namespace, content, objects });
  }
  const objects = files.flatMap((file) => file.objects);
  return { files, objects, ...(problem === undefined ? {} : { problem }) };
}

/** The namespace whose file an object stands in; `''` for the cluster's. */
export function placeOf({ kind, metadata }: RbacObject): string {
  return kind === 'Role' || kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
}
