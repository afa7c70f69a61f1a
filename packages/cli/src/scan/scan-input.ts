import type {
  AuditedObject,
  AuditedServiceAccount,
  AuditedWorkload,
  AuditInput,
  KnownThings,
  Origin,
} from '@leastwise/findings';
import { type Located, type LocatedManifests, locateManifests, type ManifestProblem } from '@leastwise/rbac';

import type { ManifestFile } from './manifest-files.ts';

/** What a set of manifests says that is of use to an audit. */
export interface ManifestSet {
  readonly objects: readonly AuditedObject[];
  readonly workloads: readonly AuditedWorkload[];
  readonly serviceAccounts: readonly AuditedServiceAccount[];
  /** How many files hold manifests, RBAC or not. */
  readonly files: number;
  /** Files without anything that could be an object of Kubernetes, such as the values of a chart. */
  readonly foreign: readonly string[];
  /** `file:line: reason`, for people. */
  readonly problems: readonly string[];
}

/**
 * Whether nothing in a file has a kind and an apiVersion: the API server would take none of it, so it can hide nothing.
 * A file that has manifests too is held to be broken.
 */
function isForeign(manifests: LocatedManifests): boolean {
  const { objects, workloads, serviceAccounts, ignored, problems } = manifests;
  return (
    objects.length + workloads.length + serviceAccounts.length + ignored === 0 &&
    problems.every(({ reason }) => reason === 'not-an-object')
  );
}

/** What the API server takes is no problem here, and has a check of its own. */
function isProblem({ reason }: ManifestProblem): boolean {
  return reason !== 'no-namespace';
}

/**
 * Reads the RBAC objects, service accounts and workloads of files. Those that say no namespace are of `namespace`; with
 * `hasOrigins` each says where it stands.
 */
export function readManifestSet(
  files: readonly ManifestFile[],
  options: { readonly namespace: string; readonly hasOrigins: boolean },
): ManifestSet {
  const objects: AuditedObject[] = [];
  const workloads: AuditedWorkload[] = [];
  const serviceAccounts: AuditedServiceAccount[] = [];
  const foreign: string[] = [];
  const problems: string[] = [];
  let count = 0;
  for (const { name, text } of files) {
    const read = locateManifests(text, name, options);
    if (isForeign(read)) {
      // An empty file is nothing to tell of: templates render to many.
      if (read.problems.length > 0) foreign.push(name);
      continue;
    }
    count += 1;
    const origin = ({ line }: Located<unknown>): { readonly origin?: Origin } =>
      options.hasOrigins ? { origin: { file: name, line: line() } } : {};
    for (const each of read.objects) objects.push({ object: each.value, ...origin(each) });
    for (const each of read.workloads) workloads.push({ ...each.value, ...origin(each) });
    for (const each of read.serviceAccounts) serviceAccounts.push({ ...each.value, ...origin(each) });
    for (const each of read.problems) {
      if (isProblem(each)) problems.push(`${each.file}:${String(each.line)}: ${each.reason}: ${each.detail}`);
    }
  }
  return { objects, workloads, serviceAccounts, files: count, foreign, problems };
}

function objectKey({ object: { kind, metadata } }: AuditedObject): string {
  return JSON.stringify([kind, metadata.namespace ?? '', metadata.name]);
}

function accountKey({ namespace, name }: AuditedServiceAccount): string {
  return JSON.stringify([namespace, name]);
}

/** What is in the cluster and would stay as it is when the input is applied. */
function unchanged<T>(live: readonly T[], input: readonly T[], keyOf: (each: T) => string): T[] {
  const changed = new Set(input.map(keyOf));
  return live.filter((each) => !changed.has(keyOf(each)));
}

/** Only a cluster can say which service accounts there are; a snapshot without any was taken without them. */
function knownThings(snapshot: ManifestSet, accounts: readonly AuditedServiceAccount[]): KnownThings {
  return snapshot.serviceAccounts.length === 0 ? {} : { serviceAccounts: accounts };
}

/**
 * What an audit looks at: the input is judged as if it were applied to the cluster of the snapshot, where it takes the
 * place of what is called the same.
 */
export function auditInputOf(
  input: ManifestSet,
  snapshot: ManifestSet,
): Pick<AuditInput, 'objects' | 'context' | 'known' | 'serviceAccounts' | 'workloads'> {
  const others = unchanged(snapshot.serviceAccounts, input.serviceAccounts, accountKey);
  const serviceAccounts = [...input.serviceAccounts, ...others];
  return {
    objects: input.objects,
    context: unchanged(snapshot.objects, input.objects, objectKey),
    known: knownThings(snapshot, serviceAccounts),
    serviceAccounts,
    workloads: input.workloads,
  };
}
