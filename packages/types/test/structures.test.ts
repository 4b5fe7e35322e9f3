import {
  IpOffloadStats,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  NdisObjectHeader,
  NdisOffloadEncapsulation,
  NdisOffloadEncapsulationSettings,
  NdisOidRequest,
  NdisStatusIndication,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadEncapsulation,
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
  isNdisTcpConnectionOffloadParametersHeader,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

/** Own members by name, so that a comparison says nothing about the class. */
function membersOf(structure: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(structure));
}

interface WithObjectHeader {
  readonly header: NdisObjectHeader;
}

describe('structures with an object header', () => {
  const rows: [name: string, structure: WithObjectHeader, type: number, revision: number, size: number][] = [
    ['NdisTcpConnectionOffload', new NdisTcpConnectionOffload(), 0x80, 1, 0x14],
    ['NdisTcpConnectionOffload revision 2', new NdisTcpConnectionOffload(2), 0x80, 2, 0x14],
    ['NdisTcpConnectionOffloadParameters', new NdisTcpConnectionOffloadParameters(), 0x80, 2, 0x3C],
    ['NdisTcpConnectionOffloadParameters revision 1', new NdisTcpConnectionOffloadParameters(1), 0x80, 1, 0x38],
    ['NdisOffloadEncapsulation', new NdisOffloadEncapsulation(), 0xA8, 1, 0x1C],
    ['NdisMiniportAdapterOffloadAttributes', new NdisMiniportAdapterOffloadAttributes(), 0xA0, 1, 0x28],
    ['NdisMiniportAdapterRegistrationAttributes', new NdisMiniportAdapterRegistrationAttributes(), 0x9E, 1, 0x1C],
    ['NdisMiniportAdapterGeneralAttributes', new NdisMiniportAdapterGeneralAttributes(), 0x9F, 2, 0xE0],
    ['NdisStatusIndication', new NdisStatusIndication(), 0x98, 1, 0x70],
    ['NdisOidRequest', new NdisOidRequest(), 0x96, 1, 0xEC],
  ];

  test.each(rows)(
    'a new %s carries its documented type, revision and size',
    (_name, { header }, type, revision, size) => {
      expect(membersOf(header)).toEqual({ type, revision, size });
    },
  );
});

describe('offload state structures', () => {
  const rows: [name: string, structure: { readonly header: OffloadStateHeader }, length: number][] = [
    ['NeighborOffloadStateConst', new NeighborOffloadStateConst(), 0x2C],
    ['NeighborOffloadStateCached', new NeighborOffloadStateCached(), 0x2C],
    ['NeighborOffloadStateDelegated', new NeighborOffloadStateDelegated(), 0x0C],
    ['PathOffloadStateConst', new PathOffloadStateConst(), 0x18],
    ['PathOffloadStateCached', new PathOffloadStateCached(), 0x0C],
    ['PathOffloadStateDelegated', new PathOffloadStateDelegated(), 0x08],
    ['TcpOffloadStateConst', new TcpOffloadStateConst(), 0x18],
    ['TcpOffloadStateCached', new TcpOffloadStateCached(), 0x2C],
    ['TcpOffloadStateDelegated', new TcpOffloadStateDelegated(), 0x80],
  ];

  test.each(rows)('a new %s carries its x64 length and no recognized options', (_name, { header }, length) => {
    expect(membersOf(header)).toEqual({ length, recognizedOptions: 0 });
  });

  test('a bare state header counts its own eight bytes', () => {
    expect(new OffloadStateHeader().length).toBe(0x08);
  });
});

describe('members of new structures', () => {
  const header = expect.anything() as unknown;

  test('NeighborOffloadStateConst has the members of NEIGHBOR_OFFLOAD_STATE_CONST', () => {
    const expected = { header, dlSourceAddress: new Uint8Array(32), vlanId: 0 };
    expect(membersOf(new NeighborOffloadStateConst())).toEqual(expected);
  });

  test('NeighborOffloadStateCached has the members of NEIGHBOR_OFFLOAD_STATE_CACHED', () => {
    const expected = { header, dlDestinationAddress: new Uint8Array(32), hostReachabilityDelta: 0 };
    expect(membersOf(new NeighborOffloadStateCached())).toEqual(expected);
  });

  test('NeighborOffloadStateDelegated has the members of NEIGHBOR_OFFLOAD_STATE_DELEGATED', () => {
    expect(membersOf(new NeighborOffloadStateDelegated())).toEqual({ header, nicReachabilityDelta: 0 });
  });

  test('path structures have the members of their C structures', () => {
    const empty = new Uint8Array(0);
    expect(membersOf(new PathOffloadStateConst())).toEqual({ header, sourceAddress: empty, destinationAddress: empty });
    expect(membersOf(new PathOffloadStateCached())).toEqual({ header, pathMtu: 0 });
    expect(membersOf(new PathOffloadStateDelegated())).toEqual({ header });
  });

  const zeroed: [name: string, structure: object, others: Record<string, unknown>, zeros: string[]][] = [
    ['TcpOffloadStateConst', new TcpOffloadStateConst(), { header },
      ['flags', 'remotePort', 'localPort', 'sndWindScale', 'rcvWindScale', 'remoteMss', 'hashValue']],
    ['TcpOffloadStateCached', new TcpOffloadStateCached(), { header },
      ['flags', 'initialRcvWnd', 'rcvIndicationSize', 'kaProbeCount', 'kaTimeout', 'kaInterval', 'maxRT', 'flowLabel',
        'ttlOrHopLimit', 'tosOrTrafficClass', 'userPriority']],
    ['TcpOffloadStateDelegated', new TcpOffloadStateDelegated(),
      { header, sendDataHead: null, sendDataTail: null, bufferedData: null,
        keepAlive: new TcpOffloadKeepAlive(), retransmit: new TcpOffloadRetransmit() },
      ['state', 'flags', 'rcvNxt', 'rcvWnd', 'sndUna', 'sndNxt', 'sndMax', 'sndWnd', 'maxSndWnd', 'sendWL1', 'cWnd',
        'ssThresh', 'sRtt', 'rttVar', 'tsRecent', 'tsRecentAge', 'tsTime', 'totalRT', 'dupAckCount', 'sndWndProbeCount',
        'sendBacklogSize', 'receiveBacklogSize', 'dWnd']],
    ['TcpOffloadKeepAlive', new TcpOffloadKeepAlive(), {}, ['probeCount', 'timeoutDelta']],
    ['TcpOffloadRetransmit', new TcpOffloadRetransmit(), {}, ['count', 'timeoutDelta']],
    ['NdisOffloadEncapsulationSettings', new NdisOffloadEncapsulationSettings(), {},
      ['enabled', 'encapsulationType', 'headerSize']],
    ['TcpOffloadStats', new TcpOffloadStats(), {},
      ['inSegments', 'outSegments', 'currentlyEstablished', 'resetEstablished', 'retransmittedSegments', 'inErrors',
        'outResets']],
    ['IpOffloadStats', new IpOffloadStats(), {},
      ['inReceives', 'inOctets', 'inDelivers', 'outRequests', 'outOctets', 'inHeaderErrors', 'inTruncatedPackets',
        'inDiscards', 'outDiscards', 'outNoRoutes']],
    ['NdisTcpConnectionOffload', new NdisTcpConnectionOffload(), { header },
      ['encapsulation', 'supportIPv4', 'supportIPv6', 'supportIPv6ExtensionHeaders', 'supportSack',
        'congestionAlgorithm', 'tcpConnectionOffloadCapacity', 'flags']],
    ['NdisTcpConnectionOffloadParameters', new NdisTcpConnectionOffloadParameters(),
      { header, encapsulation: new NdisOffloadEncapsulation(), ticksPerSecond: 1000 },
      ['tcpAckFrequency', 'tcpDelayedAckTicks', 'tcpMaximumRetransmissions', 'tcpDoubtReachabilityRetransmissions',
        'tcpSwsPreventionTicks', 'tcpDuplicateAckThreshold', 'tcpPushTicks', 'nceStaleTicks', 'congestionAlgorithm']],
    ['NdisTcpConnectionOffloadEncapsulation', new NdisTcpConnectionOffloadEncapsulation(),
      { v4: new NdisOffloadEncapsulationSettings(), v6: new NdisOffloadEncapsulationSettings() },
      []],
    ['NdisMiniportAdapterRegistrationAttributes', new NdisMiniportAdapterRegistrationAttributes(),
      { header, miniportAdapterContext: null }, ['attributeFlags', 'checkForHangTimeInSeconds', 'interfaceType']],
    ['NdisMiniportAdapterGeneralAttributes', new NdisMiniportAdapterGeneralAttributes(),
      { header, permanentMacAddress: new Uint8Array(32), currentMacAddress: new Uint8Array(32) },
      ['mediaType', 'physicalMediumType', 'mtuSize', 'maxXmitLinkSpeed', 'xmitLinkSpeed', 'maxRcvLinkSpeed',
        'rcvLinkSpeed', 'mediaConnectState', 'mediaDuplexState', 'lookaheadSize', 'macAddressLength']],
    ['NdisMiniportAdapterOffloadAttributes', new NdisMiniportAdapterOffloadAttributes(),
      { header, defaultOffloadConfiguration: null, hardwareOffloadCapabilities: null,
        defaultTcpConnectionOffloadConfiguration: null, tcpConnectionOffloadHardwareCapabilities: null },
      []],
    ['NdisStatusIndication', new NdisStatusIndication(),
      { header, sourceHandle: null, destinationHandle: null, requestId: null, statusBuffer: null },
      ['portNumber', 'statusCode', 'flags', 'statusBufferSize']],
    ['NdisOidRequest', new NdisOidRequest(),
      { header, requestId: null, requestHandle: null, informationBuffer: null, ndisReserved: null,
        miniportReserved0: null, miniportReserved1: null, sourceReserved0: null, sourceReserved1: null },
      ['requestType', 'portNumber', 'timeout', 'oid', 'informationBufferLength', 'bytesWritten', 'bytesRead',
        'bytesNeeded', 'supportedRevision']],
  ];

  test.each(zeroed)('a new %s has every member set and its numbers zero', (_name, structure, others, zeros) => {
    expect(membersOf(structure)).toEqual({ ...others, ...Object.fromEntries(zeros.map((member) => [member, 0])) });
  });

  test('two structures share no byte array and no nested structure', () => {
    expect(new NeighborOffloadStateConst().dlSourceAddress).not.toBe(new NeighborOffloadStateConst().dlSourceAddress);
    expect(new TcpOffloadStateDelegated().keepAlive).not.toBe(new TcpOffloadStateDelegated().keepAlive);
  });
});

describe('isNdisTcpConnectionOffloadParametersHeader', () => {
  test.each([
    ['revision 1 with its size', 0x80, 1, 0x38],
    ['revision 1 with the size of the whole structure', 0x80, 1, 0x3C],
    ['revision 2 with its size', 0x80, 2, 0x3C],
    ['a later revision that is larger', 0x80, 3, 0x40],
  ])('accepts %s', (_name, type, revision, size) => {
    expect(isNdisTcpConnectionOffloadParametersHeader(new NdisObjectHeader(type, revision, size))).toBe(true);
  });

  test.each([
    ['another type', 0xA8, 1, 0x38],
    ['revision 0', 0x80, 0, 0x3C],
    ['revision 1 that is too small', 0x80, 1, 0x37],
    ['revision 2 with the size of revision 1', 0x80, 2, 0x38],
    ['a later revision that is too small', 0x80, 3, 0x3B],
  ])('refuses %s', (_name, type, revision, size) => {
    expect(isNdisTcpConnectionOffloadParametersHeader(new NdisObjectHeader(type, revision, size))).toBe(false);
  });
});

describe('NdisMiniportAdapterGeneralAttributes.macAddress', () => {
  test('sets both addresses and their length, and reads back at that length', () => {
    const attributes = new NdisMiniportAdapterGeneralAttributes();
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    attributes.macAddress = mac;
    mac.fill(0xFF);
    expect(attributes.macAddressLength).toBe(6);
    expect([...attributes.macAddress]).toEqual([2, 0, 0, 0, 0, 1]);
    expect([...attributes.permanentMacAddress.subarray(0, 7)]).toEqual([2, 0, 0, 0, 0, 1, 0]);
  });

  test('leaves nothing of a longer address behind', () => {
    const attributes = new NdisMiniportAdapterGeneralAttributes();
    attributes.macAddress = new Uint8Array(32).fill(9);
    attributes.macAddress = Uint8Array.of(1);
    expect([...attributes.currentMacAddress]).toEqual([1, ...new Array<number>(31).fill(0)]);
  });

  test('refuses an address of more than 32 bytes and keeps the old one', () => {
    const attributes = new NdisMiniportAdapterGeneralAttributes();
    attributes.macAddress = Uint8Array.of(1, 2);
    expect(() => {
      attributes.macAddress = new Uint8Array(33);
    }).toThrow(TypeError);
    expect([...attributes.macAddress]).toEqual([1, 2]);
  });
});
