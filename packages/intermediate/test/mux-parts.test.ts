import { MuxShared, MuxUpper, NetBufferListTracker, combineCapabilities, tagInfo } from '@ndis-chimney/intermediate';
import {
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED,
  NDIS_OFFLOAD_NOT_SUPPORTED,
  NDIS_OFFLOAD_SUPPORTED,
  NdisTcpConnectionOffload,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  NetBufferList,
  OFFLOAD_STATE_TYPE,
  OffloadBlockList,
  OffloadBlockState,
  OffloadHandle,
  PathOffloadStateCached,
  type NeighborOffloadState,
  type PathOffloadState,
} from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createEdge } from './edge.ts';

function offload(members: Partial<NdisTcpConnectionOffload>): NdisTcpConnectionOffload {
  return Object.assign(new NdisTcpConnectionOffload(), members);
}

describe('combineCapabilities', () => {
  test('of none is none, of one the same in a structure of its own', () => {
    const one = offload({ tcpConnectionOffloadCapacity: 5, supportSack: NDIS_OFFLOAD_SUPPORTED });
    expect([combineCapabilities([]), combineCapabilities([null])]).toEqual([null, null]);
    const combined = combineCapabilities([null, one]);
    expect(combined).toEqual(one);
    expect(combined).not.toBe(one);
  });

  test('takes the features that all have, the encapsulations in common and the least capacity', () => {
    const both = NDIS_ENCAPSULATION_IEEE_802_3 | NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED;
    const a = offload({ encapsulation: both, supportIPv4: NDIS_OFFLOAD_SUPPORTED, supportIPv6: NDIS_OFFLOAD_SUPPORTED, tcpConnectionOffloadCapacity: 10 });
    const b = offload({ encapsulation: NDIS_ENCAPSULATION_IEEE_802_3, supportIPv4: NDIS_OFFLOAD_SUPPORTED, supportSack: NDIS_OFFLOAD_SUPPORTED, tcpConnectionOffloadCapacity: 7 });
    expect(combineCapabilities([a, b])).toMatchObject({
      encapsulation: NDIS_ENCAPSULATION_IEEE_802_3,
      supportIPv4: NDIS_OFFLOAD_SUPPORTED,
      supportIPv6: NDIS_OFFLOAD_NOT_SUPPORTED,
      supportIPv6ExtensionHeaders: NDIS_OFFLOAD_NOT_SUPPORTED,
      supportSack: NDIS_OFFLOAD_NOT_SUPPORTED,
      tcpConnectionOffloadCapacity: 7,
    });
    expect(a.tcpConnectionOffloadCapacity).toBe(10);
  });

  test('does not depend on the order', () => {
    const any = fc.record({ encapsulation: fc.nat(31), supportIPv4: fc.nat(1), supportIPv6: fc.nat(1), supportSack: fc.nat(1), tcpConnectionOffloadCapacity: fc.nat(100) }).map(offload);
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 5 }), (all) => {
        expect(combineCapabilities([...all].reverse())).toEqual(combineCapabilities(all));
      }),
    );
  });
});

describe('MuxShared', () => {
  const { binding } = createEdge();
  const upper = new MuxUpper({ name: 'u' });
  const sharedOf = (type: (typeof OFFLOAD_STATE_TYPE)[keyof typeof OFFLOAD_STATE_TYPE]): MuxShared => new MuxShared(new OffloadBlockList(type, new OffloadHandle(binding, null), null), upper);

  function neighbor(host: number, nic: number): NeighborOffloadState {
    const [constant, cached, delegated] = [new NeighborOffloadStateConst(), new NeighborOffloadStateCached(), new NeighborOffloadStateDelegated()];
    constant.vlanId = 9;
    cached.hostReachabilityDelta = host;
    delegated.nicReachabilityDelta = nic;
    return new OffloadBlockState(constant, cached, delegated);
  }

  test('keeps a copy of the state, whose reachability ages in ticks of the rate that is set', () => {
    const shared = sharedOf(OFFLOAD_STATE_TYPE.NeighborOffloadState);
    expect(shared.isKnown).toBe(false);
    const given = neighbor(3, 4);
    shared.learn(given, 1000);
    given.cached = null;
    expect([shared.isKnown, shared.vlanId]).toEqual([true, 9]);
    const { cached, delegated } = shared.stateAt(1500, 100) as NeighborOffloadState;
    expect([cached?.hostReachabilityDelta, delegated?.nicReachabilityDelta]).toEqual([53, 54]);
    expect((shared.stateAt(1000, 100) as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(3);
  });

  test('does not age the 0 that says that the host’s own entry is stale', () => {
    const shared = sharedOf(OFFLOAD_STATE_TYPE.NeighborOffloadState);
    shared.learn(neighbor(0, 0), 0);
    const { cached, delegated } = shared.stateAt(10, 1000) as NeighborOffloadState;
    expect([cached?.hostReachabilityDelta, delegated?.nicReachabilityDelta]).toEqual([0, 10]);
  });

  test('takes what an update brings, and keeps the rest', () => {
    const shared = sharedOf(OFFLOAD_STATE_TYPE.NeighborOffloadState);
    shared.learn(neighbor(3, 4), 0);
    const cached = new NeighborOffloadStateCached();
    cached.hostReachabilityDelta = 1;
    shared.learn(new OffloadBlockState(null, cached, null), 0);
    const state = shared.stateAt(0, 1000) as NeighborOffloadState;
    expect([state.const?.vlanId, state.cached?.hostReachabilityDelta, state.delegated?.nicReachabilityDelta]).toEqual([9, 1, 4]);
  });

  test('tells into the structures that a block has, and into no others', () => {
    const shared = sharedOf(OFFLOAD_STATE_TYPE.Ip4OffloadState);
    const cached = new PathOffloadStateCached();
    cached.pathMtu = 1492;
    shared.learn(new OffloadBlockState(null, cached, null), 0);
    const into: PathOffloadState = new OffloadBlockState<PathOffloadState['const'], PathOffloadStateCached, PathOffloadState['delegated']>(null, new PathOffloadStateCached(), null) as PathOffloadState;
    shared.tell(into, 99, 1000);
    expect([into.const, into.cached?.pathMtu, into.delegated]).toEqual([null, 1492, null]);
  });
});

describe('NetBufferListTracker of several interfaces', () => {
  function three(): { tracker: NetBufferListTracker<string>; list: NetBufferList } {
    const tracker = new NetBufferListTracker<string>(createEdge().ndis, { name: 'im' });
    const [a, b, c] = [new NetBufferList(), new NetBufferList(), new NetBufferList()];
    tracker.push(a, 'u');
    tracker.push(b, 'v');
    tracker.push(c, 'u');
    a.next = b;
    b.next = c;
    return { tracker, list: a };
  }

  test('names the interface of a list that is of one only', () => {
    const { tracker, list } = three();
    expect(tracker.onlyUpperEdgeOf(list)).toBeNull();
    list.next = list.next?.next ?? null;
    expect(tracker.onlyUpperEdgeOf(list)).toBe('u');
  });

  test('when one delivery throws the other interfaces get theirs, and the caller gets the error', () => {
    const { tracker, list } = three();
    const delivered: string[] = [];
    expect(() => {
      tracker.popByUpperEdge(list, (edge) => {
        delivered.push(edge);
        if (edge === 'u') throw new Error('stopped');
      });
    }).toThrow('stopped');
    expect([delivered, tracker.outstanding]).toEqual([['u', 'v'], 0]);
  });
});

test('tagInfo packs a tag as NDIS_NET_BUFFER_LIST_8021Q_INFO does', () => {
  expect([tagInfo(0, 0), tagInfo(1, 0), tagInfo(4094, 7)]).toEqual([0, 0x10, 0xFFE7]);
});
