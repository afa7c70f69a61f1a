import { detectionVisibility, lintPolicy, solePolicy } from '@leastwise/audit-policy';

import { readPolicyFile } from '../audit-policy/read-policies.ts';
import type { Io } from '../io.ts';
import { counted } from '../progress.ts';
import { type Check, failed, ok, type Verdict, warning } from './verdict.ts';

/** The audit policy of a cluster: whether an API server takes it, and how much it shows. */
export function auditPolicyCheck(file: string, io: Io): Check {
  const what = `audit policy ${file}`;
  return {
    area: 'log',
    what,
    look: async (): Promise<Verdict[]> => {
      const lint = `leastwise audit-policy lint ${file} says where and why.`;
      const sole = solePolicy(await readPolicyFile(file, io), file);
      if (sole.policy === undefined) return sole.problems.map((problem) => failed(what, problem, lint));
      const { policy } = sole;
      const findings = lintPolicy(policy);
      const blind = detectionVisibility(policy.policy).filter(({ sight }) => sight !== 'full');
      return [
        findings.length === 0
          ? ok(what, 'an API server takes it, and it hides nothing that is learnt from')
          : warning(what, counted(findings.length, 'finding'), lint),
        ...(blind.length === 0
          ? []
          : [
              warning(
                what,
                `these detections see a part or nothing: ${blind.map(({ need }) => need.id).join(', ')}`,
                `leastwise audit-policy simulate ${file} -f LOG shows what they miss.`,
              ),
            ]),
      ];
    },
  };
}
