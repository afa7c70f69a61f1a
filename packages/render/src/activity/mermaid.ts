import type { ActivityReport } from '@leastwise/activity';

/** Charts of Mermaid are of few bars: each has a label below it. */
const SHOWN_ACTORS = 8;
const LABEL_CHARACTERS = 18;

/**
 * A label that Mermaid takes as a text: letters, digits and the marks of user names; everything else is `?`, since its
 * grammar has no escapes for quotes.
 */
function label(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9@._-]/g, '?');
  return plain.length > LABEL_CHARACTERS ? `${plain.slice(0, LABEL_CHARACTERS - 2)}..` : plain;
}

function fence(lines: readonly string[]): string {
  return ['```mermaid', ...lines, '```'].join('\n');
}

function bars(title: string, labels: readonly string[], values: readonly number[]): string {
  return fence([
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis [${labels.map((text) => `"${text}"`).join(', ')}]`,
    '  y-axis "requests"',
    `  bar [${values.join(', ')}]`,
  ]);
}

/** Requests by the hour of the day, over all days. @see https://mermaid.js.org/syntax/xyChart.html */
export function hoursMermaid({ heat, timeZone }: ActivityReport): string {
  const hours = Array.from({ length: 24 }, (_, hour) =>
    heat.reduce((sum, { requests }) => sum + (requests[hour] ?? 0), 0),
  );
  const labels = hours.map((_, hour) => String(hour).padStart(2, '0'));
  return bars(`Requests by hour of day (${label(timeZone.replaceAll('/', '-'))})`, labels, hours);
}

/** Requests of those who made most of them. */
export function actorsMermaid({ people }: ActivityReport): string {
  const shown = people.slice(0, SHOWN_ACTORS);
  return bars(
    'Requests by person',
    shown.map(({ name }, index) => `${index + 1} ${label(name)}`),
    shown.map(({ requests }) => requests),
  );
}
