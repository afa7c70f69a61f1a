import { markdownFence } from '../escape-markdown.ts';
import { encodeSegment } from '../encode-segment.ts';
import { clusterFolder } from '../folders.ts';
import { MARKDOWN_NOTICE } from '../generated.ts';
import { removedSection, rulesSection } from './change-sections.ts';
import { fit, type Part, type Section } from './fit.ts';
import { code, counted, fileLink, fold, yamlOf } from './markdown.ts';
import { countRange, daysRange, monthOf } from './ranges.ts';
import type { PullRequestReport, TextLimits } from './report.ts';
import { reviewerWarnings, riskChanges, riskSection } from './risk-section.ts';
import {
  addedSection,
  brokenSection,
  changeText,
  heldBackSection,
  LEAST_ROWS,
  plainListSection,
  refusedSection,
  sentence,
  subjectsSection,
  unprovenSection,
  withheldSection,
} from './sections.ts';
import { pullRequestTitle } from './title.ts';

/** A pull request as a forge shows it. */
export interface PullRequestDocument {
  readonly title: string;
  readonly body: string;
  /** The whole text, for the file at `overflowPath`; only where the body leaves something out. */
  readonly overflow?: { readonly text: string };
}

/** A window shorter than this has not seen what happens once a month. */
const MINIMUM_DAYS = 30;
/** How much of a name is shown where there is one for the whole text. */
const HEAD_CHARACTERS = 100;

/**
 * Where the whole text of a pull request stands in the repository, when its body cannot hold it. A function of the three
 * alone, so that the file is replaced and not added to.
 */
export function pullRequestOverflowPath(
  cluster: string,
  group: string,
  kind: PullRequestReport['kind'],
): string {
  return `reports/${clusterFolder(cluster)}/pull-requests/${encodeSegment(group, 80)}-${kind}.md`;
}

/**
 * Renders what a pull request says: the verdict in one sentence, a table of the subjects, what is added with its
 * evidence, what is removed and why that is safe, and behind folds whatever a reviewer may want to look up. Names come
 * from requests and are shown as code, so that they form no Markdown, no mention and no reference, also where the
 * text becomes a commit message. Longer ones are cut after 256 characters.
 *
 * A body that is too long is shortened in this order: rules, refused, withheld, kept, snippets, held back, risk, blind
 * spots, removed, added, subjects, breaks; of those from held back on, ten rows stay as long as that
 * is enough. Each shortened section says how much is left out.
 * @remarks Pure; the order of lists makes no difference. Numbers that grow by themselves are given as ranges: more
 *   requests of the same kind give the same text, but for the few days on which a range ends.
 * @throws InvariantError if a limit is too small for what is always said, which takes at most 12 KiB, or a link base is
 *   no URL
 */
export function renderPullRequest(report: PullRequestReport, limits: TextLimits): PullRequestDocument {
  const title = pullRequestTitle(report, limits.title);
  const parts = partsOf(report);
  const whole = fit(parts, '', Number.POSITIVE_INFINITY).text;
  const { text: body, isWhole } = fit(parts, overflowNote(report), limits.body);
  if (isWhole) return { title, body };
  return { title, body, overflow: { text: `${MARKDOWN_NOTICE}\n\n# ${code(title)}\n\n${whole}\n` } };
}

function partsOf(report: PullRequestReport): Part[] {
  return [
    verdict(report),
    promise(report),
    ...reviewerWarnings(report),
    subjectsSection(report, 11),
    brokenSection(report, 12),
    addedSection(report, 10),
    removedSection(report, 9),
    riskSection(report, 7),
    unprovenSection(report, 4),
    withheldSection(report, 3),
    heldBackSection(report, 6),
    blindSpotsSection(report, 8),
    refusedSection(report, 2),
    rulesSection(report, 1),
    controls(report),
    snippetsSection(report, 5),
    footer(report),
  ];
}

function total(report: PullRequestReport, what: 'added' | 'removed' | 'broken'): number {
  return report.subjects.reduce((sum, subject) => sum + subject[what].length, 0);
}

function verdict(report: PullRequestReport): string {
  const [added, removed] = [total(report, 'added'), total(report, 'removed')];
  const risk = riskChanges(report);
  const chips = [
    `**${changeText(added, removed)} ${added + removed === 1 ? 'grant' : 'grants'}**`,
    counted(report.subjects.length, 'subject'),
    `cluster ${code(report.cluster, HEAD_CHARACTERS)}`,
    `owner ${code(report.group, HEAD_CHARACTERS)}`,
  ];
  if (risk !== undefined) {
    const changes = risk.map(
      ({ severity, difference }) => `${difference > 0 ? '+' : '−'}${Math.abs(difference)} ${severity}`,
    );
    chips.push(`risk ${changes.length === 0 ? 'as before' : changes.join(' ')}`);
  }
  return chips.join(' · ');
}

function promise(report: PullRequestReport): string {
  const [added, removed, broken] = [
    total(report, 'added'),
    total(report, 'removed'),
    total(report, 'broken'),
  ];
  const what = changeSentence(added > 0, removed > 0);
  if (broken > 0)
    return `${what} **Breaks what was in use:** ${counted(broken, 'permission')}, listed below.`;
  return `${what} Nothing breaks: asked again, every counted request of the window is allowed as before.`;
}

function changeSentence(adds: boolean, removes: boolean): string {
  if (adds && removes) return 'Grants what was used and takes away what was not.';
  if (adds) return 'Grants what was used; takes nothing away.';
  if (removes) return 'Takes away what was not used; grants nothing new.';
  return 'Changes the text of the files and no grant.';
}

function blindSpotsSection({ blindSpots, window }: PullRequestReport, importance: number): Section {
  const own: string[] = [];
  if (window.lostEvents > 0) {
    own.push(`- Events were lost (${countRange(window.lostEvents)}): what only they showed is missing.`);
  }
  if (window.daysWithEvents < MINIMUM_DAYS) {
    own.push(`- Events on fewer than ${MINIMUM_DAYS} days: what runs once a month may not have been seen.`);
  }
  const given = blindSpots.map((spot) => `- ${sentence(spot)}`).sort();
  return plainListSection({ title: '### Blind spots', noun: 'blind spot', importance, least: LEAST_ROWS }, [
    ...own,
    ...given,
  ]);
}

function controls({ controls: { stopLabel, teamFile } }: PullRequestReport): string {
  const file = code(teamFile, HEAD_CHARACTERS);
  const list = [
    '- **Decline:** close it. It is not opened again for the same evidence.',
    `- **Stop:** add the label ${code(stopLabel, HEAD_CHARACTERS)}. It is then left as it is.`,
    '- **Change:** push to its branch. The branch is yours from then on.',
    `- **Keep a grant or ignore a subject:** pin the rule, or list the subject, in ${file}.`,
    '- **Undo after the merge:** revert the merge. Requests that are refused in the day after it are reported here.',
  ];
  return `### What you can do\n\n${list.join('\n')}`;
}

function snippetsSection(
  { controls: { teamFile, pin, ignore } }: PullRequestReport,
  importance: number,
): Section {
  const blocks = [
    `To keep a grant, in ${code(teamFile, HEAD_CHARACTERS)}:\n\n${markdownFence('yaml', yamlOf(pin))}`,
    `To ignore a subject:\n\n${markdownFence('yaml', yamlOf(ignore))}`,
  ];
  return {
    noun: 'example',
    size: blocks.length,
    importance,
    render: (shown) =>
      shown === 0 ? '' : fold('How to pin and ignore', blocks.slice(0, shown).join('\n\n')),
  };
}

function footer({ window, version, evidencePath, links }: PullRequestReport): string {
  const { firstEventUs, lastEventUs, daysWithEvents, lateEvents, lostEvents } = window;
  const seen =
    daysWithEvents === 0
      ? 'Nothing was observed'
      : `Observed from ${monthOf(firstEventUs)} to ${monthOf(lastEventUs)}, events on ${daysRange(daysWithEvents)} ${daysWithEvents === 1 ? 'day' : 'days'}`;
  const facts = [
    seen,
    `late events ${countRange(lateEvents)}`,
    `lost events ${countRange(lostEvents)}`,
    `leastwise ${code(version, HEAD_CHARACTERS)}`,
  ].join(' · ');
  const ranges = 'Numbers are ranges, so that this text changes only with the proposal.';
  if (evidencePath === undefined) return `---\n\n${facts}\n\n${ranges}`;
  return `---\n\n${facts}\n\n${ranges} Exact ones: ${fileLink(evidencePath, links?.base, evidencePath)}.`;
}

function overflowNote({ overflowPath, links }: PullRequestReport): string {
  return `> **Shortened to fit.** The whole text: ${fileLink(overflowPath, links?.branch, overflowPath)}`;
}
