import { hostname } from 'node:os';

import { type Calendar, createCalendar, settingsWithSystem } from '@leastwise/activity';

import type { AggregatorConfig } from '../config.ts';
import { UnusableConfigError } from '../connections.ts';
import type { AlertingOptions } from './alerting.ts';

const TIMEOUT_MS = 10_000;

/** The calendar that windows are judged by. @throws UnusableConfigError where the time zone is not known */
export function calendarOf({ alerts }: AggregatorConfig): Calendar {
  const calendar = createCalendar(alerts.timeZone);
  if (calendar === undefined)
    throw new UnusableConfigError(`alerts.timeZone: ${alerts.timeZone} is not known`);
  return calendar;
}

/** How alerts are looked for, as configured. @throws UnusableConfigError */
export function alertingOptions(config: AggregatorConfig): AlertingOptions {
  const { alertmanagers, topic, generatorUrl, every, lease } = config.alerts;
  return {
    prefix: config.redis.prefix,
    owner: `${hostname()} ${String(process.pid)}`,
    alertmanagers: alertmanagers.map(({ url, tokenFile }) => ({ url, tokenFile, timeoutMs: TIMEOUT_MS })),
    topic,
    links: { generatorUrl },
    calendar: calendarOf(config),
    settings: settingsWithSystem(config.detections.systemIdentities),
    everyMs: every,
    leaseMs: lease,
    outageMs: config.outage,
  };
}
