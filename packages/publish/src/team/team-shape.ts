import type { PolicyRule } from '@leastwise/rbac';

import { DEFAULT_CHOICES, type ReportChoice } from './choices.ts';
import { KNOB_SHAPES, knobsOf, REACHING_KNOBS, type WrittenKnobs } from './knob-shape.ts';
import {
  checked,
  described,
  fields,
  flag,
  listOf,
  oneOf,
  type Place,
  type Schema,
  type Shape,
  text,
  wholeNumber,
} from './shape.ts';
import { SUBJECT_GLOB } from './subject-glob.ts';
import { CLUSTER_GLOB, FORGE_LABEL, GROUP_NAME, NAMESPACE_GLOB, REVIEWER, RULE_WORD } from './words.ts';

interface Scope {
  readonly clusters?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly clusterWide?: boolean;
}

interface WrittenOwner extends Scope {
  readonly group: string;
  readonly reviewers?: readonly string[];
}

interface WrittenPolicy extends Omit<Scope, 'clusterWide'>, WrittenKnobs {
  readonly subjects?: readonly string[];
}

interface WrittenPin extends Scope {
  readonly subjects: readonly string[];
  readonly rules: readonly PolicyRule[];
}

/** `leastwise.yaml` as it is spelled. */
export interface WrittenFile {
  readonly version: 1;
  readonly owners?: readonly WrittenOwner[];
  readonly policies?: readonly WrittenPolicy[];
  readonly ignoredSubjects?: readonly string[];
  readonly includedSubjects?: readonly string[];
  readonly includeDenied?: readonly string[];
  readonly pinned?: readonly WrittenPin[];
  readonly minimumObservationDays?: number;
  readonly acceptedLostEvents?: number;
  readonly maxOpenPullRequests?: number;
  readonly labels?: readonly string[];
  readonly stopLabel?: string;
  readonly reports?: Partial<ReportChoice>;
}

const MAX_DAYS = 36_500;

const SUBJECT = text(SUBJECT_GLOB, 'a subject: write serviceaccount:NAMESPACE:NAME, user:NAME or group:NAME');
const SUBJECTS = listOf(SUBJECT, { minItems: 1 });
const LABEL = text(FORGE_LABEL, 'a label: at most 50 characters, without commas');

const CLUSTERS = described(
  listOf(text(CLUSTER_GLOB, 'a glob of clusters'), { minItems: 1 }),
  'Globs of clusters. All where it is not given.',
);
const NAMESPACES = described(
  listOf(text(NAMESPACE_GLOB, 'a glob of namespaces: lower-case letters, digits, hyphens and *'), {
    minItems: 1,
  }),
  'Globs of namespaces.',
);

/** Either namespaces or the cluster as a whole, so that nothing is claimed by leaving a line out. */
const SOMEWHERE: Schema = {
  anyOf: [
    { required: ['namespaces'] },
    { required: ['clusterWide'], properties: { clusterWide: { const: true } } },
  ],
};

function isSomewhere({ namespaces, clusterWide }: Scope, place: Place): void {
  if (namespaces === undefined && clusterWide !== true) {
    place.note('missing', 'needs namespaces, or clusterWide: true for what is cluster-scoped');
  }
}

const OWNER = checked<WrittenOwner>(
  fields<Pick<WrittenOwner, 'group'>, Omit<WrittenOwner, 'group'>>(
    {
      group: described(
        text(
          GROUP_NAME,
          'the name of a group: lower-case letters, digits, ".", "_" and "-", at most 50; not "cluster", nor ' +
            'beginning with "namespace-" or "owners-"',
        ),
        'Names the pull requests of these owners: one for each cluster and kind of change.',
      ),
    },
    {
      clusters: CLUSTERS,
      namespaces: NAMESPACES,
      clusterWide: described(flag, 'Whether cluster-scoped policies are theirs as well.', false),
      reviewers: described(
        listOf(text(REVIEWER, 'a reviewer: @user, @org/team or an address')),
        'Who is asked to review. Those of CODEOWNERS where it is not given.',
      ),
    },
  ),
  SOMEWHERE,
  isSomewhere,
);

const POLICY = checked<WrittenPolicy>(
  fields<object, WrittenPolicy>(
    {},
    {
      clusters: CLUSTERS,
      namespaces: described(
        NAMESPACES,
        'Globs of namespaces: then not for what is cluster-scoped, and not with knobs that reach further.',
      ),
      subjects: described(SUBJECTS, 'Globs of subjects. All where it is not given.'),
      ...KNOB_SHAPES,
    },
  ),
  {},
  (written, place) => {
    if (written.namespaces === undefined) return;
    const knobs = knobsOf(written);
    for (const knob of REACHING_KNOBS.filter((each) => knobs[each] !== undefined)) {
      const at = written[knob] === undefined ? 'preset' : knob;
      place
        .at(at)
        .note('contradiction', `${knob} reaches beyond a namespace: give it in an entry without namespaces`);
    }
  },
);

const WORDS = listOf(text(RULE_WORD, 'a word of a rule: no spaces'), { minItems: 1 });

const RULE = checked<PolicyRule>(
  fields<Pick<PolicyRule, 'verbs'>, Omit<PolicyRule, 'verbs'>>(
    { verbs: WORDS },
    { apiGroups: WORDS, resources: WORDS, resourceNames: WORDS, nonResourceURLs: WORDS },
  ),
  {
    oneOf: [
      { required: ['apiGroups', 'resources'], properties: { nonResourceURLs: false } },
      {
        required: ['nonResourceURLs'],
        properties: { apiGroups: false, resources: false, resourceNames: false },
      },
    ],
  },
  ({ apiGroups, resources, resourceNames, nonResourceURLs }, place) => {
    const isOfUrls = nonResourceURLs !== undefined;
    const ofResources = [apiGroups, resources, resourceNames].filter((each) => each !== undefined);
    if (isOfUrls && ofResources.length > 0) {
      place.note('contradiction', 'is about resources and URLs at once: write two rules');
    } else if (!isOfUrls && (apiGroups === undefined || resources === undefined)) {
      place.note('missing', 'needs apiGroups and resources, or nonResourceURLs');
    }
  },
);

const PIN = checked<WrittenPin>(
  fields<Pick<WrittenPin, 'subjects' | 'rules'>, Omit<WrittenPin, 'subjects' | 'rules'>>(
    {
      subjects: described(SUBJECTS, 'Globs of subjects.'),
      rules: described(listOf(RULE, { minItems: 1 }), 'Rules, spelled as in a Role.'),
    },
    {
      clusters: CLUSTERS,
      namespaces: NAMESPACES,
      clusterWide: described(flag, 'Whether they are kept for the whole cluster.', false),
    },
  ),
  SOMEWHERE,
  (pin, place) => {
    isSomewhere(pin, place);
    if (pin.clusterWide === true) return;
    for (const [i, { nonResourceURLs }] of pin.rules.entries()) {
      if (nonResourceURLs === undefined) continue;
      const detail = 'are of no namespace: give the rule in an entry with clusterWide: true';
      place.at('rules').at(i).at('nonResourceURLs').note('contradiction', detail);
    }
  },
);

const VERSION: Shape<1> = {
  schema: { const: 1 },
  read: (value, place) =>
    value === 1 ? 1 : place.note('not-allowed', 'is not 1, the only version of this file that is known'),
};

const REPORTS = fields<object, ReportChoice>(
  {},
  {
    people: described(
      oneOf('none', 'pseudonymous', 'named'),
      'How people appear in activity reports.',
      DEFAULT_CHOICES.reports.people,
    ),
    retentionDays: described(
      wholeNumber(1, MAX_DAYS),
      'For how many days reports are kept.',
      DEFAULT_CHOICES.reports.retentionDays,
    ),
    destination: described(
      oneOf('branch', 'base'),
      'A branch with a pull request, or the base branch itself.',
      DEFAULT_CHOICES.reports.destination,
    ),
  },
);

/** The whole file. */
export const TEAM_FILE: Shape<WrittenFile> = fields<
  Pick<WrittenFile, 'version'>,
  Omit<WrittenFile, 'version'>
>(
  { version: VERSION },
  {
    owners: described(listOf(OWNER), 'Who reviews what. Of the entries that match, the last one counts.', []),
    policies: described(
      listOf(POLICY),
      'Knobs. All entries that match count, knob by knob; of two that set the same knob, the last one.',
      [],
    ),
    ignoredSubjects: described(listOf(SUBJECT), 'Globs of subjects that nothing is proposed for.', []),
    includedSubjects: described(
      listOf(SUBJECT),
      'Globs of subjects to publish though they are left out by default, such as user:system:kube-scheduler.',
      [],
    ),
    includeDenied: described(
      listOf(SUBJECT),
      'Globs of subjects whose refused requests are proposed as permissions.',
      [],
    ),
    pinned: described(listOf(PIN), 'Rules that are never proposed to be removed.', []),
    minimumObservationDays: described(
      wholeNumber(1, MAX_DAYS),
      'A removal waits until its subject was observable for so many days. Not above retentionDays.',
      DEFAULT_CHOICES.minimumObservationDays,
    ),
    acceptedLostEvents: described(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      'So many lost events are known of and accepted: removals wait only where more were lost.',
      DEFAULT_CHOICES.acceptedLostEvents,
    ),
    maxOpenPullRequests: described(
      wholeNumber(1, 1_000),
      'How many pull requests of Leastwise may be open.',
      DEFAULT_CHOICES.maxOpenPullRequests,
    ),
    labels: described(listOf(LABEL), 'Labels of pull requests.', DEFAULT_CHOICES.labels),
    stopLabel: described(LABEL, 'A pull request with this label is left alone.', DEFAULT_CHOICES.stopLabel),
    reports: described(REPORTS, 'What becomes of activity reports.'),
  },
);

/** The JSON Schema of the file, for editors. What keys say about each other is left to the reader of the file. */
export function teamFileSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'leastwise.yaml',
    description: "The team's choices, at the root of the GitOps repository.",
    ...TEAM_FILE.schema,
  };
}
