import { connect, createServer, type Socket } from 'node:net';

/** A wire between a client and a server which a test can cut. */
export interface TcpProxy extends AsyncDisposable {
  /** Where clients connect, on loopback. */
  readonly port: number;
  /** How many connections are open. */
  readonly connections: number;
  /** Breaks all connections off with a reset; new ones are taken. */
  cut(): void;
  /** Breaks all connections off and resets each new one, until {@link heal}. */
  refuse(): void;
  /** Connections stay open and carry nothing, in either direction, until {@link heal}; new ones likewise. */
  stall(): void;
  /** Forwards again: after `stall` what was held back goes on its way. */
  heal(): void;
  /** New connections go to that port; {@link cut} makes the old ones come again. */
  to(port: number): void;
}

type State = 'open' | 'stalled' | 'refused';
type Pair = readonly [client: Socket, upstream: Socket];

/** Forwards connections on a port of its own to `targetPort`, both on loopback. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let target = targetPort;
  let state: State = 'open';
  const pairs = new Set<Pair>();
  const server = createServer({ noDelay: true }, (client) => {
    // An error that comes before its listener would end the test process.
    client.on('error', () => undefined);
    if (state === 'refused') {
      client.resetAndDestroy();
      return;
    }
    const pair: Pair = [client, connect({ port: target, host: '127.0.0.1', noDelay: true })];
    pairs.add(pair);
    tie(pair, () => pairs.delete(pair));
    if (state === 'open') flow(pair);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (): void => {
    for (const socket of [...pairs].flat()) socket.resetAndDestroy();
    pairs.clear();
  };
  const refuse = (): void => {
    state = 'refused';
    cut();
  };
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    get connections() {
      return pairs.size;
    },
    cut,
    refuse,
    stall: () => {
      state = 'stalled';
      for (const pair of pairs) hold(pair);
    },
    heal: () => {
      if (state === 'stalled') for (const pair of pairs) flow(pair);
      state = 'open';
    },
    to: (port) => {
      target = port;
    },
    [Symbol.asyncDispose]: async () => {
      refuse();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What ends one side ends the other in the same way. */
function tie([client, upstream]: Pair, onEnd: () => void): void {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.resetAndDestroy());
    one.on('close', () => {
      onEnd();
      other.destroySoon();
    });
  }
}

function flow([client, upstream]: Pair): void {
  client.pipe(upstream).pipe(client);
}

function hold([client, upstream]: Pair): void {
  client.unpipe(upstream);
  upstream.unpipe(client);
}
