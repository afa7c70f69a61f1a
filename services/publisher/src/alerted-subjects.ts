import {
  decodeAlert,
  type DetectionFinding,
  findingOf,
  isAlertField,
  type WindowFindingKind,
} from '@leastwise/activity';
import { subjectKey } from '@leastwise/audit-event';
import type { AlertMemory } from '@leastwise/state-redis';

/** By cluster, keys of subjects. */
export type SubjectsByCluster = ReadonlyMap<string, ReadonlySet<string>>;

/** What aggregators remember of their alerts, by cluster, read at one moment. */
export type RememberedAlerts = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** Reads all of it. @throws StoreConnectionError */
export async function readAlerts(memory: Pick<AlertMemory, 'clusters' | 'read'>): Promise<RememberedAlerts> {
  const alerts = new Map<string, ReadonlyMap<string, Buffer>>();
  for (const cluster of await memory.clusters()) alerts.set(cluster, await memory.read(cluster));
  return alerts;
}

/**
 * What is merely new is what additions are made of, and what single requests are told of is somebody's daily work: who works
 * as an administrator would be granted nothing ever.
 */
const HOLDING: readonly WindowFindingKind[] = ['spike', 'hours', 'refused'];

/**
 * Whom aggregators have told an alert of lately: what such a subject did is not to be granted before somebody has looked
 * at it.
 * @param sinceUs - only alerts whose window ended after that time, in microseconds
 */
export function alertedSubjects(alerts: RememberedAlerts, sinceUs: number): SubjectsByCluster {
  const held = new Map<string, ReadonlySet<string>>();
  for (const [cluster, fields] of alerts) {
    const subjects = new Set<string>();
    for (const [field, value] of fields) {
      const alert = isAlertField(field) ? decodeAlert(value) : undefined;
      if (alert === undefined || !HOLDING.includes(alert.kind)) continue;
      if (alert.endUs > sinceUs) subjects.add(subjectKey(alert.subject));
    }
    if (subjects.size > 0) held.set(cluster, subjects);
  }
  return held;
}

/** By cluster, what detections of the stream found. */
export type FindingsByCluster = ReadonlyMap<string, readonly DetectionFinding[]>;

/** What aggregators have found lately: all alerts that are remembered, told or not. */
export function alertFindings(remembered: RememberedAlerts): FindingsByCluster {
  const findings = new Map<string, readonly DetectionFinding[]>();
  for (const [cluster, fields] of remembered) {
    const alerts = [...fields]
      .filter(([field]) => isAlertField(field))
      // The same in any order of the fields.
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, value]) => decodeAlert(value) ?? []);
    const sorted = alerts.sort((a, b) => a.startUs - b.startUs || (a.id < b.id ? -1 : Number(a.id > b.id)));
    findings.set(cluster, sorted.map(findingOf));
  }
  return findings;
}
