/** How the bytes of one direction of a connection are cut into messages. */
export interface Framing {
  /** How long the message is that begins there; `undefined` where its end has not come yet. */
  readonly length: (bytes: Buffer, at: number) => number | undefined;
}

const CRLF = '\r\n';
const COLON = 0x3a;

/** Redis: requests are arrays of bulk strings, answers anything of RESP 2. */
export const RESP: Framing = { length: respLength };

function respLength(bytes: Buffer, at: number): number | undefined {
  const lineEnd = bytes.indexOf(CRLF, at);
  if (lineEnd < 0) return undefined;
  const head = lineEnd + 2 - at;
  const type = String.fromCharCode(bytes[at] ?? COLON);
  const number = Number(bytes.toString('latin1', at + 1, lineEnd));
  if (type === '$') {
    if (number < 0) return head;
    const end = head + number + 2;
    return at + end <= bytes.length ? end : undefined;
  }
  if (type !== '*') return head;
  let length = head;
  for (let i = 0; i < number; i += 1) {
    const part = at + length < bytes.length ? respLength(bytes, at + length) : undefined;
    if (part === undefined) return undefined;
    length += part;
  }
  return length;
}

/** The words of a Redis request. */
export function wordsOf(request: Buffer): string[] {
  const words: string[] = [];
  const count = Number(request.toString('latin1', 1, request.indexOf(CRLF)));
  let at = request.indexOf(CRLF) + 2;
  for (let i = 0; i < count; i += 1) {
    const start = request.indexOf(CRLF, at) + 2;
    const end = start + Number(request.toString('latin1', at + 1, start - 2));
    words.push(request.toString('utf8', start, end));
    at = end + 2;
  }
  return words;
}

/** Kafka: a length, then so many bytes, in both directions. */
export const KAFKA: Framing = {
  length: (bytes, at) => {
    if (bytes.length < at + 4) return undefined;
    const length = 4 + bytes.readInt32BE(at);
    return at + length <= bytes.length ? length : undefined;
  },
};

/** What a Kafka request asks for, by its number in the protocol. */
export function apiOf(request: Buffer): number {
  return request.readInt16BE(4);
}

/** Collects bytes until they are whole messages. */
export class FrameReader {
  readonly #framing: Framing;
  #bytes = Buffer.alloc(0);

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  *push(chunk: Buffer): Generator<Buffer> {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const length = this.#bytes.length === 0 ? undefined : this.#framing.length(this.#bytes, 0);
      if (length === undefined) return;
      yield this.#bytes.subarray(0, length);
      this.#bytes = this.#bytes.subarray(length);
    }
  }
}
