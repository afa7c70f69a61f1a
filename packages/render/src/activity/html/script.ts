/**
 * What a report's page runs: tables are sorted by the buttons in their heads, and filtered by the words of a field.
 * Without it all is there, in the order of the report. It touches nothing but the page and loads nothing.
 */
export const SCRIPT = `'use strict';
for (const table of document.querySelectorAll('table[data-sortable]')) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const valueOf = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  for (const [at, head] of heads.entries()) {
    const button = head.querySelector('button');
    if (!button) continue;
    button.disabled = false;
    button.addEventListener('click', () => {
      const isDescending = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      const rows = [...body.rows].sort((a, b) => {
        const x = valueOf(a, at);
        const y = valueOf(b, at);
        return (x < y ? -1 : Number(x > y)) * (isDescending ? -1 : 1);
      });
      body.append(...rows);
    });
  }
}
for (const field of document.querySelectorAll('input[data-filter]')) {
  const table = document.getElementById(field.dataset.filter);
  const status = document.getElementById(field.dataset.filter + '-status');
  const rows = [...table.tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  field.closest('.filter').hidden = false;
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    let shown = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      if (!row.hidden) shown += 1;
    }
    status.textContent = words.length === 0 ? '' : shown + ' of ' + rows.length + ' rows';
  });
}
for (const link of document.querySelectorAll('a[data-opens]')) {
  link.addEventListener('click', () => {
    document.getElementById(link.dataset.opens).open = true;
  });
}
`;
