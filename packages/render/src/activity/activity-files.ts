import type { ActivityReport } from '@leastwise/activity';

import { clusterFolder } from '../folders.ts';
import { MARKDOWN_NOTICE } from '../generated.ts';
import { renderActivityHtml } from './activity-html.ts';

const DAY_MS = 86_400_000;
const DAY_FILE = /\/(\d{4})\/(\d{2})\/(\d{2})\.md$/;

/** The folder of a cluster's reports of activity. */
export function activityFolder(cluster: string): string {
  return `reports/${clusterFolder(cluster)}/kubectl`;
}

/** The file of a day's report. @param day - UTC days since 1970-01-01 */
export function activityDayPath(cluster: string, day: number): string {
  const [year = '', month = '', date = ''] = new Date(day * DAY_MS).toISOString().slice(0, 10).split('-');
  return `${activityFolder(cluster)}/${year}/${month}/${date}.md`;
}

/** The day whose report a file is; `undefined` for any other file. */
export function readActivityDayPath(cluster: string, path: string): number | undefined {
  if (!path.startsWith(`${activityFolder(cluster)}/`)) return undefined;
  const [, year, month, date] = DAY_FILE.exec(path) ?? [];
  const day = Date.UTC(Number(year), Number(month) - 1, Number(date)) / DAY_MS;
  return Number.isInteger(day) && activityDayPath(cluster, day) === path ? day : undefined;
}

/** The file of the newest days, for people who would rather look. */
export function activityIndexPath(cluster: string): string {
  return `${activityFolder(cluster)}/index.html`;
}

/** The page of a report as a file of a repository: it says first that it was generated. */
export function renderActivityIndex(report: ActivityReport): string {
  return `${MARKDOWN_NOTICE}\n${renderActivityHtml(report)}`;
}
