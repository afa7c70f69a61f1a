import type { Proposal } from '@leastwise/publish';
import { createMetrics } from '@leastwise/runtime';
import { describe, expect, it } from 'vitest';

import { PublisherMetrics } from './metrics.ts';
import { outcomeOf } from './testing/parts.ts';

function publisherMetrics() {
  const metrics = createMetrics();
  const own = new PublisherMetrics(metrics, () => true);
  const lines = async (name: string): Promise<string[]> => {
    const all = (await metrics.text()).split('\n');
    return all.filter((line) => line.startsWith(`leastwise_publisher_${name}`));
  };
  return { own, lines };
}

function proposal(labels: readonly string[]): Proposal {
  return {
    ...{ cluster: 'prod', group: 'shop', kind: 'additions', changes: [], fingerprint: 'f', labels },
    ...{ title: 't', body: 'b', reviewers: [], commitMessage: 'm' },
  };
}

describe('the metrics of a publisher', () => {
  it('count proposals that grant something dangerous, and forget them when they are gone', async () => {
    const { own, lines } = publisherMetrics();
    const proposals = [
      proposal(['leastwise/additions']),
      proposal(['leastwise/additions', 'leastwise/risk']),
    ];
    own.tell(outcomeOf([], [], { proposals }), 'main');
    expect(await lines('risky_proposals')).toEqual(['leastwise_publisher_risky_proposals 1']);
    own.tell(outcomeOf([]), 'main');
    expect(await lines('risky_proposals')).toEqual(['leastwise_publisher_risky_proposals 0']);
  });

  it('tell the mean score of a cluster, and how many subjects are in each band', async () => {
    const { own, lines } = publisherMetrics();
    own.tellScores('prod', [
      { score: 100, severity: 'Green' },
      { score: 100, severity: 'Green' },
      { score: 10, severity: 'Red' },
      { score: undefined, severity: undefined },
    ]);
    expect(await lines('compliance_score_ratio')).toEqual([
      'leastwise_publisher_compliance_score_ratio{cluster="prod"} 0.7',
    ]);
    const scored = (...counts: readonly number[]): string[] =>
      ['green', 'yellow', 'red', 'unknown'].map(
        (band, i) =>
          `leastwise_publisher_scored_subjects{band="${band}",cluster="prod"} ${String(counts[i])}`,
      );
    expect(await lines('scored_subjects')).toEqual(scored(2, 0, 1, 1));
    own.tellScores('prod', [{ score: undefined, severity: undefined }]);
    expect(await lines('compliance_score_ratio')).toEqual([
      'leastwise_publisher_compliance_score_ratio{cluster="prod"} Nan',
    ]);
    expect(await lines('scored_subjects')).toEqual(scored(0, 0, 0, 1));
  });
});
