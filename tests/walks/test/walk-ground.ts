import { describeConnection, type ChimneyHost, type OffloadedObject } from '@ndis-chimney/host';
import { present } from '@ndis-chimney/kit';
import type { MemoryPeer } from '@ndis-chimney/target-memory';

import type { WalkPlan } from './commands.ts';
import { Conversation, FIRST_PORT, type Surroundings } from './conversation.ts';
import type { TransitionCounts } from './object-ledger.ts';
import { pick } from './pick.ts';
import { WalkWorld, type Mutant, type WorldAdapter } from './walk-world.ts';

/** What a walk is done with: the world, the connections, and what has not ended yet. */
export abstract class WalkGround implements Surroundings {
  readonly faults: string[];
  readonly arrived: Set<Conversation> = new Set<Conversation>();
  readonly world: WalkWorld;
  protected readonly plan: WalkPlan;
  /** Those that go on; one that is over is replaced by a new one. */
  protected readonly conversations: Conversation[];
  /** All there ever were, by the host's port. */
  protected readonly everyone: Conversation[] = [];
  /** State requests, offloads and adapter requests that have not ended. */
  protected readonly open = new Set<string>();
  private nextRequest = 0;
  protected hasRemoved = false;

  constructor(plan: WalkPlan, counts: TransitionCounts, mutant?: Mutant) {
    this.plan = plan;
    this.world = new WalkWorld(plan.world, counts, mutant);
    this.faults = this.world.faults;
    this.conversations = Array.from({ length: plan.connections }, () => this.begin());
    this.world.onPass = () => {
      for (const conversation of this.arrived) conversation.takeArrivals();
      this.arrived.clear();
    };
  }

  private begin(): Conversation {
    const id = this.everyone.length;
    const conversation = new Conversation(this, id, this.plan.paths, id % 4 === 3);
    this.everyone.push(conversation);
    return conversation;
  }

  get mayLosePeers(): boolean {
    return this.hasRemoved || this.everyone.length > (this.plan.world.target.connectionCapacity ?? Infinity);
  }

  get nowMs(): number {
    return this.world.runtime.clock.now();
  }

  peerOf(hostPort: number): MemoryPeer | null {
    return this.world.memory.peerOf(hostPort);
  }

  protected readonly byPort = (port: number): Conversation | undefined => this.everyone[port - FIRST_PORT];

  protected get host(): ChimneyHost {
    return this.world.host;
  }

  /** @throws Error when something was seen that should not be. */
  protected requireFaultless(when: () => string): void {
    this.faults.push(...this.world.ledger.faults.splice(0));
    if (this.faults.length > 0) throw new Error(`${when()}: ${this.faults.join('; ')}`);
  }

  /** Notes a request until it ends. */
  protected follow(what: string, request: Promise<unknown>): void {
    const name = `${what} ${this.nextRequest++}`;
    this.open.add(name);
    request.then(
      () => this.open.delete(name),
      (error: unknown) => {
        this.open.delete(name);
        this.faults.push(`${what} failed: ${String(error)}`);
      },
    );
  }

  protected pick<Item>(items: readonly Item[], at: number): Item | undefined {
    return items[at % Math.max(1, items.length)];
  }

  protected conversation(at: number): Conversation {
    return pick(this.conversations, at);
  }

  /** One that is offloaded, if any is. */
  protected talking(at: number): Conversation {
    return this.pick(this.conversations.filter(({ connection }) => connection !== null), at) ?? this.conversation(at);
  }

  protected adapter(at: number): WorldAdapter {
    return pick(this.world.adapters, at);
  }

  protected objects<Kind extends OffloadedObject>(layer: Kind['layer']): readonly Kind[] {
    return this.host.offloadedObjects.filter((object) => object.layer === layer) as Kind[];
  }

  protected async offload(conversations: readonly Conversation[], at: number): Promise<void> {
    const offered = conversations.filter(({ isInHost }) => isInHost);
    const bound = this.host.adapterNames;
    const adapterName = this.pick(bound, at);
    if (offered.length === 0 || adapterName === undefined) return;
    for (const conversation of offered) conversation.isOffering = true;
    const offloading = this.host.offloadAll(offered.map(({ state }) => present(state)), { adapterName }).then((results) => {
      results.forEach((result, index) => {
        pick(offered, index).offered(result);
      });
    });
    this.follow(`offload of ${offered.length}`, offloading);
    await Promise.resolve();
  }

  /** Those that can be offered. */
  protected waiting(): readonly Conversation[] {
    this.conversations.forEach((conversation, at) => {
      if (conversation.isDone) this.conversations[at] = this.begin();
    });
    return this.conversations.filter(({ isInHost }) => isInHost);
  }

  /** A next hop, one of a few. */
  protected hop(at: number): ReturnType<typeof describeConnection>['neighbor'] {
    return describeConnection({ local: { address: '198.51.100.1', port: 1 }, remote: { address: '192.0.2.2', port: 1 }, nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 1 + (at % 9)) }).neighbor;
  }

}
