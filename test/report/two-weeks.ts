import { createRandom, type Random } from '@leastwise/testkit';

/** Monday, 2 March 2026, 00:00 UTC: the first of fourteen days. */
const START_US = Date.UTC(2026, 2, 2) * 1000;
const DAYS = 14;

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const HOUR_US = 60 * MINUTE_US;
const DAY_US = 24 * HOUR_US;
/** What somebody did, and then paused. */
const PAUSE_US = 4 * SECOND_US;
/** Requests of the cluster itself, by which the log is known to be alive. */
const HEARTBEAT_US = 10 * MINUTE_US;

const PEOPLE = ['dana@example.com', 'eri@example.com'];
const CI = 'system:serviceaccount:alpha-pay:ci-bot';
const INTRUDER = 'intruder';
const BREAK_GLASS = 'breakglass';
const ADMIN = 'admin';

interface Line {
  readonly auditID: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly verb: string;
  readonly user: { readonly username: string };
}

interface Recorded {
  readonly line: Line;
  readonly us: number;
}

/** From one moment up to another one. */
export interface Burst {
  readonly fromUs: number;
  readonly toUs: number;
}

/** A log of fourteen days, and when the intruder's deletions were in each of the two nights. */
export interface TwoWeeks {
  readonly log: string;
  readonly nights: readonly (readonly Burst[])[];
}

function day(number: number): number {
  return START_US + number * DAY_US;
}

/** Events that follow each other without a pause. */
function blocksOf(events: readonly Recorded[], pauseUs: number): Recorded[][] {
  const blocks: Recorded[][] = [];
  let lastUs = -Infinity;
  for (const event of events) {
    if (event.us - lastUs > pauseUs) blocks.push([event]);
    else blocks.at(-1)?.push(event);
    lastUs = event.us;
  }
  return blocks;
}

function microText(us: number): string {
  return `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
}

function recordedOf(text: string): Recorded {
  const line = JSON.parse(text) as Line;
  const stamp = line.requestReceivedTimestamp;
  return { line, us: Date.parse(`${stamp.slice(0, 23)}Z`) * 1000 + Number(stamp.slice(23, 26)) };
}

/** Writes events at other times: what was one request stays one, and no auditID comes twice. */
class Stage {
  readonly #placed: { readonly us: number; readonly text: string }[] = [];
  #count = 0;

  /** Places events one by one at times of their own. */
  place(events: readonly Recorded[], at: (us: number) => number): void {
    const ids = new Map<string, string>();
    for (const { line, us } of events) {
      const auditID = ids.get(line.auditID) ?? this.#freshID();
      ids.set(line.auditID, auditID);
      const received = Math.round(at(us));
      const [requestReceivedTimestamp, stageTimestamp] = [microText(received), microText(received + 1000)];
      const text = JSON.stringify({ ...line, auditID, requestReceivedTimestamp, stageTimestamp });
      this.#placed.push({ us: received, text });
    }
  }

  /** Plays events as they were, from another moment on. */
  play(events: readonly Recorded[], fromUs: number): void {
    const startUs = events[0]?.us ?? 0;
    this.place(events, (us) => fromUs + us - startUs);
  }

  log(): string {
    return this.#placed
      .sort((a, b) => a.us - b.us)
      .map(({ text }) => `${text}\n`)
      .join('');
  }

  #freshID(): string {
    this.#count += 1;
    return `00000000-0000-4000-8000-${this.#count.toString(16).padStart(12, '0')}`;
  }
}

/** From Monday to Friday, some times an hour from half past eight to half past five, less lunch. */
function officeHours(stage: Stage, events: readonly Recorded[], random: Random): void {
  const blocks = blocksOf(events, PAUSE_US);
  let next = 0;
  for (let at = 0; at < DAYS; at += 1) {
    if (at % 7 >= 5) continue;
    for (let minute = 8 * 60 + 30; minute < 17 * 60 + 30; minute += 10 + random.int(25)) {
      const isLunch = minute >= 12 * 60 && minute < 13 * 60;
      if (isLunch) continue;
      stage.play(
        blocks[next % blocks.length] ?? [],
        day(at) + minute * MINUTE_US + random.int(60) * SECOND_US,
      );
      next += 1;
    }
  }
}

/** All of it, every night at two, or some minutes later. */
function nightly(stage: Stage, events: readonly Recorded[], random: Random): void {
  for (let at = 0; at < DAYS; at += 1) stage.play(events, day(at) + 2 * HOUR_US + random.int(8) * MINUTE_US);
}

/** The first bursts in the first night, the others in the second one. */
function intrusions(stage: Stage, events: readonly Recorded[]): Burst[][] {
  const deletions = blocksOf(
    events.filter(({ line }) => line.verb === 'delete'),
    30 * SECOND_US,
  );
  const between = deletions[2]?.[0]?.us ?? Infinity;
  const nights = [
    { fromUs: day(2) + 3 * HOUR_US, isOf: (us: number) => us < between - PAUSE_US },
    { fromUs: day(10) + 3 * HOUR_US + 25 * MINUTE_US, isOf: (us: number) => us >= between - PAUSE_US },
  ];
  return nights.map(({ fromUs, isOf }) => {
    const ofNight = events.filter(({ us }) => isOf(us));
    const shiftUs = fromUs - (ofNight[0]?.us ?? 0);
    stage.play(ofNight, fromUs);
    return deletions
      .filter(([first]) => first !== undefined && isOf(first.us))
      .map((burst) => ({ fromUs: (burst[0]?.us ?? 0) + shiftUs, toUs: (burst.at(-1)?.us ?? 0) + shiftUs }));
  });
}

/**
 * Spreads a recording of some minutes over two weeks: people at office hours of working days with a gap at lunch, the CI
 * account every night, the administrator on the first morning, the break-glass account on one afternoon, the intruder in
 * two nights, eight days apart, and all others evenly. The same lines give the same log.
 */
export function spreadOverTwoWeeks(lines: readonly string[]): TwoWeeks {
  const random = createRandom(8);
  const all = lines.map(recordedOf).sort((a, b) => a.us - b.us);
  const of = (name: string): Recorded[] => all.filter(({ line }) => line.user.username === name);
  const stage = new Stage();
  for (const name of PEOPLE) officeHours(stage, of(name), random);
  nightly(stage, of(CI), random);
  stage.play(of(ADMIN), day(0) + 8 * HOUR_US);
  stage.play(of(BREAK_GLASS), day(10) + 15 * HOUR_US);
  const nights = intrusions(stage, of(INTRUDER));
  const named = new Set([...PEOPLE, CI, ADMIN, BREAK_GLASS, INTRUDER]);
  const others = all.filter(({ line }) => !named.has(line.user.username));
  const [first] = others;
  const [startUs, endUs] = [first?.us ?? 0, others.at(-1)?.us ?? 1];
  stage.place(others, (us) => START_US + ((us - startUs) / (endUs - startUs + 1)) * DAYS * DAY_US);
  for (let us = START_US; first && us < day(DAYS); us += HEARTBEAT_US) stage.play([first], us);
  return { log: stage.log(), nights };
}
