import { cellsOf, type Discovery, isCovered } from './cells.ts';
import { type Decisions, userOf } from './decisions.ts';
import { type Rights, shortName } from './rights.ts';

/** One controller, compared. */
export interface Row {
  readonly controller: string;
  /** Permissions of the hand-written roles. */
  readonly handWritten: number;
  /** Permissions of the generated ones, and of what was granted by hand beside them. */
  readonly ours: number;
  /** Those of `ours` that the hand-written roles do not give: what widening added. */
  readonly beyond: readonly string[];
  /** Kinds of requests that were allowed in the recording and refused under our policies. */
  readonly refused: readonly string[];
  /** Kinds of requests that were refused under our policies and that the recording did not have. */
  readonly unrecorded: readonly string[];
}

/** What is compared. */
export interface Sides {
  readonly bootstrap: Rights;
  readonly ours: Rights;
  readonly discovery: Discovery;
  readonly recorded: Decisions;
  readonly replayed: Decisions;
}

function rowOf(user: string, { bootstrap, ours, discovery, recorded, replayed }: Sides): Row {
  const before = cellsOf(bootstrap, user, discovery);
  const after = cellsOf(ours, user, discovery);
  const forbidden = [...replayed.forbidden.keys()].filter((kind) => userOf(kind) === user);
  return {
    controller: shortName(user),
    handWritten: before.size,
    ours: after.size,
    beyond: [...after].filter(([, cell]) => !isCovered(cell, before)).map(([key]) => key),
    refused: forbidden.filter((kind) => recorded.allowed.has(kind)),
    unrecorded: forbidden.filter((kind) => !recorded.allowed.has(kind)),
  };
}

/** Compares both lives for every controller that has rights on either side, by name. */
export function compare(sides: Sides): readonly Row[] {
  const users = new Set([
    ...sides.bootstrap.keys(),
    ...sides.ours.keys(),
    ...[...sides.replayed.forbidden.keys()].map(userOf),
  ]);
  return [...users].map((user) => rowOf(user, sides)).sort((a, b) => (a.controller < b.controller ? -1 : 1));
}

const HEAD = ['controller', 'hand-written', 'ours', 'beyond', 'refused', 'unrecorded'];

function total(controller: string, rows: readonly Row[]): Row {
  return {
    controller,
    handWritten: rows.reduce((sum, row) => sum + row.handWritten, 0),
    ours: rows.reduce((sum, row) => sum + row.ours, 0),
    beyond: rows.flatMap((row) => row.beyond),
    refused: rows.flatMap((row) => row.refused),
    unrecorded: rows.flatMap((row) => row.unrecorded),
  };
}

function lineOf(row: Row, width: number): string {
  const counts = [row.handWritten, row.ours, row.beyond.length, row.refused.length, row.unrecorded.length];
  const cells = counts.map((count, column) => String(count).padStart(HEAD[column + 1]?.length ?? 0));
  return [row.controller.padEnd(width), ...cells].join('  ');
}

/** The rows as a table, with their sums; what is beyond, refused or unrecorded is spelled below. */
export function tableOf(rows: readonly Row[]): string {
  const acted = rows.filter(({ ours }) => ours > 0);
  const all = [...rows, total('TOTAL', rows), total('TOTAL of those that did anything', acted)];
  const width = Math.max(...all.map(({ controller }) => controller.length));
  const [first = '', ...rest] = HEAD;
  const spelled = (['beyond', 'refused', 'unrecorded'] as const).flatMap((what) =>
    rows.flatMap((row) => row[what].map((each) => `${what}  ${row.controller}: ${each}`)),
  );
  return [
    [first.padEnd(width), ...rest].join('  '),
    ...all.map((row) => lineOf(row, width)),
    ...spelled,
  ].join('\n');
}
