import { escapeHtml } from './escape.ts';

/** A cell: HTML of ours, how it looks, and what it is sorted by where that is not its text. */
export interface Cell {
  readonly html: string;
  readonly look?: 'number' | 'time' | 'who' | 'what' | 'names';
  readonly value?: number;
}

/** A column; its title is a word of ours. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** A table whose columns are sorted by buttons in its head; with a field to filter it where it is long. */
export interface DataTable {
  /** A word of ours, different for each table of a page. */
  readonly id: string;
  /** What it is of, for those who do not see where it stands. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly isFiltered?: boolean;
}

/** A text of unknown origin. */
export function textCell(text: string, look?: Cell['look']): Cell {
  return look === undefined ? { html: escapeHtml(text) } : { html: escapeHtml(text), look };
}

/** A number, shown with separators and sorted by its value. */
export function numberCell(value: number): Cell {
  return { html: String(value).replace(/\B(?=(\d{3})+$)/g, ','), look: 'number', value };
}

/** A moment by its text, sorted by its value. */
export function timeCell(text: string, us: number): Cell {
  return { html: escapeHtml(text), look: 'time', value: us };
}

function attributes({ look, value }: Cell): string {
  return `${look === undefined ? '' : ` class="${look}"`}${value === undefined ? '' : ` data-value="${value}"`}`;
}

function rowHtml(cells: readonly Cell[]): string {
  const html = cells.map((cell) => `<td${attributes(cell)}>${cell.html}</td>`);
  return `<tr>${html.join('')}</tr>`;
}

function filterHtml({ id, caption }: DataTable): string {
  return (
    `<div class="filter" hidden><label for="${id}-filter">Filter</label>` +
    `<input id="${id}-filter" data-filter="${id}" type="search" autocomplete="off" aria-description="${caption}: rows with all words are shown">` +
    `<span id="${id}-status" class="soft" role="status"></span></div>`
  );
}

/** A table as HTML. It scrolls by itself where it is wider than the page, also by keyboard. */
export function tableHtml(data: DataTable): string {
  const { id, caption, columns, rows, isFiltered } = data;
  const heads = columns.map(
    ({ title, isNumber }) =>
      `<th scope="col"${isNumber === true ? ' class="number"' : ''}><button type="button" disabled>${title}</button></th>`,
  );
  return [
    ...(isFiltered === true ? [filterHtml(data)] : []),
    `<div class="scroll" tabindex="0" role="region" aria-label="${caption}">`,
    `<table class="data" id="${id}" data-sortable aria-label="${caption}">`,
    `<thead><tr>${heads.join('')}</tr></thead>`,
    `<tbody>\n${rows.map(rowHtml).join('\n')}\n</tbody>`,
    '</table></div>',
  ].join('\n');
}
