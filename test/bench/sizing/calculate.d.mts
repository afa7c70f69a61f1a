/** What is to be sized: how much comes, and how it is kept. */
export interface Load {
  readonly clusters: number;
  /** Of all clusters together, at the busiest time. */
  readonly eventsPerSecond: number;
  /** For how long the busiest time lasts in a day, as a share of it: storage and cost follow the mean. */
  readonly meanShare: number;
  /** For how many hours requests are told from their copies. */
  readonly dedupeHours: number;
  /** For how many hours Kafka keeps records. */
  readonly kafkaHours: number;
  /** How many copies Kafka keeps. */
  readonly replicas: number;
  /** Which share of cores, memory, networks and disks is used at the busiest time; the rest is for catching up. */
  readonly utilisation: number;
}

/** What one event takes; see `MEASURED`. */
export interface Unit {
  readonly workerUsPerEvent: number;
  readonly redisUsPerEvent: number;
  readonly redisBytesPerEvent: number;
  readonly eventBytes: number;
  readonly lz4Ratio: number;
}

/** What one machine of each kind can do. Assumptions, not measurements. */
export interface Capacity {
  /** Bytes a second that one broker takes in, copies included, on its network and its disks. */
  readonly brokerBytesPerSecond: number;
  /** Bytes of one broker's disks. */
  readonly brokerDiskBytes: number;
  /** Bytes of one Redis process. */
  readonly redisBytes: number;
}

/** What things cost, in one currency. */
export interface Prices {
  readonly coreHour: number;
  readonly gibibyteHour: number;
  /** Of disk, for a month of 730 hours. */
  readonly diskGibibyteMonth: number;
}

/** How many of everything. */
export interface Sizing {
  /** Aggregators of one core each. */
  readonly workers: number;
  readonly partitions: number;
  readonly redisShards: number;
  readonly redisBytes: number;
  readonly brokers: number;
  /** Bytes a second that clusters send, compressed. */
  readonly wireBytesPerSecond: number;
  readonly kafkaDiskBytes: number;
  readonly costPerBillionEvents: number;
  /** What sets each number, the nearest to its limit first. */
  readonly limits: readonly Limit[];
}

/** Something that ends, and how near it is. */
export interface Limit {
  readonly what: string;
  /** Used at the busiest time, as a share of what there is: at 1 it breaks. */
  readonly share: number;
  readonly then: string;
}

/**
 * What a load takes: from what one event takes, by multiplication, with no economies of scale and no surprises.
 * @throws RangeError for anything that is no number above 0, and for shares above 1
 */
export declare function sizeOf(load: Load, unit: Unit, capacity: Capacity, prices: Prices): Sizing;
