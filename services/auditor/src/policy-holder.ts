import { DEFAULT_VIOLATION_POLICY, parseViolationPolicy, type ViolationPolicy } from '@leastwise/findings';
import { type KubeObject, valueAt } from '@leastwise/kube';

/** The policy in force. */
export interface HeldPolicy {
  readonly policy: ViolationPolicy;
  /** What is wrong with the newest one: then an older one is in force, and nothing is deleted by it. */
  readonly problems: readonly string[];
  /** Whether this is what the cluster's owners wrote, and the newest of it. */
  readonly isCurrent: boolean;
}

/**
 * The violation policy of a cluster, read anew whenever its ConfigMap changes. A broken one keeps the last good one in
 * force; without a ConfigMap the default is.
 */
export class PolicyHolder {
  readonly #key: string;
  #seen: KubeObject | undefined;
  #held: HeldPolicy = { policy: DEFAULT_VIOLATION_POLICY, problems: [], isCurrent: false };

  /** @param key - of the ConfigMap's data */
  constructor(key: string) {
    this.#key = key;
  }

  /** @returns what is in force now, and whether that is news */
  update(configMap: KubeObject | undefined): { readonly held: HeldPolicy; readonly isNew: boolean } {
    if (configMap === this.#seen) return { held: this.#held, isNew: false };
    this.#seen = configMap;
    this.#held = this.#read(configMap);
    return { held: this.#held, isNew: true };
  }

  #read(configMap: KubeObject | undefined): HeldPolicy {
    if (configMap === undefined) return { policy: DEFAULT_VIOLATION_POLICY, problems: [], isCurrent: false };
    const { namespace, name, value } = configMap;
    const where = `configmap ${namespace}/${name}`;
    const text = valueAt(value, 'data', this.#key);
    if (typeof text !== 'string') {
      return { policy: this.#held.policy, problems: [`${where}: it has no ${this.#key}`], isCurrent: false };
    }
    const { policy, problems } = parseViolationPolicy(text, `${where}: ${this.#key}`);
    if (policy !== undefined) return { policy, problems: [], isCurrent: true };
    const told = problems.map(({ file, line, detail }) => `${file}:${line}: ${detail}`);
    return { policy: this.#held.policy, problems: told, isCurrent: false };
  }
}
