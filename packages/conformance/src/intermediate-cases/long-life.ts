import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  type NetBufferList,
  type OffloadHandle,
  type Random,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { ProbeOperation } from '../probes/probe-target.ts';
import { siblings, tcpBlock } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { DATA_KINDS } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const STEPS = 500;
const MOST_CONNECTIONS = 12;

/** What a driver goes through: steps drawn from a seed, each checked at both edges before the next. */
class LongLife {
  private readonly world: IntermediateWorld;
  private readonly random: Random;
  private readonly connections: OffloadHandle[] = [];
  /** State operations that are below, by connection: there is one at a time. */
  private readonly busy = new Map<OffloadHandle, ProbeOperation>();
  /** Requests that are below, by connection. */
  private readonly below = new Map<NetBufferList, OffloadHandle>();
  private step = 0;

  constructor(world: IntermediateWorld) {
    this.world = world;
    this.random = world.runtime.random.fork('long life');
    world.host.keepsIndicated = true;
  }

  async run(): Promise<void> {
    // Requests and their completions are drawn more often than the rest.
    const steps = ['offload', 'request', 'request', 'request', 'complete', 'complete', 'indicate', 'returnSome', 'event', 'operate', 'completeOperation', 'terminate'] as const;
    for (this.step = 0; this.step < STEPS; this.step++) await this[this.pick(steps)]();
    await this.world.completeAll();
    checkEqual(this.world.host.nbls.size, [...this.world.host.nbls].filter(({ sourceHandle, context }) => sourceHandle === null && context === null).length, 'NET_BUFFER_LISTs that the host has back as they were');
  }

  private pick<Item>(from: readonly Item[]): Item {
    return present(from[this.random.nextInt(from.length)]);
  }

  private get idle(): OffloadHandle[] {
    return this.connections.filter((connection) => !this.busy.has(connection));
  }

  /** Where in the life something was wrong. */
  private at(what: string): string {
    return `in step ${this.step}, ${what}`;
  }

  private async offload(): Promise<void> {
    if (this.connections.length >= MOST_CONNECTIONS) return;
    const { connections } = await this.world.offload({ pathsPerNeighbor: 1 + this.random.nextInt(2), connectionsPerPath: 1 + this.random.nextInt(3) });
    this.connections.push(...connections);
  }

  private async request(): Promise<void> {
    const { world } = this;
    if (this.idle.length === 0) return;
    const connection = this.pick(this.idle);
    const kind = this.pick(DATA_KINDS.slice(0, 3));
    const list = world.host.list(...Array.from({ length: 1 + this.random.nextInt(4) }, (_, at) => `${this.step} ${at}`));
    const members = membersOf(list);
    for (const nbl of members) this.below.set(nbl, connection);
    kind.start(connection, list);
    await world.settle();
    checkSame(kind.pending(world.below(connection).target).slice(-members.length), members, this.at(`NET_BUFFER_LISTs of a ${kind.name} at the target`));
  }

  private async complete(): Promise<void> {
    const { world } = this;
    const kind = this.pick(DATA_KINDS.slice(0, 3));
    const target = this.pick(world.targets);
    const pending = kind.pending(target);
    const nbls = pending.splice(0, 1 + this.random.nextInt(pending.length + 1));
    if (nbls.length === 0) return;
    const statuses = nbls.map((nbl) => {
      nbl.status = this.pick(kind.statuses);
      this.below.delete(nbl);
      return nbl.status;
    });
    world.host.journal.length = 0;
    await world.atDispatch(() => {
      kind.complete(target, link(nbls));
    });
    const back = world.host.entries('dataComplete').filter(({ operation }) => operation === kind.name).flatMap((entry) => entry.nbls);
    checkSame(back.map(({ nbl }) => nbl), nbls, this.at(`NET_BUFFER_LISTs of a completed ${kind.name}`));
    checkEqual(back.map(({ status }) => status), statuses, this.at(`statuses of a completed ${kind.name}`));
  }

  private async indicate(): Promise<void> {
    const { world } = this;
    if (this.connections.length === 0) return;
    const connection = this.pick(this.connections);
    const { target, handle } = world.below(connection);
    const taken = this.pick([0, 1, 4, 4]);
    world.host.appetite = () => taken;
    world.host.journal.length = 0;
    const { status, bytesConsumed } = await world.atDispatch(() => target.indicate(handle, 'data'));
    const wanted = taken === 4 ? NDIS_STATUS_SUCCESS : taken === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    checkEqual([status, bytesConsumed], [wanted, taken], this.at('the answer to an indication'));
    checkSame(world.host.entries('indicate').map((entry) => entry.handle), [connection], this.at('connections that data was indicated for'));
  }

  private async returnSome(): Promise<void> {
    const { host } = this.world;
    const nbls = host.kept.splice(0, this.random.nextInt(host.kept.length + 1)).reverse();
    if (nbls.length === 0) return;
    for (const target of this.world.targets) target.calls.clear();
    this.world.binding.offloadTcpReceiveReturn(link(nbls));
    await this.world.settle();
    for (const target of this.world.targets) {
      const back = target.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList));
      checkSame(back, nbls.filter((nbl) => target.nbls.has(nbl)), this.at('data that was returned'));
    }
  }

  private async event(): Promise<void> {
    const { host } = this.world;
    if (this.connections.length === 0) return;
    const connection = this.pick(this.connections);
    const { target, handle } = this.world.below(connection);
    host.journal.length = 0;
    await this.world.atDispatch(() => {
      target.event(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, this.step);
    });
    check(host.entries('event').length === 1 && host.entries('event')[0]?.handle === connection, this.at('an event did not come once, for its connection'));
  }

  private async operate(): Promise<void> {
    if (this.idle.length === 0) return;
    const handles = this.idle.filter(() => this.random.nextInt(3) === 0);
    const root = siblings(...handles.map((handle) => tcpBlock(handle)));
    if (root === null) return;
    const operation = this.pick(['query', 'update'] as const);
    for (const handle of handles) this.busy.set(handle, operation);
    this.world.begin(operation, root);
    await this.world.settle();
  }

  private async completeOperation(): Promise<void> {
    const { world } = this;
    const waiting = world.targets.filter(({ trees }) => trees.length > 0);
    if (waiting.length === 0) return;
    const target = this.pick(waiting);
    const { operation } = this.pick(target.trees);
    world.host.journal.length = 0;
    await world.atDispatch(() => target.completeTree(operation));
    for (const { operation: completed, root } of world.host.entries('stateComplete')) {
      checkEqual(completed, operation, this.at('the operation that was completed'));
      for (let block: typeof root | null = root; block !== null; block = block.nextBlock) {
        checkEqual([block.status, this.busy.get(present(block.offloadHandle))], [NDIS_STATUS_SUCCESS, operation], this.at('status and operation of a block'));
        this.busy.delete(present(block.offloadHandle));
      }
    }
  }

  /** What is below of a connection comes back before it does. */
  private async terminate(): Promise<void> {
    const { world } = this;
    const outstanding = new Set(this.below.values());
    const quiet = this.idle.filter((connection) => !outstanding.has(connection));
    if (quiet.length === 0) return;
    const connection = this.pick(quiet);
    const { handle } = world.below(connection);
    const root = world.host.connections(connection);
    world.host.journal.length = 0;
    world.begin('terminate', root);
    await world.settle();
    for (const target of world.targets) {
      if (target.trees.some(({ operation }) => operation === 'terminate')) await world.atDispatch(() => target.completeTree('terminate'));
    }
    checkSame(world.host.entries('stateComplete').map((entry) => entry.root), [root], this.at('completions of a terminate'));
    checkEqual([connection.state, handle.state], ['dead', 'dead'], this.at('states of a connection that was taken back: the host’s handle, the driver’s'));
    this.connections.splice(this.connections.indexOf(connection), 1);
  }
}

export const longLifeCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-long-life',
    title: 'Over a long life of many connections, drawn from the seed, everything arrives once and where it belongs, and nothing is left',
    rules: ['CHIM-IM-001', 'CHIM-IM-002', 'CHIM-IM-007', 'CHIM-IM-008', 'CHIM-IM-009', 'CHIM-IM-015', 'CHIM-IM-016', 'CHIM-ST-001'],
    requirement: 'C-NDIS-ST',
    run: (world) => new LongLife(world).run(),
  },
];
