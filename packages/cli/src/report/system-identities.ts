import { isSystemPattern, MAX_SYSTEM_PATTERNS } from '@leastwise/activity';
import { CliError } from '../exit.ts';

/** Adds a value of `--system-identity` to those before it. @throws CliError */
export function systemIdentities(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!isSystemPattern(text)) {
    throw new CliError(`${JSON.stringify(text)} is no name, nor the beginning of names before a *`);
  }
  if ((before?.length ?? 0) >= MAX_SYSTEM_PATTERNS) {
    throw new CliError(`--system-identity takes ${MAX_SYSTEM_PATTERNS} names at most`);
  }
  return [...(before ?? []), text];
}
