import { SeededRandom } from '@ndis-chimney/core/runtime';
import {
  blocksOf,
  createMuxStack,
  link,
  membersOf,
  neighborBlock,
  newTree,
  pathBlock,
  present,
  tcpBlock,
  under,
  type MuxStack,
  type MuxStackOptions,
  type ProbeHost,
  type ProbeTarget,
} from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NET_PNP_EVENT_CODE,
  OFFLOAD_HANDLE_STATE,
  OffloadHandle,
  TCP_OFFLOAD_EVENT_TYPE,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NdisStatusIndication,
  type NetBufferList,
  type NetPnPEventNotification,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

/** A neighbor with its one path and what is offloaded under it. */
interface Group {
  readonly neighbor: OffloadHandle;
  readonly path: OffloadHandle;
  readonly connections: OffloadHandle[];
  /** Initiates under way that name the group. */
  initiates: number;
}

const isAlive = ({ state }: OffloadHandle): boolean => state !== 'dead';

/** A host that obeys, though not at once. */
class Obedient {
  readonly host: ProbeHost;
  private readonly random: SeededRandom;
  groups: Group[] = [];
  /** NBLs that are out. */
  readonly out = new Set<NetBufferList>();
  kept: NetBufferList[] = [];
  private readonly groupOf = new Map<object, Group>();
  /** Objects with an operation under way. */
  private readonly busy = new Map<object, OffloadHandle[]>();
  private readonly asked = new Set<OffloadHandle>();
  private isRunning = true;
  private isOffloadPaused = false;
  private isUploading = false;
  returned = 0;
  uploads = 0;

  constructor(host: ProbeHost, random: SeededRandom) {
    this.host = host;
    this.random = random;
    const { calls } = host;
    for (const entry of ['protocolTcpOffloadSendComplete', 'protocolTcpOffloadReceiveComplete', 'protocolTcpOffloadForwardComplete', 'protocolSendNetBufferListsComplete']) {
      calls.on(entry, (_context: unknown, list: NetBufferList) => { this.takeBack(list); });
    }
    calls.on('protocolInitiateOffloadComplete', (_context: unknown, root: ProtocolOffloadBlockList) => {
      const group = present(this.groupOf.get(root));
      this.groupOf.delete(root);
      group.initiates--;
    });
    for (const entry of ['protocolQueryOffloadComplete', 'protocolTerminateOffloadComplete']) {
      calls.on(entry, (_context: unknown, root: object) => {
        if (!this.busy.delete(root)) throw new Error('a tree came back that was not out');
        if (entry === 'protocolTerminateOffloadComplete') this.uploads++;
      });
    }
    calls.on('protocolStatusEx', (_context: unknown, { statusCode }: NdisStatusIndication) => {
      if (statusCode === NDIS_STATUS_UPLOAD_ALL) this.isUploading = true;
      if (statusCode === NDIS_STATUS_OFFLOAD_PAUSE || statusCode === NDIS_STATUS_UPLOAD_ALL) this.isOffloadPaused = true;
      if (statusCode === NDIS_STATUS_OFFLOAD_RESUME) this.isOffloadPaused = false;
      if (statusCode === NDIS_STATUS_OFFLOAD_RESUME) this.isUploading = false;
    });
    calls.on('protocolTcpOffloadEvent', (handle: OffloadHandle, type: number) => {
      if (type === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve) this.asked.add(handle);
    });
    calls.on('protocolNetPnPEvent', (_context: unknown, { netEvent }: NetPnPEventNotification) => {
      this.isRunning = netEvent === NET_PNP_EVENT_CODE.NetEventRestart;
    });
    calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed) => {
      if (random.nextInt(3) === 0) return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
      this.kept.push(nbl);
      bytesConsumed.value = nbl.firstNetBuffer?.dataLength ?? 0;
      return NDIS_STATUS_SUCCESS;
    });
  }

  private takeBack(list: NetBufferList | null): void {
    for (const nbl of membersOf(list)) {
      if (!this.out.delete(nbl)) throw new Error('an NBL came back that was not out');
      if (nbl.sourceHandle !== null || nbl.context !== null) throw new Error('an NBL came back with something on it');
      this.returned++;
    }
  }

  private list(): NetBufferList {
    const list = this.host.list(...Array.from({ length: 1 + this.random.nextInt(3) }, () => 'data'));
    for (const nbl of membersOf(list)) this.out.add(nbl);
    return list;
  }

  private any<T>(of: readonly T[]): T | undefined {
    return of.length === 0 ? undefined : of[this.random.nextInt(of.length)];
  }

  private usable(): OffloadHandle | undefined {
    return this.any(this.groups.flatMap(({ connections }) => connections).filter(({ state }) => state === 'offloaded'));
  }

  /** A new group, or more connections in an old one. */
  offload(): void {
    if (!this.isRunning || this.isOffloadPaused || this.groups.length > 4) return;
    const { binding } = this.host;
    const old = this.any(this.groups.filter(({ neighbor, path }) => neighbor.state === 'offloaded' && path.state === 'offloaded' && !this.isBusy(neighbor) && !this.isBusy(path)));
    const connections = Array.from({ length: 1 + this.random.nextInt(3) }, () => new OffloadHandle(binding, 'connection'));
    const group = old !== undefined && this.random.nextInt(2) === 0 ? old : { neighbor: new OffloadHandle(binding, 'neighbor'), path: new OffloadHandle(binding, 'path'), connections: [], initiates: 0 };
    const [neighbor, path] = [neighborBlock(group.neighbor), pathBlock(group.path)];
    if (group === old) {
      neighbor.state = null;
      path.state = null;
    } else {
      this.groups.push(group);
    }
    under(neighbor, under(path, ...connections.map((handle) => tcpBlock(handle))));
    group.connections.push(...connections);
    group.initiates++;
    this.groupOf.set(neighbor, group);
    this.host.initiate(neighbor);
  }

  data(): void {
    const connection = this.isRunning ? this.usable() : undefined;
    if (connection === undefined) return;
    const { binding } = this.host;
    switch (this.random.nextInt(4)) {
      case 0:
        binding.offloadTcpReceive(connection, this.list());
        break;
      case 1:
        binding.offloadTcpForward(connection, this.list());
        break;
      case 2:
        binding.sendNetBufferLists(this.list(), 0, 0);
        break;
      default:
        binding.offloadTcpSend(connection, this.list());
    }
  }

  private isBusy(handle: OffloadHandle): boolean {
    return [...this.busy.values()].some((handles) => handles.includes(handle));
  }

  query(): void {
    const group = this.any(this.groups);
    const handle = group === undefined ? undefined : this.any([group.neighbor, group.path, ...group.connections].filter((one) => one.state === 'offloaded'));
    if (group === undefined || handle === undefined) return;
    const root = this.blockFor(group, handle);
    this.busy.set(root, [handle]);
    this.host.binding.queryOffloadState(root);
  }

  private blockFor(group: Group, handle: OffloadHandle): ProtocolOffloadBlockList {
    if (handle === group.neighbor) return neighborBlock(handle);
    return handle === group.path ? pathBlock(handle) : tcpBlock(handle);
  }

  returnKept(): void {
    const list = this.kept.splice(0, 1 + this.random.nextInt(4));
    if (list.length > 0) this.host.binding.offloadTcpReceiveReturn(link(list));
  }

  /** Terminates something that it should, or, with `all`, everything that it may. */
  obey(all = false): void {
    for (const group of [...this.groups]) {
      if (group.connections.every((handle) => !isAlive(handle)) && !isAlive(group.path) && !isAlive(group.neighbor) && group.initiates === 0) {
        this.groups.splice(this.groups.indexOf(group), 1);
        continue;
      }
      for (const handle of this.due(group, all)) {
        if (!all && this.random.nextInt(2) === 0) continue;
        const root = this.blockFor(group, handle);
        this.busy.set(root, [handle]);
        this.host.binding.terminateOffload(root);
      }
    }
  }

  /** What of a group is to be terminated and can be: connections, then the path, then the neighbor. */
  private due(group: Group, all: boolean): OffloadHandle[] {
    const free = (handle: OffloadHandle): boolean => (handle.state === 'offloaded' || handle.state === 'lost') && !this.isBusy(handle);
    const isDue = (handle: OffloadHandle): boolean => all || this.isUploading || this.asked.has(handle) || handle.state === 'lost' || this.random.nextInt(200) === 0;
    const connections = group.connections.filter((handle) => free(handle) && isDue(handle));
    if (connections.length > 0 || group.initiates > 0 || group.connections.some(isAlive)) return connections;
    const next = isAlive(group.path) ? group.path : group.neighbor;
    return free(next) && (all || this.isUploading || this.random.nextInt(20) === 0) ? [next] : [];
  }

  tidy(): void {
    this.host.calls.clear();
    this.host.free([...this.host.nbls].filter((nbl) => !this.out.has(nbl) && nbl.sourceHandle === null));
    for (const group of this.groups) group.connections.splice(0, group.connections.length, ...group.connections.filter(isAlive));
    for (const [handle] of this.host.handles) if (!isAlive(handle)) this.host.handles.delete(handle);
  }
}

/** Does one random thing after the other: hosts use and give back, targets complete, adapters come and go. */
class MuxWalk {
  readonly stack: MuxStack;
  readonly hosts: Obedient[];
  private readonly random: SeededRandom;
  private readonly paused = new Set<ProbeTarget>();
  private readonly unbound = new Set<string>();
  private readonly unbinding = new Set<string>();
  comings = 0;
  goings = 0;

  constructor(options: MuxStackOptions, seed: string) {
    this.stack = createMuxStack({ ...options, seed, targets: 3 });
    this.random = new SeededRandom(seed);
    this.hosts = this.stack.hosts.map((host) => new Obedient(host, this.random));
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.step();
      if (i % 16 === 0) this.stack.settle();
      if (i % 64 === 0) for (const host of this.hosts) host.tidy();
      if (i % 64 === 0) for (const target of this.stack.targets) this.tidy(target);
    }
  }

  private tidy(target: ProbeTarget): void {
    target.calls.clear();
    target.free([...target.nbls].filter(({ sourceHandle }) => sourceHandle === null));
  }

  private step(): void {
    const host = present(this.hosts[this.random.nextInt(this.hosts.length)]);
    const target = this.stack.target(this.random.nextInt(this.stack.targets.length));
    switch (this.random.nextInt(16)) {
      case 0:
      case 1:
        host.offload();
        break;
      case 2:
      case 3:
      case 4:
        host.data();
        break;
      case 5:
        host.query();
        break;
      case 6:
      case 7:
        host.obey();
        break;
      case 8:
        host.returnKept();
        break;
      case 9:
        this.indicate(host, target);
        break;
      case 10:
        this.adapter(target);
        break;
      case 11:
        this.completeData(target, NDIS_STATUS_SUCCESS, 1 + this.random.nextInt(5));
        break;
      default:
        this.completeTree(target);
    }
  }

  private indicate(host: Obedient, target: ProbeTarget): void {
    const connection = host.groups.flatMap(({ connections }) => connections).find((handle) => handle.state === 'offloaded' && this.stack.targetOf(handle) === target);
    if (connection !== undefined && !this.paused.has(target)) target.indicate(this.stack.lowest(connection), 'received');
  }

  private completeData(target: ProbeTarget, status: number, count = Infinity): void {
    target.completeSends(Math.min(count, target.sends.length), status);
    target.completeReceives(Math.min(count, target.receives.length), status);
    target.completeForwards(Math.min(count, target.forwards.length), status);
    target.completeOrdinarySends(Math.min(count, target.ordinarySends.length));
  }

  private completeTree(target: ProbeTarget, canFail = true): void {
    const [pending] = target.trees;
    if (pending === undefined) return;
    if (pending.operation === 'terminate') this.completeData(target, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    // A second terminate of an object that the first one lost succeeds.
    const isSecond = blocksOf(pending.tree).some(({ ndisOffloadHandle }) => ndisOffloadHandle?.ndisState === OFFLOAD_HANDLE_STATE.terminatingLost);
    const fails = canFail && !isSecond && this.random.nextInt(12) === 0;
    target.completeTree(pending.operation, { status: fails ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS });
  }

  /** Something happens to an adapter. */
  private adapter(target: ProbeTarget): void {
    const { ndis } = this.stack;
    const { name } = target.miniport;
    const lower = this.stack.mux.lowers.find(({ adapterName }) => adapterName === name);
    switch (this.random.nextInt(7)) {
      case 0:
        if (this.paused.has(target)) return;
        this.paused.add(target);
        this.goings++;
        ndis.pauseAdapter(target.miniport);
        break;
      case 1:
      case 2:
        if (!this.paused.delete(target)) return;
        this.comings++;
        ndis.restartAdapter(target.miniport);
        break;
      case 3:
        if (lower === undefined || this.unbinding.has(name) || this.stack.mux.lowers.length - this.unbinding.size < 2) return;
        this.unbinding.add(name);
        this.goings++;
        this.stack.unbindMux(name, () => {
          this.unbinding.delete(name);
          this.unbound.add(name);
        });
        break;
      case 4:
        if (!this.unbound.delete(name)) return;
        this.comings++;
        this.stack.bindMux(this.stack.mux, name);
        break;
      case 5:
        target.indicateStatus(present([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_MEDIA_DISCONNECT][this.random.nextInt(3)]));
        break;
      default:
        target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, target.capabilities);
        target.indicateStatus(NDIS_STATUS_MEDIA_CONNECT);
    }
  }

  /** Everything comes to an end; then nothing may be left. */
  end(): void {
    for (let rounds = 0; rounds < 50; rounds++) {
      for (const target of this.stack.targets) while (target.trees.length > 0) this.completeTree(target, false);
      for (const target of this.stack.targets) this.completeData(target, NDIS_STATUS_SUCCESS);
      this.stack.settle();
      for (const host of this.hosts) host.obey(true);
      for (const host of this.hosts) if (host.kept.length > 0) host.host.binding.offloadTcpReceiveReturn(link(host.kept.splice(0)));
    }
    for (const { groups, out } of this.hosts) expect([groups.length, out.size]).toEqual([0, 0]);
    expect([...this.unbinding]).toEqual([]);
    for (const target of this.paused) this.stack.ndis.restartAdapter(target.miniport);
    this.stack.settle();
    this.proveItWorks();
    this.stack.close();
  }

  /** After all that: what is bound and gets its link back takes connections, and data. */
  private proveItWorks(): void {
    for (const target of this.stack.targets) {
      target.indicateStatus(NDIS_STATUS_MEDIA_CONNECT);
      target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, target.capabilities);
    }
    this.stack.settle();
    for (const { host } of this.hosts) {
      for (const entry of ['protocolInitiateOffloadComplete', 'protocolTerminateOffloadComplete', 'protocolTcpOffloadSendComplete']) host.calls.off(entry);
      const tree = newTree(host.binding);
      host.initiate(tree.root);
      this.stack.finishTrees();
      expect(blocksOf(tree.root as unknown as MiniportOffloadBlockList).map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
      this.stack.proveItWorks(host, present(tree.connections[0]));
    }
  }
}

const TOTAL = 120_000;
const shapes: [string, MuxStackOptions][] = (['active-backup', 'round-robin', 'least-objects'] as const).flatMap((placement) =>
  [false, true].map((isObserved): [string, MuxStackOptions] => [
    `${placement}, ${isObserved ? 'observed' : 'unobserved'}`,
    { isObserved, pendLifeCycle: isObserved, mux: { uppers: [{ name: 'u', vlanId: 7, priority: 1 }, { name: 'v' }], placement } },
  ]),
);

describe(`${TOTAL} random steps through a mux whose adapters come and go`, () => {
  test.each(shapes.map(([name, shape], at) => [name, `mux walk ${at}`, shape] as const))('lose nothing and leave nothing: %s, seed %s', { timeout: 60_000 }, (_name, seed, shape) => {
    const walk = new MuxWalk(shape, seed);
    walk.run(Math.ceil(TOTAL / shapes.length));
    expect(walk.stack.violations.map(({ message }) => message)).toEqual([]);
    // Adapters did come and go, with connections on them.
    expect(Math.min(walk.comings, walk.goings)).toBeGreaterThan(40);
    for (const { returned, uploads } of walk.hosts) expect(Math.min(returned, uploads)).toBeGreaterThan(100);
    walk.end();
  });
});
