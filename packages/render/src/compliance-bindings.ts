import type { BindingUsage } from '@leastwise/rbac';

import type { SubjectBindings } from './compliance.ts';
import { code, counted, table } from './pull-request/markdown.ts';
import { subjectText } from './pull-request/sections.ts';
import { compareSubjects } from './subject-name.ts';

const DAY_MS = 86_400_000;
/** So many lines are shown, and the rest is counted. */
const SHOWN_BINDINGS = 200;
const COLUMNS = [{ title: 'subject' }, { title: 'binding' }, { title: 'role' }, { title: 'named' }];

/**
 * The bindings of subjects, and for how much the API server named each, as blocks of Markdown; none where it named none.
 * The order of the list makes no difference.
 */
export function bindingBlocks(all: readonly SubjectBindings[]): string[] {
  const rows = [...all]
    .sort((a, b) => compareSubjects(a.subject, b.subject))
    .flatMap(({ subject, usages, isCapped }) =>
      usages.map((usage) => rowOf(subjectText(subject), usage, isCapped)),
    );
  if (rows.length === 0) return [];
  const rest = rows.length - SHOWN_BINDINGS;
  return [
    '## Bindings',
    'Which bindings the API server named when it allowed what subjects asked. **never** is not proven unused: it names the first binding that allows a request, and another may answer before this one.',
    table(COLUMNS, rows.slice(0, SHOWN_BINDINGS)),
    ...(rest > 0 ? [`And ${counted(rest, 'more binding')}.`] : []),
  ];
}

function rowOf(
  subject: string,
  { binding, cells, lastDay, exists }: BindingUsage,
  isCapped: boolean,
): string[] {
  const { kind, namespace, name, roleKind, roleName } = binding;
  const place = namespace === '' ? '' : ` in ${code(namespace)}`;
  const never = isCapped ? 'not known: too many were named' : 'never';
  const named =
    lastDay === undefined ? never : `for ${counted(cells, 'permission')}, last on ${dayText(lastDay)}`;
  return [
    subject,
    `${code(`${kind} ${name}`)}${place}`,
    code(`${roleKind} ${roleName}`),
    exists ? named : `${named}; binds it no more`,
  ];
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
