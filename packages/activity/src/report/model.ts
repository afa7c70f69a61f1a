import type { Client } from '../client/index.ts';
import type { VerbClass } from '../classes.ts';
import type { Certainty, CommandOutcome } from './commands/command.ts';

/** Requests, and how many of them the authorizer refused. */
export interface Requests {
  readonly requests: number;
  readonly refused: number;
}

/** What a cap left out of a list: counted, never dropped in silence. */
export interface More {
  readonly rows: number;
  readonly requests: number;
}

/** Who acts: a person, or a service account that used kubectl. */
export type ActorKind = 'person' | 'serviceaccount';

/** Commands that differ in the names of their objects alone. Texts are raw: whoever shows them escapes them. */
export interface CommandRow {
  /** `kubectl scale deployments.apps -n web`; for a request that no command is known for, `patch nodes`. */
  readonly text: string;
  readonly certainty: Certainty;
  readonly count: number;
  readonly refused: number;
  readonly failed: number;
  /** Of the objects, the first few in order. */
  readonly names: readonly string[];
  readonly moreNames: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

/** A list of commands with what its cap left out. */
export interface CommandRows {
  readonly rows: readonly CommandRow[];
  readonly more: number;
}

/** What one person, or a service account with kubectl, did in the period. */
export interface PersonReport extends Requests {
  readonly name: string;
  readonly kind: ActorKind;
  /** Is a member of system:masters, whom RBAC cannot refuse anything. */
  readonly isMaster: boolean;
  readonly firstUs: number;
  readonly lastUs: number;
  /** Questions of clients about what the server can do; not among the requests. */
  readonly discovery: number;
  /** By their own word, with most requests first. */
  readonly clients: readonly (Omit<Client, 'isDispatcher'> & Requests)[];
  readonly moreClients: More;
  readonly verbs: readonly ({ readonly verb: VerbClass } & Requests)[];
  /** `''` is the whole cluster: resources outside of namespaces, and all namespaces at once. */
  readonly namespaces: readonly ({ readonly namespace: string } & Requests)[];
  readonly moreNamespaces: More;
  readonly commands: CommandRows;
  /** Commands that the authorizer refused, deletions, what reached into pods, and what read secrets: parts of `commands`. */
  readonly refusedAttempts: CommandRows;
  readonly deletes: CommandRows;
  readonly execs: CommandRows;
  readonly secretReads: CommandRows;
  /** Verbs of resources that this actor was not seen to use before the period; `undefined` where nothing before it is known. */
  readonly firstSeen:
    readonly { readonly verb: string; readonly resource: string; readonly firstUs: number }[] | undefined;
  readonly moreFirstSeen: number;
  /** Requests outside of office hours and their changes; `undefined` where no office hours are given. */
  readonly offHours: (Requests & { readonly changes: number }) | undefined;
  /** Requests that were counted, and not told apart into commands, since there were too many. */
  readonly untold: number;
}

/** A change of the cluster, or several of one kind right after each other; refused ones too. */
export interface ChangeRow {
  readonly atUs: number;
  readonly lastUs: number;
  readonly who: string;
  readonly kind: ActorKind;
  /** With the object's name where it is one change. */
  readonly text: string;
  readonly certainty: Certainty;
  readonly verbClass: VerbClass;
  readonly resource: string;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly moreNames: number;
  readonly outcome: CommandOutcome;
  /** HTTP status of the first one. */
  readonly code: number;
  readonly count: number;
  /** Of the first one, by which it is found in the log. */
  readonly auditID: string;
}

/** How much something deserves a look. */
export type UnusualSeverity = 'critical' | 'high' | 'medium' | 'low';

/** What is unusual, and why in one sentence. */
export interface UnusualRow {
  readonly severity: UnusualSeverity;
  readonly atUs: number;
  /** Whom it is about; `''` where it is about nobody. */
  readonly who: string;
  readonly title: string;
  /** With numbers that a person can check. */
  readonly why: string;
  /** The detection of the catalogue that found it, `D50`; `undefined` for what the report's own numbers show. */
  readonly detection: string | undefined;
  /** The end of the window, half-open, that a detection is about, and begins at `atUs`; `undefined` without one. */
  readonly untilUs: number | undefined;
  /** How often a detection found this of the same subject, and on how many days: of one day, or of a habit. */
  readonly times: number;
  readonly days: number;
  /** A few of the requests that it is about, by which these are found in the log. */
  readonly auditIDs: readonly string[];
}

/** One day of the heat map: 24 local hours. */
export interface HeatDay {
  /** `YYYY-MM-DD` in the report's time zone. */
  readonly day: string;
  readonly requests: readonly number[];
  readonly refused: readonly number[];
}

/** Office hours: from a full hour up to before another one, Monday to Friday, in the report's time zone. */
export interface OfficeHours {
  readonly from: number;
  readonly to: number;
}

/** Who did what in one cluster and period, with which outcome. Ready to be rendered; every text in it is raw. */
export interface ActivityReport {
  readonly cluster: string;
  /** UTC days as `YYYY-MM-DD`, both included; `undefined` where nothing was seen and no period was given. */
  readonly period: { readonly from: string; readonly to: string } | undefined;
  /** Of the heat map and office hours, as it is called. */
  readonly timeZone: string;
  readonly officeHours: OfficeHours | undefined;
  readonly isPseudonymous: boolean;
  /** Clients other than kubectl are in it too. */
  readonly hasAllClients: boolean;
  readonly totals: Requests & {
    readonly people: number;
    readonly serviceAccounts: number;
    readonly commands: number;
    readonly changes: number;
    readonly deletes: number;
    readonly execs: number;
    readonly secretReads: number;
    readonly discovery: number;
  };
  /** Oldest first; at most {@link MAX_HEAT_DAYS}, the newest ones. */
  readonly heat: readonly HeatDay[];
  /** People, then service accounts; those with most requests first. */
  readonly people: readonly PersonReport[];
  /** Requests of those beyond the cap of actors. */
  readonly others: Requests;
  /** In time. */
  readonly changes: readonly ChangeRow[];
  readonly moreChanges: number;
  /** The gravest first. */
  readonly unusual: readonly UnusualRow[];
  readonly moreUnusual: number;
  /** What the report cannot know, one sentence each. */
  readonly blindSpots: readonly string[];
}

/** Days of the heat map. */
export const MAX_HEAT_DAYS = 31;
