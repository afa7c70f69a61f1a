import { ForgeError } from '@leastwise/publish';
import { describe, expect, test } from 'vitest';

import { HttpClient, type HttpClientOptions } from './client.ts';
import { fakeWaiting } from './testing/fake-world.ts';
import type { HttpAnswer, HttpRequest } from './transport.ts';
import { TransportError } from './transport.ts';

const TOKEN = 'secret-token-4711';
const NOW_S = Date.UTC(2026, 0, 1) / 1000;

type Reply = Partial<Omit<HttpAnswer, 'headers'>> & { readonly headers?: Record<string, string> };

/** A client whose server answers by a list, and then 200. */
function clientOf(replies: readonly (Reply | Error)[], options: Partial<HttpClientOptions> = {}) {
  const left = [...replies];
  const sent: HttpRequest[] = [];
  const waiting = fakeWaiting();
  const client = new HttpClient({
    name: 'Forge',
    apiUrl: 'https://forge.example/api',
    waiting,
    token: async () => TOKEN,
    authorization: (token) => `Bearer ${token}`,
    transport: async (request) => {
      sent.push(request);
      const reply = left.shift() ?? {};
      if (reply instanceof Error) throw reply;
      const { status = 200, body = '{}', headers = {} } = reply;
      return { status, body, headers: new Map(Object.entries(headers)) };
    },
    ...options,
  });
  return { client, sent, slept: waiting.slept };
}

async function errorOf(promise: Promise<unknown>): Promise<ForgeError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof ForgeError) return error;
  throw error;
}

const POST = { method: 'POST', path: '/things', body: { a: 1 } } as const;

describe('what is sent', () => {
  test('goes below the address of the API, with the token and the name of the client', async () => {
    const { client, sent } = clientOf([], { headers: { accept: 'application/x' } });
    await client.get('/repos/a%2Fb', { state: 'open', head: 'a:b/c' });
    expect(sent[0]?.url.href).toBe('https://forge.example/api/repos/a%2Fb?state=open&head=a%3Ab%2Fc');
    expect(sent[0]?.headers).toEqual({
      'user-agent': 'leastwise',
      accept: 'application/x',
      authorization: `Bearer ${TOKEN}`,
    });
  });

  test('asks for the token each time, without the white space of a file', async () => {
    const tokens = ['one\n', ' two '];
    const { client, sent } = clientOf([], { token: async () => tokens.shift() ?? '' });
    await client.get('/a');
    await client.send(POST);
    expect(sent.map(({ headers }) => headers['authorization'])).toEqual(['Bearer one', 'Bearer two']);
    expect(sent[1]).toMatchObject({ method: 'POST', body: '{"a":1}' });
    expect(sent[1]?.headers['content-type']).toBe('application/json');
  });

  test.each(['', ' \n', 'a b', 'a\nb', 'ключ'])('a token %j is sent to nobody', async (token) => {
    const { client, sent } = clientOf([], { token: async () => token });
    expect(await errorOf(client.get('/a'))).toMatchObject({ failure: 'unauthorized' });
    expect(sent).toEqual([]);
  });

  test('a token that cannot be read is told by its code alone', async () => {
    const reason = Object.assign(new Error(`ENOENT ${TOKEN}`), { code: 'ENOENT' });
    const { client } = clientOf([], { token: () => Promise.reject(reason) });
    const error = await errorOf(client.get('/a'));
    expect(error.message).toBe('Forge: the token cannot be read (ENOENT)');
    const own = new ForgeError('unreachable', 'own');
    const other = clientOf([], { token: () => Promise.reject(own) });
    expect(await errorOf(other.client.get('/a'))).toBe(own);
  });

  test.each(['ftp://x', 'https://user:pw@x', 'https://x?q=1', 'https://x#h', 'x', ''])(
    'an address %j is none',
    (apiUrl) => {
      expect(() => clientOf([], { apiUrl })).toThrow("the API's address must be http(s)");
    },
  );

  test('goes one after the other, with a gap between changes', async () => {
    const { client, slept, sent } = clientOf([], { writeGapMs: 1000 });
    await Promise.all([client.send(POST), client.get('/a'), client.send(POST), client.send(POST)]);
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'POST']);
    expect(slept).toEqual([1000, 1000]);
  });
});

describe('what failed on the way', () => {
  test.each([500, 502, 503, 504])('is asked again after a %i', async (status) => {
    const { client, slept } = clientOf([
      { status },
      { status, headers: { 'retry-after': '7' } },
      { body: '{"a":1}' },
    ]);
    expect((await client.get('/a')).integer('a')).toBe(1);
    expect(slept).toEqual([250, 7000]);
  });

  test('is given up after four attempts, further and further apart', async () => {
    const { client, sent, slept } = clientOf([1, 2, 3, 4, 5].map(() => ({ status: 502, body: '<html>' })));
    const error = await errorOf(client.get('/a'));
    expect(error).toMatchObject({ failure: 'unreachable', message: 'Forge: GET /a: 502' });
    expect(sent).toHaveLength(4);
    expect(slept).toEqual([250, 500, 1000]);
  });

  test('is spread by chance', async () => {
    const waiting = { ...fakeWaiting(), random: () => 0.999 };
    const slept: number[] = [];
    const sleep = async (ms: number): Promise<void> => {
      slept.push(ms);
    };
    const { client } = clientOf([{ status: 500 }], { waiting: { ...waiting, sleep } });
    await client.get('/a');
    expect(slept[0]).toBeGreaterThan(499);
  });

  test('is asked again where the connection broke, if twice is as once', async () => {
    const broken = new TransportError('ECONNRESET', true);
    for (const act of [
      (client: HttpClient) => client.get('/a'),
      (client: HttpClient) => client.send({ ...POST, method: 'PATCH' }),
      (client: HttpClient) => client.send({ ...POST, isRepeatable: true }),
    ]) {
      const { client, sent } = clientOf([broken]);
      await act(client);
      expect(sent).toHaveLength(2);
    }
  });

  test('is not asked again where it may have been done, and twice is not as once', async () => {
    const { client, sent } = clientOf([new TransportError('ECONNRESET', true)]);
    const error = await errorOf(client.send(POST));
    expect(error).toMatchObject({ failure: 'unreachable', message: 'Forge: POST /things: ECONNRESET' });
    expect(sent).toHaveLength(1);
    const other = clientOf([{ status: 502 }]);
    expect(await errorOf(other.client.send(POST))).toMatchObject({ failure: 'unreachable' });
    expect(other.sent).toHaveLength(1);
    const unsent = clientOf([new TransportError('ECONNREFUSED', false)]);
    await unsent.client.send(POST);
    expect(unsent.sent).toHaveLength(2);
  });
});

describe('limits', () => {
  test.each([
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '5' } }, 5000],
    ['403 with Retry-After', { status: 403, headers: { 'retry-after': '5' } }, 5000],
    [
      "GitHub's primary limit",
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_S + 30) } },
      30_000,
    ],
    [
      "GitHub's secondary limit without a time",
      { status: 403, body: '{"message":"You have exceeded a secondary rate limit."}' },
      60_000,
    ],
    [
      "GitLab's limit",
      { status: 429, headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW_S + 20) } },
      20_000,
    ],
    [
      'a limit by a clock that is not ours',
      {
        status: 429,
        headers: {
          date: new Date((NOW_S + 900) * 1000).toUTCString(),
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(NOW_S + 910),
        },
      },
      10_000,
    ],
    [
      'a limit in seconds from now',
      { status: 429, headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' } },
      9000,
    ],
    [
      'a date',
      { status: 429, headers: { 'retry-after': new Date((NOW_S + 40) * 1000).toUTCString() } },
      40_000,
    ],
    ['nothing but the status', { status: 429 }, 60_000],
  ])('%s is waited for, also by what may not be repeated', async (_, reply: Reply, waitMs) => {
    const { client, sent, slept } = clientOf([reply]);
    await client.send(POST);
    expect(sent).toHaveLength(2);
    expect(slept.filter((ms) => ms > 0)).toEqual([waitMs]);
  });

  test('a long one is told at once, and nothing is asked before it is over', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_S + 1800) };
    const { client, sent } = clientOf([
      { status: 403, headers, body: '{"message":"API rate limit exceeded"}' },
    ]);
    const error = await errorOf(client.get('/a'));
    expect(error).toMatchObject({ failure: 'rate-limited', retryAfterMs: 1_800_000 });
    expect(await errorOf(client.get('/b'))).toMatchObject({ failure: 'rate-limited' });
    expect(sent).toHaveLength(1);
  });

  test('after it is over it is asked again', async () => {
    const waiting = fakeWaiting();
    const { client, sent } = clientOf([{ status: 429, headers: { 'retry-after': '100' } }], { waiting });
    await errorOf(client.get('/a'));
    await waiting.sleep(40_001);
    await client.get('/a');
    expect(sent).toHaveLength(2);
    expect(waiting.slept.at(-1)).toBe(59_999);
  });

  test('the last request of a window is the last one asked', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_S + 20) };
    const { client, slept } = clientOf([{ headers }]);
    await client.get('/a');
    expect(slept).toEqual([]);
    await client.get('/b');
    expect(slept).toEqual([20_000]);
  });

  test('what says a time beyond every window is not believed', async () => {
    const { client } = clientOf([{ status: 429, headers: { 'retry-after': '99999999' } }]);
    expect((await errorOf(client.get('/a'))).retryAfterMs).toBe(3_600_000);
  });

  test('one that never ends is given up', async () => {
    const { client, sent } = clientOf(
      [1, 2, 3, 4, 5].map(() => ({ status: 429, headers: { 'retry-after': '1' } })),
    );
    expect(await errorOf(client.get('/a'))).toMatchObject({ failure: 'rate-limited', retryAfterMs: 1000 });
    expect(sent).toHaveLength(4);
  });

  test('a 403 for lack of a right is no limit', async () => {
    const { client, sent } = clientOf([{ status: 403, body: '{"message":"Resource not accessible"}' }]);
    expect(await errorOf(client.get('/a'))).toMatchObject({
      failure: 'unauthorized',
      message: 'Forge: GET /a: 403 Resource not accessible',
    });
    expect(sent).toHaveLength(1);
  });
});

describe('answers', () => {
  test.each([
    [400, 'refused'],
    [401, 'unauthorized'],
    [404, 'not-found'],
    [405, 'refused'],
    [409, 'conflict'],
    [410, 'refused'],
    [412, 'conflict'],
    [422, 'refused'],
    [501, 'unreachable'],
    [300, 'not-found'],
  ])('%i is %s', async (status, failure) => {
    const { client, sent } = clientOf([{ status }]);
    expect(await errorOf(client.send({ ...POST, isRepeatable: true }))).toMatchObject({ failure });
    expect(sent).toHaveLength(1);
  });

  test('a refusal is returned where it is asked for, and nothing else is', async () => {
    for (const status of [404, 409, 422]) {
      expect(await clientOf([{ status }]).client.attempt(POST)).toBeInstanceOf(ForgeError);
    }
    expect(await errorOf(clientOf([{ status: 401 }]).client.attempt(POST))).toBeInstanceOf(ForgeError);
    expect(await clientOf([{ status: 404 }]).client.find('/a')).toBeUndefined();
    await errorOf(clientOf([{ status: 401 }]).client.find('/a'));
  });

  test.each([
    [
      'GitHub',
      '{"message":"Validation Failed","errors":[{"field":"head","code":"invalid"}],"documentation_url":"https://x"}',
      'Validation Failed; head; invalid',
    ],
    ['GitLab', '{"message":{"title":["is too long"]}}', 'is too long'],
    ['OAuth', '{"error":"invalid_token"}', 'invalid_token'],
    ['an attacker', '{"message":"a\\u001b[2J\\u202eb\\n"}', 'a\\u001b[2J\\u202eb\\u000a'],
    ['a proxy', '<html>Bad gateway', ''],
  ])('the words of %s are told', async (_, body, words) => {
    const error = await errorOf(clientOf([{ status: 400, body }]).client.get('/a'));
    expect(error.message).toBe(`Forge: GET /a: 400 ${words}`.trim());
  });

  test('long words are cut', async () => {
    const body = JSON.stringify({ message: 'x'.repeat(10_000) });
    const error = await errorOf(clientOf([{ status: 400, body }]).client.get('/a'));
    expect(error.message).toHaveLength('Forge: GET /a: 400 '.length + 301);
  });

  test.each([
    { status: 400, body: JSON.stringify({ message: `bad ${TOKEN}` }) },
    {
      status: 429,
      body: JSON.stringify({ message: `limit for ${TOKEN}` }),
      headers: { 'retry-after': '999' },
    },
    new TransportError(`bad header Bearer ${TOKEN}`, true),
    { status: 200, body: `no JSON ${TOKEN}` },
  ])('no error holds the token', async (reply) => {
    const error = await errorOf(clientOf([reply]).client.send(POST));
    expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toContain(TOKEN);
  });

  test('what is no JSON, or of another shape, is an error that names it', async () => {
    const wrong = { failure: 'unexpected' };
    const fields = async (body: string) => clientOf([{ body }]).client.get('/a');
    expect(await errorOf(fields('<html>'))).toMatchObject(wrong);
    expect(await errorOf(fields('[]'))).toMatchObject(wrong);
    const read = await fields('{"t":1,"n":"x","f":"x","o":[],"l":{},"d":"no date","s":[1],"big":1e300}');
    const refused = (act: () => unknown, name: string): void => {
      expect(act).toThrow(name);
    };
    refused(() => read.text('t'), '"t" in the answer is not a string');
    refused(() => read.text('none'), '"none"');
    refused(() => read.text('toString'), '"toString"');
    refused(() => read.integer('n'), '"n"');
    refused(() => read.integer('big'), '"big"');
    refused(() => read.integer('none'), '"none"');
    refused(() => read.flag('f'), '"f"');
    refused(() => read.object('o'), 'no object');
    refused(() => read.object('none'), '"none"');
    refused(() => read.objects('l'), '"l"');
    refused(() => read.objects('s'), 'no object');
    refused(() => read.texts('s'), '"s"');
    refused(() => read.timeUs('d'), '"d"');
    refused(() => read.timeUs('none'), '"none"');
    expect([read.flag('none'), read.objects('none'), read.optionalText('none')]).toEqual([
      false,
      [],
      undefined,
    ]);
  });
});

describe('lists', () => {
  const page = (body: string, link = ''): Reply => ({ body, headers: link === '' ? {} : { link } });
  const NEXT = '<https://elsewhere.example/x?page=9>; rel="next", <https://x>; rel="last"';

  test('are read page by page below our own address, whatever the links say', async () => {
    const { client, sent } = clientOf([
      page('[{"a":1}]', NEXT),
      page('[{"a":2}]', '<https://x>; rel="prev"'),
    ]);
    const all = await client.list('/things', { state: 'all' });
    expect(all.map((each) => each.integer('a'))).toEqual([1, 2]);
    expect(sent.map(({ url }) => url.href)).toEqual([
      'https://forge.example/api/things?state=all&page=1',
      'https://forge.example/api/things?state=all&page=2',
    ]);
  });

  test('that are none are an error', async () => {
    expect(await errorOf(clientOf([page('{}')]).client.list('/a', {}))).toMatchObject({
      failure: 'unexpected',
    });
  });

  test('without end are an error, not cut', async () => {
    const endless = Array.from({ length: 1001 }, () => page('[{}]', NEXT));
    const { client, sent } = clientOf(endless);
    expect(await errorOf(client.list('/a', {}))).toMatchObject({ failure: 'unexpected' });
    expect(sent).toHaveLength(1000);
  });

  test('that have not changed are not sent again, and keep their pages', async () => {
    const [first, second] = ['W/"1"', 'W/"2"'].map((etag, index) => ({
      body: `[{"a":${index}}]`,
      headers: { etag, ...(index === 0 ? { link: NEXT } : {}) },
    }));
    const same = { status: 304, body: '' };
    const { client, sent } = clientOf([first ?? {}, second ?? {}, same, same]);
    const once = (await client.list('/a', {})).map((each) => each.integer('a'));
    const twice = (await client.list('/a', {})).map((each) => each.integer('a'));
    expect([once, twice]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(sent.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
      'W/"1"',
      'W/"2"',
    ]);
  });

  test('are kept within bounds: what was not asked for the longest time is forgotten', async () => {
    const tagged = Array.from({ length: 300 }, (_, index) => ({
      body: '{}',
      headers: { etag: `"${index}"` },
    }));
    const { client, sent } = clientOf(tagged);
    for (let index = 0; index < 257; index++) await client.get(`/${index}`);
    await client.get('/0');
    await client.get('/256');
    expect(sent.at(-2)?.headers['if-none-match']).toBeUndefined();
    expect(sent.at(-1)?.headers['if-none-match']).toBe('"256"');
    const large = { body: JSON.stringify({ x: 'x'.repeat(9 * 1024 * 1024) }), headers: { etag: '"l"' } };
    const other = clientOf([large, large, large]);
    for (const path of ['/a', '/b', '/a']) await other.client.get(path);
    expect(other.sent.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('redirects', () => {
  test.each([301, 302, 307, 308])('%i is followed for what is read, on the same host', async (status) => {
    const { client, sent } = clientOf([
      { status, headers: { location: '/api/repositories/1' } },
      { body: '{"a":1}' },
    ]);
    expect((await client.get('/a')).integer('a')).toBe(1);
    expect(sent[1]?.url.href).toBe('https://forge.example/api/repositories/1');
  });

  test.each([
    'https://evil.example/api/a',
    'http://forge.example/api/a',
    'https://forge.example:8443/a',
    'https://u:p@forge.example/a',
    '//evil.example/a',
    'http://[',
  ])('the token is not sent to %s', async (location) => {
    const { client, sent } = clientOf([{ status: 302, headers: { location } }]);
    const error = await errorOf(client.get('/a'));
    expect(error).toMatchObject({ failure: 'not-found' });
    expect(error.message).not.toContain('evil');
    expect(sent).toHaveLength(1);
  });

  test('a change is repeated elsewhere by 307 and 308 alone', async () => {
    for (const status of [307, 308]) {
      const { client, sent } = clientOf([{ status, headers: { location: '/api/b' } }]);
      await client.send(POST);
      expect(sent[1]).toMatchObject({ method: 'POST', body: '{"a":1}' });
    }
    const { client, sent } = clientOf([{ status: 301, headers: { location: '/api/b' } }]);
    expect((await errorOf(client.send(POST))).message).toContain('was it renamed or moved?');
    expect(sent).toHaveLength(1);
  });

  test('a circle ends', async () => {
    const round = Array.from({ length: 9 }, () => ({ status: 302, headers: { location: '/api/a' } }));
    const { client, sent } = clientOf(round);
    expect((await errorOf(client.get('/a'))).message).toContain('more than 3 redirects');
    expect(sent).toHaveLength(4);
  });
});
