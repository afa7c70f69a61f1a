import { type OfficeHours, parseOfficeHours } from '@leastwise/activity';

import { CliError } from '../exit.ts';

/** `8-18`: from 08:00 up to before 18:00. @throws CliError for anything else */
export function officeHours(text: string): OfficeHours {
  const hours = parseOfficeHours(text);
  if (hours === undefined) throw new CliError(`"${text}" is not office hours such as 8-18`);
  return hours;
}
