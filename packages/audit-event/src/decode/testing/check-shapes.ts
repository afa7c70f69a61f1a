import { expect } from 'vitest';

import type { AuditEvent } from '../../types.ts';
import { EventScanner } from '../scanner.ts';
import { ShapeScanner } from '../shape-scanner.ts';
import type { ShapeScannerOptions } from '../shape-scanner.ts';

interface Scanner {
  readonly end: number;
  readonly cluster: string | undefined;
  scan(bytes: Buffer, start: number): AuditEvent | undefined;
}

/** All that a scan tells but the token, and the event's keys in their order. */
export function outcome(scanner: Scanner, bytes: Buffer, start = 0): unknown {
  const event = scanner.scan(bytes, start);
  return {
    event: event && { ...event, shape: undefined },
    keys: event && Object.keys(event),
    end: scanner.end,
    // Valid after a scan that gave an event.
    cluster: event && scanner.cluster,
  };
}

/** A scanner that looks for shapes from its first line on. */
export function shapes(clusterField?: string, options: ShapeScannerOptions = {}): ShapeScanner {
  return new ShapeScanner(clusterField, { plainFirst: 0, ...options });
}

/** A scanner that is held to the plain one for every line, twice, so that the second time may be of a known shape. */
export function createCheck(clusterField: string | undefined, options: ShapeScannerOptions = {}) {
  const scanner = shapes(clusterField, options);
  const plain = new EventScanner(clusterField);
  return (bytes: Buffer, start = 0): AuditEvent | undefined => {
    const expected = outcome(plain, bytes, start);
    expect(outcome(scanner, bytes, start)).toEqual(expected);
    expect(outcome(scanner, bytes, start)).toEqual(expected);
    return scanner.scan(bytes, start);
  };
}

/** A line with its newline. */
export function ended(line: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(line), Buffer.from('\n')]);
}

/** The token that a scanner gives a line, which it must. */
export function tokenOf(scanner: ShapeScanner, line: string | Buffer): object {
  const token = scanner.scan(ended(line), 0)?.shape;
  if (token === undefined) throw new Error(`no token: ${line.toString()}`);
  return token;
}
