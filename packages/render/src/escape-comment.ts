import { escapeInvisible } from './escape-invisible.ts';

/**
 * Makes text of unknown origin one YAML comment line, `# ` included. Nothing in it can end the line: YAML 1.1
 * also breaks lines at NEL, U+2028 and U+2029, and parsers refuse control characters even in comments.
 * @see https://yaml.org/spec/1.1/#id871136 (line breaks)
 */
export function escapeComment(text: string): string {
  return `# ${escapeInvisible(text)}`.trimEnd();
}
