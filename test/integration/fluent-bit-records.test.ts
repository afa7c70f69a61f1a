import { readFileSync } from 'node:fs';

import { type AuditEvent, type BadReason, RecordReader, type SkipReason } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

const RECORDED = new URL('../compose/testdata/fluent-bit/', import.meta.url);

interface Content {
  readonly events: { readonly event: AuditEvent; readonly cluster: string | undefined }[];
  readonly skipped: SkipReason[];
  readonly bad: BadReason[];
}

/** Reads each record by itself, as an aggregator does. */
function contentOf(...records: readonly string[]): Content {
  const content: Content = { events: [], skipped: [], bad: [] };
  const sink = {
    event: (event: AuditEvent, cluster: string | undefined) => {
      content.events.push({ event, cluster });
    },
    skipped: (reason: SkipReason) => {
      content.skipped.push(reason);
    },
    bad: (reason: BadReason) => {
      content.bad.push(reason);
    },
  };
  const reader = new RecordReader(sink, { clusterField: 'cluster' });
  for (const record of records) reader.readWhole(Buffer.from(record));
  return content;
}

function recorded(name: string): string[] {
  const text = readFileSync(new URL(name, RECORDED), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

const auditIDs = ({ events }: Content): string[] => events.map(({ event }) => event.auditID);

describe('what Fluent Bit made of a log', () => {
  test('with a parser is read, and the cluster is the one that it says', () => {
    const content = contentOf(...recorded('tail-parsed.ndjson'));
    expect(content).toMatchObject({ skipped: [], bad: [] });
    expect(content.events.map(({ cluster }) => cluster)).toEqual(Array(4).fill('prod-eu'));
  });

  test('without a parser is read as the same events', () => {
    const unparsed = contentOf(...recorded('tail-unparsed.ndjson'));
    expect(unparsed).toMatchObject({ skipped: [], bad: [] });
    const parsed = contentOf(...recorded('tail-parsed.ndjson'));
    expect(unparsed.events.map(({ event }) => event)).toEqual(parsed.events.map(({ event }) => event));
    // Two of them are stages of one request.
    expect(new Set(auditIDs(parsed)).size).toBe(3);
  });

  test('that was cut, and so has no parsed form, costs only itself', () => {
    const [one = '', two = ''] = recorded('tail-parsed.ndjson');
    const cut = JSON.stringify({
      '@timestamp': 1,
      log: '{"kind":"Event","apiVersion":"audit.k8s.io/v1","au',
    });
    const content = contentOf(one, cut, two);
    expect(content.events).toHaveLength(2);
    expect(content.bad).toHaveLength(1);
  });
});

describe('what Fluent Bit made of a batch of the webhook', () => {
  const [batch = ''] = recorded('http-webhook.ndjson');

  test('is one record with all events', () => {
    const content = contentOf(batch);
    expect(content).toMatchObject({ skipped: [], bad: [] });
    expect(content.events).toHaveLength(6);
  });

  test('is, once it is split, the same events in records of their own, of the cluster that was set', () => {
    const list = JSON.parse(batch) as { apiVersion: string; items: object[] };
    const split = list.items.map((item) =>
      JSON.stringify({
        '@timestamp': 1,
        ...item,
        kind: 'Event',
        apiVersion: list.apiVersion,
        cluster: 'prod',
      }),
    );
    const content = contentOf(...split);
    expect(content).toMatchObject({ skipped: [], bad: [] });
    expect(content.events.map(({ event }) => event)).toEqual(
      contentOf(batch).events.map(({ event }) => event),
    );
    expect(content.events.map(({ cluster }) => cluster)).toEqual(Array(6).fill('prod'));
  });
});
