import { type Command, commandText } from './commands/command.ts';
import type { ChangeRow, CommandRow, CommandRows } from './model.ts';
import type { Names } from './names.ts';
import { compareText } from '../traces/trace.ts';

const MAX_ROWS = 100;
const MAX_NAMES = 5;

/** Names of objects: how many differ, and the first few in order. */
class NameList {
  readonly #names = new Set<string>();

  add(name: string): void {
    if (name !== '') this.#names.add(name);
  }

  shown(names: Names): { readonly names: readonly string[]; readonly moreNames: number } {
    const sorted = [...this.#names].sort(compareNames);
    return {
      names: sorted.slice(0, MAX_NAMES).map((name) => names.text(name)),
      moreNames: Math.max(0, sorted.length - MAX_NAMES),
    };
  }
}

/** As people count: `s2` before `s10`. */
function compareNames(a: string, b: string): number {
  const [, headA = '', digitsA = ''] = /^(.*?)(\d{1,9})$/.exec(a) ?? [];
  const [, headB = '', digitsB = ''] = /^(.*?)(\d{1,9})$/.exec(b) ?? [];
  if (digitsA !== '' && digitsB !== '' && headA === headB)
    return Number(digitsA) - Number(digitsB) || compareText(a, b);
  return compareText(a, b);
}

interface OpenRow {
  readonly row: { -readonly [K in keyof Omit<CommandRow, 'names' | 'moreNames'>]: CommandRow[K] };
  readonly names: NameList;
}

/** Commands summed up where they differ in the names of their objects alone, the most frequent first. */
export function commandRows(commands: readonly Command[], names: Names): CommandRows {
  const open = new Map<string, OpenRow>();
  for (const command of commands) {
    const { atUs, certainty, outcome, name } = command;
    const text = commandText(command, false);
    const key = `${certainty} ${text}`;
    let known = open.get(key);
    if (known === undefined) {
      const row = { text, certainty, count: 0, refused: 0, failed: 0, firstUs: atUs, lastUs: atUs };
      known = { row, names: new NameList() };
      open.set(key, known);
    }
    const { row } = known;
    row.count += 1;
    if (outcome === 'refused') row.refused += 1;
    if (outcome === 'failed') row.failed += 1;
    row.firstUs = Math.min(row.firstUs, atUs);
    row.lastUs = Math.max(row.lastUs, atUs);
    known.names.add(name);
  }
  const sorted = [...open.values()].sort(
    (a, b) => b.row.count - a.row.count || compareText(a.row.text, b.row.text),
  );
  return {
    rows: sorted
      .slice(0, MAX_ROWS)
      .map(({ row, names: list }) => ({ ...row, text: names.text(row.text), ...list.shown(names) })),
    more: sorted.slice(MAX_ROWS).reduce((sum, { row }) => sum + row.count, 0),
  };
}

/** What somebody did. */
export interface DoneBy {
  readonly who: string;
  readonly kind: ChangeRow['kind'];
  readonly command: Command;
}

const MAX_CHANGES = 1_000;
/** What follows this soon on one of its kind goes into one row with it. */
const TOGETHER_US = 60_000_000;

interface OpenChange {
  readonly done: DoneBy;
  readonly names: NameList;
  lastUs: number;
  count: number;
}

function keyOf({ who, command }: DoneBy): string {
  return JSON.stringify([who, command.outcome, command.certainty, commandText(command, false)]);
}

/** The changes of all actors in time; those of one kind right after each other in one row. */
export function changeRows(
  all: readonly DoneBy[],
  names: Names,
): { changes: ChangeRow[]; moreChanges: number } {
  const changes = all.filter(({ command }) => command.isChange).sort(compareDone);
  const rows: OpenChange[] = [];
  const latest = new Map<string, OpenChange>();
  for (const done of changes) {
    const { atUs, name } = done.command;
    const key = keyOf(done);
    let row = latest.get(key);
    if (row === undefined || atUs - row.lastUs > TOGETHER_US) {
      row = { done, names: new NameList(), lastUs: atUs, count: 0 };
      latest.set(key, row);
      rows.push(row);
    }
    row.lastUs = atUs;
    row.count += 1;
    row.names.add(name);
  }
  return {
    changes: rows.slice(0, MAX_CHANGES).map((row) => changeRow(row, names)),
    moreChanges: rows.slice(MAX_CHANGES).reduce((sum, { count }) => sum + count, 0),
  };
}

function compareDone(a: DoneBy, b: DoneBy): number {
  return (
    a.command.atUs - b.command.atUs ||
    compareText(a.command.auditID, b.command.auditID) ||
    compareText(a.who, b.who) ||
    compareText(commandText(a.command), commandText(b.command))
  );
}

function changeRow({ done, names: list, lastUs, count }: OpenChange, names: Names): ChangeRow {
  const { who, kind, command } = done;
  const { atUs, certainty, verbClass, resource, namespace, outcome, code, auditID } = command;
  return {
    atUs,
    lastUs,
    who,
    kind,
    text: names.text(commandText(command, count === 1)),
    certainty,
    verbClass,
    resource,
    namespace: names.text(namespace),
    ...list.shown(names),
    outcome,
    code,
    count,
    auditID,
  };
}
