import { branchOf, type CycleOutcome } from '@leastwise/publish';
import { escapeTerminal } from '@leastwise/render';

/** What would be done, for people: the actions in their order, then what the proposals are called. */
export function planText({ plan, proposals }: CycleOutcome): string {
  const actions = plan.actions.map(({ sentence }) => sentence);
  const titles = proposals.map((proposal) => `  ${branchOf(proposal)}: ${proposal.title}`);
  const lines = [
    ...(actions.length === 0 ? ['Nothing to do.'] : actions),
    ...(titles.length === 0 ? [] : ['', 'Proposals:', ...titles]),
  ];
  return `${lines.map(escapeTerminal).join('\n')}\n`;
}

/** The same for machines: ASCII, so that nothing in it steers a terminal. */
export function planJson(outcome: CycleOutcome): string {
  const { plan, proposals, withheld, waiting, problems } = outcome;
  const json = JSON.stringify(
    {
      actions: plan.actions.map((action) => ({
        action: action.action,
        branch: action.branch,
        ...(action.action === 'leave' ? { reason: action.reason } : {}),
        sentence: action.sentence,
      })),
      proposals: proposals.map((proposal) => ({
        ...{ cluster: proposal.cluster, group: proposal.group, kind: proposal.kind },
        ...{ branch: branchOf(proposal), title: proposal.title },
        changes: proposal.changes.map(({ action, path }) => ({ action, path })),
      })),
      withheld: Object.fromEntries(withheld),
      waiting: Object.fromEntries(waiting),
      problems,
    },
    null,
    2,
  );
  return `${json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
