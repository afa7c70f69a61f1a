import { connect, createServer, type Socket } from 'node:net';

import { apiOf, FrameReader, type Framing, KAFKA, RESP, wordsOf } from './frames.ts';

/** When a trap springs: before its request goes on, when the answer is there and held back, when it was handed over. */
export type Moment = 'asked' | 'done' | 'answered';

/** What lies in wait on a wire for one request. */
export interface Trap {
  readonly at: Moment;
  readonly isIt: (request: Buffer) => boolean;
  /** Whether the answer is the one to wait for; any answer where nothing is said. */
  readonly isAnswer?: (answer: Buffer) => boolean;
  /** What happens then. The wire stands still meanwhile. @returns what becomes of the message */
  readonly spring: () => Promise<'forward' | 'drop'>;
}

/** A wire between a client and a server on which every message is looked at. */
export interface Tap extends AsyncDisposable {
  readonly port: number;
  /** Sets a trap, which springs once. @returns when it has sprung, and what it did is done */
  set(trap: Trap): Promise<void>;
  /** Breaks each connection off that asks for such a thing; nothing where nothing is said. */
  block(isIt?: (request: Buffer) => boolean): void;
}

interface Armed {
  readonly trap: Trap;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class Wire {
  #armed: Armed | undefined;
  #isBlocked: (request: Buffer) => boolean = () => false;
  readonly #framing: Framing;
  readonly #target: number;
  readonly #rewrite: (answer: Buffer) => void;

  constructor(framing: Framing, target: number, rewrite: (answer: Buffer) => void) {
    this.#framing = framing;
    this.#target = target;
    this.#rewrite = rewrite;
  }

  set(trap: Trap): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#armed = { trap, resolve, reject };
    });
  }

  block(isIt: (request: Buffer) => boolean = () => false): void {
    this.#isBlocked = isIt;
  }

  async #spring(armed: Armed): Promise<boolean> {
    this.#armed = undefined;
    try {
      const what = await armed.trap.spring();
      armed.resolve();
      return what === 'forward';
    } catch (error) {
      armed.reject(error);
      return false;
    }
  }

  connect(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    /** What every request that was sent on waits for. */
    const waiting: (Armed | undefined)[] = [];
    const asked = inOrder(client, this.#framing, async (request) => {
      if (this.#isBlocked(request)) {
        end();
        return;
      }
      const armed = this.#armed;
      const isIt = armed?.trap.isIt(request) === true;
      if (isIt && armed.trap.at === 'asked' && !(await this.#spring(armed))) {
        end();
        return;
      }
      waiting.push(isIt && armed.trap.at !== 'asked' ? armed : undefined);
      server.write(request);
    });
    const answered = inOrder(server, this.#framing, async (answer) => {
      this.#rewrite(answer);
      const armed = waiting.shift();
      const isIt = armed && armed === this.#armed && (armed.trap.isAnswer?.(answer) ?? true);
      if (isIt && armed.trap.at === 'done' && !(await this.#spring(armed))) {
        end();
        return;
      }
      client.write(answer);
      if (isIt && armed.trap.at === 'answered' && !(await this.#spring(armed))) end();
    });
    for (const each of [asked, answered]) each.catch(end);
  }
}

/** Handles the messages of a socket one after the other. */
async function inOrder(
  socket: Socket,
  framing: Framing,
  handle: (message: Buffer) => Promise<void>,
): Promise<void> {
  const reader = new FrameReader(framing);
  for await (const chunk of socket) {
    for (const message of reader.push(chunk as Buffer)) await handle(message);
  }
}

async function listen(wire: Wire): Promise<Tap> {
  const clients = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    wire.connect(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    set: (trap) => wire.set(trap),
    block: (isIt) => {
      wire.block(isIt);
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A wire to a Redis on loopback. */
export function tapRedis(port: number): Promise<Tap> {
  return listen(new Wire(RESP, port, () => undefined));
}

/** A wire to a broker on loopback, which seems to listen at the wire's own port. */
export async function tapKafka(port: number): Promise<Tap> {
  const host = Buffer.from('\0\x09127.0.0.1', 'latin1');
  let own = 0;
  const wire = new Wire(KAFKA, port, (answer) => {
    for (let at = answer.indexOf(host); at >= 0; at = answer.indexOf(host, at + 1)) {
      const portAt = at + host.length;
      const isIt = portAt + 4 <= answer.length && answer.readInt32BE(portAt) === port;
      if (isIt) answer.writeInt32BE(own, portAt);
    }
  });
  const tap = await listen(wire);
  own = tap.port;
  return tap;
}

const SCRIPT = /^EVAL(?:SHA)?$/i;
const [PRODUCE, OFFSET_COMMIT] = [0, 8];

/** A commit of a partition: token, position, revision, then `o` and all that it writes. */
export function isCommit(request: Buffer): boolean {
  const words = wordsOf(request);
  return SCRIPT.test(words[0] ?? '') && words[7] === 'o';
}

/** A claim of a partition: token, version, identity key, hours. */
export function isClaim(request: Buffer): boolean {
  const words = wordsOf(request);
  return SCRIPT.test(words[0] ?? '') && words.length === 8;
}

/** A script that ran, not one that Redis did not know yet. */
export function hasRun(answer: Buffer): boolean {
  return !answer.toString('latin1').startsWith('-');
}

/** Records for that topic. */
export function isProduceTo(topic: string): (request: Buffer) => boolean {
  return (request) => apiOf(request) === PRODUCE && request.includes(topic);
}

/** Positions, for whoever looks at the lag. */
export function isOffsetCommit(request: Buffer): boolean {
  return apiOf(request) === OFFSET_COMMIT;
}
