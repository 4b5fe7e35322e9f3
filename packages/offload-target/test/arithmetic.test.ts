import {
  Ipv4Identification,
  Ipv6FragmentIdentification,
  RssSequencer,
  TCP_SEGMENT,
  TcpSegment,
  acceptsVlanTag,
  readTcpSegment,
  seqAdd,
  seqDelta,
  seqLess,
  vlanAdmission,
  vlanTag,
} from '@ndis-chimney/offload-target';
import {
  NDIS_STATUS_OFFLOAD_VLAN_ENTRIES,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  NDIS_STATUS_SUCCESS,
  convertTicks,
  isNeighborStale,
  mergedRoundTripTicks,
  timestampAt,
  timestampDelta,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

describe('timestamps', () => {
  it('GV-TS-1, CHIM-TS-001: the delta is what the giver is ahead of the taker', () => {
    expect(timestampDelta(100, 200)).toBe(-100);
  });

  it('GV-TS-2: without drift, timestamps run on across the offload and the upload', () => {
    const nicDelta = timestampDelta(100, 200);
    expect(mergedRoundTripTicks(205, nicDelta, 100)).toBe(5);
    expect(timestampAt(210, nicDelta)).toBe(110);
    expect(mergedRoundTripTicks(215, nicDelta, 110)).toBe(5);
    const tsTime = timestampAt(250, nicDelta);
    const stackDelta = timestampDelta(tsTime, 150);
    expect([tsTime, stackDelta, mergedRoundTripTicks(155, stackDelta, 150)]).toEqual([150, 0, 5]);
  });

  it('GV-TS-3, CHIM-TS-002, CHIM-TS-003: with drift too, and a second offload', () => {
    const nicDelta = timestampDelta(100, 200);
    expect([timestampAt(250, nicDelta), mergedRoundTripTicks(205, nicDelta, 100)]).toEqual([150, 5]);
    const stackDelta = timestampDelta(150, 200);
    expect([stackDelta, mergedRoundTripTicks(205, stackDelta, 150)]).toEqual([-50, 5]);
    expect([timestampAt(250, stackDelta), mergedRoundTripTicks(255, stackDelta, 200), timestampAt(400, stackDelta)]).toEqual([200, 5, 350]);
    const again = timestampDelta(350, 320);
    expect([again, mergedRoundTripTicks(325, again, 350)]).toEqual([30, 5]);
  });

  it('GV-TS-4: the slips of the printed tables are not what the formulas give', () => {
    const nicDelta = timestampDelta(100, 200);
    expect(timestampAt(250, nicDelta)).not.toBe(210 - 100);
    expect(mergedRoundTripTicks(325, 30, 35_050)).not.toBe(5);
    expect([timestampAt(250, nicDelta), 255 + (320 - 305)]).toEqual([150, 270]);
  });

  it('GV-TS-5: the round trip is right across the wrap', () => {
    expect(mergedRoundTripTicks(10, 0xFFFFFF9C, 0xFFFFFFA0)).toBe(6);
  });
});

describe('neighbor reachability', () => {
  const at = (now: number, delta: number): number => (now - delta) | 0;

  it('GV-EVT-5: an age that is greater than the clock gives a time before its zero', () => {
    expect(at(30, 50) >>> 0).toBe(4_294_967_276);
  });

  it('GV-EVT-6, CHIM-EVT-015: a neighbor is stale when both ages are greater than the limit', () => {
    const heard = at(30, 50);
    expect(isNeighborStale(80, heard, heard, 100)).toBe(false);
    expect(isNeighborStale(81, heard, heard, 100)).toBe(true);
    expect((81 - heard) >>> 0).toBe(101);
    expect(isNeighborStale(81, 81, heard, 100)).toBe(false);
    expect(isNeighborStale(81, heard, 81, 100)).toBe(false);
    expect(isNeighborStale(1_000_000, heard, heard, 0)).toBe(false);
  });

  it('GV-EVT-7, CHIM-EVT-017: the answer says when the next query may come', () => {
    const next = (answer: number): number => {
      for (let now = 81; ; now++) if (isNeighborStale(now, at(30, 50), at(81, answer), 100)) return now;
    };
    expect([next(0), next(20)]).toEqual([182, 162]);
  });

  it('GV-EVT-8: ticks of one clock are scaled to those of the other', () => {
    expect(convertTicks(50, 100, 1000)).toBe(500);
    expect(convertTicks(505, 1000, 100)).toBe(50);
  });

  it('GV-TMR-11: a counter of 1000 ticks per second wraps after more than several weeks', () => {
    expect(2 ** 32 / 1000 / 86_400).toBeCloseTo(49.7, 1);
    expect(isNeighborStale(5, -5, -5, 9)).toBe(true);
    expect(isNeighborStale(5, -5, -5, 10)).toBe(false);
  });
});

describe('VLANs', () => {
  it.each([
    [[0], 9, true, NDIS_STATUS_SUCCESS],
    [[], 9, true, NDIS_STATUS_SUCCESS],
    [[5, 7], 0, true, NDIS_STATUS_SUCCESS],
    [[5, 7], 7, true, NDIS_STATUS_SUCCESS],
    [[5, 7], 9, true, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH],
    [[5, 7], 7, false, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES],
    [[5, 7], 0, false, NDIS_STATUS_SUCCESS],
  ])('GV-VLAN-1, CHIM-VLAN-001 to CHIM-VLAN-003: interface %j, neighbor %i, entry %s: %i', (interfaceVlanIds, vlanId, hasEntry, status) => {
    expect(vlanAdmission(interfaceVlanIds, vlanId, hasEntry)).toBe(status);
  });

  it('GV-VLAN-2, CHIM-VLAN-004: the tag follows from VLAN and priority, CFI is 0', () => {
    expect([vlanTag(0, 0), vlanTag(0, 5), vlanTag(7, 0), vlanTag(7, 5)]).toEqual([null, 5 << 13, 7, (5 << 13) | 7]);
    expect((vlanTag(0xFFF, 7) ?? 0) & 0x1000).toBe(0);
  });

  it('GV-VLAN-3, CHIM-VLAN-005: VLAN 0 takes every frame, another only its own', () => {
    expect([null, 0, 9].map((tag) => acceptsVlanTag(0, tag))).toEqual([true, true, true]);
    expect([7, 7 | (5 << 13), null, 0, 9].map((tag) => acceptsVlanTag(7, tag))).toEqual([true, true, false, false, false]);
  });
});

describe('identifications', () => {
  it('GV-SND-8, CHIM-SND-014: of IPv4 datagrams are in the upper half, round and round', () => {
    const ids = new Ipv4Identification();
    const seen = new Set(Array.from({ length: 0x8001 }, () => ids.next()));
    expect([seen.size, Math.min(...seen), Math.max(...seen)]).toEqual([0x8000, 0x8000, 0xFFFF]);
    expect(new Ipv4Identification(0x7FFE).next()).toBe(0xFFFF);
  });

  it('GV-SND-8: of IPv6 fragments too', () => {
    const ids = new Ipv6FragmentIdentification(0x7FFFFFFE);
    expect([ids.next() >>> 0, ids.next() >>> 0, ids.next() >>> 0]).toEqual([0xFFFFFFFF, 0x80000000, 0x80000001]);
  });
});

describe('receive-side scaling', () => {
  it('GV-RXI-3, CHIM-RXI-009: a connection that moves to a CPU that is ahead keeps its order', () => {
    const sequencer = new RssSequencer<string>();
    const seen: string[] = [];
    const deliver = (id: number, packet: string): void => void seen.push(`${id} ${packet}`);
    sequencer.enqueue(1, 1, 'packet 0');
    sequencer.enqueue(2, 1, 'bystander');
    sequencer.enqueue(1, 3, 'packet 1');
    sequencer.run(3, deliver);
    expect(seen).toEqual(['1 packet 0', '1 packet 1']);
    sequencer.run(1, deliver);
    sequencer.run(1, deliver);
    expect(seen).toEqual(['1 packet 0', '1 packet 1', '2 bystander']);
  });
});

describe('sequence numbers', () => {
  it('are compared by their distance, across the wrap', () => {
    expect([seqDelta(5, -5), seqDelta(-2147483648, 2147483647), seqAdd(2147483647, 1)]).toEqual([10, 1, -2147483648]);
    expect([seqLess(2147483647, -2147483648), seqLess(1, 1)]).toEqual([true, false]);
  });
});

describe('a forwarded segment', () => {
  const bytes = Uint8Array.from([9, 9, 0, 80, 0x9C, 0x40, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 1, 0x60, 0x18, 1, 2, 0, 0, 0, 0, 1, 1, 1, 1, 7, 8, 9]);

  it('is taken apart, options left out', () => {
    const segment = new TcpSegment();
    expect(readTcpSegment(segment, bytes, 2, 27)).toBe(true);
    expect(segment).toMatchObject({ sourcePort: 80, destinationPort: 40_000, seq: -2, ack: 1, flags: TCP_SEGMENT.ACK | TCP_SEGMENT.PSH, window: 258, payloadOffset: 26, payloadBytes: 3 });
    expect([segment.knownBytes(-2), segment.knownBytes(1), segment.knownBytes(-3)]).toEqual([0, 3, -1]);
  });

  it('is none when it is shorter than its header, or its header than a header', () => {
    const segment = new TcpSegment();
    expect([readTcpSegment(segment, bytes, 2, 19), readTcpSegment(segment, bytes, 2, 23)]).toEqual([false, false]);
    const short = bytes.slice();
    short[14] = 0x40;
    expect(readTcpSegment(segment, short, 2, 27)).toBe(false);
  });
});
