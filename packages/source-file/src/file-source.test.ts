import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { SourceError } from '@leastwise/source';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceChecks } from '@leastwise/source/conformance';
import { openFileSource } from './file-source.ts';
import { content, drain, fixture, inPieces, Reading, temporaryFolder, until } from './testing/fixtures.ts';
import { zstdFrame } from './testing/zstd-writer.ts';

const packings: readonly { name: string; pack: (bytes: Uint8Array) => Uint8Array }[] = [
  { name: 'plain', pack: (bytes) => bytes },
  { name: 'gzip', pack: (bytes) => gzipSync(bytes) },
  {
    name: 'zstd',
    pack(bytes) {
      const blocks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += 1 << 17) blocks.push(bytes.subarray(at, at + (1 << 17)));
      return zstdFrame(blocks);
    },
  },
];

describe.each(packings)('openFileSource keeps the promises of the port for $name files', ({ pack }) => {
  for (const check of sourceChecks) {
    it(check.name, async () => {
      await using folder = await temporaryFolder();
      await check.run(async (contents) => {
        const inputs: string[] = [];
        for (const [i, bytes] of contents.entries()) {
          const path = join(folder.path, `${String(i)}.log`);
          await writeFile(path, pack(bytes));
          inputs.push(path);
        }
        return await openFileSource({ inputs });
      });
    });
  }
});

async function tree(
  files: Readonly<Record<string, string | Uint8Array>>,
): ReturnType<typeof temporaryFolder> {
  const folder = await temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(join(folder.path, name, '..'), { recursive: true });
    await writeFile(join(folder.path, name), bytes);
  }
  return folder;
}

async function origins(folder: string, inputs: readonly string[]): Promise<string[]> {
  const source = await openFileSource({ inputs: inputs.map((input) => join(folder, input)) });
  return (await drain(source)).map(({ origin }) => origin.slice(folder.length + 1));
}

describe('openFileSource: what -f may name', () => {
  it('a directory, recursively, in the order of code units, without hidden names', async () => {
    await using folder = await tree({
      'd/b.log': '',
      'd/B.log': '',
      'd/audit.log': '',
      'd/audit-2024-01-01.log': '',
      'd/sub/x.log': '',
      'd/sub.log': '',
      'd/.hidden': '',
      'd/.git/config': '',
    });
    expect(await origins(folder.path, ['d'])).toEqual([
      'd/B.log',
      'd/audit-2024-01-01.log',
      'd/audit.log',
      'd/b.log',
      'd/sub.log',
      'd/sub/x.log',
    ]);
  });

  it('globs, sorted, between inputs in the order that was given', async () => {
    await using folder = await tree({ 'z.log': '', 'a.log': '', 'b.log': '', 'sub/c.log': '', 'd.txt': '' });
    expect(await origins(folder.path, ['z.log', '{a,b}.log', '**/c.*'])).toEqual([
      'z.log',
      'a.log',
      'b.log',
      'sub/c.log',
    ]);
  });

  it('a file whose name looks like a glob', async () => {
    await using folder = await tree({ 'audit[1].log': 'x', 'audit1.log': 'y' });
    expect(await origins(folder.path, ['audit[1].log'])).toEqual(['audit[1].log']);
  });

  it('a file named twice, also through a link, once', async () => {
    await using folder = await tree({ 'd/a.log': 'x' });
    await symlink(join(folder.path, 'd/a.log'), join(folder.path, 'd/link.log'));
    await symlink(join(folder.path, 'd'), join(folder.path, 'd/loop'));
    expect(await origins(folder.path, ['d/a.log', 'd', 'd/*.log'])).toEqual(['d/a.log']);
  });

  it('refuses everything that is missing or empty, all at once', async () => {
    await using folder = await tree({ 'there.log': '' });
    await mkdir(join(folder.path, 'empty'));
    const inputs = ['missing.log', 'there.log', '*.nothing', 'empty', 'there.log/below'].map((name) =>
      join(folder.path, name),
    );
    const error = await openFileSource({ inputs: [...inputs, '-', '-', 'http://'] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SourceError);
    const { message } = error as SourceError;
    expect(message.replaceAll(folder.path, '').split('\n')).toEqual([
      '/missing.log: no such file',
      '/*.nothing: no file matches',
      '/empty: the directory holds no files',
      '/there.log/below: no such file',
      'standard input (-) is named twice: it can be read once',
      'http://: not a URL',
    ]);
    await expect(openFileSource({ inputs: [] })).rejects.toThrow('no input');
  });

  it.skipIf(process.getuid?.() === 0)('refuses a file that may not be read', async () => {
    await using folder = await tree({ 'secret.log': '' });
    await chmod(join(folder.path, 'secret.log'), 0);
    await expect(openFileSource({ inputs: [join(folder.path, 'secret.log')] })).rejects.toThrow(
      /secret.*EACCES/,
    );
  });

  it.skipIf(process.platform === 'win32')('a named pipe, which has no size', async () => {
    await using folder = await temporaryFolder();
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const source = await openFileSource({ inputs: [pipe] });
    const writer = spawn('sh', ['-c', `printf 'through the pipe' > '${pipe}'`]);
    expect((await drain(source))[0]?.bytes.toString()).toBe('through the pipe');
    expect(source.progress()).toEqual({ readBytes: 16, totalBytes: undefined });
    writer.kill();
  });
});

describe('openFileSource: compression', () => {
  it('recognises gzip and zstd by their first bytes, whatever the name', async () => {
    await using folder = await tree({
      'a.log': gzipSync('gzip'),
      'b.gz': zstdFrame([Buffer.from('zstd')]),
      'c.zst': 'plain',
    });
    const source = await openFileSource({ inputs: [folder.path] });
    expect((await drain(source)).map(({ bytes }) => bytes.toString())).toEqual(['gzip', 'zstd', 'plain']);
  });

  it('reads a real .zst of several frames and a real .gz of several members', async () => {
    await using folder = await tree({
      'a.zst': await fixture('frames.zst'),
      'b.gz': Buffer.concat([gzipSync(content()), gzipSync(content())]),
    });
    const [zst, gz] = await drain(await openFileSource({ inputs: [folder.path] }));
    expect(zst?.bytes.equals(content())).toBe(true);
    expect(gz?.bytes.equals(Buffer.concat([content(), content()]))).toBe(true);
  });

  it('a cut or damaged stream: the bytes before, the damage told with the last chunk, and the others go on', async () => {
    const gz = gzipSync(content(), { level: 1 });
    const zst = await fixture('sized.zst');
    const damaged = Buffer.from(gz);
    damaged.fill(0xff, gz.length >> 1, (gz.length >> 1) + 64);
    await using folder = await tree({
      'a-cut.gz': gz.subarray(0, gz.length >> 1),
      'b-damaged.gz': damaged,
      'c-cut.zst': zst.subarray(0, zst.length - 10),
      'd-garbage.gz': Buffer.concat([gz, Buffer.from('garbage')]),
      'e.log': 'whole\n',
    });
    const seen = await drain(await openFileSource({ inputs: [folder.path] }));
    expect(seen.map(({ damage }) => damage?.replace(/: .*/, ''))).toEqual([
      'the gzip stream is cut off',
      'the gzip stream is damaged',
      'the zstd stream is cut off',
      'the gzip stream is damaged',
      undefined,
    ]);
    for (const { bytes } of seen.slice(0, 3)) {
      expect(bytes.length).toBeGreaterThan(content().length / 3);
    }
    const [cut, broken, cutZst, garbage, whole] = seen;
    expect(
      content()
        .subarray(0, cut?.bytes.length)
        .equals(cut?.bytes ?? Buffer.alloc(0)),
    ).toBe(true);
    // What lies before the damage is all there, to the byte that deflate could decode.
    expect(broken?.bytes.subarray(0, cut?.bytes.length).equals(cut?.bytes ?? Buffer.alloc(0))).toBe(true);
    expect(
      content()
        .subarray(0, cutZst?.bytes.length)
        .equals(cutZst?.bytes ?? Buffer.alloc(0)),
    ).toBe(true);
    expect(garbage?.bytes.equals(content())).toBe(true);
    expect(whole?.bytes.toString()).toBe('whole\n');
  });

  it('counts progress in stored bytes', async () => {
    const packed = gzipSync(content());
    await using folder = await tree({ 'a.gz': packed });
    const source = await openFileSource({ inputs: [join(folder.path, 'a.gz')] });
    expect(source.progress()).toEqual({ readBytes: 0, totalBytes: packed.length });
    await drain(source);
    expect(source.progress()).toEqual({ readBytes: packed.length, totalBytes: packed.length });
  });
});

describe('openFileSource: standard input', () => {
  it('gives the same bytes for any splitting, compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...packings),
        async (bytes, sizes, { pack }) => {
          const text = Buffer.concat([Buffer.from('{'), bytes]);
          // A stream queues its chunks, so that they must not share one buffer.
          const pieces: Buffer[] = [];
          for await (const piece of inPieces(pack(text), sizes)) pieces.push(Buffer.from(piece));
          const source = await openFileSource({ inputs: ['-'], stdin: Readable.from(pieces) });
          const [only] = await drain(source);
          expect(only?.origin).toBe('-');
          expect(only?.damage).toBeUndefined();
          expect(only?.bytes.equals(text)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('ends promptly when aborted while nothing comes, and lets the stream go', async () => {
    const stdin = new PassThrough();
    const source = await openFileSource({ inputs: ['-'], stdin });
    const reading = new Reading(source);
    stdin.write('{"half"');
    await until('the first bytes are there', () => reading.text() !== '');
    await reading.stop();
    expect(reading.text()).toBe('{"half"');
    await until('the stream is destroyed', () => stdin.destroyed);
  });

  it('tells damage where the stream fails', async () => {
    const stdin = Readable.from(
      (async function* () {
        yield Buffer.from('a\n');
        await Promise.resolve();
        throw new Error('pulled out');
      })(),
    );
    const [only] = await drain(await openFileSource({ inputs: ['-'], stdin }));
    expect(only?.bytes.toString()).toBe('a\n');
    expect(only?.damage).toContain('pulled out');
  });
});

describe('openFileSource: size', () => {
  it('holds a bounded part of a file of any size', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'large.log');
    await writeFile(path, Buffer.alloc(128 << 20, 'x'));
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let total = 0;
    const source = await openFileSource({ inputs: [path] });
    for await (const chunk of source.chunks(new AbortController().signal)) {
      total += chunk.bytes.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(total).toBe(128 << 20);
    expect(most).toBeLessThan(16 << 20);
  });
});
