import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';

import { PublishError } from '@leastwise/publish';

import { codeOf } from './fs-error.ts';
import { placeOf, type RepositoryPlace } from './open-repository-place.ts';
import type { RepositoryKey, RepositoryProblem, RepositorySettings } from './open-repository-options.ts';
import { parseRemoteUrl } from './remote/remote-url.ts';

/**
 * Everything that is wrong with the settings of a repository, as far as this machine can tell: an address that is
 * refused, what is missing, what contradicts, files that cannot be read. Nobody is asked over the network.
 */
export async function repositoryProblems(
  settings: RepositorySettings,
): Promise<readonly RepositoryProblem[]> {
  const problems: RepositoryProblem[] = [];
  const note = (key: RepositoryKey, reason: string): void => {
    problems.push({ key, reason });
  };
  const place = tryPlace(settings, note);
  if (place) checkAccess(settings, place, note);
  if (settings.forge.kind === 'none') checkNoForge(settings, note);
  else if (place) checkForge(settings, place, note);
  for (const [key, path] of filesOf(settings)) {
    const reason = path === undefined ? undefined : await whyUnreadable(path);
    if (reason !== undefined) note(key, reason);
  }
  return problems;
}

type Note = (key: RepositoryKey, reason: string) => void;

function tryPlace(settings: RepositorySettings, note: Note): RepositoryPlace | undefined {
  try {
    return placeOf(settings);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    note('url', error.message);
    return undefined;
  }
}

function checkAccess(settings: RepositorySettings, { remote }: RepositoryPlace, note: Note): void {
  const isSsh = remote.scheme === 'ssh';
  for (const key of ['sshKeyFile', 'knownHostsFile'] as const) {
    if (isSsh && settings[key] === undefined) note(key, 'is needed for a repository over ssh');
    if (!isSsh && settings[key] !== undefined)
      note(key, 'is for a repository over ssh, which this one is not');
  }
  if (remote.origin === undefined && settings.tokenFile !== undefined) {
    note('tokenFile', 'is for a repository over https, which this one is not');
  }
}

const FORGE_KEYS = ['apiUrl', 'repository', 'tokenFile', 'webUrl'] as const;

function checkNoForge({ forge }: RepositorySettings, note: Note): void {
  for (const key of FORGE_KEYS) {
    if (forge[key] !== undefined) note(`forge.${key}`, 'means nothing where the kind of forge is none');
  }
  if (forge.app !== undefined) note('forge.app.id', 'means nothing where the kind of forge is none');
}

function checkForge({ forge }: RepositorySettings, place: RepositoryPlace, note: Note): void {
  const { kind, tokenFile, app, webUrl } = forge;
  if (place.apiUrl === undefined)
    note('forge.apiUrl', 'is needed: the address of the repository does not tell it');
  else checkApi(place.apiUrl, note);
  if (webUrl !== undefined) checkWeb(webUrl, note);
  checkName(kind, place.repository, note);
  if (app !== undefined && kind !== 'github') note('forge.app.id', 'is for GitHub, which this forge is not');
  if (app !== undefined && tokenFile !== undefined) {
    note('forge.tokenFile', 'and an app exclude each other: the app makes its own tokens');
  }
  if (app === undefined && tokenFile === undefined) {
    note('forge.tokenFile', `is needed${kind === 'github' ? ', or an app' : ''}`);
  }
}

/** The token goes there: the same rules as for a remote. */
function checkApi(text: string, note: Note): void {
  try {
    if (URL.canParse(text) && parseRemoteUrl(text).origin !== undefined) return;
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
  }
  note('forge.apiUrl', 'must be https (http on this machine only), without user, query and fragment');
}

function checkWeb(text: string, note: Note): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.username + url.password + url.search + url.hash === '';
  if (isPlain && ['http:', 'https:'].includes(url.protocol)) return;
  note('forge.webUrl', 'must be http or https, without user, query and fragment');
}

const SEGMENT = /^(?!\.+$)[\p{L}\p{N}_.-]+$/u;

function checkName(kind: string, name: string | undefined, note: Note): void {
  const segments = (name ?? '').split('/');
  const isName = segments.length > 1 && segments.every((segment) => SEGMENT.test(segment));
  if (isName && (segments.length === 2 || kind === 'gitlab')) return;
  const wanted = kind === 'gitlab' ? 'group/name, with all groups' : 'owner/name';
  note('forge.repository', name === undefined ? `is needed: ${wanted}` : `must be ${wanted}`);
}

function filesOf(settings: RepositorySettings): [RepositoryKey, string | undefined][] {
  const { forge } = settings;
  const own = ['signingKeyFile', 'tokenFile', 'sshKeyFile', 'knownHostsFile', 'caFile'] as const;
  return [
    ...own.map((key): [RepositoryKey, string | undefined] => [key, settings[key]]),
    ['forge.tokenFile', forge.tokenFile],
    ['forge.app.privateKeyFile', forge.app?.privateKeyFile],
  ];
}

/** Says no path: somebody may have put the secret itself where its file's name belongs. */
async function whyUnreadable(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return 'is no file';
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`;
  }
}
