import { usernameOf } from '@leastwise/audit-event';
import { diffRbac, formatGrant, formatRoleReference, type SubjectDiff } from '@leastwise/rbac';
import type { Command } from 'commander';

import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { oneOf } from '../policy-flags.ts';
import { readRbacFiles } from '../rbac-files.ts';

interface DiffFlags {
  readonly output: 'text' | 'json';
  readonly only?: 'added' | 'removed';
}

/** Adds `leastwise diff`. */
export function addDiff(program: Command, io: Io): void {
  program
    .command('diff')
    .description('what a change of RBAC grants and takes away, by the semantics of the authorizer')
    .argument('<old>', 'manifests as they are: a file or folder')
    .argument('<new>', 'manifests as they would be')
    .option('--only <direction>', 'only what is added, or only what is removed', oneOf('added', 'removed'))
    .option('-o, --output <form>', 'text or json', oneOf('text', 'json'), 'text')
    .addHelpText('after', '\nExample:\n  leastwise diff live-rbac.yaml policies/clusters/prod\n')
    .action(async (before: string, after: string, flags: DiffFlags) => {
      await diff(before, after, flags, io);
    });
}

async function diff(before: string, after: string, flags: DiffFlags, io: Io): Promise<void> {
  const [old, fresh] = [await readRbacFiles([before]), await readRbacFiles([after])];
  const problems = [...old.problems, ...fresh.problems];
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  const { subjects, isComplete } = diffRbac(old.objects, fresh.objects);
  const chosen = subjects.map((each) => only(each, flags.only)).filter(hasChange);
  if (flags.output === 'json')
    io.stdout.write(`${safeJson(JSON.stringify({ subjects: chosen, isComplete }, null, 2))}\n`);
  else io.stdout.write(textOf(chosen, isComplete));
  if (chosen.length > 0 || !isComplete) throw new CliError('', EXIT.negative);
}

function only(diff: SubjectDiff, direction: DiffFlags['only']): SubjectDiff {
  return {
    subject: diff.subject,
    added: direction === 'removed' ? [] : diff.added,
    removed: direction === 'added' ? [] : diff.removed,
    addedRoles: direction === 'removed' ? [] : diff.addedRoles,
    removedRoles: direction === 'added' ? [] : diff.removedRoles,
  };
}

function hasChange({ added, removed, addedRoles, removedRoles }: SubjectDiff): boolean {
  return added.length + removed.length + addedRoles.length + removedRoles.length > 0;
}

function textOf(subjects: readonly SubjectDiff[], isComplete: boolean): string {
  const lines = subjects.flatMap(({ subject, added, removed, addedRoles, removedRoles }) => [
    printable(`${subject.kind} ${subject.kind === 'ServiceAccount' ? usernameOf(subject) : subject.name}`),
    ...added.map((grant) => `  + ${formatGrant(grant)}`),
    ...addedRoles.map((role) => `  + ${formatRoleReference(role)}`),
    ...removed.map((grant) => `  - ${formatGrant(grant)}`),
    ...removedRoles.map((role) => `  - ${formatRoleReference(role)}`),
  ]);
  if (lines.length === 0 && isComplete) return 'no difference\n';
  if (!isComplete)
    lines.push('INCOMPLETE: the rules multiply beyond what can be compared; there may be more');
  return `${lines.join('\n')}\n`;
}
