import type { OfficeHours } from '@leastwise/activity';

import { CliError } from '../exit.ts';

/** `8-18`: from 08:00 up to before 18:00. @throws CliError for anything else */
export function officeHours(text: string): OfficeHours {
  const [, from = '', to = ''] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  const hours = { from: Number(from), to: Number(to) };
  if (from === '' || hours.to > 24 || hours.from >= hours.to) {
    throw new CliError(`"${text}" is not office hours such as 8-18`);
  }
  return hours;
}
