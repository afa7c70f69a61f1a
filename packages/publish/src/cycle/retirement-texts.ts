import { objectKey, type Origin } from '@leastwise/rbac';
import {
  type BindingOrigin,
  clusterFolder,
  markdownCode,
  type RetirableBinding,
  renderRetirementIssue,
  type RepositoryLinks,
} from '@leastwise/render';

import type { Proposal } from '../conduct/index.ts';
import type { KeyedIssue, PullRequests } from '../review.ts';
import { textsFingerprint } from './fingerprint.ts';
import { COMMIT_FOOTER } from './policy-proposals.ts';
import type { Manifest, RepositoryManifests } from './repository-manifests.ts';
import {
  type ClusterOwner,
  findEntries,
  isRetirableEverywhere,
  ownerKey,
  retirementOwners,
  type RetirableEntry,
  type RetirementScene,
} from './retire.ts';

/** What is to be retired, by the ways in which it is. */
export interface Retirements {
  readonly proposals: readonly Proposal[];
  /** One for each group that has files in a cluster whose RBAC is known: closed where nothing is left. */
  readonly issues: readonly KeyedIssue[];
  /** One line each, for people. */
  readonly problems: readonly string[];
}

const CUT =
  'some manifests of the repository are not looked into for old bindings: they are too many or too large';

interface Found extends RetirableEntry {
  readonly manifest: Manifest | undefined;
  /** Whether a pull request can do it; else it is for a person to do. */
  readonly isRemovable: boolean;
}

const LABEL = 'leastwise/retirements';

/**
 * Plans the retiring of old bindings: a pull request where a binding's own manifest is a whole document of a file in the
 * repository, and an issue for its owner about all others.
 * @param readManifests - reads all of the repository; asked only where something is to be retired
 * @param pulls - without pull requests there are no issues either
 */
export async function planRetirements(
  scene: RetirementScene,
  readManifests: () => Promise<RepositoryManifests>,
  pulls: PullRequests | undefined,
  links: RepositoryLinks | undefined,
): Promise<Retirements> {
  if (scene.settings.existing === undefined) return { proposals: [], issues: [], problems: [] };
  const entries = findEntries(scene);
  const manifests = entries.length === 0 ? undefined : await readManifests();
  const found = entries.map((entry): Found => {
    const manifest = manifests?.find(entry.retirable.binding);
    const isWhole = isRetirableEverywhere(entry, entries, scene);
    return { ...entry, manifest, isRemovable: isWhole && manifest?.canBeRemoved === true };
  });
  const byOwner = new Map<string, Found[]>();
  for (const each of found) {
    const key = ownerKey(each.owner);
    byOwner.set(key, [...(byOwner.get(key) ?? []), each]);
  }
  const taken = new Set<string>();
  const proposals = [...byOwner.values()].flatMap((group) => proposalOf(group, manifests, taken));
  const { labels } = scene.owned.choices;
  const issues =
    pulls === undefined
      ? []
      : retirementOwners(scene).map((owner) => {
          const left = (byOwner.get(ownerKey(owner)) ?? []).filter(({ isRemovable }) => !isRemovable);
          return issueOf(owner, left, { limits: pulls.limits, labels: [...labels, LABEL], links });
        });
  return { proposals, issues, problems: manifests?.isCut === true ? [CUT] : [] };
}

/**
 * A pull request of one group's bindings. A file that another group's proposal changes waits until that is merged.
 * @param taken - paths that a proposal changes already
 */
function proposalOf(
  found: readonly Found[],
  manifests: RepositoryManifests | undefined,
  taken: Set<string>,
): Proposal[] {
  const byPath = new Map<string, Found[]>();
  for (const each of found) {
    const path = each.manifest?.path;
    if (!each.isRemovable || path === undefined || taken.has(path)) continue;
    byPath.set(path, [...(byPath.get(path) ?? []), each]);
  }
  const removed = [...byPath].flatMap(([path, all]) => {
    const removal = manifests?.remove(
      path,
      all.map(({ retirable }) => retirable.binding),
    );
    if (removal === undefined) return [];
    taken.add(path);
    return all.map((each) => ({ ...each, removal }));
  });
  const [first] = removed;
  if (first === undefined) return [];
  const { cluster, group, reviewers } = first.owner;
  const names = removed.map(({ retirable }) => objectKey(retirable.binding)).sort();
  const count = `${removed.length} old ${removed.length === 1 ? 'binding' : 'bindings'}`;
  const title = `Remove ${count} of ${clusterFolder(cluster)} from this repository`;
  const lines = removed.map(({ retirable: { binding }, removal }) => {
    const { name, namespace } = binding.metadata;
    const where = namespace === undefined ? '' : ` in ${markdownCode(namespace)}`;
    return `- ${markdownCode(`${binding.kind} ${name}`)}${where}, from ${markdownCode(removal.path)}`;
  });
  const body = [
    `**${count}** · cluster ${markdownCode(cluster)} · owner ${markdownCode(group)}`,
    'RBAC adds up: while these stand, the merged policies take nothing away. Everything that was used is allowed without them, also without all of them at once, in every cluster that has them.',
    lines.sort().join('\n'),
    '### What you can do\n\n- **Decline:** close it. It is not opened again for the same bindings.\n- **Undo after the merge:** revert the merge.',
  ].join('\n\n');
  return [
    {
      ...{ cluster, group, reviewers, title, body },
      kind: 'retirements',
      changes: [...new Set(removed.map(({ removal }) => removal))].sort((a, b) => (a.path < b.path ? -1 : 1)),
      fingerprint: textsFingerprint([cluster, ...names]),
      labels: [LABEL],
      commitMessage: `${title}\n\n${COMMIT_FOOTER}`,
    },
  ];
}

interface IssueFrame {
  readonly limits: PullRequests['limits'];
  readonly labels: readonly string[];
  readonly links: RepositoryLinks | undefined;
}

function issueOf(
  { cluster, group }: ClusterOwner,
  found: readonly Found[],
  { limits, labels, links }: IssueFrame,
): KeyedIssue {
  const bindings = found.map(bindingOf);
  const isOpen = bindings.length > 0;
  const report = { cluster, group, bindings, ...(links === undefined ? {} : { links }) };
  // The forge hides a key, and whether we closed it, in the body.
  const room = { title: limits.title, body: limits.body - KEY_ROOM };
  const text = renderRetirementIssue(report, room);
  return { key: `leastwise-retire ${ownerKey({ cluster, group })}`, ...text, labels, isOpen };
}

const KEY_ROOM = 2_048;

function bindingOf({ retirable, manifest }: Found): RetirableBinding {
  const { binding, action, released, excess, origins } = retirable;
  const { kind, metadata, roleRef } = binding;
  return {
    kind,
    namespace: kind === 'RoleBinding' ? (metadata.namespace ?? '') : '',
    name: metadata.name,
    role: { kind: roleRef.kind, name: roleRef.name },
    subjects: released,
    isSharedWithOthers: action === 'drop-subjects',
    excess: excess.cells,
    origin: manifest === undefined ? originOf(origins[0]) : { by: 'file', path: manifest.path },
  };
}

function originOf(origin: Origin | undefined): BindingOrigin {
  switch (origin?.tool) {
    case 'flux-kustomization':
    case 'flux-helm-release': {
      const kind = origin.tool === 'flux-kustomization' ? 'Kustomization' : 'HelmRelease';
      return { by: 'flux', kind, namespace: origin.namespace, name: origin.name };
    }
    case 'argo-cd':
      return { by: 'argo-cd', application: origin.application };
    case 'olm':
      return { by: 'olm', owner: origin.name };
    case 'helm':
      return { by: 'helm', release: origin.name, namespace: origin.namespace };
    case 'kubectl':
      return { by: 'kubectl' };
    case 'other':
    case undefined:
      return { by: 'unknown' };
  }
}
