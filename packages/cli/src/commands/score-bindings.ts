import { type Subject, subjectKey } from '@leastwise/audit-event';
import type { BindingUsage, BindingUsages } from '@leastwise/rbac';

import { tableLines } from '../audit-policy/table.ts';
import { printable } from '../output.ts';

const DAY_MS = 86_400_000;
const COLUMNS = [
  { head: 'NAMED FOR', align: 'right' },
  { head: 'LAST', align: 'left' },
  { head: 'BINDS', align: 'left' },
  { head: 'BINDING', align: 'left' },
  { head: 'ROLE', align: 'left' },
  { head: 'SUBJECT', align: 'left' },
] as const;

/** The bindings of the subjects of a cluster, by subject key. */
export type BindingsBySubject = ReadonlyMap<string, BindingUsages>;

/** The bindings of some subjects, in their order, as a table for terminals. */
export function bindingsTable(
  usages: BindingsBySubject,
  subjects: readonly Subject[],
  nameOf: (subject: Subject) => string,
): string {
  if (usages.size === 0) return 'No binding is named: the log does not say which one allowed a request.\n';
  const rows = subjects.flatMap((subject) => {
    const { usages: all = [], isCapped = false } = usages.get(subjectKey(subject)) ?? {};
    return all.map((usage) => rowOf(usage, isCapped, printable(nameOf(subject))));
  });
  const lines = [
    ...tableLines(COLUMNS, rows),
    '',
    'never: not proven unused. The first binding that allows a request is named, and another may answer before this one.',
  ];
  return `${lines.join('\n')}\n`;
}

function rowOf({ binding, cells, lastDay, exists }: BindingUsage, isCapped: boolean, who: string): string[] {
  const { kind, namespace, name, roleKind, roleName } = binding;
  const place = namespace === '' ? '' : `${namespace}/`;
  return [
    lastDay === undefined ? (isCapped ? 'unknown' : 'never') : String(cells),
    lastDay === undefined ? '-' : dayText(lastDay),
    exists ? 'yes' : 'no more',
    printable(`${kind} ${place}${name}`),
    printable(`${roleKind} ${roleName}`),
    who,
  ];
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The bindings of one subject, for JSON. */
export function bindingsValue(found: BindingUsages | undefined): Readonly<Record<string, unknown>> {
  const { usages = [], isCapped = false } = found ?? {};
  return {
    bindings: usages.map(({ binding: { roleKind, roleName, ...binding }, cells, lastDay, exists }) => ({
      binding,
      role: { kind: roleKind, name: roleName },
      permissions: cells,
      lastDay: lastDay === undefined ? null : dayText(lastDay),
      exists,
    })),
    areMoreBindingsNamed: isCapped,
  };
}
