import { describe, expect, test } from 'vitest';

import { givenConfigs } from './service-config.ts';

describe('whose configuration is given', () => {
  test.each([
    ['aggregator=a.yaml', 'aggregator', 'a.yaml'],
    ['publisher=x=y.yaml', 'publisher', 'x=y.yaml'],
    ['/etc/leastwise/auditor.yaml', 'auditor', '/etc/leastwise/auditor.yaml'],
    ['aggregator-prod.yml', 'aggregator', 'aggregator-prod.yml'],
    ['publisher', 'publisher', undefined],
  ] as const)('%s', (text, service, file) => {
    expect(givenConfigs([text])).toEqual([{ service, file }]);
  });

  test.each(['config.yaml', 'aggregators.yaml', 'leastwise=x.yaml', 'auditor=', ''])(
    '"%s" does not say whose it is',
    (text) => {
      expect(() => givenConfigs([text])).toThrow('does not say whose it is');
    },
  );

  test('a service has one', () => {
    expect(() => givenConfigs(['auditor', 'publisher', 'auditor=b.yaml'])).toThrow('the auditor has two');
  });
});
