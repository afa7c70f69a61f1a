import { isIP } from 'node:net';
import { resolve } from 'node:path';

import { PublishError } from '@leastwise/publish';

/** Where a remote is, and how git gets there. */
export interface RemoteUrl {
  /** As git takes it; holds no credential, so that it may be shown. */
  readonly url: string;
  /** The one transport that git may use for it. */
  readonly scheme: 'https' | 'http' | 'ssh' | 'file';
  /** `https://host:port`, what a token is for; `undefined` for other schemes. */
  readonly origin: string | undefined;
}

/**
 * Reads the address of a git repository: `https://`, `ssh://`, `user@host:path`, `file://`, or the path of a bare
 * repository. `http://` is taken for this machine only: elsewhere the token would travel in the clear. Schemes that
 * run programs (`ext::`) and all others are refused, and so are hosts that ssh would take for an option, and
 * credentials in the address, which would end up in process lists and messages.
 * @throws PublishError which does not repeat the address, for it may hold a credential
 */
export function parseRemoteUrl(text: string): RemoteUrl {
  // Git's own rule: what has a colon before any slash is no path.
  const [, head = '', rest = ''] = /^([^/:]+):(.*)$/s.exec(text) ?? [];
  if (/[\p{Cc}]/u.test(text) || text === '') throw refused('it is empty or holds a control character');
  if (text.startsWith('-')) throw refused('it begins with a dash');
  if (head === '') return { url: resolve(text), scheme: 'file', origin: undefined };
  if (rest.startsWith(':')) throw refused('it names a helper program');
  return rest.startsWith('//') ? parseAbsolute(text) : parseScpLike(text, head);
}

function parseAbsolute(text: string): RemoteUrl {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined) throw refused('it cannot be read as a URL');
  const { protocol, hostname, username, password, search, hash } = parsed;
  if (password !== '' || (username !== '' && protocol !== 'ssh:')) throw refused('it holds a credential');
  if (search !== '' || hash !== '') throw refused('it has a query or a fragment');
  if (hostname.startsWith('-') || username.startsWith('-')) throw refused('its host begins with a dash');
  switch (protocol) {
    case 'http:':
      if (!isLoopback(hostname)) throw refused('http is for this machine only: use https');
      return { url: text, scheme: 'http', origin: parsed.origin };
    case 'https:':
      return { url: text, scheme: 'https', origin: parsed.origin };
    case 'ssh:':
      return { url: text, scheme: 'ssh', origin: undefined };
    case 'file:':
      return { url: text, scheme: 'file', origin: undefined };
    default:
      throw refused('its scheme is none of https, ssh and file');
  }
}

function parseScpLike(text: string, head: string): RemoteUrl {
  const host = head.slice(head.lastIndexOf('@') + 1);
  if (!/^[\w.-]+(?:@[\w.-]+)?$/.test(head) || host.startsWith('-')) throw refused('it names no host');
  return { url: text, scheme: 'ssh', origin: undefined };
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}

function refused(why: string): PublishError {
  return new PublishError(`the address of the remote is refused: ${why}`);
}
