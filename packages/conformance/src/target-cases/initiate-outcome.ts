import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_POLICY,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_OFFLOAD_VLAN_ENTRIES,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  formatNdisStatus,
  offloadLayerOf,
  type NDIS_STATUS,
  type OffloadLayer,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf } from '../probes/trees.ts';
import type { TargetWorld } from '../world/target-world.ts';

/**
 * A status that no driver writes, and that a verifier writes as well: what is still there at a completion was not
 * written.
 */
export const UNWRITTEN: NDIS_STATUS = NDIS_STATUS_PENDING;

/** What any object may be refused with, and what those of one layer may. Source: `nf-ndischimney-ndisminitiateoffloadcomplete.md`. */
const REFUSALS: readonly NDIS_STATUS[] = [NDIS_STATUS_FAILURE, NDIS_STATUS_RESOURCES, NDIS_STATUS_OFFLOAD_POLICY];
const REFUSALS_OF: Readonly<Record<OffloadLayer, readonly NDIS_STATUS[]>> = {
  neighbor: [NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH],
  path: [NDIS_STATUS_OFFLOAD_PATH_ENTRIES, NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, NDIS_STATUS_OFFLOAD_PATH_MTU],
  tcp: [
    NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
    NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
    NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
    NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
    NDIS_STATUS_OFFLOAD_PATH_MTU,
    NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  ],
};

type Role = 'placeholder' | 'linker' | 'new';

/** True for a status that says that an object is offloaded. */
export function isOffloaded({ status }: ProtocolOffloadBlockList): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/** @throws ConformanceFailure unless a block was refused with this status, or with one that says nothing of why. */
export function checkRefused(block: ProtocolOffloadBlockList, status: NDIS_STATUS, what: string): void {
  check(!isOffloaded(block), `${what} was offloaded`);
  check(block.status === status || REFUSALS.includes(block.status), `${what} was refused with ${formatNdisStatus(block.status)}`);
}

/** The statuses of these blocks, by name, for comparison and for messages. */
export function statusesOf(blocks: readonly ProtocolOffloadBlockList[]): string[] {
  return blocks.map(({ status }) => formatNdisStatus(status));
}

/**
 * Offers a tree, and checks what holds for every initiate, whatever is refused: statuses that fit their blocks and what
 * became of those below, contexts for what is offloaded and for nothing else.
 */
export async function offer(world: TargetWorld, root: ProtocolOffloadBlockList): Promise<void> {
  const checkOutcome = poisoned(root);
  await world.operate('initiate', root);
  checkOutcome(world);
}

/** Poisons a tree that is about to be offered. @returns the check of what became of it, as {@link offer} makes it. */
export function poisoned(root: ProtocolOffloadBlockList): (world: TargetWorld) => void {
  const before = new Map<ProtocolOffloadBlockList, { readonly role: Role; readonly context: unknown }>();
  for (const block of blocksOf(root)) {
    const context = block.offloadHandle?.miniportOffloadContext ?? null;
    before.set(block, { role: block.offloadHandle === null ? 'placeholder' : context === null ? 'new' : 'linker', context });
    block.status = UNWRITTEN;
  }
  return (world) => {
    const roleOf = (block: ProtocolOffloadBlockList): Role => present(before.get(block)).role;
    for (const block of before.keys()) {
      const { role, context } = present(before.get(block));
      const name = nameOf(block);
      checkStatus(block, role, name);
      if (role === 'linker') check(block.offloadHandle?.miniportOffloadContext === context, `the context of ${name}, which a linker names, was changed`);
      for (const dependent of dependentsOf(block)) {
        if (role !== 'new' || isOffloaded(block) || roleOf(dependent) === 'placeholder') continue;
        check(!isOffloaded(dependent), `${nameOf(dependent)} was offloaded below ${name}, which was refused`);
      }
    }
    if (roleOf(root) === 'new' && !isOffloaded(root)) {
      const taken = [...before.keys()].filter((block) => roleOf(block) === 'new' && block.offloadHandle?.miniportOffloadContext != null);
      checkEqual(taken.map(nameOf), [], 'objects that were offloaded though the root was refused');
    }
    checkContexts(world);
  };
}

function checkStatus(block: ProtocolOffloadBlockList, role: Role, name: string): void {
  const { status } = block;
  check(status !== UNWRITTEN, `the status of ${name} was not written`);
  const said = `${name} (${role}) ended with ${formatNdisStatus(status)}`;
  if (role === 'placeholder') {
    check(status === NDIS_STATUS_SUCCESS, `${said}: a placeholder succeeds whatever becomes of those below it`);
    return;
  }
  if (role === 'new' && !isOffloaded(block)) {
    const layer = present(offloadLayerOf(block.header.type));
    check(REFUSALS.includes(status) || REFUSALS_OF[layer].includes(status), `${said}, which is no status for a block of layer ${layer}`);
    return;
  }
  const dependents = dependentsOf(block);
  const offloaded = dependents.filter(isOffloaded).length;
  const isSomePartial = dependents.some((dependent) => dependent.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
  const found = `${offloaded} of the ${dependents.length} right below it are offloaded`;
  if (offloaded === dependents.length) {
    // Whether one that is offloaded in part makes the one below partial too is left open.
    check(status === NDIS_STATUS_SUCCESS || (isSomePartial && status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), `${said}, but ${found}`);
  } else if (role === 'linker' && offloaded === 0) {
    check(status === NDIS_STATUS_FAILURE, `${said}, but ${found}`);
  } else {
    check(status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, `${said}, but ${found}`);
  }
}

/** What is offloaded has a context of its own, what was refused has none. */
function checkContexts({ host, binding }: TargetWorld): void {
  const owners = new Map<unknown, string>();
  for (const [handle, block] of host.handles) {
    if (handle.binding !== binding) continue;
    const { miniportOffloadContext: context, owner } = handle;
    const name = String(owner);
    if (handle.state === 'dead') {
      check(context === null, `${name} is not offloaded, but the cell of its handle was written`);
      continue;
    }
    if (handle.state !== 'offloaded') continue;
    check(context !== null, `${nameOf(block)} is offloaded, but the cell of its handle is empty`);
    check(!owners.has(context), `${name} and ${owners.get(context)} share a context`);
    owners.set(context, name);
  }
}

/** The blocks right below one. */
function dependentsOf(block: ProtocolOffloadBlockList): ProtocolOffloadBlockList[] {
  const dependents: ProtocolOffloadBlockList[] = [];
  for (let dependent = block.dependentBlockList; dependent !== null; dependent = dependent.nextBlock) dependents.push(dependent);
  return dependents;
}

function nameOf(block: ProtocolOffloadBlockList): string {
  return block.offloadHandle === null ? `a placeholder of type ${block.header.type}` : String(block.offloadHandle.owner);
}
