const MS_OF = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]);

const BYTES_OF = new Map([
  ['GiB', 1024 ** 3],
  ['GB', 1000 ** 3],
  ['MiB', 1024 ** 2],
  ['MB', 1000 ** 2],
  ['KiB', 1024],
  ['KB', 1000],
  ['kB', 1000],
  ['B', 1],
]);

/** The form of a duration: numbers with a unit each. */
export const DURATION = /^(?:\d{1,16}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,5}$/;
/** The form of a size: one number with a unit. */
export const SIZE = /^\d{1,16}(?:\.\d{1,9})?(?:[GMK]iB|[GMKk]B|B)$/;

/** Milliseconds of `1h30m`; undefined unless it has that form and is whole. */
export function parseDuration(text: string): number | undefined {
  return DURATION.test(text) ? sum(text, MS_OF) : undefined;
}

/** Bytes of `4MiB`; undefined unless it has that form and is whole. */
export function parseSize(text: string): number | undefined {
  return SIZE.test(text) ? sum(text, BYTES_OF) : undefined;
}

/** The shortest text that {@link parseDuration} reads back: `90000` gives `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of MS_OF) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

/** The text with the largest unit that divides the size: `4194304` gives `4MiB`, `1000001` gives `1000001B`. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of BYTES_OF) {
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}

function sum(text: string, units: ReadonlyMap<string, number>): number | undefined {
  let total = 0;
  for (const [, count, unit = ''] of text.matchAll(/([\d.]+)([a-zA-Z]+)/g)) {
    // 1.1 times 1000 is not quite 1100 in binary: what is a whole number but for that is one.
    const exact = Number(count) * (units.get(unit) ?? Number.NaN);
    const whole = Math.round(exact);
    if (Math.abs(exact - whole) > 1e-6) return undefined;
    total += whole;
  }
  return Number.isSafeInteger(total) ? total : undefined;
}
