import type { SourceProgress } from '@leastwise/source';
import cliProgress from 'cli-progress';

import type { Io } from './io.ts';

/** Shows how far a long reading has come; silent where stderr is no terminal. */
export interface Progress {
  update(progress: SourceProgress, events: number): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };
const MEBIBYTE = 1024 * 1024;

/** `1.5 GiB`, `12 MiB`: bytes for people. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `1,234,567`, the same on every machine. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 request`, `2 requests`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A progress bar on stderr with events per second and the bytes that are left. */
export function startProgress(io: Io): Progress {
  if (!io.terminal) return SILENT;
  const bar = new cliProgress.SingleBar(
    {
      format: ' {bar} {percentage}% | {events} events | {rate}/s | {left} left',
      stream: io.terminal,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
    },
    cliProgress.Presets.shades_classic,
  );
  const startedMs = io.now();
  const texts = { events: '0', rate: '0', left: '?' };
  bar.start(1, 0, texts);
  return {
    update: ({ readBytes, totalBytes }, events) => {
      const seconds = Math.max((io.now() - startedMs) / 1000, 0.001);
      const total = totalBytes ?? readBytes + MEBIBYTE;
      bar.setTotal(Math.max(total, 1));
      bar.update(Math.min(readBytes, total), {
        events: formatCount(events),
        rate: formatCount(Math.round(events / seconds)),
        left: totalBytes === undefined ? '?' : formatBytes(Math.max(0, totalBytes - readBytes)),
      });
    },
    stop: () => {
      bar.stop();
    },
  };
}
