import { subjectFolder } from './folders.ts';
import { YAML_NOTICE } from './generated.ts';
import { kustomization, type SubjectPolicy } from './render-repository.ts';
import { renderYaml, type YamlComments } from './render-yaml.ts';
import { subjectName } from './subject-name.ts';

/** What one subject is to be granted, with lines of plain text for the head of its file. */
export interface FolderPolicy extends Omit<SubjectPolicy, 'notes'> {
  readonly notes: readonly string[];
}

/**
 * Lays policies out flat: `<subject>.yaml` for each subject and a `kustomization.yaml` over them.
 * @param comments - of rules, as {@link renderYaml} takes them
 * @param others - files that stand beside these and are to be listed with them
 * @remarks Pure; the order of policies makes no difference.
 */
export function renderFolder(
  policies: readonly FolderPolicy[],
  comments: Pick<YamlComments, 'rule'> = {},
  others: readonly string[] = [],
): Map<string, string> {
  const files = policies.map(({ subject, objects, notes }): [string, string] => {
    const header = [`Subject: ${subjectName(subject)}`, ...notes];
    return [
      `${subjectFolder(subject)}.yaml`,
      `${YAML_NOTICE}\n${renderYaml(objects, { comments: { ...comments, header } })}`,
    ];
  });
  const sorted = files.sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length === 0) return new Map();
  const listed = new Set([...others, ...sorted.map(([path]) => path)]);
  return new Map([...sorted, ['kustomization.yaml', kustomization(listed)]]);
}
