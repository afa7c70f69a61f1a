import { attribute, createAttributeContext, RecordReader } from '@leastwise/audit-event';
import {
  ActivityReportBuilder,
  activityReport,
  type ActivityState,
  createCalendar,
  dayFindings,
  detectedIn,
  Detecting,
  KEPT_DETECTIONS,
  talliesOf,
} from '@leastwise/activity';
import { type ClusterState, firstDaysIn } from '@leastwise/rbac';
import { renderActivityHtml, renderActivityMarkdown } from '@leastwise/render';
import { plainTold } from '@leastwise/state/conformance';
import { FingerprintSet, Gathering, openEmbeddedStore, type SubjectStore } from '@leastwise/state';

/** What a store holds, in a form that can be compared. */
export interface Evidence {
  readonly clusters: readonly ClusterState[];
  readonly windows: readonly unknown[];
  /** Of each cluster, what a report of its activity says, with what detections found, as Markdown and as a page. */
  readonly reports: readonly string[];
}

function plain(activity: readonly ActivityState[]): unknown[] {
  return activity.map(({ cluster, windows }) => [
    cluster,
    [...windows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, window]) => [key, [...talliesOf(window)].sort()]),
  ]);
}

/** Everything that a store knows. */
export async function evidenceIn(store: Pick<SubjectStore, 'read' | 'activity'>): Promise<Evidence> {
  const activity = await store.activity();
  const clusters = await store.read();
  const reports = activity.flatMap(({ cluster, days }) => {
    const known = clusters.find((each) => each.cluster === cluster);
    const { findings } = dayFindings(days.values(), firstDaysIn(known ?? { subjects: new Map() }));
    const report = activityReport(days.values(), { cluster }, { detected: detectedIn(findings, {}) });
    return [renderActivityMarkdown(report), renderActivityHtml(report)];
  });
  return { clusters, windows: [...plain(activity), ...plainTold(activity)], reports };
}

/** What one clean reading of the distinct lines gives. */
export async function embedded(lines: readonly string[]): Promise<Evidence> {
  await using store = await openEmbeddedStore();
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { hasWindows: true, observe: { deniedAs: 'denied' } });
  const reader = new RecordReader({
    event: (event) => gathering.add(event, 'default'),
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  reader.end();
  await store.applyBatch({ claim, from: '', to: '1', deltas: gathering.take() });
  return await evidenceIn(store);
}

/** The key that a shipper gives a line. */
export function auditIDOf(line: string): string {
  return /"auditID":"([^"]*)"/.exec(line)?.[1] ?? '';
}

/** The reports of {@link Evidence}, made of the lines themselves as the command line makes them. */
export function reportsOfLog(lines: readonly string[], cluster = 'default'): readonly string[] {
  const builder = new ActivityReportBuilder({ cluster, seen: new FingerprintSet() });
  const calendar = createCalendar('UTC');
  if (calendar === undefined) throw new Error('UTC is not known');
  // Different texts are counted by windows alone, which a state does not keep.
  const hash = (): { hi: number; lo: number } => ({ hi: 0, lo: 0 });
  const detecting = new Detecting({ calendar, hash, seen: new FingerprintSet() });
  const context = createAttributeContext({ keyHex: '0123456789abcdef' });
  const reader = new RecordReader({
    event: (event) => {
      const attribution = attribute(event, cluster, context);
      builder.add(event, attribution);
      detecting.add(event, attribution);
    },
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  reader.end();
  const kept = new Set(KEPT_DETECTIONS.map(({ id }) => id));
  const findings = detecting.detections().findings.filter(({ id }) => kept.has(id));
  const report = builder.build(detectedIn(findings, {}));
  return [renderActivityMarkdown(report), renderActivityHtml(report)];
}
