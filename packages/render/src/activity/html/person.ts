import type { CommandRow, CommandRows, PersonReport } from '@leastwise/activity';

import {
  certaintyText,
  commandCount,
  counted,
  factsOf,
  HIGHLIGHTS,
  namesText,
  outcomesText,
  timeText,
} from '../text.ts';
import { escapeHtml } from './escape.ts';
import { type Cell, numberCell, tableHtml, textCell, timeCell } from './table.ts';

const COMMAND_COLUMNS = [
  { title: 'Command' },
  { title: 'Times', isNumber: true },
  { title: 'Outcome' },
  { title: 'Names' },
  { title: 'First (UTC)' },
];

/** A command as code, with a word on how sure it is where it is not. */
export function commandHtml(text: string, certainty: CommandRow['certainty']): string {
  const word = certaintyText(certainty);
  return `<code>${escapeHtml(text)}</code>${word === '' ? '' : ` <span class="soft">${word}</span>`}`;
}

function commandCells(row: CommandRow): Cell[] {
  return [
    { html: commandHtml(row.text, row.certainty), look: 'what' },
    numberCell(row.count),
    textCell(outcomesText(row)),
    textCell(namesText(row), 'names'),
    timeCell(timeText(row.firstUs), row.firstUs),
  ];
}

function commandsHtml(id: string, caption: string, { rows, more }: CommandRows): string {
  const table = tableHtml({ id, caption, columns: COMMAND_COLUMNS, rows: rows.map(commandCells) });
  return more === 0 ? table : `${table}\n<p class="note">And ${counted(more, 'command')} more.</p>`;
}

function factsHtml(person: PersonReport): string {
  const facts = factsOf(person).map(
    ([label, text]) => `<dt>${label}</dt><dd>${text === '' ? '-' : escapeHtml(text)}</dd>`,
  );
  return `<dl class="facts">\n${facts.join('\n')}\n</dl>`;
}

/** All about one person, folded. @param id - a word of ours */
export function personHtml(person: PersonReport, id: string): string {
  const { name, kind, commands, refused, requests } = person;
  const highlights = HIGHLIGHTS.flatMap(([key, title]) =>
    person[key].rows.length === 0
      ? []
      : [`<h4>${title}</h4>`, commandsHtml(`${id}-${key.toLowerCase()}`, title, person[key])],
  );
  const count = commandCount(commands.rows, commands.more);
  const soft = [
    ...(kind === 'person' ? [] : ['service account']),
    counted(count, 'command'),
    counted(requests, 'request'),
    ...(refused === 0 ? [] : [`${counted(refused, 'request')} refused`]),
  ];
  return [
    `<details id="${id}">`,
    `<summary><h3>${escapeHtml(name)}</h3> <span class="soft">${soft.join(', ')}</span></summary>`,
    factsHtml(person),
    '<h4>All commands</h4>',
    commands.rows.length === 0
      ? '<p>None: only discovery.</p>'
      : commandsHtml(`${id}-commands`, 'All commands', commands),
    ...highlights,
    '</details>',
  ].join('\n');
}
