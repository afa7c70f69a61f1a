import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok } from './verdict.ts';

/** What a service says about its own configuration. */
export function configCheck({ service, file, problems }: ReadConfig): Check {
  const what = `${service} (${file ?? 'environment'})`;
  return {
    area: 'configuration',
    what,
    look: async () =>
      problems.length === 0
        ? [ok(what, 'the configuration is good')]
        : problems.map((problem) =>
            failed(what, problem, `leastwise config check --service ${service} says it again.`),
          ),
  };
}
