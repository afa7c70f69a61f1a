import { ForgeError } from '@leastwise/publish';
import type { KeyedIssue, PullRequest, PullRequestDraft, PullRequests } from '@leastwise/publish';

import { hasHiddenKey, withHiddenKey } from './hidden-key.ts';
import type { Edit, ForgePull, Labelled, ReviewApi } from './review-api.ts';
import { parseReviewer, type Reviewer } from './reviewers.ts';
import { isSameText, missingLabels } from './same-text.ts';

/**
 * Makes {@link PullRequests} of a forge's calls: looks first, and changes only what differs, so that the same call made
 * again changes nothing.
 *
 * **Whose is what.** A pull request from one of our branches is ours whoever opened it: there can be one of a branch and
 * a base, and a person who opens it by hand does what we would have done. A comment or an issue is ours only where our
 * own account wrote it, for the line with the hidden key can be written by anybody.
 *
 * **Issues that people close.** An issue that is closed while it says what it is to say stays closed: a person has
 * decided about just that. When its text becomes another, or when we closed it ourselves, it is opened again.
 */
export function keepPullRequests(api: ReviewApi): PullRequests {
  return {
    limits: api.limits,
    listOpen: async (prefix) => {
      const open = (await api.openPulls()).filter(({ branch }) => branch.startsWith(prefix));
      return open.sort((a, b) => a.number - b.number).map(outward);
    },
    listEnded: async (branch) => [...(await api.endedPulls(branch))].sort(newestFirst).map(outward),
    open: (draft) => open(api, draft),
    update: async (number, change) => {
      checkLength(api, change);
      const pull = await api.pull(number);
      await bringText(api, pull, change);
      await bringLabels(api, { on: 'pull', number, present: pull.labels }, change.labels ?? []);
    },
    close: async (number) => {
      const pull = await api.pull(number);
      if (pull.state === 'open') await api.editPull(number, { state: 'closed' });
    },
    comment: (number, { key, body }) => comment(api, number, key, body),
    keepIssue: (issue) => keepIssue(api, issue),
  };
}

async function open(
  api: ReviewApi,
  draft: PullRequestDraft,
): Promise<{ readonly pull: PullRequest; readonly refusedReviewers: readonly string[] }> {
  checkLength(api, draft);
  const { branch, base, title, body } = draft;
  const { pull, isNew } = await openOne(api, { branch, base, title, body });
  await bringText(api, pull, draft);
  await bringLabels(api, { on: 'pull', number: pull.number, present: pull.labels }, draft.labels);
  const refusedReviewers = await bringReviewers(api, pull, isNew, draft.reviewers);
  const labels = [...pull.labels, ...missingLabels(draft.labels, pull.labels)];
  return { pull: { ...outward(pull), title, body, labels }, refusedReviewers };
}

async function openOne(
  api: ReviewApi,
  draft: { branch: string; base: string; title: string; body: string },
): Promise<{ pull: ForgePull; isNew: boolean }> {
  const found = await api.findOpen(draft.branch, draft.base);
  if (found !== undefined) return { pull: found, isNew: false };
  const created = await api.createPull(draft);
  if (!(created instanceof ForgeError)) return { pull: created, isNew: true };
  // Somebody may have been faster than we were, between the look and the call.
  const other = await api.findOpen(draft.branch, draft.base);
  if (other === undefined) throw created;
  return { pull: other, isNew: false };
}

async function bringText(
  api: ReviewApi,
  pull: ForgePull,
  wanted: { readonly title?: string; readonly body?: string },
): Promise<void> {
  const edit = difference(pull, wanted);
  if (Object.keys(edit).length > 0) await api.editPull(pull.number, edit);
}

function difference(
  present: { readonly title: string; readonly body: string },
  wanted: { readonly title?: string; readonly body?: string },
): Edit {
  const { title, body } = wanted;
  return {
    ...(title === undefined || isSameText(title, present.title) ? {} : { title }),
    ...(body === undefined || isSameText(body, present.body) ? {} : { body }),
  };
}

async function bringLabels(
  api: ReviewApi,
  { on, number, present }: { on: Labelled; number: number; present: readonly string[] },
  wanted: readonly string[],
): Promise<void> {
  const missing = missingLabels(wanted, present);
  if (missing.length === 0) return;
  for (const label of missing) await api.ensureLabel(label);
  await api.addLabels(on, number, missing);
}

/** Asks those who were neither asked nor have answered; the author cannot review what is their own. */
async function bringReviewers(
  api: ReviewApi,
  pull: ForgePull,
  isNew: boolean,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const known = new Set(pull.asked.map((each) => each.toLowerCase()));
  const missing = [...new Set(wanted)].filter((each) => !known.has(each.toLowerCase()));
  if (missing.length === 0) return [];
  const answered = isNew ? [] : (await api.reviewed(pull.number)).map((each) => each.toLowerCase());
  const refused: string[] = [];
  const toAsk: Reviewer[] = [];
  for (const text of missing) {
    const reviewer = parseReviewer(text);
    if (reviewer === undefined) refused.push(text);
    else if (!answered.includes(text.toLowerCase())) toAsk.push(reviewer);
  }
  if (toAsk.length > 0) refused.push(...(await api.ask(pull, toAsk)).map(({ text }) => text));
  return wanted.filter((each, index) => refused.includes(each) && wanted.indexOf(each) === index);
}

async function comment(api: ReviewApi, number: number, key: string, body: string): Promise<void> {
  const text = withHiddenKey(key, body);
  checkLength(api, { body: text });
  const self = await api.self();
  const all = await api.comments(number);
  const ours = all.find((each) => each.author === self && hasHiddenKey(key, each.body));
  if (ours === undefined) await api.addComment(number, text);
  else if (!isSameText(ours.body, text)) await api.editComment(number, ours.id, text);
}

async function keepIssue(api: ReviewApi, issue: KeyedIssue): Promise<void> {
  const { key, title, labels, isOpen } = issue;
  const body = withHiddenKey(key, issue.body, isOpen ? 'open' : 'done');
  checkLength(api, { title, body });
  const all = (await api.ownIssues()).filter((each) => hasHiddenKey(key, each.body));
  const [ours] = all.sort((a, b) => a.number - b.number);
  if (ours === undefined) {
    if (!isOpen) return;
    for (const label of labels) await api.ensureLabel(label);
    await api.createIssue({ title, body, labels });
    return;
  }
  const text = difference(ours, { title, body });
  const isTextSame = Object.keys(text).length === 0;
  if (isOpen && !ours.isOpen && isTextSame) return;
  const state: Edit = ours.isOpen === isOpen ? {} : { state: isOpen ? 'open' : 'closed' };
  const edit = { ...text, ...state };
  if (Object.keys(edit).length > 0) await api.editIssue(ours.number, edit);
  await bringLabels(api, { on: 'issue', number: ours.number, present: ours.labels }, labels);
}

/** A text is never cut: who writes it knows what may be left out. */
function checkLength({ limits }: ReviewApi, text: { readonly title?: string; readonly body?: string }): void {
  for (const name of ['title', 'body'] as const) {
    const { length } = text[name] ?? '';
    if (length > limits[name]) {
      throw new ForgeError('refused', `a ${name} of ${length} characters; the forge takes ${limits[name]}`);
    }
  }
}

function newestFirst(a: PullRequest, b: PullRequest): number {
  return (b.endedUs ?? 0) - (a.endedUs ?? 0) || b.number - a.number;
}

/** Without what only this room needs. */
function outward(pull: ForgePull): PullRequest {
  const { number, url, branch, base, state, title, body, labels, mergeCommit, endedUs } = pull;
  return {
    ...{ number, url, branch, base, state, title, body, labels },
    ...(mergeCommit === undefined ? {} : { mergeCommit }),
    ...(endedUs === undefined ? {} : { endedUs }),
  };
}
