// How many of everything a load takes; its types are in `calculate.d.mts`.

const GIBIBYTE = 2 ** 30;
/** Fewer cannot keep three copies. */
const LEAST_BROKERS = 3;
/** More partitions than workers, so that a worker more has something to do. */
const PARTITIONS_PER_WORKER = 2;
function atLeast(least, needed) {
  return Math.max(least, Math.ceil(needed));
}
function check(values) {
  for (const [name, value] of Object.entries(values)) {
    const isFine = typeof value === 'number' && Number.isFinite(value) && value > 0;
    if (!isFine) throw new RangeError(`${name} has to be a number above 0`);
  }
}
/**
 * What a load takes: from what one event takes, by multiplication, with no economies of scale and no surprises.
 * @throws RangeError for anything that is no number above 0, and for shares above 1
 */
export function sizeOf(load, unit, capacity, prices) {
  for (const each of [load, unit, capacity, prices]) check(each);
  if (load.utilisation > 1 || load.meanShare > 1) throw new RangeError('a share is at most 1');
  const { eventsPerSecond, utilisation, replicas } = load;
  const mean = eventsPerSecond * load.meanShare;
  const wireBytesPerSecond = (eventsPerSecond * unit.eventBytes) / unit.lz4Ratio;
  const workerCores = (eventsPerSecond * unit.workerUsPerEvent) / 1e6;
  const workers = atLeast(1, workerCores / utilisation);
  // Requests are remembered for the horizon, so that memory follows the mean over it, and the busiest hours if they last.
  const redisBytes = eventsPerSecond * load.dedupeHours * 3_600 * unit.redisBytesPerEvent;
  const redisCores = (eventsPerSecond * unit.redisUsPerEvent) / 1e6;
  const redisShards = atLeast(1, Math.max(redisCores, redisBytes / capacity.redisBytes) / utilisation);
  const kafkaDiskBytes = ((mean * unit.eventBytes) / unit.lz4Ratio) * load.kafkaHours * 3_600 * replicas;
  const brokerBytes = wireBytesPerSecond * replicas;
  const brokers = atLeast(
    LEAST_BROKERS,
    Math.max(
      brokerBytes / capacity.brokerBytesPerSecond / utilisation,
      kafkaDiskBytes / capacity.brokerDiskBytes / utilisation,
    ),
  );
  const sized = { workers, redisShards, redisBytes, brokers, wireBytesPerSecond, kafkaDiskBytes };
  return {
    ...sized,
    partitions: workers * PARTITIONS_PER_WORKER,
    costPerBillionEvents: costOf(sized, prices, mean),
    limits: [
      {
        what: 'workers: CPU',
        share: workerCores / workers,
        then: 'lag grows; alerts are late, policies lose nothing as long as Kafka keeps what is not read',
      },
      {
        what: 'Redis: CPU of the busiest shard',
        share: redisCores / redisShards,
        then: 'workers wait for Redis, and lag grows',
      },
      {
        what: 'Redis: memory',
        share: redisBytes / (redisShards * capacity.redisBytes),
        then: 'Redis refuses writes, and workers wait; a shorter dedupe horizon frees it',
      },
      {
        what: 'Kafka: bytes a second',
        share: brokerBytes / (brokers * capacity.brokerBytesPerSecond),
        then: 'Fluent Bit buffers on its disks, then drops, which is counted as lost where it says so',
      },
      {
        what: 'Kafka: disk',
        share: kafkaDiskBytes / (brokers * capacity.brokerDiskBytes),
        then: 'brokers stop; a shorter retention frees it, and leaves less time to catch up',
      },
    ].sort((a, b) => b.share - a.share),
  };
}
function costOf(
  { workers, redisShards, redisBytes, brokers, kafkaDiskBytes },
  { coreHour, gibibyteHour, diskGibibyteMonth },
  meanEventsPerSecond,
) {
  // Of a broker four cores and 16 GiB, of a worker and of Redis itself a core; a worker has half a GiB.
  const cores = workers + redisShards + brokers * 4;
  const memory = workers * 0.5 + redisBytes / GIBIBYTE + brokers * 16;
  const hourly =
    cores * coreHour + memory * gibibyteHour + (kafkaDiskBytes / GIBIBYTE / 730) * diskGibibyteMonth;
  return (hourly / (meanEventsPerSecond * 3_600)) * 1e9;
}
