// What a run finds after a time in which nobody followed the log.
import {
  appendFile,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SourceError } from '@leastwise/source';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFollowSource } from './follow-source.ts';
import { Reading, temporaryFolder, until } from './testing/fixtures.ts';

const PADDING = 'x'.repeat(150);

/** An event as the API server writes it, a line of some 250 bytes. */
function event(i: number): string {
  const head = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"';
  return `${head}${String(i).padStart(8, '0')}","requestURI":"/${PADDING}"}\n`;
}

function events(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => event(from + i)).join('');
}

function idsIn(text: string): number[] {
  return [...text.matchAll(/"auditID":"(\d+)","requestURI":"\/x*"\}\n/g)].map(([, digits]) => Number(digits));
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The file system's clock goes in steps: generations are told apart by it. */
async function tick(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

class Log {
  readonly folder: string;
  readonly file: string;
  readonly position: string;
  readonly warnings: string[] = [];

  constructor(folder: string, file = join(folder, 'audit.log')) {
    this.folder = folder;
    this.file = file;
    this.position = join(folder, 'position.json');
  }

  async open(): Promise<Reading> {
    const source = await openFollowSource({
      file: this.file,
      pollMs: 5,
      positionFile: this.position,
      warn: (text) => this.warnings.push(text),
    });
    return new Reading(source, async ({ position }) => {
      await source.acknowledge(position);
    });
  }

  /** One run, until it has read the event `last`: the events that it delivered, and from which files. */
  async run(last: number): Promise<{ ids: number[]; text: string; origins: string[] }> {
    const reading = await this.open();
    await until(`event ${String(last)} is read`, () => idsIn(reading.text()).includes(last));
    await reading.stop();
    const origins = [...new Set(reading.chunks.map(({ origin }) => origin.slice(this.folder.length + 1)))];
    return { ids: idsIn(reading.text()), text: reading.text(), origins };
  }

  async append(from: number, to: number): Promise<void> {
    await appendFile(this.file, events(from, to));
  }
}

async function log(): Promise<Log & AsyncDisposable> {
  const folder = await temporaryFolder();
  const made = new Log(folder.path);
  return Object.assign(made, { [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() });
}

describe('openFollowSource: the position is kept between runs', () => {
  it('goes on at the last event that was acknowledged, and reads nothing before it again', async () => {
    await using it = await log();
    await it.append(0, 1000);
    expect((await it.run(999)).ids).toEqual(range(0, 1000));
    await it.append(1000, 1010);
    expect((await it.run(1009)).ids).toEqual(range(999, 1010));
    expect((await it.run(1009)).ids).toEqual([1009]);
    expect(it.warnings).toEqual([]);
  });

  it('reads again what was delivered and not acknowledged', async () => {
    await using it = await log();
    await it.append(0, 100);
    const source = await openFollowSource({ file: it.file, pollMs: 5, positionFile: it.position });
    // As if it was killed here.
    const killed = new Reading(source);
    await until('all is delivered', () => idsIn(killed.text()).length === 100);
    await killed.stop();
    expect((await it.run(99)).ids).toEqual(range(0, 100));
  });

  it('a line that was cut where the run ended is read whole by the next', async () => {
    await using it = await log();
    await it.append(0, 3);
    await appendFile(it.file, event(3).slice(0, 200));
    const reading = await it.open();
    await until('the part is read', () => reading.text().endsWith(event(3).slice(0, 200)));
    await reading.stop();
    await appendFile(it.file, event(3).slice(200));
    const { text } = await it.run(3);
    expect([event(2) + event(3), event(3)]).toContain(text);
  });

  it('a log of another form is read again from the beginning of the file: its records may span lines', async () => {
    await using it = await log();
    const pretty = `{\n "kind": "EventList",\n "items": [\n${events(0, 50)}`.replaceAll(
      '\n{"kind"',
      '\n  {"kind"',
    );
    await writeFile(it.file, pretty);
    expect((await it.run(49)).ids).toEqual(range(0, 50));
    expect((await it.run(49)).text).toBe(pretty);
  });

  it('knows each of several logs by its own position', async () => {
    await using it = await log();
    const other = new Log(it.folder, join(it.folder, 'other.log'));
    await it.append(0, 10);
    await it.run(9);
    await other.append(100, 110);
    // The same file of positions: what is kept is of none of the files of this log.
    expect((await other.run(109)).ids).toEqual(range(100, 110));
    expect(other.warnings).toHaveLength(1);
  });

  it('a damaged position: it says so, and begins with the live file', async () => {
    await using it = await log();
    await it.append(0, 10);
    await it.run(9);
    for (const content of [
      '',
      'null',
      '{}',
      '{"version":2}',
      (await readFile(it.position, 'utf8')).slice(0, 40),
    ]) {
      await writeFile(it.position, content);
      expect((await it.run(9)).ids).toEqual(range(0, 10));
      expect(it.warnings.splice(0)).toEqual([expect.stringContaining('position.json is damaged')]);
    }
  });

  it('ends where the position cannot be kept: the next run would read all of it again', async () => {
    await using it = await log();
    await it.append(0, 10);
    const source = await openFollowSource({ file: it.file, positionFile: join(it.folder, 'no', 'where') });
    const reading = new Reading(source);
    await until('it is read', () => reading.chunks.length === 1);
    await expect(source.acknowledge(1)).rejects.toThrow(SourceError);
    await reading.stop();
  });
});

describe('openFollowSource: rotated while nobody followed', () => {
  it('renamed: the old file is read to its end, then the new one', async () => {
    await using it = await log();
    await it.append(0, 100);
    await it.run(99);
    await it.append(100, 110);
    await rename(it.file, `${it.file}.1`);
    await tick();
    await it.append(110, 120);
    const { ids, origins } = await it.run(119);
    expect(ids).toEqual(range(99, 120));
    expect(origins).toEqual(['audit.log.1', 'audit.log']);
    expect(it.warnings).toEqual([]);
  });

  it('renamed several times: every generation since, in order, and none from before', async () => {
    await using it = await log();
    const rotate = async (i: number): Promise<void> => {
      await rename(it.file, join(it.folder, `audit-2024-01-0${String(i)}T00-00-00.000.log`));
      await tick();
    };
    await it.append(0, 10);
    await rotate(1);
    await it.append(10, 20);
    await it.run(19);
    await it.append(20, 30);
    for (const i of [2, 3, 4]) {
      await rotate(i);
      await it.append(i * 10 + 10, i * 10 + 20);
    }
    expect((await it.run(59)).ids).toEqual(range(19, 60));
    expect(it.warnings).toEqual([]);
  });

  it('renamed, and there is no new file yet', async () => {
    await using it = await log();
    await it.append(0, 10);
    await it.run(9);
    await rename(it.file, `${it.file}.1`);
    await appendFile(`${it.file}.1`, events(10, 12));
    const reading = await it.open();
    await until('its end is read', () => idsIn(reading.text()).includes(11));
    await it.append(12, 14);
    await until('the new one is read', () => idsIn(reading.text()).includes(13));
    await reading.stop();
    expect(idsIn(reading.text())).toEqual(range(9, 14));
  });

  it('renamed and compressed: the packed file is read again as a whole, and that is said', async () => {
    await using it = await log();
    await it.append(0, 5);
    await writeFile(`${it.file}.2.gz`, gzipSync('long before'));
    await utimes(`${it.file}.2.gz`, 1000, 1000);
    await it.run(4);
    await it.append(5, 20);
    await writeFile(`${it.file}.1.gz`, gzipSync(await readFile(it.file)));
    await unlink(it.file);
    await tick();
    await it.append(20, 30);
    const { ids, origins } = await it.run(29);
    expect(ids).toEqual(range(0, 30));
    expect(origins).toEqual(['audit.log.1.gz', 'audit.log']);
    expect(it.warnings).toEqual([expect.stringContaining('reading audit.log.1.gz again as a whole')]);
    // Once is enough.
    expect((await it.run(29)).ids).toEqual([29]);
  });

  it('compressed with a tool that cannot be read here: it names the file', async () => {
    await using it = await log();
    await it.append(0, 5);
    await it.run(4);
    await rename(it.file, `${it.file}.1.xz`);
    await it.append(5, 6);
    expect((await it.run(5)).ids).toEqual([5]);
    expect(it.warnings[0]).toMatch(/audit\.log\.1\.xz was written since the last run and cannot be read/);
  });

  it('a damaged packed file: what is good of it is read, the damage is told, and the log goes on', async () => {
    await using it = await log();
    await it.append(0, 5);
    await it.run(4);
    await it.append(5, 500);
    await writeFile(`${it.file}.1.gz`, gzipSync(await readFile(it.file)).subarray(0, -20));
    await unlink(it.file);
    await tick();
    await it.append(500, 501);
    const reading = await it.open();
    await until('the live file is read', () => idsIn(reading.text()).includes(500));
    await reading.stop();
    expect(reading.chunks.filter(({ damage }) => damage !== undefined)).toHaveLength(1);
  });

  it('copied and truncated: the copy is read from the position on, then the live file from its beginning', async () => {
    await using it = await log();
    await it.append(0, 10);
    await it.run(9);
    await it.append(10, 15);
    await copyFile(it.file, `${it.file}.1`);
    await truncate(it.file);
    await tick();
    await it.append(15, 40);
    const { ids, origins } = await it.run(39);
    expect(ids).toEqual(range(9, 40));
    expect(origins).toEqual(['audit.log.1', 'audit.log']);
    expect(it.warnings).toEqual([]);
  });

  it('deleted and made anew: it says loudly what is missing, and reads the new file', async () => {
    await using it = await log();
    await it.append(0, 10);
    await it.run(9);
    await rm(it.file);
    await it.append(20, 30);
    expect((await it.run(29)).ids).toEqual(range(20, 30));
    expect(it.warnings).toEqual([
      expect.stringMatching(/the file that was read last, written at 20.*, is gone/),
    ]);
    it.warnings.length = 0;
    expect((await it.run(29)).ids).toEqual([29]);
    expect(it.warnings).toEqual([]);
  });

  it('truncated without a copy: it says so, and reads what is there', async () => {
    await using it = await log();
    await it.append(0, 10);
    await it.run(9);
    await truncate(it.file);
    await it.append(10, 12);
    expect((await it.run(11)).ids).toEqual([10, 11]);
    expect(it.warnings).toHaveLength(1);
  });

  it('loses nothing over any mix of appends, rotations and runs', async () => {
    const step = fc.constantFrom('append', 'rename', 'copytruncate', 'run');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        await using it = await log();
        await it.append(0, 1);
        await it.run(0);
        let [n, rotations] = [1, 0];
        const seen = new Set([0]);
        const run = async (): Promise<void> => {
          for (const id of (await it.run(n - 1)).ids) seen.add(id);
        };
        for (const one of [...steps, 'run']) {
          const rotated = join(it.folder, `audit-${String(10_000 + rotations)}.log`);
          if (one === 'run') await run();
          if (one !== 'append' && one !== 'run') {
            rotations += 1;
            if (one === 'rename') await rename(it.file, rotated);
            else await copyFile(it.file, rotated).then(() => truncate(it.file));
            await tick();
          }
          if (one !== 'run') await it.append(n, (n += 2));
        }
        expect([...seen].sort((a, b) => a - b)).toEqual(range(0, n));
        expect(it.warnings).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('openFollowSource: links', () => {
  it('a link that is pointed at another file: the old one is read to its end, then the new one', async () => {
    await using it = await log();
    const [first, second] = [
      join(it.folder, 'audit-2024-01-01.log'),
      join(it.folder, 'audit-2024-01-02.log'),
    ];
    const point = async (target: string): Promise<void> => {
      await symlink(target, `${it.file}.new`);
      await rename(`${it.file}.new`, it.file);
    };
    await writeFile(first, events(0, 5));
    await point(first);
    const reading = await it.open();
    await until('the first is read', () => idsIn(reading.text()).includes(4));
    await appendFile(first, events(5, 6));
    await tick();
    await writeFile(second, events(6, 10));
    await point(second);
    await until('the second is read', () => idsIn(reading.text()).includes(9));
    await reading.stop();
    expect(idsIn(reading.text())).toEqual(range(0, 10));
    // And while nobody follows.
    await appendFile(second, events(10, 11));
    await tick();
    await writeFile(join(it.folder, 'audit-2024-01-03.log'), events(11, 12));
    await point(join(it.folder, 'audit-2024-01-03.log'));
    expect((await it.run(11)).ids).toEqual(range(9, 12));
  });

  it('a link into another folder: generations are looked for where the file is', async () => {
    await using it = await log();
    const elsewhere = join(it.folder, 'pods', '0.log');
    await mkdir(join(it.folder, 'pods'));
    await writeFile(elsewhere, events(0, 5));
    await symlink(elsewhere, it.file);
    await it.run(4);
    await appendFile(elsewhere, events(5, 6));
    for (const i of [1, 2]) {
      await rename(elsewhere, `${elsewhere}.2024010${String(i)}-000000`);
      await tick();
      await writeFile(elsewhere, events(5 + i, 6 + i));
    }
    expect((await it.run(7)).ids).toEqual(range(4, 8));
    expect(it.warnings).toEqual([]);
  });
});
