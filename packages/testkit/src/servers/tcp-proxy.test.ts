import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

interface Echo {
  readonly server: Server;
  readonly port: number;
}

/** A server that says its name and what it was told. */
async function startEcho(name: string): Promise<Echo> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(`${name}:${data.toString()}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}

async function answer(socket: Socket, question: string): Promise<string> {
  socket.write(question);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

async function endOf(socket: Socket): Promise<string> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code ?? '';
}

describe('a proxy that can be cut', () => {
  let echo: Echo;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];
  const open = (): Socket => {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  };

  beforeEach(async () => {
    echo = await startEcho('one');
    proxy = await startTcpProxy(echo.port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy[Symbol.asyncDispose]();
    echo.server.close();
  });

  it('forwards', async () => {
    const socket = open();
    expect(await answer(socket, 'a')).toBe('one:a');
    expect(await answer(socket, 'b')).toBe('one:b');
    expect(proxy.connections).toBe(1);
  });

  it('cuts what is open and takes what comes next', async () => {
    const socket = open();
    await answer(socket, 'a');
    const ended = endOf(socket);
    proxy.cut();
    expect(await ended).toBe('ECONNRESET');
    expect(proxy.connections).toBe(0);
    expect(await answer(open(), 'b')).toBe('one:b');
  });

  it('refuses until it is healed', async () => {
    const [old, next] = [open(), open()];
    await answer(old, 'a');
    await answer(next, 'a');
    const ends = [endOf(old), endOf(next)];
    proxy.refuse();
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(await endOf(open())).toBe('ECONNRESET');
    proxy.heal();
    expect(await answer(open(), 'b')).toBe('one:b');
  });

  it('stalls open and new connections without a loss', async () => {
    const old = open();
    await answer(old, 'a');
    proxy.stall();
    const answers: string[] = [];
    const next = open();
    for (const socket of [old, next]) {
      socket.on('data', (data: Buffer) => answers.push(data.toString()));
      socket.write('b');
    }
    // One that goes around the proxy has been answered by then.
    const direct = connect(echo.port, '127.0.0.1');
    sockets.push(direct);
    expect(await answer(direct, 'c')).toBe('one:c');
    expect(answers).toEqual([]);
    proxy.heal();
    await expect.poll(() => answers).toEqual(['one:b', 'one:b']);
  });

  it('is healed twice without saying anything twice', async () => {
    const socket = open();
    await answer(socket, 'a');
    proxy.stall();
    proxy.heal();
    proxy.heal();
    expect(await answer(socket, 'b')).toBe('one:b');
    expect(await answer(socket, 'c')).toBe('one:c');
  });

  it('leads new connections elsewhere', async () => {
    const other = await startEcho('two');
    const old = open();
    await answer(old, 'a');
    proxy.to(other.port);
    expect(await answer(old, 'b')).toBe('one:b');
    expect(await answer(open(), 'b')).toBe('two:b');
    other.server.close();
  });

  it('resets a client whose server is gone', async () => {
    await new Promise((resolve) => echo.server.close(resolve));
    expect(await endOf(open())).toBe('ECONNRESET');
  });
});
