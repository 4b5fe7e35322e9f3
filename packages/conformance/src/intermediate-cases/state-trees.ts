import { offloadLayerOf, type MiniportOffloadBlockList, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { check } from '../check.ts';
import { blocksOf } from '../probes/trees.ts';

type AnyBlock = ProtocolOffloadBlockList | MiniportOffloadBlockList;

const LAYERS = ['neighbor', 'path', 'tcp'] as const;

/** The links of a tree: types of its blocks, nested as they are. Equal for trees of the same shape. */
export function outlineOf(root: AnyBlock): string {
  const { nextBlock, dependentBlockList, header } = root;
  const dependents = dependentBlockList === null ? '' : `(${outlineOf(dependentBlockList)})`;
  return `${header.type}${dependents}${nextBlock === null ? '' : ` ${outlineOf(nextBlock)}`}`;
}

/** @throws ConformanceFailure unless a tree is linked as CHIM-BLK-001 has it. */
export function checkLinks(root: AnyBlock, whose: string): void {
  const seen = new Set<AnyBlock>();
  const visit = (first: AnyBlock, layer: (typeof LAYERS)[number] | null): void => {
    for (let block: AnyBlock | null = first; block !== null; block = block.nextBlock) {
      check(!seen.has(block), `${whose}: a block can be reached twice`);
      seen.add(block);
      check(offloadLayerOf(block.header.type) === layer, `${whose}: a block of another layer is among those of ${String(layer)} type`);
      if (block.dependentBlockList === null) continue;
      check(layer !== 'tcp' && layer !== null, `${whose}: a TCP block has dependents`);
      visit(block.dependentBlockList, LAYERS[LAYERS.indexOf(layer) + 1] ?? null);
    }
  };
  visit(root, offloadLayerOf(root.header.type));
}

/** What is in the state of each block of a tree. */
export function statesOf(root: AnyBlock): string[] {
  return blocksOf<ProtocolOffloadBlockList | MiniportOffloadBlockList>(root as ProtocolOffloadBlockList).map(({ state }) => JSON.stringify(state, jsonOf));
}

/** Lists of NBLs are compared elsewhere; everything else in state is plain. */
export function jsonOf(key: string, value: unknown): unknown {
  if (key === 'sendDataHead' || key === 'sendDataTail' || key === 'bufferedData') return value === null ? null : 'NET_BUFFER_LIST';
  return typeof value === 'bigint' ? String(value) : value;
}

/** Everything of a tree that the driver above put in it, by block: what must be there again when it comes back. */
export function membersOfTree(root: ProtocolOffloadBlockList): unknown[] {
  return blocksOf(root).flatMap((block) => {
    const { nextBlock, dependentBlockList, protocolReserved0, protocolReserved1, imReserved0, imReserved1, sourceHandle, portNumber, netBufferListChain, state, offloadHandle, header } = block;
    return [nextBlock, dependentBlockList, protocolReserved0, protocolReserved1, imReserved0, imReserved1, sourceHandle, portNumber, netBufferListChain, state, offloadHandle, header.type, header.size];
  });
}

/** What {@link membersOfTree} lists, per block. */
const MEMBERS = ['NextBlock', 'DependentBlockList', 'ProtocolReserved[0]', 'ProtocolReserved[1]', 'ImReserved[0]', 'ImReserved[1]', 'SourceHandle', 'PortNumber', 'NetBufferListChain', 'the state', 'OffloadHandle', 'Header.Type', 'Header.Size'];

/** @throws ConformanceFailure that names the member, unless a tree has in it what it had. */
export function checkMembers(root: ProtocolOffloadBlockList, before: readonly unknown[], whose: string): void {
  const after = membersOfTree(root);
  check(after.length === before.length, `${whose}: it has ${after.length / MEMBERS.length} blocks, and had ${before.length / MEMBERS.length}`);
  for (const [at, member] of after.entries()) {
    check(member === before[at], `${whose}: ${String(MEMBERS[at % MEMBERS.length])} of block ${Math.floor(at / MEMBERS.length)} is not what it was`);
  }
}

/** Puts something of its own into every slot of a tree that the driver above may use. */
export function fillReserved(root: ProtocolOffloadBlockList): void {
  for (const [at, block] of blocksOf(root).entries()) {
    block.protocolReserved0 = `protocol ${at}`;
    block.protocolReserved1 = { at };
    block.imReserved0 = `X ${at}`;
    block.imReserved1 = at + 1;
    block.portNumber = at;
  }
}
