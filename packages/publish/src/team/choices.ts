import { DEFAULT_OPTIONS, type NamingOptions, type PolicyOptions, type PolicyRule } from '@leastwise/rbac';

/** The knobs that a team may turn: those of the command line, by the same words. */
export type Knobs = Partial<
  Pick<
    PolicyOptions,
    | 'scopeMode'
    | 'verbMerge'
    | 'wildcards'
    | 'resourceNames'
    | 'expandMultiNamespace'
    | 'expandMultiName'
    | 'verbExpansions'
    | 'includeOtherAuthorizers'
    | 'specialVerbs'
    | 'mapDeprecatedGroups'
    | 'shareRoles'
    | 'namespaceGroups'
    | 'retentionDays'
    | 'namespaceIdleDays'
    | 'dropDeletedNamespaces'
    | 'kubernetesVersion'
  >
> & { readonly naming?: Partial<NamingOptions> };

/** Who owns the policies of some namespaces, or of the cluster as a whole. */
export interface OwnerChoice {
  /** Names their pull requests. */
  readonly group: string;
  /** Globs; one has to match. */
  readonly clusters: readonly string[];
  /** Globs. Empty: no namespace. */
  readonly namespaces: readonly string[];
  /** Whether cluster-scoped policies are theirs as well. */
  readonly isClusterWide: boolean;
  /** As CODEOWNERS has them. Empty: those of CODEOWNERS. */
  readonly reviewers: readonly string[];
}

/** Knobs for part of the clusters, namespaces and subjects. */
export interface PolicyChoice {
  readonly clusters: readonly string[];
  /** `undefined`: everywhere; globs: in these namespaces only, and not for what is cluster-scoped. */
  readonly namespaces: readonly string[] | undefined;
  readonly subjects: readonly string[];
  readonly knobs: Knobs;
}

/** Rules that are never proposed to be removed, once they are approved. */
export interface PinnedChoice {
  readonly clusters: readonly string[];
  readonly namespaces: readonly string[];
  readonly isClusterWide: boolean;
  readonly subjects: readonly string[];
  readonly rules: readonly PolicyRule[];
}

/** What becomes of activity reports. */
export interface ReportChoice {
  /** How people, that is users who are no service accounts, appear in them. */
  readonly people: 'none' | 'pseudonymous' | 'named';
  readonly retentionDays: number;
  /** A branch with a pull request, or the base branch itself. */
  readonly destination: 'branch' | 'base';
}

/** What the file `leastwise.yaml` says, every default filled in. */
export interface TeamChoices {
  /** In the order of the file: of those that match, the last one counts. */
  readonly owners: readonly OwnerChoice[];
  /** In the order of the file: all that match count, knob by knob, and of each knob the last one. */
  readonly policies: readonly PolicyChoice[];
  /** Globs of subjects that nothing is proposed for. They win over all others. */
  readonly ignoredSubjects: readonly string[];
  /** Globs of subjects that are published though they would be left out by default. */
  readonly includedSubjects: readonly string[];
  /** Globs of subjects whose refused requests are proposed as permissions. */
  readonly includeDenied: readonly string[];
  readonly pinned: readonly PinnedChoice[];
  readonly minimumObservationDays: number;
  /** So many lost events the team has looked into; removals wait only where more were lost. */
  readonly acceptedLostEvents: number;
  readonly maxOpenPullRequests: number;
  readonly labels: readonly string[];
  /** A pull request with this label is left alone. */
  readonly stopLabel: string;
  readonly reports: ReportChoice;
}

/** What holds where the repository has no `leastwise.yaml`. */
export const DEFAULT_CHOICES: TeamChoices = {
  owners: [],
  policies: [],
  ignoredSubjects: [],
  includedSubjects: [],
  includeDenied: [],
  pinned: [],
  minimumObservationDays: 30,
  acceptedLostEvents: 0,
  maxOpenPullRequests: 10,
  labels: ['leastwise'],
  stopLabel: 'leastwise/stop',
  reports: { people: 'none', retentionDays: DEFAULT_OPTIONS.retentionDays, destination: 'branch' },
};
