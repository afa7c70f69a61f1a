import type { RepositorySettings } from './open-repository-options.ts';
import { parseRemoteUrl, type RemoteUrl } from './remote/remote-url.ts';

/** Where a repository is to git, and what its address says about its forge. */
export interface RepositoryPlace {
  readonly remote: RemoteUrl;
  /** The API, `undefined` where nobody says and the address does not tell. */
  readonly apiUrl: string | undefined;
  /** The name that the forge has for it. */
  readonly repository: string | undefined;
  /** What the path of a file on the base branch is added to, to read it in a browser; ends in a slash. */
  readonly filesUrl: string | undefined;
}

const API_PATHS = { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' } as const;
const FILE_PATHS = { github: 'blob', gitlab: '-/blob', gitea: 'src/branch' } as const;

/**
 * What settings say about where a repository is. What is left out is taken from its address, as the forges lay out
 * theirs: `https://forge.example/owner/name.git` has its API at `https://forge.example/api/…`.
 * @throws PublishError where the address is none, or refused
 */
export function placeOf({ url, base, forge }: RepositorySettings): RepositoryPlace {
  const remote = parseRemoteUrl(url);
  const { kind } = forge;
  if (kind === 'none') return { remote, apiUrl: undefined, repository: undefined, filesUrl: undefined };
  const { host, path } = addressOf(remote);
  const origin = host === undefined ? undefined : (remote.origin ?? `https://${host}`);
  const repository = forge.repository ?? path;
  const webUrl = forge.webUrl ?? (origin && path === repository && path ? `${origin}/${path}` : undefined);
  const branch = base.split('/').map(encodeURIComponent).join('/');
  return {
    remote,
    apiUrl: forge.apiUrl ?? (origin === undefined ? undefined : apiAt(kind, origin)),
    repository,
    filesUrl:
      webUrl === undefined ? undefined : `${webUrl.replace(/\/+$/, '')}/${FILE_PATHS[kind]}/${branch}/`,
  };
}

/** Whether a credential for the API is one for git as well: both are at the same forge. */
export function isSameForge({ remote, apiUrl }: RepositoryPlace): boolean {
  if (remote.origin === undefined || apiUrl === undefined || !URL.canParse(apiUrl)) return false;
  const { origin } = new URL(apiUrl);
  return origin === remote.origin || (remote.origin === 'https://github.com' && origin === GITHUB_API);
}

const GITHUB_API = 'https://api.github.com';

function apiAt(kind: keyof typeof API_PATHS, origin: string): string {
  return kind === 'github' && origin === 'https://github.com' ? GITHUB_API : `${origin}${API_PATHS[kind]}`;
}

/** Host and path of an address over the network; a path on this machine has neither. */
function addressOf({ url, scheme }: RemoteUrl): { readonly host?: string; readonly path?: string } {
  if (scheme === 'file') return {};
  const [, scpHost, scpPath = ''] = /^(?:[^/@:]+@)?([^/:]+):(?!\/\/)(.*)$/s.exec(url) ?? [];
  if (scpHost !== undefined) return { host: scpHost, ...pathOf(scpPath) };
  const { hostname, pathname } = new URL(url);
  return { host: hostname, ...pathOf(pathname) };
}

function pathOf(text: string): { readonly path?: string } {
  const path = text.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  // What is encoded or odd is nobody's to guess.
  return /^[\p{L}\p{N}_./-]+$/u.test(path) ? { path } : {};
}
