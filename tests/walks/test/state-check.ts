import type { ChimneyConnection, HostNeighbor, HostPath, OffloadedObject } from '@ndis-chimney/host';
import { NDIS_STATUS_SUCCESS, TCP_FLAG_KEEP_ALIVE_RESTART, TCP_FLAG_MAX_RT_RESTART, TCP_FLAG_UPDATE_RCV_WND, TCP_OFFLOAD_CONNECTION_STATE, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { Conversation } from './conversation.ts';
import type { LedgerEntry } from './object-ledger.ts';
import { pick } from './pick.ts';
import { FIRST_SEQ } from './segment.ts';
import type { WalkWorld } from './walk-world.ts';

/** Compares what the host believes with what the target has: which objects, their links, and the state of some of them. */
export async function checkState(world: WalkWorld, byPort: (port: number) => Conversation | undefined, from: number, most: number): Promise<void> {
  const { host, ledger, memory } = world;
  const objects = host.offloadedObjects;
  const entries = ledger.objects;
  for (const layer of ['neighbor', 'path', 'tcp'] as const) {
    const [mine, its] = [objects.filter((object) => object.layer === layer).length, entries.filter((entry) => entry.layer === layer).length];
    if (mine !== its) world.faults.push(`the host has offloaded ${mine} objects of layer ${layer}, and the target has ${its}`);
  }
  for (const { layer, offloadState } of objects) if (offloadState === 'Offloading' || offloadState === 'Uploading') world.faults.push(`a ${layer} stays ${offloadState}`);
  for (const { layer, offloadState, handle } of objects) {
    const known = handle?.state === 'offloaded' && handle.invalid ? 'invalid' : handle?.state;
    if (known !== offloadState.toLowerCase()) world.faults.push(`a ${layer} is ${offloadState} for the host and ${String(known)} for NDIS`);
  }
  checkLinks(world, host.connections, entries);
  const peers = memory.offloadedPeers().length;
  const connections = entries.filter(({ layer }) => layer === 'tcp').length;
  if (peers !== connections) world.faults.push(`the target has ${peers} connections, and ${connections} were offloaded`);
  const chosen = objects.length <= most ? objects : Array.from({ length: most }, (_, at) => pick(objects, from + at * 7));
  let open = chosen.length;
  for (const object of chosen) void compare(world, object, byPort).finally(() => open--);
  await world.settle();
  if (open > 0) world.faults.push(`${open} queries without an end`);
}

/** What depends on one object for the host depends on one object for the target, and the other way round. */
function checkLinks(world: WalkWorld, connections: readonly ChimneyConnection[], entries: readonly LedgerEntry[]): void {
  const byPort = new Map(entries.map((entry) => [entry.port, entry]));
  const known = new Map<OffloadedObject, LedgerEntry>();
  const taken = new Map<LedgerEntry, OffloadedObject>();
  const same = (object: OffloadedObject | null, entry: LedgerEntry | null | undefined): void => {
    if (object === null || entry === null || entry === undefined) {
      if (object !== null || entry != null) world.faults.push('an object has a parent on one side only');
      return;
    }
    const [entryThen, objectThen] = [known.get(object) ?? entry, taken.get(entry) ?? object];
    known.set(object, entryThen);
    taken.set(entry, objectThen);
    if (entryThen !== entry || objectThen !== object) world.faults.push(`a ${object.layer} is linked differently on the two sides`);
    if ((entry.state === 'invalid') !== (object.offloadState === 'Invalid') && object.offloadState !== 'Lost') world.faults.push(`a ${object.layer} is ${object.offloadState} for the host and ${entry.state} for the target`);
  };
  for (const connection of connections) {
    const entry = byPort.get(connection.constState.localPort);
    same(connection, entry);
    same(connection.path, entry?.parent);
    same(connection.path?.neighbor ?? null, entry?.parent?.parent);
  }
}

async function compare(world: WalkWorld, object: OffloadedObject, byPort: (port: number) => Conversation | undefined): Promise<void> {
  const isWithTarget = object.offloadState === 'Offloaded' || object.offloadState === 'Invalid';
  const own = object as ChimneyConnection | HostPath | HostNeighbor;
  const { status, state } = await own.query();
  if (!isWithTarget || own.offloadState === 'InHost') return;
  if (status !== NDIS_STATUS_SUCCESS || state === null) {
    world.faults.push(`a query of a ${own.layer} that is ${own.offloadState} ended with ${status}`);
    return;
  }
  const differences = [...differing('const', own.constState, state.const), ...differing('cached', own.cached, state.cached)];
  if (differences.length > 0) world.faults.push(`the target has other state of a ${own.layer}: ${differences.join(', ')}`);
  const conversation = own.layer === 'tcp' ? byPort((own).constState.localPort) : undefined;
  if (conversation !== undefined) checkDelegated(conversation, state.delegated as TcpOffloadStateDelegated);
}

const COMMANDS = TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND;

/** Members whose values are not those that were given: addresses and numbers. */
function differing(part: string, mine: object, its: object | null): string[] {
  if (its === null) return [`no ${part} state`];
  return Object.entries(mine).flatMap(([name, value]: [string, unknown]) => {
    const other = (its as Record<string, unknown>)[name];
    // Flags that are commands are part of an update, not of the state.
    if (part === 'cached' && name === 'flags' && (((value as number) ^ (other as number)) & ~COMMANDS) === 0) return [];
    // The age of a confirmation is not stored but counted, on each side.
    if (name === 'header' || name === 'hostReachabilityDelta' || textOf(value) === textOf(other)) return [];
    return [`${name} ${textOf(other)} instead of ${textOf(value)}`];
  });
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? value.join('.') : String(value);
}

/** The numbers of the target fit what both ends know. */
function checkDelegated(conversation: Conversation, { sndUna, sndNxt, sndMax, rcvNxt, state }: TcpOffloadStateDelegated): void {
  if (!conversation.isLasting || state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed) return;
  const { outBytes, inBytes, inRead, outRead } = conversation;
  const [una, next, max, received] = [sndUna, sndNxt, sndMax, rcvNxt].map((sequence) => (sequence - FIRST_SEQ) | 0) as [number, number, number, number];
  const isOrdered = una <= next && next <= max && max <= outBytes + 1 && outRead <= max;
  if (!isOrdered) conversation.fault(`${outRead} read, ${una} acknowledged, ${next} next, ${max} sent, ${outBytes} to be sent`);
  if (received < inRead || received > inBytes + 1) conversation.fault(`${inRead} read, ${received} received, ${inBytes} sent by its peer`);
}
