// Preloaded into an aggregator: its wall clock is LEASTWISE_TEST_CLOCK_MS off.
const offsetMs = Number(process.env.LEASTWISE_TEST_CLOCK_MS ?? '0');
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};
