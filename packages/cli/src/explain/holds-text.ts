import { counted, formatCount } from '../progress.ts';
import type { Explanation } from './explanation.ts';
import type { HeldBinding, HeldRule } from './held-rules.ts';
import { bindingText, cellText, listed, ruleText, scopeText, word } from './words.ts';

/** Of the rules of one binding on a terminal; the rest is counted, and whole in JSON. */
const MAX_RULES = 50;
const MAX_UNUSED = 5;

/** What the subject holds, binding by binding; nothing where the RBAC is not known. */
export function holdsLines({ holds, isIncomplete }: Explanation): string[] {
  if (holds === null) return [];
  const own = holds.filter(({ isDefault }) => !isDefault);
  const defaults = holds.filter(({ isDefault }) => isDefault);
  if (own.length === 0) return ['Holds: nothing but what Kubernetes grants to everybody'];
  return [
    `Holds: through ${counted(own.length, 'binding')}`,
    ...own.flatMap(bindingLines),
    ...(defaults.length === 0
      ? []
      : [
          `  besides, what Kubernetes binds by itself: ${listed(defaults.map(({ role }) => word(role.name)))}`,
        ]),
    ...(own.some(({ named }) => named === 0)
      ? ['  never named: not proven unused; the first binding that allows a request is named']
      : []),
    ...(isIncomplete ? ['  more was used than is kept: what is said to be never used may be used'] : []),
  ];
}

function bindingLines(held: HeldBinding): string[] {
  const through = held.through.map((group) =>
    group === null ? 'by its own name' : `by group ${word(group)}`,
  );
  const named =
    held.lastNamed === null
      ? 'never named'
      : `named for ${counted(held.named, 'permission')}, last ${held.lastNamed}`;
  const more = held.rules.length - MAX_RULES;
  return [
    `  ${bindingText(held)}, ${scopeText(held.scope)}, ${listed(through)}; ${named}`,
    ...held.rules.slice(0, MAX_RULES).flatMap((rule) => [ruleLine(rule), ...unusedLines(rule)]),
    ...(more > 0 ? [`    … and ${counted(more, 'more rule')} (-o json)`] : []),
  ];
}

function ruleLine(held: HeldRule): string {
  return `    ${useText(held)}: ${ruleText(held.rule)}`;
}

/** How much of a rule was used. */
function useText({ used, usedInPart, unused, unobservable, lastUsed, more }: HeldRule): string {
  const known = used + unused.length + unobservable.length;
  if (known === 0) return more > 0 ? 'not looked into' : 'grants nothing here';
  if (used === 0) return unused.length === 0 ? 'not observable' : 'never used';
  const last = `last ${(lastUsed ?? '').slice(0, 10)}`;
  if (used < known + more)
    return `used in part, ${formatCount(used)} of ${counted(known + more, 'permission')}, ${last}`;
  return usedInPart.length === 0 ? `used, ${last}` : `used in part, ${last}`;
}

/** What of a rule was never used, or in part, where that is not said of all of it. */
function unusedLines({ used, usedInPart, unused, unobservable, more }: HeldRule): string[] {
  const lines: string[] = [];
  if (usedInPart.length > 0) {
    lines.push(`      wider than its use: ${listed(usedInPart.map(cellText), '; ', MAX_UNUSED)}`);
  }
  if (used > 0 && unused.length > 0) {
    const texts = unused.map(cellText);
    lines.push(`      never used: ${listed(texts, '; ', MAX_UNUSED)}`);
  }
  const reasons = [...new Set(unobservable.map(({ reason }) => reason))];
  if (unobservable.length > 0)
    lines.push(
      `      not observable: ${counted(unobservable.length, 'permission')}, for ${listed(reasons, '; ')}`,
    );
  if (more > 0) lines.push(`      not looked into: ${counted(more, 'permission')}`);
  return lines;
}
