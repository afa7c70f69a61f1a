import { openRepository, type RepositorySettings } from '@leastwise/forge';
import { ForgeError, type ForgeFailure, type PullRequests, type Remote } from '@leastwise/publish';

import { counted } from '../progress.ts';
import { configuredRepository } from './repository-settings.ts';
import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, skipped, type Verdict, warning } from './verdict.ts';

const REMEDIES: Readonly<Record<ForgeFailure, string>> = {
  unreachable: 'Is the address right, and does a proxy, firewall or NetworkPolicy let us through?',
  'rate-limited': 'Wait, or use an app or a token with a limit of its own.',
  unauthorized: 'Look at the token or key: does it exist, has it expired, may it see this repository?',
  'not-found': 'Look at the address and the branch; forges also say so of what one may not see.',
  refused: 'Look at what the token may do.',
  conflict: 'Ask again.',
  unexpected: 'See the message.',
};
const OURS = 'leastwise/';

/** The repository of a publisher: whether git and the forge let us read it, and its base is there. */
export function repositoryCheck(config: ReadConfig): Check {
  const settings = configuredRepository(config);
  const what = `repository ${settings.url}`;
  return {
    area: 'repository',
    what,
    look: async () => {
      await using opened = await openRepository(settings);
      const [byGit, byForge] = await Promise.all([
        gitVerdict(opened.remote, settings),
        forgeVerdict(opened.pulls, settings),
      ]);
      return [byGit, byForge, ...writeVerdicts(settings)];
    },
  };
}

async function told(what: string, look: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    return failed(what, error.message, REMEDIES[error.failure]);
  }
}

function gitVerdict(remote: Remote, { url, base }: RepositorySettings): Promise<Verdict> {
  const what = `repository ${url}`;
  return told(what, async () => {
    const state = await remote.fetch(OURS);
    return state.base === undefined
      ? warning(
          what,
          'it is empty',
          `The first commit is the publisher's, on ${base}; make one by hand where that is protected.`,
        )
      : ok(what, `git reads it, and ${base} is there`);
  });
}

async function forgeVerdict(
  pulls: PullRequests | undefined,
  { forge }: RepositorySettings,
): Promise<Verdict> {
  const what = `forge (${forge.kind})`;
  if (pulls === undefined)
    return skipped(what, 'none is configured: branches are pushed, and nobody opens pull requests');
  return told(what, async () => {
    const open = await pulls.listOpen(OURS);
    return ok(
      what,
      `it knows our token and the repository, with ${counted(open.length, 'open pull request')} of ours`,
    );
  });
}

/** Only a push would show it, and this pushes nothing. */
function writeVerdicts({ forge }: RepositorySettings): Verdict[] {
  const rights =
    forge.kind === 'none'
      ? 'write access to the repository'
      : 'write access to the repository, to its pull requests and to its issues';
  return [skipped('permission to write', 'it is not tried, for that would push', `It takes ${rights}.`)];
}
