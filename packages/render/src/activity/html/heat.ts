import type { ActivityReport } from '@leastwise/activity';

import { heatSteps } from '../charts.ts';
import { counted, digits } from '../text.ts';
import { escapeHtml } from './escape.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'));

function cellHtml(requests: number, refused: number, steps: readonly number[]): string {
  const step = steps.filter((from) => requests >= from).length;
  const classes = [...(step === 0 ? [] : [`h${step}`]), ...(refused === 0 ? [] : ['bad'])];
  const label = refused === 0 ? '' : ` title="${counted(refused, 'request')} refused"`;
  return `<td${classes.length === 0 ? '' : ` class="${classes.join(' ')}"`}${label}>${requests === 0 ? '' : digits(requests)}</td>`;
}

/** The heat map as a table: each cell has its number, so that it is read without colours and by screen readers too. */
export function heatHtml(report: ActivityReport): string {
  const steps = heatSteps(report);
  const rows = report.heat.map(({ day, requests, refused }) => {
    const cells = requests.map((count, hour) => cellHtml(count, refused[hour] ?? 0, steps));
    return `<tr><th scope="row">${day}</th>${cells.join('')}</tr>`;
  });
  const heads = HOURS.map((hour) => `<th scope="col">${hour}</th>`).join('');
  return [
    '<div class="scroll" tabindex="0" role="region" aria-label="Requests by day and hour">',
    '<table class="heat" aria-label="Requests by day and hour">',
    `<thead><tr><td></td>${heads}</tr></thead>`,
    `<tbody>\n${rows.join('\n')}\n</tbody>`,
    '</table></div>',
    `<p class="note">Hours of ${escapeHtml(report.timeZone)}. A line below a number: some of these requests were refused.</p>`,
  ].join('\n');
}
