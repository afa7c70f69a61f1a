import { describeCell } from '@leastwise/rbac';

import { isRefused, type LoggedRequest, neededCells } from './audit.ts';
import type { Rendered } from './rendered.ts';

/** What the replay shows of one subject. */
export interface Row {
  recorded: number;
  /** Succeeded in the recording, refused in the replay, and no comment of the policy says so. */
  readonly refused: string[];
  /** Succeeded in the recording, refused in the replay, and named by the policy. */
  readonly named: string[];
  /** Refused in the recording, and not in the replay. */
  readonly wronglyGranted: string[];
}

const VOLATILE = [
  'resourceVersion',
  'resourceVersionMatch',
  'timeout',
  'timeoutSeconds',
  'allowWatchBookmarks',
];

/** What a client asked for, without what differs from run to run. */
function keyOf({ last }: LoggedRequest): string {
  // The workload numbers its own requests.
  if (last.auditID.startsWith('step-')) return last.auditID;
  const url = new URL(last.requestURI, 'https://kubernetes.default.svc');
  for (const name of VOLATILE) url.searchParams.delete(name);
  // kubectl puts its terms in any order, and uids are drawn by the API server.
  const terms = url.searchParams.get('fieldSelector')?.split(',').sort().join(',');
  if (terms !== undefined) url.searchParams.set('fieldSelector', terms);
  const query = url.search.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID');
  return `${last.user.username ?? ''} ${last.verb} ${url.pathname}${query}`;
}

/**
 * Whether the replay lacked a right. Some checks of the API server's own are told as 422; where the workload
 * is numbered, any failure of what had succeeded is one, since nothing else has changed.
 */
function isWorse(recorded: LoggedRequest, replayed: LoggedRequest): boolean {
  const [before = 0, after = 0] = [recorded, replayed].map(({ last }) => last.responseStatus?.code);
  const isNumbered = recorded.last.auditID.startsWith('step-');
  return isRefused(replayed) || (isNumbered && before < 400 && after >= 400);
}

/** The recorded requests of the actors, each beside itself in the replay. */
export function pairUp(
  recorded: readonly LoggedRequest[],
  replayed: readonly LoggedRequest[],
): { readonly pairs: [LoggedRequest, LoggedRequest][]; readonly missing: string[] } {
  const again = new Map<string, LoggedRequest>();
  for (const request of replayed) {
    const known = again.get(keyOf(request));
    // Of several with one key, the one that fares worst stands for all.
    if (!known || isRefused(request)) again.set(keyOf(request), request);
  }
  const pairs: [LoggedRequest, LoggedRequest][] = [];
  const missing: string[] = [];
  for (const request of recorded) {
    const { auditID, user } = request.last;
    const isActors =
      auditID.startsWith('step-') || /^(?:kate@|system:serviceaccount:dev:robot$)/.test(user.username ?? '');
    if (!isActors) continue;
    const twin = again.get(keyOf(request));
    if (twin) pairs.push([request, twin]);
    else missing.push(describeRequest(request));
  }
  return { pairs, missing };
}

/** How a request is told in messages. */
export function describeRequest({ last }: LoggedRequest): string {
  const as = last.impersonatedUser ? ` as ${last.impersonatedUser.username}` : '';
  return `${last.user.username ?? '-'}${as}: ${last.verb} ${last.requestURI} (${last.auditID})`;
}

const keysOf = (request: LoggedRequest): string[] =>
  neededCells(request).map(({ username, cell }) => `${username} ${describeCell(cell)}`);

function isNamed(request: LoggedRequest, { notes }: Rendered): boolean {
  return neededCells(request).some(({ username, cell }) => {
    const described = `  ${describeCell(cell)}`;
    return (notes.get(username) ?? []).some(
      (line) => line === described || line.startsWith(`${described}:`) || line.startsWith(`${described} (`),
    );
  });
}

/**
 * Compares a recording with its replay, request by request.
 * @param pairs - what was recorded, beside the same request in the replay
 */
export function compareRequests(
  pairs: readonly (readonly [recorded: LoggedRequest, replayed: LoggedRequest])[],
  rendered: Rendered,
): Map<string, Row> {
  const allowed = new Set(
    pairs.filter(([recorded]) => !isRefused(recorded)).flatMap(([each]) => keysOf(each)),
  );
  const rows = new Map<string, Row>();
  for (const [recorded, replayed] of pairs) {
    const username = recorded.last.user.username ?? '';
    const row = rows.get(username) ?? { recorded: 0, refused: [], named: [], wronglyGranted: [] };
    rows.set(username, row);
    row.recorded += 1;
    if (isRefused(recorded) === isWorse(recorded, replayed)) continue;
    if (isWorse(recorded, replayed)) {
      (isNamed(recorded, rendered) ? row.named : row.refused).push(describeRequest(recorded));
    } else if (!keysOf(recorded).every((key) => allowed.has(key))) {
      row.wronglyGranted.push(describeRequest(recorded));
    }
  }
  return rows;
}
