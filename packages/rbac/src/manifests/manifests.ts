import { Collector, type Located, type Reader } from './collector.ts';
import { isTemplate, jsonDocument, yamlDocuments } from './documents.ts';
import { RBAC_GROUP, RBAC_KINDS, readObject } from './objects.ts';
import type { ManifestProblem } from './problem.ts';
import type { RbacObject } from '../types.ts';
import {
  isServiceAccount,
  readServiceAccount,
  readWorkload,
  type ServiceAccountManifest,
  type WorkloadManifest,
  workloadKind,
} from './workloads.ts';

/** What a file of manifests holds of RBAC. */
export interface Manifests {
  readonly objects: RbacObject[];
  /** Objects of other kinds. */
  readonly ignored: number;
  /** Objects with a problem are left out, but for service accounts without a namespace, who are bound to nothing. */
  readonly problems: ManifestProblem[];
}

/** Objects of a file, each with its line. */
export interface LocatedManifests {
  readonly objects: readonly Located<RbacObject>[];
  readonly workloads: readonly Located<WorkloadManifest>[];
  readonly serviceAccounts: readonly Located<ServiceAccountManifest>[];
  /** Objects of other kinds. */
  readonly ignored: number;
  /** As in {@link Manifests}. */
  readonly problems: readonly ManifestProblem[];
}

function isRbac(apiVersion: string): boolean {
  return apiVersion.startsWith(`${RBAC_GROUP}/`);
}

const RBAC_READER: Reader<RbacObject> = {
  isRelevant: (_, apiVersion) => isRbac(apiVersion),
  read: (shape, { kind }, fields, context) => {
    const known = RBAC_KINDS.find((each) => each === kind);
    return known === undefined ? undefined : readObject(shape, known, fields, context);
  },
};

/** RBAC, and who runs with it. */
const READER: Reader<RbacObject | WorkloadManifest | ServiceAccountManifest> = {
  isRelevant: (kind, apiVersion) => {
    const single = kind.replace(/List$/, '');
    return (
      isRbac(apiVersion) ||
      isServiceAccount(single, apiVersion) ||
      workloadKind(single, apiVersion) !== undefined
    );
  },
  read: (shape, type, fields, context) => {
    if (isServiceAccount(type.kind, type.apiVersion)) return readServiceAccount(shape, fields, context);
    const workload = workloadKind(type.kind, type.apiVersion);
    if (workload !== undefined) return readWorkload(shape, workload, fields, context);
    return RBAC_READER.read(shape, type, fields, context);
  },
};

function collect<T>(text: string, file: string, reader: Reader<T>, namespace: string): Collector<T> {
  const json = jsonDocument(text);
  if (json) {
    const collector = new Collector(file, reader, { isTemplated: false, namespace });
    collector.document(json);
    // With problems the file is read once more, as YAML, which also sees what JSON passes over.
    if (collector.problems.length === 0) return collector;
  }
  const collector = new Collector(file, reader, { isTemplated: isTemplate(text), namespace });
  for (const document of yamlDocuments(text)) {
    if ('read' in document) collector.document(document);
    else collector.problem(document.line, 'unreadable', document.detail);
  }
  return collector;
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
  const { found, ignored, problems } = collect(text, file, RBAC_READER, namespace);
  return { objects: found.map(({ value }) => value), ignored, problems };
}

/**
 * Reads the RBAC objects of a file like {@link parseManifests}, each with its line, and besides them the service
 * accounts and the workloads that run as them: Pods, ReplicationControllers, Deployments, StatefulSets, DaemonSets,
 * ReplicaSets, Jobs and CronJobs.
 * @param text - untrusted; reading takes time linear in its length, and so does asking for all lines
 * @param file - for the problems only
 */
export function locateManifests(
  text: string,
  file: string,
  { namespace = 'default' } = {},
): LocatedManifests {
  const { found, ignored, problems } = collect(text, file, READER, namespace);
  const objects: Located<RbacObject>[] = [];
  const workloads: Located<WorkloadManifest>[] = [];
  const serviceAccounts: Located<ServiceAccountManifest>[] = [];
  for (const { value, line } of found) {
    if ('apiVersion' in value) objects.push({ value, line });
    else if ('serviceAccountName' in value) workloads.push({ value, line });
    else serviceAccounts.push({ value, line });
  }
  return { objects, workloads, serviceAccounts, ignored, problems };
}
