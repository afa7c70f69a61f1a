import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

import { ForgeError } from '@leastwise/publish';

import { HttpClient } from '../http/client.ts';
import { createTransport } from '../http/transport.ts';
import { REAL_WAITING, type Waiting } from '../http/waiting.ts';
import { GITHUB_HEADERS } from './headers.ts';

/** A GitHub App by its key. */
export interface GitHubAppOptions {
  /** The id, or the client id, of the app. */
  readonly appId: string;
  /** PEM of the app's RSA key, asked for whenever it is needed, since keys are replaced. */
  readonly privateKey: () => Promise<string>;
  readonly apiUrl: string;
  readonly caFile?: string;
  /** For one request; 30 s where nothing is said. */
  readonly timeoutMs?: number;
  /** Time and chance; the machine's where nothing is said. */
  readonly waiting?: Waiting;
}

/** A GitHub App as it is installed on an account. */
export interface GitHubInstallationOptions extends GitHubAppOptions {
  readonly installationId: string;
}

/** GitHub takes ten minutes at most, and a clock may be a minute off either way. */
const ISSUED_BEFORE_S = 60;
const EXPIRES_AFTER_S = 540;
/** A token is replaced so long before it expires (after an hour), since what it is used for takes time too. */
const REPLACED_BEFORE_MS = 300_000;

interface Token {
  readonly token: string;
  /** When to ask for another one, in milliseconds since the epoch. */
  readonly endMs: number;
}

/**
 * Tokens of an installed app, for `GitHubOptions.token`: one is kept until five minutes before it expires. Those who
 * ask at once get the same; a failure is not kept.
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
 */
export function createGitHubAppToken(options: GitHubInstallationOptions): () => Promise<string> {
  const { waiting = REAL_WAITING, installationId } = options;
  const client = appClient(options);
  let kept: Token | undefined;
  let asked: Promise<Token> | undefined;
  const fetchToken = async (): Promise<Token> => {
    const path = `/app/installations/${encodeURIComponent(installationId)}/access_tokens`;
    const answer = await client.send({ method: 'POST', path, body: {}, isRepeatable: true });
    const expiresUs = answer.optionalTimeUs('expires_at') ?? 0;
    return { token: answer.text('token'), endMs: expiresUs / 1000 - REPLACED_BEFORE_MS };
  };
  return async () => {
    if (kept !== undefined && waiting.now() < kept.endMs) return kept.token;
    asked ??= fetchToken().finally(() => {
      asked = undefined;
    });
    kept = await asked;
    return kept.token;
  };
}

/**
 * The login under which an app writes, for `GitHubOptions.login`: `<slug>[bot]`. An installation's token cannot ask for
 * it.
 */
export function createGitHubAppLogin(options: GitHubAppOptions): () => Promise<string> {
  const client = appClient(options);
  return async () => `${(await client.get('/app')).text('slug')}[bot]`;
}

function appClient(options: GitHubAppOptions): HttpClient {
  const { apiUrl, caFile, timeoutMs, waiting = REAL_WAITING } = options;
  return new HttpClient({
    name: 'GitHub',
    apiUrl,
    transport: createTransport({ caFile, timeoutMs }),
    waiting,
    token: async () => signedClaim(options.appId, keyOf(await options.privateKey()), waiting.now()),
    authorization: (token) => `Bearer ${token}`,
    headers: GITHUB_HEADERS,
  });
}

/** Says nothing of the key but what is wrong with it. */
function keyOf(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    key = undefined;
  }
  if (key?.asymmetricKeyType === 'rsa') return key;
  const reason = key === undefined ? 'no PEM of a key without passphrase' : 'no RSA key';
  throw new ForgeError('unauthorized', `GitHub: the app's private key is ${reason}`);
}

/** A JSON Web Token (RFC 7519) by which the app says who it is. */
function signedClaim(appId: string, key: KeyObject, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claim = { iat: now - ISSUED_BEFORE_S, exp: now + EXPIRES_AFTER_S, iss: appId };
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claim)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}
