import { type Subject, subjectKey } from '@leastwise/audit-event';
import {
  type ClusterState,
  emptyCluster,
  mergeCluster,
  type RuleState,
  type SubjectState,
} from '@leastwise/rbac';
import { type Fields, Malformed, readEvidence } from '@leastwise/state';

/** The kind of a subject. @throws Malformed */
export function readSubjectKind(fields: Fields): Subject['kind'] {
  const kind = fields.string();
  if (kind === 'User' || kind === 'Group' || kind === 'ServiceAccount') return kind;
  throw new Malformed('a subject of an unknown kind');
}

/** Puts clusters together from fields that come in any order. */
export class ClustersReader {
  readonly #clusters = new Map<string, ClusterState>();

  /**
   * @param recent - leaves out what is too old, which must not take the room of what is not
   * @returns the clusters, within this version's caps
   */
  end(recent: (cluster: ClusterState) => ClusterState): Map<string, ClusterState> {
    const clusters = new Map<string, ClusterState>();
    for (const [name, read] of this.#clusters) {
      const cluster = emptyCluster(name);
      mergeCluster(cluster, recent(read), { ownership: 'take' });
      clusters.set(name, cluster);
    }
    return clusters;
  }

  #cluster(name: string): ClusterState {
    let cluster = this.#clusters.get(name);
    if (!cluster) {
      cluster = emptyCluster(name);
      this.#clusters.set(name, cluster);
    }
    return cluster;
  }

  readCluster(name: Fields, value: Fields): void {
    const cluster = this.#cluster(name.string());
    cluster.firstSeenUs = value.integer();
    cluster.lastSeenUs = value.integer();
    cluster.namespacesOverflow = value.integer(0, 1) === 1;
    const overflow = value.optionalList();
    cluster.subjectsOverflow = overflow && readEvidence(overflow);
  }

  readNamespace(name: Fields, value: Fields): void {
    this.#cluster(name.string()).namespaces.set(name.string(), {
      lastSeenUs: value.integer(),
      lastLiveUs: value.integer(),
      lastDeletedUs: value.integer(),
    });
  }

  #subject(name: Fields): SubjectState {
    const cluster = this.#cluster(name.string());
    const kind = readSubjectKind(name);
    const subject = { kind, namespace: name.string(), name: name.string() } as const;
    const key = subjectKey(subject);
    let state = cluster.subjects.get(key);
    if (!state) {
      const none = (): SubjectState['allowed'] => ({ rules: new Map(), overflow: undefined });
      state = { subject, allowed: none(), denied: none() };
      cluster.subjects.set(key, state);
    }
    return state;
  }

  readSubject(name: Fields, value: Fields): void {
    const state = this.#subject(name);
    for (const set of [state.allowed, state.denied]) {
      const overflow = value.optionalList();
      set.overflow = overflow && readEvidence(overflow);
    }
  }

  #rule(outcome: 'allowed' | 'denied', name: Fields): RuleState {
    const { rules } = this.#subject(name)[outcome];
    const texts = [name.string(), name.string(), name.string(), name.string()] as const;
    const key = texts.join('\0');
    let rule = rules.get(key);
    if (!rule) {
      const [verb, apiGroup, resource, namespace] = texts;
      rule = { verb, apiGroup, resource, namespace, names: new Map(), overflow: undefined };
      rules.set(key, rule);
    }
    return rule;
  }

  readOverflow(outcome: 'allowed' | 'denied', name: Fields, value: Fields): void {
    this.#rule(outcome, name).overflow = readEvidence(value);
  }

  readCell(outcome: 'allowed' | 'denied', name: Fields, value: Fields): void {
    this.#rule(outcome, name).names.set(name.string(), readEvidence(value));
  }
}
