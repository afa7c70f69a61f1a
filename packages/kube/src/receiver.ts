import { StringDecoder } from 'node:string_decoder';

/** A page of reports at their largest fits. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** etcd takes objects of 1.5 MB; in JSON, and with the object around it, that may be several times as long. */
const MAX_LINE = 16 * 1024 * 1024;

/** An error as those of the system are: told by its code. */
export function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What takes the bytes of an answer, and has its text when they have all come. */
export interface Receiver {
  /** @throws an error with a `code` where that is too much */
  take(chunk: Buffer): void;
  text(): string;
}

/** Keeps everything. */
export function collector(): Receiver {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    take: (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw coded('ANSWER_TOO_LARGE');
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** Hands over whole lines and keeps nothing. What follows the last line's end was cut off, and is no line. */
export function lineReceiver(onLine: (line: string) => void): Receiver {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    take: (chunk) => {
      const lines = decoder.write(chunk).split('\n');
      lines[0] = rest + (lines[0] ?? '');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw coded('LINE_TOO_LARGE');
      for (const line of lines) if (line !== '') onLine(line);
    },
    text: () => '',
  };
}
