import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';

import { hasCode, messageOf } from '../exit.ts';
import { formatBytes } from '../progress.ts';
import { type Check, failed, ok, type Verdict, warning } from './verdict.ts';

/** A state is written aside and renamed: it takes its own size once more. */
const LEAST_FREE_BYTES = 1024 ** 3;
const OTHERS_MAY_READ = 0o077;

/** A folder that a state or a copy of a repository is kept in: whether it can be used, by us alone, and has room. */
export function folderCheck(folder: string, use: string): Check {
  const what = `folder ${folder}`;
  return {
    area: 'state',
    what,
    look: async () => {
      try {
        const { mode, isFolder } = await stat(folder).then((entry) => ({
          mode: entry.mode,
          isFolder: entry.isDirectory(),
        }));
        if (!isFolder) return [failed(what, 'it is no folder', `Name a folder for ${use}.`)];
        return [
          await accessVerdict(what, folder),
          ...modeVerdicts(what, mode),
          await roomVerdict(what, folder),
        ];
      } catch (error) {
        const says = hasCode(error, 'ENOENT') ? 'it is not there' : messageOf(error);
        return [failed(what, says, `Make it, for ${use}, as the user that this runs as.`)];
      }
    },
  };
}

async function accessVerdict(what: string, folder: string): Promise<Verdict> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(what, 'we may read and write it');
  } catch {
    return failed(what, 'we may not read and write it', 'Give it to the user that this runs as.');
  }
}

function modeVerdicts(what: string, mode: number): Verdict[] {
  if ((mode & OTHERS_MAY_READ) === 0) return [];
  return [
    warning(
      what,
      `others may look into it (mode ${(mode & 0o777).toString(8)})`,
      'It says who did what, and names secrets: chmod 700, unless the machine is yours alone.',
    ),
  ];
}

async function roomVerdict(what: string, folder: string): Promise<Verdict> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const says = `${formatBytes(free)} are free`;
  return free >= LEAST_FREE_BYTES
    ? ok(what, says)
    : warning(what, says, 'A state takes its own size once more while it is saved: make room.');
}
