import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { generatePolicy, lintPolicy, POLICY_PRESETS, readAuditPolicies } from '@leastwise/audit-policy';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { extraArgsOf, extraVolumesOf, flagsOfGuide, GUIDE } from './audit-log-guide.ts';
import { blocksOf } from './markdown.ts';
import { ROOT } from './shell.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md'))
  .map((path) => join('docs', path))
  .concat('README.md', 'CONTRIBUTING.md', 'SECURITY.md')
  .sort();

const yamlOf = (path: string) => blocksOf(read(path)).filter(({ language }) => /^ya?ml$/.test(language));
const snippets = yamlOf(GUIDE).map(({ line, lines }) => ({ line, text: lines.join('\n') }));

test.each(PAGES.filter((path) => yamlOf(path).length > 0))('every YAML block of %s can be read', (path) => {
  for (const { line, lines } of yamlOf(path)) {
    for (const document of parseAllDocuments(lines.join('\n')))
      expect([...document.errors, ...document.warnings], `${path}:${line}`).toEqual([]);
  }
});

describe('the guide to audit logs', () => {
  const found = snippets.flatMap(({ line, text }) => {
    const { policies, problems } = readAuditPolicies(text, `${GUIDE}:${line}`);
    return policies.map((source) => ({ line, source, problems }));
  });

  test('shows a policy inside of a kops Cluster and of a Rancher Cluster', () => {
    expect(found.map(({ source }) => source.within)).toEqual([
      'spec.rkeConfig.machineGlobalConfig.audit-policy-file',
      'spec.fileAssets[0].content',
    ]);
  });

  test.each(found)('line $line: the policy passes lint, and generate writes it', ({ source, problems }) => {
    expect(problems).toEqual([]);
    // W13 are the detections that need bodies, which the guide says of this preset.
    const findings = lintPolicy(source, {}).filter(({ id }) => id !== 'W13');
    expect(findings).toEqual([]);
    const presets = POLICY_PRESETS.map((preset) => generatePolicy(preset).policy);
    expect(presets).toContainEqual(source.policy);
  });

  test('gives kubeadm the same arguments in both versions, as texts', () => {
    const [list, map, ...more] = extraArgsOf(snippets);
    expect(more).toEqual([]);
    expect(Object.keys(list ?? {}).length).toBeGreaterThan(3);
    expect(map).toEqual(list);
    for (const value of Object.values(list ?? {})) expect(value).toBeTypeOf('string');
  });

  test('mounts every file that kubeadm is told of, and writes only to the log', () => {
    const volumes = extraVolumesOf(snippets);
    expect(volumes).toHaveLength(2);
    for (const [index, args] of extraArgsOf(snippets).entries()) {
      const mounted = (path = '') =>
        volumes[index]?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      expect(mounted(args['audit-policy-file'])).toMatchObject({ readOnly: true });
      expect(mounted(args['audit-log-path'])?.readOnly).not.toBe(true);
      expect(mounted(args['audit-log-path'])).toBeDefined();
    }
  });

  test('names flags of kube-apiserver in prose and in snippets', () => {
    const flags = flagsOfGuide();
    expect(flags).toEqual(
      expect.arrayContaining(['audit-policy-file', 'audit-webhook-batch-throttle-burst']),
    );
    expect(flags.length).toBeGreaterThan(15);
  });
});
