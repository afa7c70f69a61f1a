import { readFile } from 'node:fs/promises';

import { type Alert, firesUntilUs } from '@leastwise/activity';
import { usernameOf } from '@leastwise/audit-event';
import { escapeTerminal } from '@leastwise/render';

/** Where alerts are sent. */
export interface AlertmanagerTarget {
  /** Of an Alertmanager, without its path: `http://alertmanager:9093`. */
  readonly url: string;
  /** A file with a bearer token, read anew for every request. */
  readonly tokenFile: string | undefined;
  readonly timeoutMs: number;
}

/** What people read besides the alert itself. */
export interface AlertLinks {
  /** A page about the cluster's activity, such as a dashboard; `{cluster}` in it stands for the cluster's name. */
  readonly generatorUrl: string | undefined;
}

/** An alert as Alertmanager takes it. @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

/** An Alertmanager that did not take alerts. */
export class AlertmanagerError extends Error {
  override readonly name = 'AlertmanagerError';
}

const NAMES = {
  spike: 'LeastwiseSpike',
  hours: 'LeastwiseUnusualHour',
  first: 'LeastwiseFirstUse',
  refused: 'LeastwiseRefusedBurst',
  event: 'LeastwiseDetection',
} as const;

/** As the rules of Prometheus that come with Leastwise have them. */
const SEVERITIES = { CRITICAL: 'critical', HIGH: 'critical', MEDIUM: 'warning', LOW: 'info' } as const;
const MAX_ANSWER = 300;

/**
 * An alert for Alertmanager. Its labels are the same for as long as the same goes on, so that it is one alert there; it ends
 * by itself when it has not been seen for an hour.
 */
export function postableAlert(alert: Alert, { generatorUrl }: AlertLinks): PostableAlert {
  const { cluster, id, kind, severity, subject, about, says, startUs } = alert;
  const labels = {
    alertname: NAMES[kind],
    cluster: escapeTerminal(cluster),
    detection: id,
    severity: SEVERITIES[severity],
    subject: escapeTerminal(usernameOf(subject)),
    ...(about === '' ? {} : { about }),
  };
  return {
    labels,
    annotations: { summary: escapeTerminal(says) },
    startsAt: new Date(startUs / 1000).toISOString(),
    endsAt: new Date(firesUntilUs(alert) / 1000).toISOString(),
    ...(generatorUrl === undefined
      ? {}
      : { generatorURL: generatorUrl.replaceAll('{cluster}', encodeURIComponent(escapeTerminal(cluster))) }),
  };
}

/** Sends alerts. @throws AlertmanagerError */
export async function sendAlerts(
  target: AlertmanagerTarget,
  alerts: readonly PostableAlert[],
): Promise<void> {
  const { url, tokenFile, timeoutMs } = target;
  try {
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
    const response = await fetch(new URL('api/v2/alerts', url.endsWith('/') ? url : `${url}/`), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(alerts),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = await response.text();
    if (!response.ok) throw new AlertmanagerError(`${response.status} ${answer.slice(0, MAX_ANSWER)}`);
  } catch (error) {
    if (error instanceof AlertmanagerError) throw error;
    // fetch says what went wrong in the cause of its error.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new AlertmanagerError(cause instanceof Error ? cause.message : String(cause), { cause: error });
  }
}
