import { openGitRemote } from '@leastwise/forge';

import { messageOf } from '../exit.ts';
import { type Check, failed, ok, warning } from './verdict.ts';

/** The oldest Node that all of this runs on, as package.json says it. */
const OLDEST_NODE = [20, 19] as const;
/** The oldest Node that still gets fixes: see https://nodejs.org/en/about/previous-releases */
const OLDEST_KEPT_NODE = 22;

/** Whether this Node runs us, by its version (`20.20.2`). */
export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  // Negated, so that what is no number is not taken for new.
  const isOld = !(major > oldestMajor || (major === oldestMajor && minor >= oldestMinor));
  const what = `Node ${version}`;
  return {
    area: 'machine',
    what,
    look: async () => {
      if (isOld) {
        return [failed(what, `it must be ${OLDEST_NODE.join('.')} or newer`, 'Install Node 24.')];
      }
      if (major < OLDEST_KEPT_NODE) {
        return [warning(what, 'it works, and gets no fixes any more', 'Install Node 24.')];
      }
      return [ok(what, 'it is new enough')];
    },
  };
}

/** Whether git can be started, which publishing takes. */
export function gitCheck(): Check {
  return {
    area: 'machine',
    what: 'git',
    look: async () => {
      try {
        // Opening asks git whether the branch's name is one, and nobody over the network.
        const remote = await openGitRemote({ url: '/leastwise-doctor', base: 'main' });
        await remote[Symbol.asyncDispose]();
        return [ok('git', 'it can be started')];
      } catch (error) {
        return [failed('git', messageOf(error), 'Install git, and have it on the path.')];
      }
    },
  };
}
