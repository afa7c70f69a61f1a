import type { Readable } from 'node:stream';

import { type AuditEvent, RecordReader, subjectFromUsername } from '@leastwise/audit-event';
import type { AuditSource } from '@leastwise/source';
import { openFileSource } from '@leastwise/source-file';

import { counted, formatBytes } from '../progress.ts';
import { type Check, failed, ok, type Verdict, warning } from './verdict.ts';

/** So much of a log shows what it is; a whole one may take hours. */
const MAX_BYTES = 64 * 1024 * 1024;
const READING = new Set(['get', 'list', 'watch']);

interface Seen {
  bytes: number;
  events: number;
  /** Of another stage than `RequestReceived`. */
  outcomes: number;
  decisions: number;
  reads: number;
  serviceAccounts: number;
  others: number;
  bad: number;
  /** The first record that could not be read. */
  firstBad: string | undefined;
}

/** Whether files are audit logs, and whether what they lack would be missed. Reads the beginning of long ones. */
export function logCheck(file: string, stdin: Readable): Check {
  const what = `log ${file}`;
  return {
    area: 'log',
    what,
    look: async (signal) => {
      const source = await openFileSource({ inputs: [file], stdin });
      try {
        return verdictsOf(what, await readStart(source, signal));
      } finally {
        await source.close();
      }
    },
  };
}

async function readStart(source: AuditSource, signal: AbortSignal): Promise<Seen> {
  const seen: Seen = {
    ...{ bytes: 0, events: 0, outcomes: 0, decisions: 0, reads: 0, serviceAccounts: 0, others: 0, bad: 0 },
    firstBad: undefined,
  };
  let reader: RecordReader | undefined;
  for await (const { origin, bytes, endsOrigin, damage } of source.chunks(signal)) {
    seen.bytes += bytes.byteLength;
    reader ??= openReader(seen, origin);
    reader.push(bytes);
    if (endsOrigin) {
      reader.end();
      reader = undefined;
    }
    if (damage !== undefined) noteBad(seen, `${origin}: ${damage}`);
    if (seen.bytes >= MAX_BYTES) break;
  }
  return seen;
}

function openReader(seen: Seen, origin: string): RecordReader {
  return new RecordReader({
    event: (event) => {
      note(seen, event);
    },
    skipped: () => {
      seen.others += 1;
    },
    bad: (reason, line) => {
      noteBad(seen, `${origin}:${line}: ${reason}`);
    },
  });
}

function note(seen: Seen, event: AuditEvent): void {
  seen.events += 1;
  if (event.stage !== 'RequestReceived') seen.outcomes += 1;
  if (event.decision !== '') seen.decisions += 1;
  if (READING.has(event.verb)) seen.reads += 1;
  if (subjectFromUsername(event.user.username)?.kind === 'ServiceAccount') seen.serviceAccounts += 1;
}

function noteBad(seen: Seen, what: string): void {
  seen.bad += 1;
  seen.firstBad ??= what;
}

function verdictsOf(what: string, seen: Seen): Verdict[] {
  if (seen.events === 0) {
    const says =
      seen.firstBad === undefined ? 'it holds no audit event' : `it holds no audit event (${seen.firstBad})`;
    return [failed(what, says, 'Give the file that --audit-log-path of the API server names.')];
  }
  const part = seen.bytes >= MAX_BYTES ? ` in the first ${formatBytes(MAX_BYTES)}` : '';
  return [
    ok(what, `it is an audit log: ${counted(seen.events, 'event')}${part}`),
    ...badVerdicts(what, seen),
    ...gapsOf(what, seen),
  ];
}

function badVerdicts(what: string, { bad, firstBad = '' }: Seen): Verdict[] {
  if (bad === 0) return [];
  return [
    warning(
      what,
      `${counted(bad, 'record')} cannot be read, the first one at ${firstBad}`,
      'All others are used. --dead-letter FILE of generate and run keeps those that are not.',
    ),
  ];
}

/** What an audit policy that leaves out too much looks like in its log. */
function gapsOf(what: string, { outcomes, decisions, reads, serviceAccounts }: Seen): Verdict[] {
  const policy =
    'Let the audit policy log every request at level Metadata: leastwise audit-policy generate writes one.';
  return [
    ...(outcomes > 0
      ? []
      : [
          failed(
            what,
            'it has the stage RequestReceived only, which knows no outcome',
            'omitStages must not leave out ResponseComplete.',
          ),
        ]),
    ...(decisions > 0 || outcomes === 0
      ? []
      : [
          warning(
            what,
            'no event says what the authorizer decided',
            'Outcomes are told by status codes; check that nothing strips annotations.',
          ),
        ]),
    ...(reads > 0
      ? []
      : [warning(what, 'no get, list or watch is in it: policies made of it would let nobody read', policy)]),
    ...(serviceAccounts > 0
      ? []
      : [warning(what, 'no service account is in it: policies of workloads need what they do', policy)]),
  ];
}
