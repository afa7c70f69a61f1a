import { matchesPath } from '../match/match-policy.ts';
import type { Box } from './box.ts';
import type { Dimension, Representative } from './cover.ts';

/**
 * Paths of non-resource requests. What tells paths apart is which prefixes they begin with and which paths they are,
 * so each path and prefix that is mentioned, and each prefix with an end that nobody mentions, stand for all.
 */
export const pathDimension: Dimension = {
  isFree: ({ path }) => path === undefined,
  representatives: (target, boxes) => {
    const specs = [...new Set([...boxes, target].flatMap(({ path }) => path ?? []))];
    const fresh = unusedCharacter(specs);
    const paths = new Set([`/${fresh}`]);
    for (const spec of specs) {
      const isPrefix = spec.endsWith('*');
      const text = isPrefix ? spec.replace(/\*+$/, '') : spec;
      paths.add(text);
      if (isPrefix) paths.add(`${text}${fresh}`);
    }
    return [...paths]
      .filter((path) => isIn(target, path))
      .map(
        (path): Representative =>
          (box) =>
            isIn(box, path),
      );
  },
};

function isIn({ path: specs }: Box, path: string): boolean {
  return specs === undefined || specs.some((spec) => matchesPath(spec, path));
}

/** The first character that is in no text. */
function unusedCharacter(texts: readonly string[]): string {
  const all = texts.join('');
  for (let code = 1; ; code += 1) {
    const character = String.fromCodePoint(code);
    if (!all.includes(character)) return character;
  }
}
