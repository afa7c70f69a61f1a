import type { ControlPlane } from '@leastwise/testkit';

import { tokensOf, type Who } from './actors.ts';
import { type ClientRun, driveClients } from './clients.ts';
import { type Step, workload } from './workload.ts';

/** What became of a step. */
export interface StepOutcome {
  readonly step: Step;
  /** The step's number is its auditID, so that its audit events are found. */
  readonly auditID: string;
  readonly status: number;
  /** What the API server said, where it said no. */
  readonly message: string;
}

/** What one drive of the workload saw. */
export interface Drive {
  readonly steps: readonly StepOutcome[];
  readonly clients: readonly ClientRun[];
}

/** Runs the whole workload against an API server, one request after the other, and then the real clients. */
export async function drive(plane: ControlPlane, kubectl: string): Promise<Drive> {
  const tokens = await tokensOf(plane);
  const steps = await sendSteps(plane, tokens);
  const token = (who: Who): string => tokens.get(who) ?? '';
  return {
    steps,
    clients: await driveClients(plane, kubectl, { kubectl: token('kate'), clientNode: token('robot') }),
  };
}

/** Runs the workload without the real clients, which take most of the time. */
export async function driveSteps(plane: ControlPlane): Promise<Drive> {
  return { steps: await sendSteps(plane, await tokensOf(plane)), clients: [] };
}

async function sendSteps(plane: ControlPlane, tokens: ReadonlyMap<Who, string>): Promise<StepOutcome[]> {
  const clientOf = new Map([...tokens].map(([who, token]) => [who, plane.client(token)] as const));
  const steps: StepOutcome[] = [];
  for (const [index, step] of workload().entries()) {
    const auditID = `step-${String(index).padStart(3, '0')}`;
    const answer = await clientOf
      .get(step.who)
      ?.send({ ...step, headers: { ...step.headers, 'audit-id': auditID } });
    if (!answer) throw new Error(`${step.who} has no client`);
    const isRefusal = answer.status === 401 || answer.status === 403;
    steps.push({ step, auditID, status: answer.status, message: isRefusal ? answer.text.slice(0, 600) : '' });
  }
  return steps;
}
