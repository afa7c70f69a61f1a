import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy before a forge: clients reach it by an address that the forge does not know of. */
export interface CountingProxy extends AsyncDisposable {
  /** The address of the API through it. */
  readonly apiUrl: string;
  /** How many requests were no GET. */
  readonly writes: () => number;
  /** `METHOD /path`, in order. */
  readonly requests: readonly string[];
}

/** Starts one on loopback. */
export async function startCountingProxy(apiUrl: string): Promise<CountingProxy> {
  const { origin, pathname } = new URL(apiUrl);
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    requests.push(`${method} ${url}`);
    const onward = request(`${origin}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    writes: () => requests.filter((each) => !each.startsWith('GET ')).length,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
