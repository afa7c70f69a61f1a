import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { ForgeError, PublishError } from '@leastwise/publish';

import { codeOf } from '../fs-error.ts';
import type { RemoteUrl } from './remote-url.ts';

/** Where a token comes from; asked at each use, for tokens rotate. */
export type TokenSource = { readonly file: string } | (() => Promise<string>);

/** How a remote over https is reached. */
export interface HttpsAccess {
  /** Sent to the remote's own origin and to nobody else. Without one: anonymously. */
  readonly token?: TokenSource;
  /** `x-access-token` by default, which GitHub wants and the others do not mind. */
  readonly username?: string;
  /** PEM of the authorities to trust instead of the system's. */
  readonly caFile?: string;
}

/** How a remote over ssh is reached: by this key alone, at hosts that are known already. */
export interface SshAccess {
  readonly keyFile: string;
  readonly knownHostsFile: string;
}

/** What a call of git over the network needs. */
export interface Access {
  readonly env: Readonly<Record<string, string>>;
  /** Must not be shown, in any form that git or a server may repeat. */
  readonly secrets: readonly string[];
}

/** The ways to all remotes; what does not fit the scheme is not used. */
export interface AccessOptions {
  readonly https?: HttpsAccess;
  readonly ssh?: SshAccess;
  readonly timeoutMs: number;
}

const DEFAULT_USERNAME = 'x-access-token';

/**
 * The settings for each call over the network. They can be seen in the process list and hold no secret.
 *
 * Redirects are not followed: they would take the token to where somebody else says. Credential helpers of the machine
 * are turned off. A transport that stands still ends by itself, also when nobody is left to end it.
 */
export function networkSettings(options: AccessOptions): string[] {
  const { caFile } = options.https ?? {};
  return [
    'credential.helper=',
    'core.askPass=',
    'http.followRedirects=false',
    'http.sslVerify=true',
    'http.lowSpeedLimit=1',
    `http.lowSpeedTime=${String(secondsOf(options.timeoutMs))}`,
    ...(caFile === undefined ? [] : [`http.sslCAInfo=${resolve(caFile)}`]),
  ];
}

/**
 * Reads the credentials of this moment and says how git gets them.
 *
 * The token goes into the environment, as the value of a setting that git reads from there (`GIT_CONFIG_*`) and sends
 * to one origin only. An environment can be read by the process's own user alone; arguments are for everybody to see.
 * Beside `GIT_ASKPASS` and a credential helper, which would get it from the same environment, this needs no program
 * that has to lie somewhere, starts no shell, and leaves no file behind when the process is killed.
 * @throws ForgeError (unauthorized) where there is no usable token, and whatever the token's function throws
 */
export async function openAccess(remote: RemoteUrl, options: AccessOptions): Promise<Access> {
  const scheme = { GIT_ALLOW_PROTOCOL: remote.scheme, GIT_PROTOCOL_FROM_USER: '0' };
  if (remote.scheme === 'ssh') {
    return { env: { ...scheme, ...sshEnvironment(options) }, secrets: [] };
  }
  // A proxy is for what is elsewhere; it would get the token in the clear.
  const proxy = remote.scheme === 'http' ? { no_proxy: '*', NO_PROXY: '*' } : {};
  const source = options.https?.token;
  if (remote.origin === undefined || source === undefined)
    return { env: { ...scheme, ...proxy }, secrets: [] };
  const token = await readToken(source);
  const basic = Buffer.from(`${options.https?.username ?? DEFAULT_USERNAME}:${token}`).toString('base64');
  const header = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${remote.origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
  return { env: { ...scheme, ...proxy, ...header }, secrets: [token, encodeURIComponent(token), basic] };
}

/**
 * Makes sure that the ways fit the remote, before the first use of it.
 * @throws PublishError where ssh has no key or no known hosts, or a file's name cannot be told to ssh
 */
export function checkAccess(remote: RemoteUrl, options: AccessOptions): void {
  if (remote.scheme === 'ssh') sshEnvironment(options);
  if (/[:\p{Cc}]/u.test(options.https?.username ?? '')) {
    throw new PublishError('the user name for https holds a colon or a control character');
  }
}

async function readToken(source: TokenSource): Promise<string> {
  const token = typeof source === 'function' ? await source() : await readTokenFile(source.file);
  // Anything else would be a second header, or is no token but a page that says why there is none.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ForgeError('unauthorized', 'the token is empty or no token');
  return token;
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const why = `${JSON.stringify(file)}: ${codeOf(error)}`;
    throw new ForgeError('unauthorized', `the token cannot be read from ${why}`, { cause: error });
  }
}

/** Ssh with one key, known hosts only, no prompts, and nothing of the user's or the machine's configuration. */
function sshEnvironment({ ssh, timeoutMs }: AccessOptions): Record<string, string> {
  if (ssh === undefined) throw new PublishError('a remote over ssh needs a key file and a known hosts file');
  const settings = [
    ['IdentityFile', fileOf(ssh.keyFile)],
    ['IdentitiesOnly', 'yes'],
    ['IdentityAgent', 'none'],
    ['PreferredAuthentications', 'publickey'],
    ['BatchMode', 'yes'],
    ['StrictHostKeyChecking', 'yes'],
    ['UserKnownHostsFile', fileOf(ssh.knownHostsFile)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['UpdateHostKeys', 'no'],
    ['ForwardAgent', 'no'],
    ['ConnectTimeout', String(secondsOf(timeoutMs))],
    ['ServerAliveInterval', '15'],
  ];
  const args = settings.flatMap(([name = '', value = '']) => ['-o', quote(`${name}=${value}`)]);
  return { GIT_SSH_COMMAND: ['ssh', '-F', '/dev/null', ...args].join(' '), GIT_SSH_VARIANT: 'ssh' };
}

/** Ssh splits a file's name at blanks, and puts in what stands for `%h`, `${HOME}` and the like. */
function fileOf(path: string): string {
  const absolute = resolve(path);
  if (/["\\$\p{Cc}]/u.test(absolute)) {
    throw new PublishError(`ssh cannot be told of a file of this name: ${JSON.stringify(absolute)}`);
  }
  return `"${absolute.replaceAll('%', '%%')}"`;
}

/** One word for a shell: git starts ssh by one. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
