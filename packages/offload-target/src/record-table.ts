/** The numbers of a connection that a {@link RecordTable} keeps, by their place in its row. */
export const FIELD = {
  STATE: 0,
  RCV_NXT: 1,
  RCV_WND: 2,
  SND_UNA: 3,
  SND_MAX: 4,
  SND_WND: 5,
  MAX_SND_WND: 6,
  SEND_WL1: 7,
  C_WND: 8,
  SS_THRESH: 9,
  /** `sRtt` below, `rttVar` above: 16 bits each. */
  RTT: 10,
  TS_RECENT: 11,
  /** The clock when `tsRecent` was new. */
  TS_RECENT_AT: 12,
  /** What the connection's timestamps are ahead of the clock. */
  TS_DELTA: 13,
  TOTAL_RT: 14,
  D_WND: 15,
  /** `localPort` below, `remotePort` above. */
  PORTS: 16,
  /** `remoteMss` 16 bits, `sndWindScale` 4, `rcvWindScale` 4. */
  MSS: 17,
  HASH: 18,
  CONST_FLAGS: 19,
} as const;
/** A place in a row. */
export type Field = (typeof FIELD)[keyof typeof FIELD];

const ROW_BITS = 8;
const ROWS = 1 << ROW_BITS;
const FIELDS = 20;

/**
 * A few 32-bit numbers for each of many connections, 4 bytes each: as members of objects they would take twice that. Rows
 * are named by a connection's number and keep their memory when it is used again.
 */
export class NumberTable {
  private readonly chunks: Int32Array[] = [];
  private readonly columns: number;

  /** @param columns numbers per row. */
  constructor(columns: number) {
    this.columns = columns;
  }

  /** Makes room for a row. What is in it is what was there before. */
  reserve(id: number): void {
    const chunk = id >> ROW_BITS;
    while (this.chunks.length <= chunk) this.chunks.push(new Int32Array(ROWS * this.columns));
  }

  /** The memory that a row there is room for lies in, for who writes all of it. */
  chunkOf(id: number): Int32Array {
    return this.chunks[id >> ROW_BITS]!;
  }

  /** Where in its memory a row begins. */
  offsetOf(id: number): number {
    return (id & (ROWS - 1)) * this.columns;
  }

  /** A number of a row there is room for, as int32. */
  get(id: number, column: number): number {
    return this.chunks[id >> ROW_BITS]![(id & (ROWS - 1)) * this.columns + column]!;
  }

  /** Keeps the low 32 bits of a number, in a row there is room for. */
  set(id: number, column: number, value: number): void {
    this.chunks[id >> ROW_BITS]![(id & (ROWS - 1)) * this.columns + column] = value;
  }
}

/** The numbers that a target keeps of its connections, named by {@link FIELD}. */
export class RecordTable extends NumberTable {
  constructor() {
    super(FIELDS);
  }
}
