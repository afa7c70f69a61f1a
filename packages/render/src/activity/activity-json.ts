import type { ActivityReport, CommandRows, PersonReport } from '@leastwise/activity';

/** Raised whenever a field is renamed, removed or changes its meaning; new fields do not raise it. */
export const ACTIVITY_JSON_VERSION = 1;

function isoTime(us: number): string {
  return new Date(us / 1000).toISOString();
}

function rowsOf({ rows, more }: CommandRows): unknown {
  return {
    rows: rows.map(({ firstUs, lastUs, ...row }) => ({
      ...row,
      first: isoTime(firstUs),
      last: isoTime(lastUs),
    })),
    more,
  };
}

function personOf(person: PersonReport): unknown {
  const {
    firstUs,
    lastUs,
    firstSeen,
    offHours,
    commands,
    refusedAttempts,
    deletes,
    execs,
    secretReads,
    ...rest
  } = person;
  return {
    ...rest,
    first: isoTime(firstUs),
    last: isoTime(lastUs),
    firstSeen:
      firstSeen?.map(({ verb, resource, firstUs: us }) => ({ verb, resource, first: isoTime(us) })) ?? null,
    offHours: offHours ?? null,
    commands: rowsOf(commands),
    refusedAttempts: rowsOf(refusedAttempts),
    deletes: rowsOf(deletes),
    execs: rowsOf(execs),
    secretReads: rowsOf(secretReads),
  };
}

/** Renders a report as JSON for programs: times as ISO 8601 in UTC, what is not known as null, the same keys always. */
export function renderActivityJson(report: ActivityReport): string {
  const { period, officeHours, people, changes, unusual, ...rest } = report;
  const json = {
    version: ACTIVITY_JSON_VERSION,
    ...rest,
    period: period ?? null,
    officeHours: officeHours ?? null,
    people: people.map(personOf),
    changes: changes.map(({ atUs, lastUs, ...row }) => ({
      at: isoTime(atUs),
      last: isoTime(lastUs),
      ...row,
    })),
    unusual: unusual.map(({ atUs, untilUs, detection, ...row }) => ({
      at: isoTime(atUs),
      until: untilUs === undefined ? null : isoTime(untilUs),
      detection: detection ?? null,
      ...row,
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
