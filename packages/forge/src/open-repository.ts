import { readFile } from 'node:fs/promises';

import { ForgeError, PublishError } from '@leastwise/publish';
import type { PullRequests, Remote } from '@leastwise/publish';

import { codeOf } from './fs-error.ts';
import { openGitea } from './gitea/open-gitea.ts';
import { createGitHubAppLogin, createGitHubAppToken } from './github/app-token.ts';
import { openGitHub } from './github/open-github.ts';
import { openGitLab } from './gitlab/open-gitlab.ts';
import { repositoryProblems } from './open-repository-check.ts';
import type { ForgeApp, RepositorySettings } from './open-repository-options.ts';
import { isSameForge, placeOf, type RepositoryPlace } from './open-repository-place.ts';
import type { HttpsAccess } from './remote/access.ts';
import type { ForgeOptions } from './pull-requests/options.ts';
import { type GitRemoteOptions, openGitRemote } from './remote/git-remote.ts';
import { type RepositoryAccess, repositoryAccess } from './repository-access.ts';

/** A repository that is ready to be used; disposing it ends what is under way and removes what is temporary. */
export interface OpenedRepository extends AsyncDisposable {
  readonly remote: Remote;
  /** `undefined` for a remote without pull requests. */
  readonly pulls: PullRequests | undefined;
  /**
   * Asks the forge about the repository, and what our token may do there; `undefined` for a remote without a forge.
   * @throws ForgeError
   */
  readonly access: (() => Promise<RepositoryAccess>) | undefined;
  /** What the path of a file on the base branch is added to, to read it in a browser; ends in a slash. */
  readonly filesUrl: string | undefined;
}

/**
 * Opens a repository and its forge by their settings; nothing is asked of either yet. Credentials are read when they
 * are needed, and anew each time. The forge's go to git only where both are the same host.
 * @throws PublishError which names all that is wrong with the settings
 */
export async function openRepository(settings: RepositorySettings): Promise<OpenedRepository> {
  const problems = await repositoryProblems(settings);
  if (problems.length > 0) {
    throw new PublishError(problems.map(({ key, reason }) => `${key}: ${reason}`).join('; '));
  }
  const place = placeOf(settings);
  const token = tokenOf(settings, place);
  const options = token === undefined ? undefined : forgeOptions(settings, place, token);
  const { kind } = settings.forge;
  const remote = await openGitRemote(gitOptions(settings, place, token));
  return {
    remote,
    pulls: options === undefined ? undefined : openForge(settings, place, options),
    access: options === undefined || kind === 'none' ? undefined : () => repositoryAccess(kind, options),
    filesUrl: place.filesUrl,
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

type Token = () => Promise<string>;

function gitOptions(
  settings: RepositorySettings,
  place: RepositoryPlace,
  token: Token | undefined,
): GitRemoteOptions {
  const { url, base, author, signingKeyFile, folder, sshKeyFile, knownHostsFile } = settings;
  const isSsh = sshKeyFile !== undefined && knownHostsFile !== undefined;
  return {
    url,
    base,
    https: httpsAccess(settings, place, token),
    ...(author === undefined ? {} : { author }),
    ...(signingKeyFile === undefined ? {} : { signingKeyFile }),
    ...(folder === undefined ? {} : { folder }),
    ...(isSsh ? { ssh: { keyFile: sshKeyFile, knownHostsFile } } : {}),
  };
}

function httpsAccess(
  { tokenFile, caFile }: RepositorySettings,
  place: RepositoryPlace,
  token: Token | undefined,
): HttpsAccess {
  const own = tokenFile === undefined ? undefined : { file: tokenFile };
  const source = own ?? (isSameForge(place) ? token : undefined);
  return {
    ...(source === undefined ? {} : { token: source }),
    ...(caFile === undefined ? {} : { caFile }),
  };
}

function forgeOptions(
  { caFile }: RepositorySettings,
  { apiUrl = '', repository = '' }: RepositoryPlace,
  token: Token,
): ForgeOptions {
  return { apiUrl, repository, token, ...(caFile === undefined ? {} : { caFile }) };
}

function openForge(
  settings: RepositorySettings,
  place: RepositoryPlace,
  options: ForgeOptions,
): PullRequests {
  const { forge } = settings;
  switch (forge.kind) {
    case 'gitlab':
      return openGitLab(options);
    case 'gitea':
      return openGitea(options);
    default: {
      // An installation's token cannot ask under which name it writes.
      if (forge.app === undefined) return openGitHub(options);
      return openGitHub({ ...options, login: createGitHubAppLogin(appOptions(forge.app, settings, place)) });
    }
  }
}

function tokenOf(settings: RepositorySettings, place: RepositoryPlace): Token | undefined {
  const { app, tokenFile } = settings.forge;
  if (app !== undefined) return createGitHubAppToken(appOptions(app, settings, place));
  return tokenFile === undefined ? undefined : async () => secretIn(tokenFile, 'the token');
}

function appOptions(app: ForgeApp, { caFile }: RepositorySettings, { apiUrl = '' }: RepositoryPlace) {
  return {
    appId: app.id,
    installationId: app.installationId,
    privateKey: () => secretIn(app.privateKeyFile, "the app's private key"),
    apiUrl,
    ...(caFile === undefined ? {} : { caFile }),
  };
}

async function secretIn(file: string, what: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    // Without the path, also in a cause: somebody may have put the secret itself there.
    throw new ForgeError('unauthorized', `${what} cannot be read from its file: ${codeOf(error)}`);
  }
}
