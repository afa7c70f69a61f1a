import type { VerbClass } from '../../classes.ts';
import { isChanging, type Trace } from '../../traces/trace.ts';

/**
 * How sure it is that a command was typed. `inferred`: kubectl sends such requests for this command alone, or said so;
 * `likely`: mostly for this one; `request`: nothing tells, so that the request itself is told.
 */
export type Certainty = 'inferred' | 'likely' | 'request';

/** How a command ended: refused by the authorizer, failed otherwise, or done. */
export type CommandOutcome = 'done' | 'refused' | 'failed';

/** A command that somebody ran, as far as its requests tell. */
export interface Command {
  readonly atUs: number;
  /** Of the request that the command is about. */
  readonly auditID: string;
  /** As kubectl spells it: `scale`, `rollout status`, `auth can-i`; the verb of the request where no command is known. */
  readonly verb: string;
  readonly certainty: Certainty;
  readonly verbClass: VerbClass;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** Whom it was run as (`--as`), `''` where in the own name. */
  readonly as: string;
  /** What follows the object: `--server-side`, `-c`, `nginx`, `--`, `sh`. */
  readonly words: readonly string[];
  /** Whether it changes the cluster, or reaches into what runs in it. */
  readonly isChange: boolean;
  readonly outcome: CommandOutcome;
  readonly code: number;
  /** How many requests it was made of. */
  readonly requests: number;
}

/** What a rule says of a request: the command, and which requests around it belong to it. */
export interface Draft {
  readonly verb: string;
  readonly certainty?: Certainty;
  /** Where it is not the request's own. */
  readonly resource?: string;
  readonly words?: readonly string[];
  /** Whether a request before this one belongs to the command. */
  readonly before?: (other: Trace) => boolean;
  /** How long before; a second and a half where it is not said. Only the nearest one where it is. */
  readonly beforeUs?: number;
  /** Whether a request after this one belongs to it. */
  readonly after?: (other: Trace) => boolean;
  /** How long after; ten seconds where it is not said. */
  readonly afterUs?: number;
  /** What ends the command: no request from there on belongs to it. Where it is not said, the start of the next one. */
  readonly until?: (other: Trace) => boolean;
}

/** Requests around one, in time, that belong to no command yet. */
export interface Near {
  before(isWanted: (other: Trace) => boolean): Trace | undefined;
  after(isWanted: (other: Trace) => boolean): Trace | undefined;
}

/** Tells which command a request is of; `undefined` where the rule does not know. */
export type Rule = (trace: Trace, near: Near) => Draft | undefined;

function outcomeOf({ outcome, code }: Trace): CommandOutcome {
  if (outcome === 'denied') return 'refused';
  return code >= 400 ? 'failed' : 'done';
}

/** The command that a draft makes of its request. */
export function commandOf(trace: Trace, draft: Draft, requests: number): Command {
  const dryRun = trace.hints.isDryRun && draft.certainty !== 'request' ? ['--dry-run=server'] : [];
  return {
    atUs: trace.atUs,
    auditID: trace.auditID,
    verb: draft.verb,
    certainty: draft.certainty ?? 'inferred',
    verbClass: trace.verbClass,
    resource: draft.resource ?? trace.resource,
    namespace: trace.namespace,
    name: trace.name,
    as: trace.as,
    words: [...dryRun, ...(draft.words ?? [])],
    isChange: isChanging(trace),
    outcome: outcomeOf(trace),
    code: trace.code,
    requests,
  };
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./[\]…-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A command on one line: `kubectl scale deployments.apps/app1 -n web`, or for a request that no command is known for,
 * `patch nodes/node-1`. Raw: escape it where it is shown.
 * @param isNamed - false leaves the object's name out, for commands that are counted together
 */
export function commandText(command: Command, isNamed = true): string {
  const { verb, certainty, resource, namespace, name, as, words } = command;
  const object = isNamed && name !== '' ? `${resource}/${name}` : resource;
  const isNamespaced = namespace !== '' && resource !== 'namespaces';
  return [
    ...(certainty === 'request' ? [] : ['kubectl']),
    verb,
    ...(object === '' ? [] : [quoted(object)]),
    ...(isNamespaced ? ['-n', quoted(namespace)] : []),
    ...(as === '' ? [] : ['--as', quoted(as)]),
    ...words.map(quoted),
  ].join(' ');
}
