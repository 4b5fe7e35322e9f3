import fc from 'fast-check';

import type { WorldOptions } from './walk-world.ts';

/** What a walk can do next, and how often it comes. */
const WEIGHTS = {
  offloadOne: 4,
  offloadMany: 8,
  offloadNeighbor: 1,
  query: 4,
  queryAll: 1,
  updateConnection: 5,
  updatePath: 2,
  updateNeighbor: 2,
  relink: 4,
  invalidate: 1,
  relinkInvalid: 1,
  terminateOne: 3,
  terminateMany: 1,
  terminateLayer: 1,
  terminateAll: 1,
  readBuffered: 2,
  send: 9,
  sendPieces: 3,
  sendNothing: 1,
  post: 6,
  postFull: 2,
  postNothing: 2,
  accept: 4,
  acceptSome: 3,
  acceptAndSend: 2,
  acceptAndTerminate: 1,
  refuse: 2,
  forward: 3,
  close: 1,
  abort: 1,
  write: 9,
  read: 10,
  end: 1,
  reset: 1,
  pause: 1,
  restart: 8,
  remove: 1,
  add: 8,
  offloadPause: 1,
  offloadResume: 8,
  uploadAll: 1,
  setParameters: 1,
  statistics: 1,
  resetStatistics: 1,
  sleep: 1,
  wake: 8,
  wait: 5,
  check: 2,
} as const;

/** The name of a command. */
type CommandName = keyof typeof WEIGHTS;

/** What to do, on which of those there are, and how much. Any sequence of commands is a walk. */
export type Command = readonly [name: CommandName, at: number, amount: number];

/** The ground a walk is done on, and its steps. */
export interface WalkPlan {
  readonly world: WorldOptions;
  readonly connections: number;
  readonly paths: number;
  readonly commands: readonly Command[];
}

const command: fc.Arbitrary<Command> = fc.tuple(
  fc.oneof(...Object.entries(WEIGHTS).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name as CommandName) }))),
  fc.nat(4095),
  fc.nat(4095),
);

/** Lists that are made long, and may get short when they are shrunk. */
class LongList<Item> extends fc.Arbitrary<Item[]> {
  private readonly long: fc.Arbitrary<Item[]>;
  private readonly any: fc.Arbitrary<Item[]>;

  constructor(item: fc.Arbitrary<Item>, minLength: number, maxLength: number) {
    super();
    this.long = fc.array(item, { minLength, maxLength });
    this.any = fc.array(item, { maxLength });
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<Item[]> {
    return new fc.Value(this.long.generate(random, biasFactor).value, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Item[] {
    return this.any.canShrinkWithoutContext(value);
  }

  override shrink(value: Item[], context: unknown): fc.Stream<fc.Value<Item[]>> {
    return this.any.shrink(value, context);
  }
}

const refusals = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ initiate: 0, query: 0, update: 0, invalidate: 0, terminate: 0 }) },
  { weight: 3, arbitrary: fc.record({ initiate: fc.constantFrom(0, 10, 40), query: fc.constantFrom(0, 10), update: fc.constantFrom(0, 20), invalidate: fc.constantFrom(0, 50), terminate: fc.constantFrom(0, 0, 10) }) },
);

const limits = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ callEntries: fc.constantFrom(1, 3), netBufferListContexts: fc.constantFrom(4, 12, 100), offloadEntries: fc.constantFrom(8, 40) }) },
);

const target = fc.record({
  latencyMs: fc.constantFrom(0, 0, 3),
  jitterMs: fc.constantFrom(0, 0, 4),
  maxSegmentBytes: fc.constantFrom(100, 1460),
  peerWindowBytes: fc.constantFrom(500, 262_144),
  bufferBytes: fc.constantFrom(400, 262_144),
  connectionCapacity: fc.constantFrom(4096, 4096, 4096, 4096, 3),
});

/** The number of connections: few in most walks, for what goes wrong with a thousand mostly does with a few. */
const connections = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: 1, max: 10 }) },
  { weight: 8, arbitrary: fc.integer({ min: 20, max: 80 }) },
);

/** Walks of at least so many commands. */
export function walks(minLength = 300, most = connections): fc.Arbitrary<WalkPlan> {
  return fc.record({
    // What comes first is shrunk first.
    commands: new LongList(command, minLength, minLength + 40),
    world: fc.record({ seed: fc.nat(), intermediates: fc.nat(3), adapters: fc.integer({ min: 1, max: 2 }), limits, target, refusals, obeys: fc.boolean() }),
    connections: most,
    paths: fc.constantFrom(1, 3, 20, 90),
  });
}

/** Walks over trees of about a thousand objects. */
export function largeWalks(): fc.Arbitrary<WalkPlan> {
  return walks(300, fc.integer({ min: 850, max: 900 })).map((plan) => {
    const { world } = plan;
    return { ...plan, paths: 90, world: { ...world, limits: {}, target: { ...world.target, connectionCapacity: 1000 } } };
  });
}
