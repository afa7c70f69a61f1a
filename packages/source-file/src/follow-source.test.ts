import { appendFile, copyFile, mkdir, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from '@leastwise/source';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFollowSource } from './follow-source.ts';
import { Reading, temporaryFolder, until } from './testing/fixtures.ts';

const pollMs = 5;

async function follow(file: string, fromStart = true): Promise<Reading> {
  return new Reading(await openFollowSource({ file, pollMs, fromStart }));
}

async function reads(reading: Reading, text: string): Promise<void> {
  await until(
    `${JSON.stringify(text)} is read (so far ${JSON.stringify(reading.text().slice(-200))})`,
    () => {
      return reading.text() === text;
    },
  );
}

/** Idle for many polls: long enough that a reader which dies when it is idle has died. */
async function idle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10 * pollMs));
}

describe('openFollowSource', () => {
  it('survives idle: every append is read, however long the silence before', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const reading = await follow(file);
    await reads(reading, 'a\n');
    for (const [line, soFar] of [
      ['b\n', 'a\nb\n'],
      ['c\n', 'a\nb\nc\n'],
    ] as const) {
      await idle();
      await appendFile(file, line);
      await reads(reading, soFar);
    }
    await reading.stop();
    expect(reading.text()).toBe('a\nb\nc\n');
  });

  it('waits for a file, and a folder, that is not there yet', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'later', 'audit.log');
    const reading = await follow(file);
    await idle();
    await mkdir(join(folder.path, 'later'));
    await writeFile(file, 'first\n');
    await reads(reading, 'first\n');
    await reading.stop();
  });

  it('delivers a partial line and its rest, within one origin', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, '{"half":');
    const reading = await follow(file);
    await reads(reading, '{"half":');
    await idle();
    await appendFile(file, 'true}\n');
    await reads(reading, '{"half":true}\n');
    await reading.stop();
  });

  it('rename rotation: reads the unread end of the old file, ends it, then the new one', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const reading = await follow(file);
    await reads(reading, 'a\n');
    await appendFile(file, 'b\n');
    await rename(file, `${file}.1`);
    await writeFile(file, 'c\n');
    await reads(reading, 'a\nb\n|c\n');
    await reading.stop();
  });

  it('rename rotation: a writer that has not let go of the old file yet is read too', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const reading = new Reading(await openFollowSource({ file, pollMs: 40 }));
    await reads(reading, 'a\n');
    await rename(file, `${file}.1`);
    await writeFile(file, 'c\n');
    await appendFile(`${file}.1`, 'b\n');
    await reads(reading, 'a\nb\n|c\n');
    await reading.stop();
  });

  it('rename rotation: goes on with the old file while there is no new one', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const reading = await follow(file);
    await reads(reading, 'a\n');
    await rename(file, `${file}.1`);
    await idle();
    await appendFile(`${file}.1`, 'b\n');
    await reads(reading, 'a\nb\n');
    await writeFile(file, 'c\n');
    await reads(reading, 'a\nb\n|c\n');
    await reading.stop();
  });

  it('reads generations that came and went between two looks, in order', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(join(folder.path, 'audit-2024-01-01T00-00-00.000.log'), 'old\n');
    await writeFile(file, 'a\n');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const source = await openFollowSource({ file, pollMs });
    // The consumer holds the first chunk, so that no look happens while the log rotates three times.
    const reading = new Reading(source, async ({ position }) => {
      if (position === 1) await held;
    });
    await until('the first chunk is there', () => reading.chunks.length === 1);
    for (const [i, text] of ['b\n', 'c\n', 'd\n'].entries()) {
      await appendFile(file, `end ${String(i)}\n`);
      await rename(file, join(folder.path, `audit-2024-01-0${String(i + 2)}T00-00-00.000.log`));
      await writeFile(file, text);
      // Generations are ordered by their last write, which the file system may keep in steps of some milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    release();
    await reads(reading, 'a\nend 0\n|b\nend 1\n|c\nend 2\n|d\n');
    await reading.stop();
    expect(new Set(reading.chunks.map(({ origin }) => origin)).size).toBe(3);
  });

  it('numbered rotation by logrotate: older generations that move up are not read again', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    const reading = await follow(file);
    let expected = '';
    for (let i = 0; i < 4; i += 1) {
      await writeFile(file, `${String(i)}\n`);
      expected += `${String(i)}\n`;
      await reads(reading, expected);
      await rename(`${file}.1`, `${file}.2`).catch(() => undefined);
      await rename(file, `${file}.1`);
      await writeFile(`${file}.3.gz`, 'not looked at');
      expected += '|';
    }
    await reading.stop();
    expect(reading.text()).toBe(expected.slice(0, -1));
  });

  it('a new file that gets the inode of a deleted generation is read', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    const reading = await follow(file);
    let expected = '';
    for (let i = 0; i < 6; i += 1) {
      await writeFile(file, `${String(i)}\n`);
      expected += `${String(i)}\n`;
      await reads(reading, expected);
      await unlink(`${file}.1`).catch(() => undefined);
      await rename(file, `${file}.1`);
      expected += '|';
    }
    await reading.stop();
  });

  it('copytruncate: the same inode, now smaller, is read from its beginning', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'aaaa\nbbbb\n');
    const reading = await follow(file);
    await reads(reading, 'aaaa\nbbbb\n');
    await copyFile(file, `${file}.1`);
    await truncate(file);
    await appendFile(file, 'c\n');
    await reads(reading, 'aaaa\nbbbb\n|c\n');
    await appendFile(file, 'd\n');
    await reads(reading, 'aaaa\nbbbb\n|c\nd\n');
    await rename(file, `${file}.2`);
    await writeFile(file, 'e\n');
    await reads(reading, 'aaaa\nbbbb\n|c\nd\n|e\n');
    await reading.stop();
  });

  it('copytruncate: noticed also where the file has already grown past the old place', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'aaaa\n');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The consumer holds the first chunk, so that no look happens while the file is empty.
    const reading = new Reading(await openFollowSource({ file, pollMs }), async ({ position }) => {
      if (position === 1) await held;
    });
    await until('the first chunk is there', () => reading.chunks.length === 1);
    await writeFile(file, 'a new and longer content\n');
    release();
    await reads(reading, 'aaaa\n|a new and longer content\n');
    await reading.stop();
  });

  it('a partial line before a truncation is not joined with what comes after it', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, '{"cut');
    const reading = await follow(file);
    await reads(reading, '{"cut');
    await writeFile(file, '{}\n');
    await reads(reading, '{"cut|{}\n');
    await reading.stop();
  });

  it('a deleted file that is written anew is read', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const reading = await follow(file);
    await reads(reading, 'a\n');
    await rm(file);
    await idle();
    await writeFile(file, 'b\n');
    await reads(reading, 'a\n|b\n');
    await reading.stop();
  });

  it('begins at the end where it is told to, and later files from their beginning', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'old\n');
    const reading = await follow(file, false);
    await idle();
    await appendFile(file, 'new\n');
    await reads(reading, 'new\n');
    await rename(file, `${file}.1`);
    await writeFile(file, 'next\n');
    await reads(reading, 'new\n|next\n');
    await reading.stop();
  });

  it('ends promptly when aborted, idle, waiting for a file, or closed', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    const waiting = new Reading(await openFollowSource({ file, pollMs: 3_600_000 }));
    await waiting.stop();
    await writeFile(file, 'a\n');
    const source = await openFollowSource({ file, pollMs: 3_600_000 });
    const reading = new Reading(source);
    await until('a chunk is there', () => reading.chunks.length === 1);
    await source.close();
    await reading.stop();
    expect(reading.text()).toBe('a\n');
  });

  it('refuses what is not a file', async () => {
    await using folder = await temporaryFolder();
    await expect(openFollowSource({ file: folder.path })).rejects.toThrow(SourceError);
  });

  it('acknowledges in order only', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'audit.log');
    await writeFile(file, 'a\n');
    const source = await openFollowSource({ file, pollMs });
    const reading = new Reading(source);
    await until('a chunk is there', () => reading.chunks.length === 1);
    await source.acknowledge(1);
    await expect(source.acknowledge(2)).rejects.toThrow(RangeError);
    await reading.stop();
    expect(source.progress()).toEqual({ readBytes: 2, totalBytes: undefined });
  });

  it('loses and repeats nothing under any mix of appends and rotations', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('append' as const) },
      { weight: 1, arbitrary: fc.constant('rotate' as const) },
      { weight: 1, arbitrary: fc.constant('look' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        await using folder = await temporaryFolder();
        const file = join(folder.path, 'audit.log');
        await writeFile(file, '');
        const reading = await follow(file);
        await until('the file is open', async () => {
          await appendFile(file, '.');
          return reading.chunks.length > 0;
        });
        let n = 0;
        for (const one of steps) {
          if (one === 'append') await appendFile(file, `<${String((n += 1))}>`);
          if (one === 'look') await new Promise((resolve) => setTimeout(resolve, 2 * pollMs));
          if (one === 'rotate') {
            // An interval larger than the file system's clock steps, as any real rotation has.
            await new Promise((resolve) => setTimeout(resolve, 20));
            await rename(file, join(folder.path, `audit-2024-${String((n += 1)).padStart(4, '0')}.log`));
            await writeFile(file, `<${String((n += 1))}>`);
          }
        }
        await appendFile(file, '<end>');
        await until('all is read', () => reading.text().endsWith('<end>'));
        await reading.stop();
        const numbers = [...reading.text().matchAll(/<(\d+)>/g)].map(([, digits]) => Number(digits));
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        expect(numbers).toHaveLength(n - steps.filter((one) => one === 'rotate').length);
      }),
      { numRuns: 25 },
    );
  });
});
