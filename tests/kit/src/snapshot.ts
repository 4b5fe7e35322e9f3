import type { NdisBinding, NetBufferList, OffloadBlockList, OffloadHandle, ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { ProbeStack } from './probe-stack.ts';

/** What NDIS counts per binding. Not part of its public face: tests of NDIS itself look at it, drivers cannot. */
interface BindingCounters {
  readonly gate: number;
  readonly outstandingNbls: number;
  readonly outstandingOperations: number;
  readonly outstandingOidRequests: number;
  readonly offloadedObjects: number;
  readonly indicatedNbls: number;
}

/** What a snapshot looks at besides the stack itself. */
export interface SnapshotSubjects {
  /** Lists; they may loop. */
  readonly lists?: readonly NetBufferList[];
  /** Trees; they may have cycles. */
  readonly trees?: readonly ProtocolOffloadBlockList[];
  readonly handles?: readonly OffloadHandle[];
}

/** Gives every object a short name, the same each time it is met. */
class Names {
  private readonly names = new Map<unknown, string>();

  of(value: unknown): string {
    if (typeof value !== 'object' || value === null) return String(value);
    let name = this.names.get(value);
    if (name === undefined) this.names.set(value, (name = `${value.constructor.name} ${this.names.size}`));
    return name;
  }
}

/**
 * Takes pictures of all that NDIS and drivers keep in the objects that cross: tags, marks, contexts, links, states,
 * depths and counters. A call that was refused must leave the picture as it was.
 */
export class Snapshots {
  private readonly stack: ProbeStack;
  private readonly subjects: SnapshotSubjects;
  private readonly names = new Names();

  constructor(stack: ProbeStack, subjects: SnapshotSubjects = {}) {
    this.stack = stack;
    this.subjects = subjects;
  }

  /** One line per object. */
  take(): string[] {
    const { lists = [], trees = [], handles = [] } = this.subjects;
    const blocks = new Set<OffloadBlockList>();
    for (const tree of trees) collectBlocks(tree as unknown as OffloadBlockList, blocks);
    const nbls = new Set<NetBufferList>([...this.stack.host.nbls, ...this.stack.target.nbls]);
    for (const list of lists) collectNbls(list, nbls);
    for (const { netBufferListChain } of blocks) if (netBufferListChain !== null) collectNbls(netBufferListChain, nbls);
    const known = new Set<OffloadHandle>([...this.stack.host.handles.keys(), ...handles]);
    for (const { offloadHandle } of blocks) if (offloadHandle !== null) known.add(offloadHandle);
    return [
      ...[...nbls].map((nbl) => this.describeNbl(nbl)),
      ...[...blocks].map((block) => this.describeBlock(block)),
      ...[...known].flatMap((handle) => this.describeHandle(handle)),
      ...this.bindings().map((binding) => this.describeBinding(binding)),
      `out: ${JSON.stringify(this.stack.ndis.outstanding)}`,
    ];
  }

  private bindings(): (NdisBinding & BindingCounters)[] {
    return [...this.stack.ndis.adapters.values()].flatMap((adapter) => adapter.bindings as unknown as (NdisBinding & BindingCounters)[]);
  }

  private describeNbl(nbl: NetBufferList): string {
    const contexts: string[] = [];
    for (let context = nbl.context; context !== null; context = context.next) contexts.push(`${this.names.of(context)} of ${context.owner?.name ?? 'nobody'}`);
    return `${this.names.of(nbl)}: source ${this.names.of(nbl.sourceHandle)}, next ${this.names.of(nbl.next)}, contexts [${contexts.join(', ')}]`;
  }

  private describeBlock(block: OffloadBlockList): string {
    const { names } = this;
    const im = `${names.of(block.imReserved0)}/${names.of(block.imReserved1)}`;
    const links = `${names.of(block.nextBlock)}/${names.of(block.dependentBlockList)}`;
    return `${names.of(block)}: mark ${names.of(block.ndisReserved0)}, source ${names.of(block.sourceHandle)}, handle ${names.of(block.offloadHandle)}, im ${im}, links ${links}, chain ${names.of(block.netBufferListChain)}`;
  }

  /** The handle, and those the intermediate drivers have for the same object. */
  private describeHandle(handle: OffloadHandle): string[] {
    const lines: string[] = [];
    let at: OffloadHandle | null = handle;
    while (at !== null) {
      const { state, ndisInvalid, ndisReserved0, miniportOffloadContext, ndisCallDepth, ndisIndicationDepth } = at;
      // What data calls look at counts only while the object is offloaded.
      const openTo = state === 'offloaded' ? `, open to ${this.names.of(ndisReserved0)}` : '';
      lines.push(
        `${this.names.of(at)}: ${state}${openTo}, invalid ${ndisInvalid}, cell ${this.names.of(miniportOffloadContext)}, depths ${ndisCallDepth}/${ndisIndicationDepth}`,
      );
      const entry: { readonly handle?: OffloadHandle; readonly upperHandle?: OffloadHandle } | null = miniportOffloadContext as object | null;
      at = entry?.upperHandle === undefined ? null : (entry.handle ?? null);
    }
    return lines;
  }

  private describeBinding(binding: NdisBinding & BindingCounters): string {
    const { gate, outstandingNbls, outstandingOperations, outstandingOidRequests, offloadedObjects, indicatedNbls } = binding;
    return `binding to ${binding.adapterName}: gate ${gate}, below ${outstandingNbls} NBLs, ${outstandingOperations} operations, ${outstandingOidRequests} requests, ${offloadedObjects} objects; above ${indicatedNbls} NBLs`;
  }
}

function collectNbls(list: NetBufferList, into: Set<NetBufferList>): void {
  for (let nbl: NetBufferList | null = list; nbl?.next !== undefined && !into.has(nbl); nbl = nbl.next) into.add(nbl);
}

function collectBlocks(root: OffloadBlockList, into: Set<OffloadBlockList>): void {
  const waiting = [root];
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (into.has(block)) continue;
    into.add(block);
    if (block.nextBlock !== null) waiting.push(block.nextBlock);
    if (block.dependentBlockList !== null) waiting.push(block.dependentBlockList);
  }
}
