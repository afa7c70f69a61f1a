import { createHash } from 'node:crypto';

import { canonicalJson, entriesOf, listAt, textAt, valueAt } from '../json-value.ts';
import { KubeError } from '../kube-error.ts';
import type { Cluster } from '../request.ts';
import type { Waiting } from '../waiting.ts';
import { forEachListed } from '../watch/list-objects.ts';
import { MANAGED_BY, MANAGED_BY_LABEL, REPORT_API, type SubjectPolicyReport } from './types.ts';

/** A condition with the time since when it is so. */
export interface StandingCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
}

/** A report of ours in the cluster, as far as it is compared. */
export interface ExistingReport {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly cluster: string;
  /** Of labels and spec, and of the status without its conditions' times. */
  readonly specDigest: string;
  readonly statusDigest: string;
  readonly conditions: readonly StandingCondition[];
}

const PAGE_SIZE = 50;
/** How often a list is begun again after it expired between two pages. */
const MAX_LISTS = 3;

/** A report's place in the cluster as one text. */
export function placeOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** The path of a namespace's reports, or of one. */
export function reportPath(namespace: string, name: string): string {
  const { group, version, plural } = REPORT_API;
  return `/apis/${group}/${version}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** What is compared of labels and spec. Labels of others do not count. */
export function specDigest(report: { readonly metadata: unknown; readonly spec: unknown }): string {
  return digestOf([valueAt(report.metadata, 'labels', MANAGED_BY_LABEL), report.spec]);
}

/** What is compared of a status: all of it, but other writers' conditions and the times of ours. */
export function statusDigest(status: unknown): string {
  const conditions = listAt(status, 'conditions')
    .filter((each) => textAt(each, 'type') === 'Complete')
    .map((each) => entriesOf(each).filter(([field]) => field !== 'lastTransitionTime'))
    .map((fields) => Object.fromEntries(fields));
  return digestOf([
    entriesOf(status)
      .filter(([field]) => field !== 'conditions')
      .sort(byField),
    conditions,
  ]);
}

function byField([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function existingOf(item: unknown): ExistingReport {
  return {
    namespace: textAt(item, 'metadata', 'namespace'),
    name: textAt(item, 'metadata', 'name'),
    uid: textAt(item, 'metadata', 'uid'),
    resourceVersion: textAt(item, 'metadata', 'resourceVersion'),
    cluster: textAt(item, 'spec', 'cluster'),
    specDigest: specDigest({ metadata: valueAt(item, 'metadata'), spec: valueAt(item, 'spec') }),
    statusDigest: statusDigest(valueAt(item, 'status')),
    conditions: listAt(item, 'status', 'conditions').map((each) => ({
      type: textAt(each, 'type'),
      status: textAt(each, 'status'),
      lastTransitionTime: textAt(each, 'lastTransitionTime'),
    })),
  };
}

/** Where reports are listed. */
export const REPORTS_PATH = `/apis/${REPORT_API.group}/${REPORT_API.version}/${REPORT_API.plural}`;

const LIST = {
  path: REPORTS_PATH,
  query: { labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}` },
};

/** All pages of one list; only digests stay in memory. */
async function listOnce(cluster: Cluster, waiting: Waiting): Promise<Map<string, ExistingReport>> {
  const found = new Map<string, ExistingReport>();
  await forEachListed(cluster, LIST, { limit: PAGE_SIZE, waiting }, (item) => {
    const report = existingOf(item);
    found.set(placeOf(report), report);
  });
  return found;
}

function explained(error: KubeError): KubeError {
  if (error.failure !== 'not-installed') return error;
  const message = `${error.message}: the cluster has no SubjectPolicyReports: apply deploy/crds/subjectpolicyreports.yaml`;
  return new KubeError('not-installed', message, error.status);
}

/**
 * All reports of ours in a cluster, by place. A list that expired between two pages (410) is begun again.
 * @throws KubeError where they cannot all be read: a part of them would make the rest look gone
 */
export async function existingReports(
  cluster: Cluster,
  waiting: Waiting,
): Promise<ReadonlyMap<string, ExistingReport>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listOnce(cluster, waiting);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status !== 410 || attempt === MAX_LISTS) throw explained(error);
    }
  }
}

/** Which parts of a report differ from what is there: labels and spec, or the status. */
export function differencesOf(
  wanted: SubjectPolicyReport,
  existing: ExistingReport | undefined,
): { readonly spec: boolean; readonly status: boolean } {
  return {
    spec: existing?.specDigest !== specDigest(wanted),
    status: existing?.statusDigest !== statusDigest(wanted.status),
  };
}
