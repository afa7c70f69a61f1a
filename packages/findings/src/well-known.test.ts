import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bootstrapDefaults, type Located, locateManifests, NEWEST_KUBERNETES } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { audit } from './audit.ts';
import { NOW } from './testing/objects.ts';
import type { RbacFinding } from './types.ts';

const OWN = new URL('../testdata/manifests/', import.meta.url);
const GOLDEN = new URL('../testdata/findings/', import.meta.url);
const SHARED = new URL('../../../../shared/data/public/_rbac/', import.meta.url);

function lineOf({ check, severity, object, subject, namespace, message, paths }: RbacFinding): string {
  const { kind, name, origin } = object;
  const who = subject === undefined ? '' : ` ${subject.kind} ${subject.namespace ?? ''}/${subject.name}`;
  const ways = paths.map(
    ({ binding, role, ruleIndex, grant }) =>
      `    ${binding.kind} ${binding.name} > ${role.kind} ${role.name} > rule ${ruleIndex ?? '-'} > ${grant}`,
  );
  return [
    `${check} ${severity} ${kind} ${name}:${origin?.line ?? 0}${who} @${namespace ?? '*'}`,
    `  ${message}`,
    ...ways,
  ].join('\n');
}

/** Audits one file, as the gate does: its workloads and service accounts as well. */
function report(folder: URL, file: string): string {
  const { objects, serviceAccounts, workloads } = locateManifests(
    readFileSync(new URL(file, folder), 'utf8'),
    file,
  );
  const at = ({ line }: Located<unknown>) => ({ origin: { file, line: line() } });
  const { findings } = audit({
    objects: objects.map((each) => ({ object: each.value, ...at(each) })),
    serviceAccounts: serviceAccounts.map((each) => ({ ...each.value, ...at(each) })),
    workloads: workloads.map((each) => ({ ...each.value, ...at(each) })),
    bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
    nowMs: NOW,
  });
  return `${findings.map(lineOf).join('\n\n')}\n`;
}

function golden(file: string): string {
  return fileURLToPath(new URL(`${basename(file)}.txt`, GOLDEN));
}

const manifests = (folder: URL): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : [];

describe('manifests as their projects publish them', () => {
  test.each(manifests(OWN))('%s', async (file) => {
    await expect(report(OWN, file)).toMatchFileSnapshot(golden(file));
  });
});

describe.skipIf(!existsSync(SHARED))('more manifests as their projects publish them', () => {
  const others = manifests(SHARED).filter((file) => !existsSync(new URL(file, OWN)));
  test.each(others)('%s', async (file) => {
    await expect(report(SHARED, file)).toMatchFileSnapshot(golden(file));
  });
});
