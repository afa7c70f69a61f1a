import { type TimeZone, timeZoneNamed } from '@leastwise/activity';

import { CliError } from '../exit.ts';

/**
 * A time zone by its name in the time zone database, such as `Europe/Berlin`.
 * @throws CliError where there is none of that name
 */
export function timeZone(name: string): TimeZone {
  const zone = timeZoneNamed(name);
  if (zone === undefined) throw new CliError(`"${name}" is not a time zone such as Europe/Berlin`);
  return zone;
}
