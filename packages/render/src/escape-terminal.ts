import { escapeInvisible } from './escape-invisible.ts';

/**
 * Makes text of unknown origin safe to print on a terminal: no escape sequence, no line break, no bidirectional
 * override; each such character is shown by its number. Backslashes stay, so that `DOMAIN\user` reads well; the
 * result is for people and cannot be turned back.
 */
export function escapeTerminal(text: string): string {
  return escapeInvisible(text);
}
