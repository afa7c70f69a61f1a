import * as z from 'zod';

import { Secret } from './secret.ts';
import { DURATION, formatDuration, formatSize, parseDuration, parseSize, SIZE } from './units.ts';

/** The zod types of this module, by what they read: texts with a unit, and secrets. */
export type SpecialType = 'duration' | 'size' | 'secret';

const special = z.registry<{ readonly type: SpecialType }>();

/** Tells this module's types from zod's own; also after `.describe()` and the like. */
export function specialType(schema: z.core.$ZodType): SpecialType | undefined {
  return special.get(schema)?.type;
}

/** Bounds of a value with a unit, both inclusive, in milliseconds or bytes. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const WANTED_DURATION = 'expected a duration with a unit, such as 30s, 5m, 1h30m or 250ms';
const WANTED_SIZE = 'expected a size with a unit, such as 4MiB, 512KiB or 10MB';

/**
 * A duration such as `30s`, `5m`, `1h30m` or `250ms`, as whole milliseconds. The unit is never optional:
 * a bare number has been read as seconds and as milliseconds too often.
 * Defaults are given in milliseconds: `durationMs().default(30_000)`.
 */
export function durationMs(bounds: Bounds = {}): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const text = z.string({ error: WANTED_DURATION }).regex(DURATION, { error: WANTED_DURATION });
  const schema = text.transform((value, context) =>
    within(parseDuration(value), bounds, context, { wanted: WANTED_DURATION, format: formatDuration }),
  );
  special.add(schema, { type: 'duration' });
  return schema;
}

/**
 * A size such as `4MiB`, `512KiB`, `10MB` or `100B`, as whole bytes. `KB` and `MB` are powers of 1000,
 * `KiB` and `MiB` of 1024. Defaults are given in bytes.
 */
export function sizeBytes(bounds: Bounds = {}): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const text = z.string({ error: WANTED_SIZE }).regex(SIZE, { error: WANTED_SIZE });
  const schema = text.transform((value, context) =>
    within(parseSize(value), bounds, context, { wanted: WANTED_SIZE, format: formatSize }),
  );
  special.add(schema, { type: 'size' });
  return schema;
}

/**
 * A secret, not empty. A key `password` of this type may also come from a file: `passwordFile` in YAML and
 * flags, `…_PASSWORD_FILE` in the environment. Whoever may list processes sees flags: prefer the file.
 */
export function secret(): z.ZodPipe<z.ZodString, z.ZodTransform<Secret, string>> {
  const schema = z
    .string({ error: 'expected a text' })
    .min(1, { error: 'must not be empty' })
    .transform((value) => new Secret(value));
  special.add(schema, { type: 'secret' });
  return schema;
}

interface UnitTexts {
  readonly wanted: string;
  readonly format: (value: number) => string;
}

function within(
  value: number | undefined,
  bounds: Bounds,
  context: z.core.$RefinementCtx,
  texts: UnitTexts,
): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  if (value !== undefined && value >= min && value <= max) return value;
  let message = texts.wanted;
  if (value !== undefined) {
    message = value < min ? `must be at least ${texts.format(min)}` : `must be at most ${texts.format(max)}`;
  }
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
