import type { Fields } from '../http/fields.ts';
import type { ForgePull } from '../pull-requests/review-api.ts';

/** Whether a pull request comes from a branch of the repository itself. The head's is -1 where a fork is gone. */
export function isOfThisRepository(pull: Fields): boolean {
  return pull.object('head').integer('repo_id') === pull.object('base').integer('repo_id');
}

/** A pull request as Gitea describes it. */
export function pullOf(pull: Fields): ForgePull {
  const isMerged = pull.flag('merged');
  const isOpen = pull.text('state') === 'open';
  const endedUs =
    (isMerged ? pull.optionalTimeUs('merged_at') : undefined) ?? pull.optionalTimeUs('closed_at');
  const mergeCommit = isMerged ? pull.optionalText('merge_commit_sha') : undefined;
  return {
    number: pull.integer('number'),
    url: pull.text('html_url'),
    // `ref` becomes refs/pull/N/head when the branch is gone; `label` stays.
    branch: pull.object('head').text('label'),
    base: pull.object('base').text('ref'),
    state: isMerged ? 'merged' : isOpen ? 'open' : 'closed',
    title: pull.text('title'),
    body: pull.text('body'),
    labels: labelsOf(pull),
    ...(mergeCommit === undefined ? {} : { mergeCommit }),
    ...(isOpen || endedUs === undefined ? {} : { endedUs }),
    author: loginOf(pull),
    asked: [
      ...pull.objects('requested_reviewers').map((user) => `@${user.text('login')}`),
      ...pull
        .objects('requested_reviewers_teams')
        .map((team) => `@${organizationOf(team, pull)}/${team.text('name')}`),
    ],
  };
}

/** The names of labels. */
export function labelsOf(labelled: Fields): readonly string[] {
  return labelled.objects('labels').map((label) => label.text('name'));
}

/** Who wrote something, in lower case. */
export function loginOf(written: Fields): string {
  return written.optionalObject('user')?.text('login').toLowerCase() ?? '';
}

function organizationOf(team: Fields, pull: Fields): string {
  const owner = pull.object('base').object('repo').object('owner').text('login');
  return team.optionalObject('organization')?.text('name') ?? owner;
}
