/** Hands out positions in order and holds the consumer to acknowledging them in order. */
export interface DeliveryLedger {
  /** The next position: 1, 2, 3, … */
  deliver(): number;
  /**
   * Notes that everything up to `position` is durable. The same position may be acknowledged again.
   * @throws RangeError where `position` was never delivered or lies before an earlier acknowledgement:
   *   the caller has lost count, and what it believes to be durable may not be.
   */
  acknowledge(position: number): void;
  /** The last position handed out; 0 before the first. */
  delivered(): number;
  /** The last position acknowledged; 0 before the first. */
  acknowledged(): number;
}

/** The bookkeeping of positions that every source shares. */
export function createDeliveryLedger(): DeliveryLedger {
  let delivered = 0;
  let acknowledged = 0;
  return {
    deliver() {
      delivered += 1;
      return delivered;
    },
    acknowledge(position) {
      if (!Number.isInteger(position) || position < acknowledged || position > delivered) {
        throw new RangeError(
          `position ${String(position)} cannot be acknowledged: ${String(acknowledged)} already was, ` +
            `and ${String(delivered)} is the last that was delivered`,
        );
      }
      acknowledged = position;
    },
    delivered: () => delivered,
    acknowledged: () => acknowledged,
  };
}
