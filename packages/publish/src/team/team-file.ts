import { DEFAULT_OPTIONS, parseYamlValue, type PolicyRule } from '@leastwise/rbac';

import {
  DEFAULT_CHOICES,
  type OwnerChoice,
  type PinnedChoice,
  type PolicyChoice,
  type ReportChoice,
  type TeamChoices,
} from './choices.ts';
import { knobsOf } from './knob-shape.ts';
import type { TeamProblem } from './problem.ts';
import { type Finding, type Path, pathText, Place } from './shape.ts';
import { TEAM_FILE, type WrittenFile } from './team-shape.ts';

/** Where the team's choices stand, from the root of the repository. */
export const TEAM_FILE_PATH = 'leastwise.yaml';

/** How many problems are told. */
const MAX_PROBLEMS = 100;

/** A team's choices, or all that is wrong with their file: then nothing of it counts, and nothing is to be published. */
export type TeamFile =
  | { readonly choices: TeamChoices; readonly problems: readonly [] }
  | { readonly choices: undefined; readonly problems: readonly TeamProblem[] };

/**
 * Reads `leastwise.yaml`. An empty file says nothing, as does one that is not there: {@link DEFAULT_CHOICES}.
 * All that is wrong is told at once, up to a hundred problems, in the order of the lines; only what entries say about
 * each other is looked at last, when each of them is right.
 * @param text - of the file; `undefined` where there is none
 * @param retentionDays - for which evidence counts where the file does not say so itself
 * @remarks Pure. Never throws.
 */
export function parseTeamFile(
  text: string | undefined,
  { retentionDays = DEFAULT_OPTIONS.retentionDays } = {},
): TeamFile {
  if (text === undefined) return { choices: DEFAULT_CHOICES, problems: [] };
  const yaml = parseYamlValue(text);
  const problems: TeamProblem[] = yaml.problems.map((problem) => ({
    ...problem,
    path: pathText(problem.path),
  }));
  const findings: Finding[] = [];
  const written = yaml.value === undefined ? null : TEAM_FILE.read(yaml.value, new Place(findings));
  const choices = written === null ? DEFAULT_CHOICES : choicesOf(written);
  if (written !== null) findings.push(...contradictions(written, choices, retentionDays));
  problems.push(
    ...findings.map(({ path, reason, detail }) => ({
      line: yaml.lineOf(path),
      path: pathText(path),
      reason,
      detail,
    })),
  );
  return problems.length === 0 ? { choices, problems: [] } : { choices: undefined, problems: told(problems) };
}

function told(problems: readonly TeamProblem[]): readonly TeamProblem[] {
  const inOrder = problems.toSorted((a, b) => a.line - b.line);
  const beyond = inOrder[MAX_PROBLEMS];
  if (beyond === undefined) return inOrder;
  const detail = `${inOrder.length - MAX_PROBLEMS} problems more, from here on`;
  return [...inOrder.slice(0, MAX_PROBLEMS), { ...beyond, detail }];
}

/** What cannot hold together. Presets and defaults are filled in by now. */
function contradictions(written: WrittenFile, choices: TeamChoices, retentionDays: number): Finding[] {
  const findings: Finding[] = [];
  const note = (path: Path, detail: string): void => {
    findings.push({ path, reason: 'contradiction', detail });
  };
  const { minimumObservationDays: minimum, policies, labels, stopLabel } = choices;
  const isForAll = ({ clusters, namespaces, subjects }: PolicyChoice): boolean =>
    namespaces === undefined && clusters.includes('*') && subjects.includes('*');
  const isReplaced = policies.some((each) => isForAll(each) && each.knobs.retentionDays !== undefined);
  if (!isReplaced && retentionDays < minimum) {
    note(['minimumObservationDays'], `is above the ${retentionDays} days for which evidence counts`);
  }
  for (const [i, { knobs }] of policies.entries()) {
    if (knobs.retentionDays === undefined || knobs.retentionDays >= minimum) continue;
    const key = written.policies?.[i]?.retentionDays === undefined ? 'preset' : 'retentionDays';
    note(
      ['policies', i, key],
      `evidence would count for ${knobs.retentionDays} days, and minimumObservationDays is ${minimum}`,
    );
  }
  if (labels.includes(stopLabel)) {
    note(['labels'], 'hold the stop label: every pull request would stop at once');
  }
  return findings;
}

const EVERYTHING: readonly string[] = ['*'];

function choicesOf(written: WrittenFile): TeamChoices {
  return {
    owners: (written.owners ?? []).map(ownerOf),
    policies: (written.policies ?? []).map(policyOf),
    ignoredSubjects: written.ignoredSubjects ?? DEFAULT_CHOICES.ignoredSubjects,
    includedSubjects: written.includedSubjects ?? DEFAULT_CHOICES.includedSubjects,
    includeDenied: written.includeDenied ?? DEFAULT_CHOICES.includeDenied,
    pinned: (written.pinned ?? []).map(pinOf),
    minimumObservationDays: written.minimumObservationDays ?? DEFAULT_CHOICES.minimumObservationDays,
    acceptedLostEvents: written.acceptedLostEvents ?? DEFAULT_CHOICES.acceptedLostEvents,
    maxOpenPullRequests: written.maxOpenPullRequests ?? DEFAULT_CHOICES.maxOpenPullRequests,
    labels: written.labels ?? DEFAULT_CHOICES.labels,
    stopLabel: written.stopLabel ?? DEFAULT_CHOICES.stopLabel,
    reports: reportsOf(written.reports ?? {}),
  };
}

function ownerOf(owner: NonNullable<WrittenFile['owners']>[number]): OwnerChoice {
  return {
    group: owner.group,
    clusters: owner.clusters ?? EVERYTHING,
    namespaces: owner.namespaces ?? [],
    isClusterWide: owner.clusterWide ?? false,
    reviewers: owner.reviewers ?? [],
  };
}

function policyOf(policy: NonNullable<WrittenFile['policies']>[number]): PolicyChoice {
  const { clusters = EVERYTHING, namespaces, subjects = EVERYTHING, ...knobs } = policy;
  return { clusters, namespaces, subjects, knobs: knobsOf(knobs) };
}

function pinOf(pin: NonNullable<WrittenFile['pinned']>[number]): PinnedChoice {
  return {
    clusters: pin.clusters ?? EVERYTHING,
    namespaces: pin.namespaces ?? [],
    isClusterWide: pin.clusterWide ?? false,
    subjects: pin.subjects,
    rules: pin.rules satisfies readonly PolicyRule[],
  };
}

function reportsOf(reports: NonNullable<WrittenFile['reports']>): ReportChoice {
  return {
    people: reports.people ?? DEFAULT_CHOICES.reports.people,
    retentionDays: reports.retentionDays ?? DEFAULT_CHOICES.reports.retentionDays,
    destination: reports.destination ?? DEFAULT_CHOICES.reports.destination,
  };
}
