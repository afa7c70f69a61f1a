import { boundedText, type GrantingBinding } from '@leastwise/audit-event';

import { CAPS, keepSmallest } from './capped.ts';
import type { NamedBinding } from './types.ts';

const NO_BINDINGS: readonly NamedBinding[] = Object.freeze([]);

/** No bindings: one list for all evidence that names none. */
export function noBindings(): readonly NamedBinding[] {
  return NO_BINDINGS;
}

// Needs of one shape share their binding, so that its key is made once.
const keys = new WeakMap<GrantingBinding, string>();

/**
 * The key of a binding, which no other binding with a role has: `NAMESPACE/NAME/ROLE KIND/ROLE NAME`, where a
 * ClusterRoleBinding has the namespace `''`. Names are bounded, and none of them has a slash.
 */
export function bindingKey(binding: GrantingBinding): string {
  const known = keys.get(binding);
  if (known !== undefined) return known;
  const { namespace, name, roleKind, roleName } = binding;
  const key = `${boundedText(namespace)}/${boundedText(name)}/${roleKind}/${boundedText(roleName)}`;
  keys.set(binding, key);
  return key;
}

/** The inverse of {@link bindingKey}; `undefined` for any other text. */
export function bindingOfKey(key: string): GrantingBinding | undefined {
  const [namespace = '', name = '', roleKind, roleName = '', ...more] = key.split('/');
  if (name === '' || roleName === '' || more.length > 0) return undefined;
  if (roleKind !== 'Role' && roleKind !== 'ClusterRole') return undefined;
  if (namespace !== '') return { kind: 'RoleBinding', namespace, name, roleKind, roleName };
  if (roleKind === 'Role') return undefined;
  return { kind: 'ClusterRoleBinding', namespace, name, roleKind, roleName };
}

// Most evidence names one binding, and many cells the same one on the same day: they share its list. Only the last list
// of a binding is remembered, so that days that pass leave nothing behind.
const lists = new Map<string, readonly [NamedBinding]>();
const MAX_LISTS = 20_000;

function listOf(key: string, lastDay: number): readonly [NamedBinding] {
  const known = lists.get(key);
  if (known?.[0].lastDay === lastDay) return known;
  // Through bytes where it is new, so that the key does not keep the text alive that it was cut out of.
  const own = known?.[0].key ?? Buffer.from(key, 'utf8').toString('utf8');
  const list = Object.freeze([Object.freeze({ key: own === key ? own : key, lastDay })] as const);
  if (!known && lists.size >= MAX_LISTS) lists.clear();
  lists.set(key, list);
  return list;
}

/**
 * A list of bindings, sorted by key, with one more in it that was named on a day; the same list where that says
 * nothing new. Beyond the cap the smallest hashes stay. Lists never change.
 */
export function withBinding(
  list: readonly NamedBinding[],
  key: string,
  day: number,
): readonly NamedBinding[] {
  const [only] = list;
  if (only === undefined) return listOf(key, day);
  if (list.length === 1 && only.key === key) return day <= only.lastDay ? list : listOf(key, day);
  const known = list.find((each) => each.key === key);
  if (known && day <= known.lastDay) return list;
  const others = known ? list.filter((each) => each !== known) : list;
  const all = [...others, ...listOf(key, day)];
  return keepSmallest(all, CAPS.bindings, (each) => each.key).sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** All bindings of two lists, each with the later of its days. */
export function unionOfBindings(
  a: readonly NamedBinding[],
  b: readonly NamedBinding[],
): readonly NamedBinding[] {
  if (a.length === 0 || a === b) return b;
  let union = a;
  for (const { key, lastDay } of b) union = withBinding(union, key, lastDay);
  return union;
}
