import type * as Fs from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMemoryDeadLetters, SourceError } from '@leastwise/source';
import { sinkChecks } from '@leastwise/source/conformance';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createCountingDeadLetters, createDeadLetterFile } from './dead-letters.ts';
import { runScript } from './testing/compiled.ts';
import { temporaryFolder } from './testing/fixtures.ts';

/** What the disk was asked to do, in order; and whether it is full. */
const disk = vi.hoisted(() => ({ steps: [] as string[], isFull: false }));

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof Fs>();
  return {
    ...original,
    writeSync: (file: number, bytes: Uint8Array, at: number) => {
      if (disk.isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      disk.steps.push('write');
      return original.writeSync(file, bytes, at);
    },
    fsyncSync: (file: number) => {
      disk.steps.push(original.fstatSync(file).isFile() ? 'fsync' : 'fsync folder');
      original.fsyncSync(file);
    },
  };
});

interface Line {
  readonly origin: string;
  readonly line: number;
  readonly reason: string;
  readonly detail: string;
  readonly text?: string;
  readonly bytesBase64?: string;
  readonly sizeBytes: number;
  readonly truncated: boolean;
}

async function linesOf(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

async function written(bytes: Uint8Array, detail = ''): Promise<Line> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'dead.ndjson');
  const sink = createDeadLetterFile(path);
  sink.write({ origin: 'o', line: 7, reason: 'malformed', detail, bytes });
  await sink.close();
  const [line] = await linesOf(path);
  if (line === undefined) throw new Error('nothing was written');
  return line;
}

describe('createDeadLetterFile', () => {
  for (const check of sinkChecks) {
    it(check.name, async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'dead.ndjson');
      await check.run(async () => ({
        sink: createCountingDeadLetters(createDeadLetterFile(path)),
        countDurable: async () => (await linesOf(path)).length,
      }));
    });
  }

  it('forces letters to the disk when flushed, after the name of the file', async () => {
    await using folder = await temporaryFolder();
    disk.steps.length = 0;
    const sink = createDeadLetterFile(join(folder.path, 'dead.ndjson'));
    sink.write({ origin: 'o', line: 1, reason: 'r', detail: '', bytes: Buffer.from('x') });
    await sink.flush();
    expect(disk.steps).toEqual(['fsync folder', 'write', 'fsync']);
    await sink.close();
  });

  it('says that a full disk is one, and never that its letters are durable after that', async () => {
    await using folder = await temporaryFolder();
    const sink = createDeadLetterFile(join(folder.path, 'dead.ndjson'));
    sink.write({ origin: 'o', line: 1, reason: 'r', detail: '', bytes: Buffer.from('x') });
    disk.isFull = true;
    try {
      await expect(sink.flush()).rejects.toThrow(SourceError);
    } finally {
      disk.isFull = false;
    }
    await expect(sink.flush()).rejects.toThrow(/cannot write dead letters to .*: ENOSPC/);
    await expect(sink.close()).rejects.toThrow(SourceError);
  });

  it('gives any record back, as text where it is UTF-8', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), async (record) => {
        const bytes = Buffer.from(record);
        const line = await written(bytes, 'unexpected “x”');
        const back =
          line.text === undefined ? Buffer.from(line.bytesBase64 ?? '', 'base64') : Buffer.from(line.text);
        expect(back.equals(bytes)).toBe(true);
        expect(line).toMatchObject({ origin: 'o', line: 7, reason: 'malformed', detail: 'unexpected “x”' });
        expect(line).toMatchObject({ sizeBytes: bytes.length, truncated: false });
        if (typeof record === 'string' && bytes.toString() === record) expect(line.text).toBe(record);
      }),
      { numRuns: 50 },
    );
  });

  it.each([0, 1, 2, 3])(
    'keeps the first MiB, cut between characters (%i bytes before the cut)',
    async (shift) => {
      const bytes = Buffer.from('x'.repeat(shift) + '🙂'.repeat(300_000));
      const line = await written(bytes);
      expect(line).toMatchObject({ sizeBytes: bytes.length, truncated: true });
      expect(line.text?.endsWith('🙂')).toBe(true);
      expect(Buffer.byteLength(line.text ?? '')).toBeGreaterThan((1 << 20) - 4);
    },
  );

  it('keeps the first MiB of bytes that are not text', async () => {
    const line = await written(Buffer.alloc(2 << 20, 0xff));
    expect(line).toMatchObject({ sizeBytes: 2 << 20, truncated: true });
    expect(Buffer.from(line.bytesBase64 ?? '', 'base64')).toHaveLength(1 << 20);
  });

  it('writes nothing that steers a terminal', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'dead.ndjson');
    const sink = createDeadLetterFile(path);
    const evil = 'a\u001b[2J\u009b2J\u007f\r\u202e\u2028b';
    sink.write({ origin: evil, line: 1, reason: 'malformed', detail: evil, bytes: Buffer.from(evil) });
    await sink.close();
    const raw = await readFile(path, 'utf8');
    expect(raw.trimEnd()).toMatch(/^[\u0020-\u007e]*$/);
    expect((await linesOf(path))[0]?.text).toBe(evil);
  });

  it('appends, and is readable by its owner only even where it was there before', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'dead.ndjson');
    await writeFile(path, '{"line":1}\n', { mode: 0o644 });
    const sink = createDeadLetterFile(path);
    sink.write({ origin: 'o', line: 2, reason: 'r', detail: '', bytes: Buffer.from('x') });
    await sink.close();
    await sink.close();
    expect((await linesOf(path)).map(({ line }) => line)).toEqual([1, 2]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('loses nothing when the process exits without closing it', async () => {
    await using folder = await temporaryFolder();
    const script = await runScript(
      folder.path,
      `import { createDeadLetterFile } from '@leastwise/source-file';
      const sink = createDeadLetterFile('dead.ndjson');
      for (let line = 1; line <= 2000; line += 1) {
        sink.write({ origin: 'o', line, reason: 'r', detail: '', bytes: Buffer.from('x'.repeat(line % 100)) });
      }
      process.exit(2);`,
    );
    expect(await script.ended).toBe(2);
    const lines = await linesOf(join(folder.path, 'dead.ndjson'));
    expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  });

  it('names a file that cannot be written', () => {
    expect(() => createDeadLetterFile('/nowhere/dead.ndjson')).toThrow(SourceError);
  });
});

describe('createCountingDeadLetters', () => {
  it('counts by reason, remembers the first 20, and hands on', async () => {
    const kept = createMemoryDeadLetters();
    const counting = createCountingDeadLetters(kept);
    for (let line = 1; line <= 30; line += 1) {
      const reason = line % 3 === 0 ? 'too-large' : 'malformed';
      counting.write({ origin: 'a\u001b.log', line, reason, detail: '', bytes: Buffer.alloc(0) });
    }
    await counting.close();
    const { total, byReason, first } = counting.summary();
    expect(total).toBe(30);
    expect(byReason).toEqual([
      ['malformed', 20],
      ['too-large', 10],
    ]);
    expect(first).toHaveLength(20);
    expect(first[2]).toBe('a\\u001b.log:3: too-large');
    expect(kept.letters).toHaveLength(30);
  });

  it('is bounded in reasons', () => {
    const counting = createCountingDeadLetters();
    for (let line = 0; line < 1000; line += 1) {
      counting.write({ origin: 'o', line, reason: `r${String(line)}`, detail: '', bytes: Buffer.alloc(0) });
    }
    const { total, byReason } = counting.summary();
    expect(total).toBe(1000);
    expect(byReason).toHaveLength(65);
    expect(new Map(byReason).get('other')).toBe(936);
  });
});
