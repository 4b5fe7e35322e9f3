import type { ChimneyConnection, ConnectionChange, HostNeighbor, HostPath } from '@ndis-chimney/host';

import { pick } from './pick.ts';
import { WalkGround } from './walk-ground.ts';

/** Commands about objects: offload, query, update, relink, invalidate, terminate. */
export abstract class ObjectSteps extends WalkGround {
  async offloadOne(at: number, amount: number): Promise<void> {
    const waiting = this.waiting();
    const one = this.pick(waiting, amount);
    if (one !== undefined) await this.offload([one], at);
  }

  async offloadMany(at: number, amount: number): Promise<void> {
    const waiting = this.waiting();
    await this.offload(amount % 2 === 0 ? waiting : waiting.slice(0, amount % 20), at);
  }

  offloadNeighbor(at: number, amount: number): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('offload of a neighbor', this.host.offloadNeighbor(this.hop(amount), { adapterName }));
  }

  query(at: number, amount: number): void {
    const object = this.pick(this.host.offloadedObjects, at) as ChimneyConnection | HostPath | HostNeighbor | undefined;
    if (object !== undefined) this.follow(`query of a ${object.layer}`, object.query(pick(['all', 'const', 'cached', 'delegated'], amount)));
  }

  queryAll(at: number): void {
    for (const object of this.host.offloadedObjects.slice(0, 30)) this.query(this.host.offloadedObjects.indexOf(object), at);
  }

  updateConnection(at: number, amount: number): void {
    const { connection } = this.talking(at);
    if (connection === null) return;
    const changes: readonly ConnectionChange[] = [
      { initialRcvWnd: 1000 + amount },
      { rcvIndicationSize: amount % 2 === 0 ? 0 : 30 + (amount % 700) },
      { kaProbeCount: amount & 0xFF, kaTimeout: amount, isKeepAliveEnabled: amount % 8 > 3 },
      { isNaglingEnabled: amount % 8 > 3, ttlOrHopLimit: amount & 0xFF },
      { maxRT: amount, restartMaxRT: true, userPriority: amount % 8 },
    ];
    this.follow('update of a connection', connection.update(pick(changes, amount)));
  }

  updatePath(at: number, amount: number): void {
    const path = this.pick(this.objects<HostPath>('path'), at);
    if (path !== undefined) this.follow('update of a path', path.update({ pathMtu: 600 + (amount % 1000) }));
  }

  updateNeighbor(at: number, amount: number): void {
    const neighbor = this.pick(this.objects<HostNeighbor>('neighbor'), at);
    if (neighbor !== undefined) this.follow('update of a neighbor', neighbor.update(amount % 2 === 0 ? { macAddress: Uint8Array.of(2, 0, 0, 0, 1, amount & 0xFF) } : { hostReachabilityTicks: amount }));
  }

  relink(at: number, amount: number): void {
    this.moveTo(this.pick(this.objects<HostPath>('path'), at)?.neighbor ?? null, amount);
  }

  async relinkInvalid(at: number, amount: number): Promise<void> {
    const neighbor = this.pick(this.objects<HostNeighbor>('neighbor'), at);
    if (neighbor === undefined) return;
    const before = this.world.target.refusals;
    this.world.target.refusals = { ...before, invalidate: 0 };
    this.follow('invalidate of a neighbor', neighbor.invalidate());
    this.moveTo(neighbor, amount);
    await this.world.pass();
    this.world.target.refusals = before;
  }

  /** Links the paths of a neighbor to another one. */
  private moveTo(from: HostNeighbor | null, amount: number): void {
    const paths = from?.offloadedPaths.slice(0, 1 + (amount % 3)) ?? [];
    const [first] = paths;
    if (first === undefined) return;
    const others = this.objects<HostNeighbor>('neighbor').filter((neighbor) => neighbor.adapter === first.adapter && neighbor !== from);
    const other = amount % 2 === 0 ? this.pick(others, amount >> 1) : undefined;
    this.follow(`relink of ${paths.length} paths`, this.host.relink(paths, other ?? this.hop(amount >> 1)));
  }

  invalidate(at: number, amount: number): void {
    const { offloadedObjects } = this.host;
    const objects = offloadedObjects.slice(at % Math.max(1, offloadedObjects.length)).slice(0, 1 + (amount % 3));
    this.follow(`invalidate of ${objects.length}`, this.host.invalidate(objects));
  }

  terminateOne(at: number): void {
    const { connection } = this.talking(at);
    if (connection !== null) this.follow('terminate', connection.terminate());
  }

  terminateMany(at: number, amount: number): void {
    const { connections } = this.host;
    this.follow('terminate of many', this.host.terminate(connections.slice(at % Math.max(1, connections.length)).slice(0, 1 + (amount % 50)), 'lowActivity'));
  }

  terminateLayer(at: number, amount: number): void {
    const object = this.pick(this.objects<HostPath | HostNeighbor>(amount % 2 === 0 ? 'path' : 'neighbor'), at);
    if (object !== undefined) this.follow(`terminate of a ${object.layer}`, object.terminate());
  }

  terminateAll(): void {
    this.follow('terminate of all', this.host.terminate());
  }

  readBuffered(at: number): void {
    this.conversation(at).readBuffered();
  }
}
