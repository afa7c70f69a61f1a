import { isGranted } from '../approved/cells.ts';
import type { ClusterRoleBinding, RoleBinding } from '../types.ts';
import type { Holder } from './holder.ts';

type Binding = RoleBinding | ClusterRoleBinding;

/** Who was taken out of which binding so far, such that everybody still has what they need. */
export class Releases {
  readonly #holders: readonly Holder[];
  readonly #bound: (binding: Binding) => ReadonlySet<string>;
  /** Subject keys. */
  readonly #released = new Map<Binding, Set<string>>();

  /** @param bound - the keys of those whom a binding binds */
  constructor(holders: readonly Holder[], bound: (binding: Binding) => ReadonlySet<string>) {
    this.#holders = holders;
    this.#bound = bound;
  }

  /** Whether the holder of this key was taken out of a binding. */
  isReleased(key: string, binding: Binding): boolean {
    return this.#released.get(binding)?.has(key) === true;
  }

  /** Whether a holder has all that it needs from what is left, and from that without one binding more. */
  isHeld({ key, groups, needs, granted, isKnown }: Holder, without?: Binding): boolean {
    if (!isKnown) return false;
    const names = [key, ...groups];
    const left = granted.filter(({ binding }) => {
      if (binding === without) return false;
      if (!this.#released.has(binding)) return true;
      // It holds by each of its names that the binding has and that was not taken out.
      return names.some((name) => this.#bound(binding).has(name) && !this.isReleased(name, binding));
    });
    return isGranted(needs, left);
  }

  /**
   * Takes a holder out of a binding, unless somebody would lose what they need. The members of a group have what the
   * group has: they must have it from elsewhere too, also those who were only seen in it.
   */
  tryToRelease({ key }: Holder, binding: Binding): void {
    const released = this.#released.get(binding) ?? new Set<string>();
    this.#released.set(binding, released.add(key));
    const concerned = this.#holders.filter(
      (holder) => holder.key === key || holder.groups.has(key) || holder.seenGroups.has(key),
    );
    if (!concerned.every((holder) => this.isHeld(holder))) released.delete(key);
  }
}
