import { redactCommand } from './redact.ts';

/** What the query of a request tells of the command behind it. Self-reported like the user agent, and bounded. */
export interface QueryHints {
  /** `kubectl-edit`, `kubectl-client-side-apply`, …: what the client says it is; `''` where it says nothing. */
  readonly fieldManager: string;
  /** Server-side apply says `true` or `false`; `''` for other patches. */
  readonly force: string;
  readonly isDryRun: boolean;
  readonly isWatch: boolean;
  /** The next page of a list. */
  readonly isContinued: boolean;
  readonly hasLabelSelector: boolean;
  /** Of a list of events: which object they are to be about; `''` where the list is no such one. */
  readonly involvedName: string;
  /** Of a list of pods: on which node; `''` where the list is no such one. */
  readonly nodeName: string;
  /** Of logs and exec. */
  readonly container: string;
  readonly isFollowing: boolean;
  readonly isPrevious: boolean;
  readonly hasStdin: boolean;
  readonly hasTerminal: boolean;
  /** What exec is to run, its secrets redacted; empty where it is no exec. */
  readonly command: readonly string[];
}

/** Much longer than what kubectl sends; `exec` has its whole command here. */
const MAX_QUERY = 16_384;
const MAX_HINT = 253;

/** Reads the query of a request URI as it was logged. What is wrong in it reads as absent. */
export function queryHintsOf(requestURI: string): QueryHints {
  const start = requestURI.indexOf('?');
  const query = new URLSearchParams(start < 0 ? '' : requestURI.slice(start + 1, start + 1 + MAX_QUERY));
  const text = (key: string): string => (query.get(key) ?? '').slice(0, MAX_HINT);
  const isTrue = (key: string): boolean => query.get(key) === 'true' || query.get(key) === '1';
  const fields = fieldsOf(text('fieldSelector'));
  return {
    fieldManager: text('fieldManager'),
    force: text('force'),
    isDryRun: query.has('dryRun'),
    isWatch: isTrue('watch'),
    isContinued: query.has('continue'),
    hasLabelSelector: query.has('labelSelector'),
    involvedName: fields.get('involvedObject.name') ?? fields.get('regarding.name') ?? '',
    nodeName: fields.get('spec.nodeName') ?? '',
    container: text('container'),
    isFollowing: isTrue('follow'),
    isPrevious: isTrue('previous'),
    hasStdin: isTrue('stdin'),
    hasTerminal: isTrue('tty'),
    command: redactCommand(query.getAll('command')),
  };
}

/** `a=1,b=2`; terms with another operator are left out. */
function fieldsOf(selector: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const term of selector.split(',')) {
    const at = term.indexOf('=');
    if (at > 0) fields.set(term.slice(0, at), term.slice(at + 1).replace(/^=/, ''));
  }
  return fields;
}
