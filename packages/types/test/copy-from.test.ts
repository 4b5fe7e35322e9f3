import {
  IpOffloadStats,
  NdisObjectHeader,
  NdisOffloadEncapsulation,
  NdisOffloadEncapsulationSettings,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadParameters,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OffloadStateHeader,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TcpOffloadKeepAlive,
  TcpOffloadRetransmit,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  TcpOffloadStats,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

interface Copyable {
  copyFrom(from: object): unknown;
}

const classes = [
  NdisObjectHeader,
  OffloadStateHeader,
  NeighborOffloadStateConst,
  NeighborOffloadStateCached,
  NeighborOffloadStateDelegated,
  PathOffloadStateConst,
  PathOffloadStateCached,
  PathOffloadStateDelegated,
  TcpOffloadStateConst,
  TcpOffloadStateCached,
  TcpOffloadKeepAlive,
  TcpOffloadRetransmit,
  TcpOffloadStateDelegated,
  TcpOffloadStats,
  IpOffloadStats,
  NdisOffloadEncapsulationSettings,
  NdisOffloadEncapsulation,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadParameters,
].map((structure): [name: string, create: () => Copyable] => [structure.name, () => new structure()]);

/** Stands for what a pointer points at; a copy must point at the very same one. */
class Pointee {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

type Leaf = number | string;

/** Every member, nested ones too, under its path. A pointer is shown by the name that `fill` gave its target. */
function leavesOf(structure: object, path = ''): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  for (const [member, value] of Object.entries(structure) as [string, unknown][]) {
    const here = `${path}.${member}`;
    if (typeof value === 'number') leaves.set(here, value);
    else if (value instanceof Uint8Array) leaves.set(here, value.join(' '));
    else if (value === null) leaves.set(here, 'null');
    else if (value instanceof Pointee) leaves.set(here, value.name);
    else leavesOf(value as object, here).forEach((leaf, key) => leaves.set(key, leaf));
  }
  return leaves;
}

/** Gives every member a value that no other member and no new structure has. */
function fill(structure: object, start: number): number {
  let next = start;
  const members = structure as Record<string, unknown>;
  for (const [member, value] of Object.entries(members)) {
    next += 1;
    if (typeof value === 'number') members[member] = next;
    else if (value instanceof Uint8Array && value.length > 0) value.fill(next % 251, 1, 7);
    else if (value instanceof Uint8Array) members[member] = Uint8Array.of(10, 0, 0, next % 251);
    else if (value === null || value instanceof Pointee) members[member] = new Pointee(`${member} ${next}`);
    else next = fill(value as object, next);
  }
  return next;
}

describe.each(classes)('%s.copyFrom', (_name, create) => {
  test('copies every member', () => {
    const from = create();
    const to = create();
    const before = leavesOf(to);
    fill(from, 5000);
    for (const [path, leaf] of leavesOf(from)) expect(leaf, `${path} before the copy`).not.toBe(before.get(path));
    to.copyFrom(from);
    expect(leavesOf(to)).toEqual(leavesOf(from));
  });

  test('copies over what an earlier copy left', () => {
    const from = create();
    const to = create();
    const other = create();
    fill(other, 7000);
    fill(from, 5000);
    to.copyFrom(other);
    to.copyFrom(from);
    expect(leavesOf(to)).toEqual(leavesOf(from));
  });

  test('leaves the copy independent of the original', () => {
    const from = create();
    const to = create();
    fill(from, 5000);
    to.copyFrom(from);
    const copied = leavesOf(to);
    for (const value of Object.values(from) as unknown[]) if (value instanceof Uint8Array) value.fill(0xEE);
    fill(from, 9000);
    expect(leavesOf(to)).toEqual(copied);
  });

  test('leaves the original as it was', () => {
    const from = create();
    fill(from, 5000);
    const original = leavesOf(from);
    const to = create();
    to.copyFrom(from);
    for (const value of Object.values(to) as unknown[]) if (value instanceof Uint8Array) value.fill(0xEE);
    fill(to, 9000);
    expect(leavesOf(from)).toEqual(original);
  });

  test('returns the copy and adds no member', () => {
    const to = create();
    const members = Object.keys(to);
    const from = create();
    fill(from, 5000);
    expect(to.copyFrom(from)).toBe(to);
    expect(Object.keys(to)).toEqual(members);
  });
});

describe('copyFrom', () => {
  test('reuses the MAC address arrays and nested structures of the copy', () => {
    const neighbor = new NeighborOffloadStateConst();
    const { dlSourceAddress } = neighbor;
    expect(neighbor.copyFrom(new NeighborOffloadStateConst()).dlSourceAddress).toBe(dlSourceAddress);
    const tcp = new TcpOffloadStateDelegated();
    const { keepAlive, retransmit } = tcp;
    tcp.copyFrom(new TcpOffloadStateDelegated());
    expect(tcp.keepAlive).toBe(keepAlive);
    expect(tcp.retransmit).toBe(retransmit);
  });

  test('never writes through the address pointers of a path, which may be borrowed', () => {
    const borrowed = Uint8Array.of(192, 0, 2, 1);
    const path = new PathOffloadStateConst();
    path.sourceAddress = borrowed;
    const from = new PathOffloadStateConst();
    from.sourceAddress = Uint8Array.of(198, 51, 100, 7);
    path.copyFrom(from);
    expect([...borrowed]).toEqual([192, 0, 2, 1]);
    expect([...path.sourceAddress]).toEqual([198, 51, 100, 7]);
  });

  test('takes a path from IPv4 to IPv6 addresses', () => {
    const from = new PathOffloadStateConst();
    from.sourceAddress = new Uint8Array(16).fill(1);
    from.destinationAddress = new Uint8Array(16).fill(2);
    const path = new PathOffloadStateConst();
    path.sourceAddress = new Uint8Array(4);
    path.copyFrom(from);
    expect([path.sourceAddress.length, path.destinationAddress.length]).toEqual([16, 16]);
  });
});
