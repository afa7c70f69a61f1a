import { attribute, createAttributeContext, RecordReader } from '@leastwise/audit-event';
import { ActivityReportBuilder, activityReport, type ActivityState, talliesOf } from '@leastwise/activity';
import type { ClusterState } from '@leastwise/rbac';
import { renderActivityHtml, renderActivityMarkdown } from '@leastwise/render';
import { FingerprintSet, Gathering, openEmbeddedStore, type SubjectStore } from '@leastwise/state';

/** What a store holds, in a form that can be compared. */
export interface Evidence {
  readonly clusters: readonly ClusterState[];
  readonly windows: readonly unknown[];
  /** Of each cluster, what a report of its activity says, as Markdown and as a page. */
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
  const reports = activity.flatMap(({ cluster, days }) => {
    const report = activityReport(days.values(), { cluster });
    return [renderActivityMarkdown(report), renderActivityHtml(report)];
  });
  return { clusters: await store.read(), windows: plain(activity), reports };
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
  const context = createAttributeContext({ keyHex: '0123456789abcdef' });
  const reader = new RecordReader({
    event: (event) => {
      builder.add(event, attribute(event, cluster, context));
    },
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  reader.end();
  const report = builder.build();
  return [renderActivityMarkdown(report), renderActivityHtml(report)];
}
