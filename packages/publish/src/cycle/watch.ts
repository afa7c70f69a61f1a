import { createHash } from 'node:crypto';

import { type Subject, subjectKey } from '@leastwise/audit-event';
import { type Cell, createAuthorizer, DAY_US, type Evidence } from '@leastwise/rbac';
import { impliedGroups } from '@leastwise/audit-event';
import { renderAfterMergeComment } from '@leastwise/render';

import { branchOf } from '../conduct/index.ts';
import { observedOf } from '../policy-report.ts';
import type { PullRequest, PullRequests } from '../review.ts';
import { groupOf } from '../team/index.ts';
import { cellKey } from './cell-key.ts';
import type { GroupChange, Owned } from './groups.ts';
import { deniedOf, rulesFor } from './rows.ts';
import type { SubjectPlan } from './subjects.ts';
import type { KeyedComment } from './types.ts';

/*
 * What a merged pull request took away stands in its own body, as a list of hashes: the forge is the only memory that
 * outlives us, branches are deleted when they are merged, and of the base only the newest commit is at hand.
 */

/** How many removed permissions one pull request can remember; 8 characters each. */
export const MAX_WATCHED = 1_500;

/** Bounded between two fixed ends, and without what ends a comment: linear on any body. */
const LIST = /<!-- leastwise-removed:([A-Za-z0-9+/]{8,12000}) -->/;

/** 48 bits: that one of 1,500 is taken for another permission happens once in 10^11 refusals. */
function hashOf(cluster: string, subject: Subject, cell: Cell): string {
  const text = JSON.stringify([cluster, subjectKey(subject), cellKey(cell)]);
  return createHash('sha256').update(text).digest('base64').slice(0, 8);
}

/** Everything that a pull request takes away, whether it can remember it or not. */
export function removedCells({ parts }: GroupChange): { readonly subject: Subject; readonly cell: Cell }[] {
  return parts.flatMap(({ change, covers }) =>
    change.change.removed
      .filter(({ namespace }) => covers.has(namespace))
      .map((cell) => ({ subject: change.plan.policy.subject, cell })),
  );
}

/** The hidden list of what a pull request takes away, the first {@link MAX_WATCHED} by hash; `''` where it takes nothing. */
export function watchList(group: GroupChange): string {
  if (group.kind !== 'removals') return '';
  const hashes = removedCells(group).map(({ subject, cell }) => hashOf(group.cluster, subject, cell));
  const kept = [...new Set(hashes)].sort().slice(0, MAX_WATCHED);
  return kept.length === 0 ? '' : `\n\n<!-- leastwise-removed:${kept.join('')} -->`;
}

function readWatchList(body: string): ReadonlySet<string> {
  const [, text = ''] = LIST.exec(body) ?? [];
  return new Set(text.match(/.{8}/g) ?? []);
}

/** A cell and all that could have granted it, as rules spell it. */
function* widerCells(cell: Cell): Generator<Cell> {
  const { verb, apiGroup, resource, namespace, name, path } = cell;
  for (const anyVerb of new Set([verb, '*'])) {
    if (resource === '') {
      yield { ...cell, verb: anyVerb };
      for (let end = path.length; end >= 0; end -= 1)
        yield { ...cell, verb: anyVerb, path: `${path.slice(0, end)}*` };
      continue;
    }
    const [, sub] = resource.split('/');
    for (const anyGroup of new Set([apiGroup, '*'])) {
      for (const anyResource of new Set([resource, '*', ...(sub === undefined ? [] : [`*/${sub}`])])) {
        for (const anyNamespace of new Set([namespace, ''])) {
          for (const anyName of new Set([name, ''])) {
            yield {
              verb: anyVerb,
              apiGroup: anyGroup,
              resource: anyResource,
              namespace: anyNamespace,
              name: anyName,
              path: '',
            };
          }
        }
      }
    }
  }
}

interface Refused {
  readonly plan: SubjectPlan;
  readonly cell: Cell;
  readonly evidence: Evidence;
}

/**
 * Looks at the merged removals of the last day whose group has refusals as new as that, and says on each of them
 * which of what it took away was refused since. A group without new refusals costs the forge no call.
 */
export async function watchMerges(
  plans: readonly SubjectPlan[],
  owned: Owned,
  pulls: PullRequests,
  nowUs: number,
): Promise<KeyedComment[]> {
  const sinceUs = nowUs - DAY_US;
  const byBranch = new Map<string, Refused[]>();
  for (const plan of plans) {
    for (const { cell, evidence } of deniedOf(plan.state)) {
      if (evidence.lastSeenUs < sinceUs || isGranted(plan, cell)) continue;
      for (const branch of branchesOf(plan, cell, owned)) {
        const list = byBranch.get(branch);
        if (list === undefined) byBranch.set(branch, [{ plan, cell, evidence }]);
        else list.push({ plan, cell, evidence });
      }
    }
  }
  const comments: KeyedComment[] = [];
  for (const [branch, refused] of [...byBranch].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const pull of await pulls.listEnded(branch)) {
      const isRecent = pull.state === 'merged' && pull.endedUs !== undefined && pull.endedUs >= sinceUs;
      const body = isRecent ? commentOn(pull, refused, pulls.limits.body) : undefined;
      if (body !== undefined) comments.push({ number: pull.number, key: 'after-merge', body });
    }
  }
  return comments.sort((a, b) => a.number - b.number);
}

/** Whether it is granted by now: then it was refused before its files were in force, or the merge was taken back. */
function isGranted({ policy, approved }: SubjectPlan, permission: Cell): boolean {
  const { subject } = policy;
  const request = { subject, groups: impliedGroups(subject), permission };
  return createAuthorizer(approved.objects).authorize(request).allowed;
}

/** What was granted in a namespace may have been taken from there, or from the cluster. */
function branchesOf({ cluster, policy }: SubjectPlan, { namespace }: Cell, owned: Owned): Set<string> {
  const branches = [namespace, ''].map((each) => {
    const scope = { cluster: cluster.cluster, subject: policy.subject, namespace: each };
    const { group } = groupOf(scope, owned.choices, owned.codeowners);
    return branchOf({ cluster: cluster.cluster, group, kind: 'removals' });
  });
  return new Set(branches);
}

function commentOn(pull: PullRequest, refused: readonly Refused[], limit: number): string | undefined {
  const removed = readWatchList(pull.body);
  const since = pull.endedUs ?? Infinity;
  const found = refused.filter(({ plan, cell, evidence }) => {
    const { cluster, policy } = plan;
    if (evidence.lastSeenUs < since || removed.size === 0) return false;
    for (const wider of widerCells(cell)) {
      if (removed.has(hashOf(cluster.cluster, policy.subject, wider))) return true;
    }
    return false;
  });
  const [first] = found;
  if (first === undefined) return undefined;
  const bySubject = new Map<SubjectPlan, Refused[]>();
  for (const each of found) bySubject.set(each.plan, [...(bySubject.get(each.plan) ?? []), each]);
  const subjects = [...bySubject].map(([{ policy }, its]) => ({
    subject: policy.subject,
    refused: its.map(observedOf),
    cures: rulesFor(its).map(({ namespace, rule }) => ({ namespace, rule })),
  }));
  const merge = { commit: pull.mergeCommit ?? '' };
  return renderAfterMergeComment({ cluster: first.plan.cluster.cluster, subjects, merge }, limit);
}
