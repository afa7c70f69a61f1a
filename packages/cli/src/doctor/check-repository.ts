import { openRepository, type RepositoryAccess, type RepositorySettings } from '@leastwise/forge';
import { ForgeError, type ForgeFailure, type PullRequests, type Remote } from '@leastwise/publish';

import { counted } from '../progress.ts';
import { clockVerdict } from './clock.ts';
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

/** The repository of a publisher: whether git and the forge let us read it, its base is there, and we may push. */
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
      // One that does not let us read would only say the same once more.
      const access = byForge.outcome === 'failed' ? [] : await accessVerdicts(opened.access, settings);
      return [byGit, byForge, ...access];
    },
  };
}

async function told(what: string, look: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    return refusal(what, error);
  }
}

/** @throws what is no answer of a forge */
function refusal(what: string, error: unknown): Verdict {
  if (!(error instanceof ForgeError)) throw error;
  return failed(what, error.message, REMEDIES[error.failure]);
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

/** What the forge says of the repository and of our token; without one, only a push would show it. */
async function accessVerdicts(
  ask: (() => Promise<RepositoryAccess>) | undefined,
  { base }: RepositorySettings,
): Promise<Verdict[]> {
  if (ask === undefined) {
    const remedy =
      'It takes write access to the repository: git push --dry-run origin HEAD:refs/heads/leastwise/try';
    return [skipped(PUSHING, 'it is not tried, for that would push', remedy)];
  }
  try {
    const access = await ask();
    const { clockAheadMs, defaultBranch } = access;
    return [
      pushVerdict(access),
      ...(defaultBranch === undefined || defaultBranch === base ? [] : [branchVerdict(base, defaultBranch)]),
      clockAheadMs === undefined
        ? skipped('forge, clock', 'its answer has no time')
        : clockVerdict('forge', clockAheadMs, 'Tokens of an app are refused where it is off by a minute.'),
    ];
  } catch (error) {
    return [refusal(PUSHING, error)];
  }
}

const PUSHING = 'permission to push';

function pushVerdict({ mayPush, isArchived }: RepositoryAccess): Verdict {
  if (isArchived) {
    return failed(
      PUSHING,
      'the repository is archived: nobody may write to it',
      'Unarchive it in its settings.',
    );
  }
  if (mayPush === undefined) {
    const remedy = 'It takes write access to the repository, to its pull requests and to its issues.';
    return skipped(PUSHING, 'the forge does not say, and it is not tried', remedy);
  }
  return mayPush
    ? ok(PUSHING, 'the forge says that our token may push')
    : failed(
        PUSHING,
        'the forge says that our token may not push',
        'Give its account the role Write (GitLab: Developer) in the repository, and its token write access to code, pull requests and issues.',
      );
}

function branchVerdict(base: string, defaultBranch: string): Verdict {
  return warning(
    'base',
    `it is ${base}, and the default branch of the repository is ${defaultBranch}: people who look there do not see what is merged`,
    `repository.base: ${defaultBranch}, unless that is meant.`,
  );
}
