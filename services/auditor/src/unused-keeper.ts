import type { PolicyObservability } from '@leastwise/audit-policy';
import type { UnusedPermission } from '@leastwise/findings';
import type { Waiting } from '@leastwise/kube';
import type { RbacObject } from '@leastwise/rbac';
import type { Log } from '@leastwise/runtime';

import type { Evidence } from './evidence-reader.ts';
import { unusedIn } from './unused.ts';

/** What keeping the unused of one cluster needs. */
export interface UnusedKeeperParts {
  /** As the evidence and the audit policies call it. */
  readonly cluster: string;
  readonly read: () => Promise<Evidence | undefined>;
  readonly policy: PolicyObservability | undefined;
  /** The RBAC that exists, asked when evidence has come. */
  readonly objects: () => readonly RbacObject[];
  readonly waiting: Pick<Waiting, 'now' | 'sleep'>;
  /** Something else is unused than before. */
  readonly onChange: () => void;
  readonly log: Log;
}

/** The first judgement waits so long for evidence: else what stands of the unused would be resolved for a moment. */
const FIRST_LOOK_MS = 10_000;

/** Knows what is unused in one cluster, as of the last time that evidence was read. */
export class UnusedKeeper {
  readonly #parts: UnusedKeeperParts;
  #known: readonly UnusedPermission[] = [];
  #text = '[]';
  #looking: Promise<void> | undefined;
  #hasBegun = false;
  /** What was said last of why nothing, or not everything, is known. */
  #said: string | undefined;

  constructor(parts: UnusedKeeperParts) {
    this.#parts = parts;
  }

  /** What is unused; nothing where it cannot be told. */
  get known(): readonly UnusedPermission[] {
    return this.#known;
  }

  /**
   * Looks at the evidence anew, unless that is happening already. In the background, so that a store which is slow or
   * away holds up nothing; but for the first time, of which it waits for the end, or for some seconds.
   * @param days - for how many days at least something was not used
   */
  async lookAgain(days: number): Promise<void> {
    this.#looking ??= this.#look(days).finally(() => {
      this.#looking = undefined;
    });
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    await Promise.race([this.#looking, this.#parts.waiting.sleep(FIRST_LOOK_MS)]);
  }

  async #look(days: number): Promise<void> {
    const unused = await this.#unused(days);
    // They come in the order of subjects in the state, which is none.
    const texts = unused.map((each) => JSON.stringify(each));
    const text = `[${[...texts].sort().join(',')}]`;
    if (text === this.#text) return;
    this.#text = text;
    this.#known = unused;
    this.#parts.onChange();
  }

  async #unused(days: number): Promise<readonly UnusedPermission[]> {
    const { cluster: name, read, policy, objects, waiting } = this.#parts;
    if (!policy) return this.#nothing('the audit policy of the cluster is not known: auditPolicies');
    const evidence = await read();
    // Why there is none is told by who reads it, once for all clusters.
    if (!evidence) return [];
    const cluster = evidence.clusters.get(name);
    if (!cluster) return this.#nothing('the state knows no cluster of this name');
    const at = { cluster, lost: evidence.lost, policy, days, nowMs: waiting.now() };
    const { blindness, permissions, more } = unusedIn({ ...at, objects: objects() });
    const rest = more > 0 ? `${more} permissions were not looked into: a subject holds too many` : undefined;
    this.#say(blindness ?? rest);
    return permissions;
  }

  #nothing(reason: string): readonly UnusedPermission[] {
    this.#say(reason);
    return [];
  }

  #say(reason: string | undefined): void {
    const { cluster, log } = this.#parts;
    if (reason !== undefined && reason !== this.#said)
      log.warn('what is unused is not known, or not wholly', { cluster, reason });
    this.#said = reason;
  }
}
