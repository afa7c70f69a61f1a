#!/usr/bin/env node
// `npm run build && REPS=60 node test/bench/detectors.mjs`: the spike detector beside three common ones, over six kinds of
// made-up series, 60 days of 5-minute windows each. Prints false-alarm episodes per 30 days after a warm-up of 14 days,
// and how many of the runs had the one injected window of day 45 found. Synthetic: it ranks methods and promises no rate
// in the field. REPS: runs a series (10).
import { createCalendar, newSpikeState, stepSpike } from '@leastwise/activity';

const REPS = Number(process.env.REPS ?? 10);
const HOUR = 12;
const DAY = 24 * HOUR;
const DAYS = 60;
const WARM_UP = 14 * DAY;
/** Monday, 5 January 2026, 00:00 UTC. */
const START = Date.UTC(2026, 0, 5) / 300_000;
const EPISODE = HOUR;

/** Mulberry32: small, and the same on every machine. */
function createRandom(seed) {
  let state = seed >>> 0;
  return function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Marsaglia and Tsang's method. */
function gamma(random, shape) {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x * 0.5 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function poisson(random, mean) {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = 1 - random(); product > limit; product *= 1 - random()) count += 1;
  return count;
}

/** A negative binomial with this mean, and `dispersion` times as much variance. */
function bunched(random, mean, dispersion) {
  return mean <= 0 ? 0 : poisson(random, gamma(random, mean / (dispersion - 1)) * (dispersion - 1));
}

const below = (random, n) => Math.floor(random() * n);
const hourOf = (i) => Math.floor(i / HOUR) % 24;
const dayOf = (i) => Math.floor(i / DAY);
const isWeekend = (i) => dayOf(i) % 7 >= 5;

/** What happens now and then: [first window, windows, mean of each]. */
function bursts(random, list) {
  const extra = new Map();
  for (const [first, windows, mean] of list) {
    for (let i = first; i < first + windows; i += 1) {
      extra.set(i, (extra.get(i) ?? 0) + bunched(random, mean, 3));
    }
  }
  return extra;
}

/** The six series: each a function of a seeded source to the count of a window, and what is injected into it. */
const SERIES = {
  'steady controller': {
    series: (random) => () => bunched(random, 30, 2.5),
    inject: (random, usual) => usual + Math.round(30 * (4 + random())),
  },
  'office-hours human': {
    // Sessions of half an hour to three hours at work; nothing at night and at weekends.
    series: (random) => {
      let sessionEnd = -1;
      let pace = 0;
      return (i) => {
        const atWork = !isWeekend(i) && hourOf(i) >= 8 && hourOf(i) < 18;
        if (atWork && i > sessionEnd && random() < 0.05) {
          sessionEnd = i + 6 + below(random, 30);
          pace = 2 + 10 * random();
        }
        return atWork && i <= sessionEnd ? bunched(random, pace, 4) : 0;
      };
    },
    inject: (_, usual) => usual + 120,
  },
  'nightly CI burst': {
    // Some 300 in each of the three or four windows from about 02:00 on.
    series: (random) => {
      const nights = Array.from({ length: DAYS }, (_, day) => [
        day * DAY + 2 * HOUR + below(random, 4),
        3 + below(random, 2),
        300,
      ]);
      const extra = bursts(random, nights);
      return (i) => bunched(random, 1, 2) + (extra.get(i) ?? 0);
    },
    inject: (_, usual) => usual + 200,
  },
  'sparse (0.02/window)': {
    series: (random) => () => poisson(random, 0.02),
    inject: (_, usual) => usual + 40,
  },
  'random deploy bursts': {
    // None to five a day, at any hour, of 60 to 200 in each of up to three windows.
    series: (random) => {
      const list = [];
      for (let day = 0; day < DAYS; day += 1) {
        for (let n = below(random, 6); n > 0; n -= 1) {
          list.push([day * DAY + below(random, DAY), 1 + below(random, 3), 60 + 140 * random()]);
        }
      }
      const extra = bursts(random, list);
      return (i) => bunched(random, 2, 2) + (extra.get(i) ?? 0);
    },
    inject: (_, usual) => usual + 600,
  },
  'slow growth': {
    series: (random) => (i) => bunched(random, 10 * 1.02 ** (i / DAY), 2.5),
    inject: (random, usual, i) => usual + Math.round(10 * 1.02 ** (i / DAY) * (4 + random())),
  },
};

/** Exponentially weighted mean and variance, half a day of memory; alarms above three standard deviations. */
function ewma() {
  const weight = 2 / (DAY + 1);
  let mean = 0;
  let variance = 0;
  return (_, count) => {
    const alarm = count > mean + 3 * Math.sqrt(variance);
    const difference = count - mean;
    mean += weight * difference;
    variance = (1 - weight) * (variance + weight * difference * difference);
    return alarm;
  };
}

/** Alarms at more than `limit` median absolute deviations from the median of a day; with no deviation it cannot tell. */
function mad(limit) {
  const last = [];
  const sorted = [];
  return (_, count) => {
    let alarm = false;
    if (last.length === DAY) {
      const median = (sorted[DAY / 2 - 1] + sorted[DAY / 2]) / 2;
      const deviation = medianDistance(sorted, median);
      alarm = deviation > 0 && (count - median) / deviation > limit;
      sorted.splice(sorted.indexOf(last.shift()), 1);
    }
    last.push(count);
    let place = 0;
    for (let high = sorted.length; place < high;) {
      const middle = (place + high) >> 1;
      if (sorted[middle] < count) place = middle + 1;
      else high = middle;
    }
    sorted.splice(place, 0, count);
    return alarm;
  };
}

/** The median distance from the median: both ends of a sorted list walk inwards. */
function medianDistance(sorted, median) {
  let low = 0;
  let high = sorted.length - 1;
  let distance = 0;
  for (let left = sorted.length / 2; left > 0; left -= 1) {
    const atLow = median - sorted[low];
    const atHigh = sorted[high] - median;
    distance = Math.max(atLow, atHigh);
    if (atLow >= atHigh) low += 1;
    else high -= 1;
  }
  return distance;
}

/** Alarms where a Poisson variable of the decayed mean would be so large with a probability below 1e-6. */
function poissonEwma() {
  const weight = 2 / (DAY + 1);
  let mean = 0;
  return (_, count) => {
    const alarm = count > mean && poissonTail(count, mean) < 1e-6;
    mean += weight * (count - mean);
    return alarm;
  };
}

function poissonTail(count, mean) {
  if (mean <= 0) return 0;
  let log = -mean + count * Math.log(mean);
  for (let k = 2; k <= count; k += 1) log -= Math.log(k);
  let sum = 1;
  let term = 1;
  for (let k = count + 1; term > 1e-12 * sum; k += 1) {
    term *= mean / k;
    sum += term;
  }
  return Math.exp(log) * sum;
}

const calendar = createCalendar('UTC');

/** Ours; `spike` alone is an alarm. */
function recommended() {
  let state = newSpikeState(START);
  return (i, count) => {
    const step = stepSpike(state, START + i, count, { minimum: 20, calendar });
    state = step.state;
    return step.verdict.kind === 'spike' || step.verdict.kind === 'ongoing';
  };
}

const DETECTORS = {
  'EWMA z>3': { make: ewma },
  'MAD>6 (24 h)': { make: () => mad(6) },
  'Poisson-EWMA p<1e-6': { make: poissonEwma },
  Leastwise: { make: recommended },
};

/** One run: the counts of a series, with one window of day 45 made larger. */
function makeRun({ series, inject }, seed) {
  const random = createRandom(seed);
  const next = series(random);
  const injected = 45 * DAY + below(random, DAY);
  const counts = [];
  for (let i = 0; i < DAYS * DAY; i += 1) {
    const usual = next(i);
    counts.push(i === injected ? inject(random, usual, i) : usual);
  }
  return { counts, injected };
}

/** Episodes of false alarms (an alarm starts one, and whatever follows within the hour is of it), and whether it was found. */
function judge(detector, { counts, injected }) {
  let episodes = 0;
  let episodeEnd = -1;
  let found = false;
  for (let i = 0; i < counts.length; i += 1) {
    const alarm = detector(i, counts[i]);
    if (i === injected) found = alarm;
    // The hour after an injection is no fair test of a detector that learns from it.
    if (!alarm || i < WARM_UP || (i >= injected && i < injected + EPISODE)) continue;
    if (i >= episodeEnd) {
      episodes += 1;
      episodeEnd = i + EPISODE;
    }
  }
  return { per30Days: (episodes * 30 * DAY) / (counts.length - WARM_UP), found };
}

const rows = [];
for (const [name, maker] of Object.entries(SERIES)) {
  const row = { series: name };
  const runs = Array.from({ length: REPS }, (_, rep) => makeRun(maker, 1000 * rep + 17));
  for (const [detector, { make }] of Object.entries(DETECTORS)) {
    const results = runs.map((run) => judge(make(), run));
    const mean = results.reduce((sum, { per30Days }) => sum + per30Days, 0) / REPS;
    const found = results.filter((result) => result.found).length / REPS;
    row[detector] = `${mean < 10 ? Number(mean.toFixed(1)) : Math.round(mean)} / ${Math.round(found * 100)}%`;
  }
  rows.push(row);
}

const columns = ['series', ...Object.keys(DETECTORS)];
console.log(`| ${columns.join(' | ')} |`);
console.log(`| ${columns.map(() => '---').join(' | ')} |`);
for (const row of rows) console.log(`| ${columns.map((column) => row[column]).join(' | ')} |`);
console.log(`\n${REPS} runs a series: false-alarm episodes per 30 days / injected windows found.`);
