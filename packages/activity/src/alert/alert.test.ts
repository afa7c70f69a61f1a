import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Alert, alertField, decodeAlert, encodeAlert, firesUntilUs, isAlertField } from './alert.ts';

const ALERT: Alert = {
  cluster: 'prod',
  id: 'D50',
  kind: 'spike',
  severity: 'HIGH',
  subject: { kind: 'ServiceAccount', namespace: 'ci', name: 'deployer' },
  about: 'delete pods',
  startUs: 1_772_442_000_000_000,
  endUs: 1_772_442_300_000_000,
  says: 'system:serviceaccount:ci:deployer, delete pods: 40 in 5 min',
  isTold: false,
};

describe('an alert', () => {
  test('is read as it was written, whatever names are in it', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(name, name, fc.boolean(), (user, says, isTold) => {
        const alert: Alert = { ...ALERT, subject: { kind: 'User', namespace: '', name: user }, says, isTold };
        expect(decodeAlert(encodeAlert(alert))).toEqual(alert);
      }),
    );
  });

  test('has a field that tells it from all others, and from what judges remember', () => {
    expect(alertField(ALERT)).toBe('aspike 1772442000000000 delete pods serviceaccount:ci:deployer');
    expect([isAlertField(alertField(ALERT)), isAlertField('m'), isAlertField('sread pods user:a')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('of single requests has the same field for an hour, and one of its own for each detection', () => {
    const event: Alert = { ...ALERT, kind: 'event', id: 'D07', about: '' };
    const at = (minutes: number, id = 'D07'): string =>
      alertField({ ...event, id, startUs: ALERT.startUs + minutes * 60_000_000 });
    expect(at(0)).toBe('aevent 1772442000000000 D07 serviceaccount:ci:deployer');
    expect([at(55) === at(0), at(60) === at(0), at(0, 'D15') === at(0)]).toEqual([true, false, false]);
    expect(decodeAlert(encodeAlert(event))).toEqual(event);
  });

  test('fires for an hour', () => {
    expect(firesUntilUs(ALERT) - ALERT.endUs).toBe(3_600_000_000);
  });

  test('is nothing where anything of it is damaged', () => {
    const parts = JSON.parse(Buffer.from(encodeAlert(ALERT)).toString()) as unknown[];
    // The last one is a flag.
    for (const index of parts.slice(0, -1).keys()) {
      for (const wrong of [null, {}, -0.5]) {
        const damaged = parts.map((part, at) => (at === index ? wrong : part));
        expect(decodeAlert(Buffer.from(JSON.stringify(damaged)))).toBeUndefined();
      }
    }
    for (const text of ['', '{', '{}', '[]', '[2]']) expect(decodeAlert(Buffer.from(text))).toBeUndefined();
  });
});
