import { quoted } from '../../quoted.ts';
import type { AuditRule } from '../../types.ts';
import { inRules, type LintCheck } from '../check.ts';

const OF_RESOURCES: readonly string[] = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'proxy',
];
/** Methods in lower case. */
const OF_URLS: readonly string[] = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];
const MEANT: Readonly<Record<string, string>> = {
  replace: 'update',
  put: 'update',
  post: 'create',
  connect: 'create and get',
  exec: 'create and get, on pods/exec',
  head: 'get',
};

/** Verbs that no request has. */
export const W03: LintCheck = {
  id: 'W03',
  severity: 'warning',
  title: 'unknown verb',
  remedy: `write ${OF_RESOURCES.join(', ')}; for nonResourceURLs an HTTP method in lower case`,
  find: (subject) =>
    inRules(subject, (rule, path) => {
      const known = verbsOf(rule);
      return rule.verbs.flatMap((verb, i) => {
        if (verb.includes('*') || known.includes(verb)) return [];
        const lower = verb.toLowerCase();
        const meant = known.includes(lower) ? lower : MEANT[lower];
        const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
        return [{ path: [...path, 'verbs', i], reason: `no request has the verb ${quoted(verb)}${hint}` }];
      });
    }),
};

function verbsOf({ resources, namespaces, nonResourceURLs }: AuditRule): readonly string[] {
  if (nonResourceURLs.length > 0) return OF_URLS;
  return resources.length > 0 || namespaces.length > 0 ? OF_RESOURCES : [...OF_RESOURCES, ...OF_URLS];
}
