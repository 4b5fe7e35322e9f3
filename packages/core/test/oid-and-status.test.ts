import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NDIS_STATUS_UPLOAD_ALL,
  NdisLinkState,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisOidRequest,
  NdisStatusIndication,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadParameters,
  OID_GEN_LINK_STATE,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  type NDIS_STATUS,
  type NdisMiniport,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, setRegistrationAttributes, start, type TestHost, type TestNdis, type TestTarget } from './drivers.ts';

const QUERY = NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
const SET = NDIS_REQUEST_TYPE.NdisRequestSetInformation;

function capabilities(capacity: number): NdisTcpConnectionOffload {
  const offload = new NdisTcpConnectionOffload();
  offload.tcpConnectionOffloadCapacity = capacity;
  return offload;
}

interface Bound extends TestNdis {
  readonly target: TestTarget;
  readonly host: TestHost;
  readonly request: (requestType: NDIS_REQUEST_TYPE, oid: number, buffer?: unknown) => { request: NdisOidRequest; status: NDIS_STATUS };
}

/** A host on a target that can offload 100 connections as configured, 200 in hardware. */
function bound(hasChimney = true): Bound {
  const test = createTestNdis();
  const target = createTarget('target', {
    ...(!hasChimney && { miniportSetOptions: NDIS_STATUS_SUCCESS }),
    miniportInitializeEx(miniport) {
      setRegistrationAttributes(miniport, target);
      const offload = new NdisMiniportAdapterOffloadAttributes();
      offload.defaultTcpConnectionOffloadConfiguration = capabilities(100);
      offload.tcpConnectionOffloadHardwareCapabilities = capabilities(200);
      miniport.setMiniportAttributes(offload);
      target.miniport = miniport;
      return NDIS_STATUS_SUCCESS;
    },
  });
  start(test.ndis, target);
  const host = createHost(test.ndis);
  bind(test.ndis, host);
  const request: Bound['request'] = (requestType, oid, buffer = null) => {
    const made = new NdisOidRequest();
    made.requestType = requestType;
    made.oid = oid;
    made.informationBuffer = buffer;
    return { request: made, status: host.binding.oidRequest(made) };
  };
  return { ...test, target, host, request };
}

const capacityOf = ({ request, status }: { request: NdisOidRequest; status: NDIS_STATUS }): number | null =>
  status === NDIS_STATUS_SUCCESS ? (request.informationBuffer as NdisTcpConnectionOffload).tcpConnectionOffloadCapacity : null;

function indicate(miniport: NdisMiniport, statusCode: NDIS_STATUS, statusBuffer: unknown = null): NdisStatusIndication {
  const indication = new NdisStatusIndication();
  indication.sourceHandle = miniport;
  indication.statusCode = statusCode;
  indication.statusBuffer = statusBuffer;
  miniport.indicateStatusEx(indication);
  return indication;
}

describe('NdisOidRequest', () => {
  test('NDIS answers capability queries from the attributes; the driver never sees them', () => {
    const { target, host, request } = bound();
    expect(host.parameters.tcpConnectionOffloadCapabilities?.tcpConnectionOffloadCapacity).toBe(100);
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG))).toBe(100);
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES))).toBe(200);
    expect(target.entries()).not.toContain('miniportOidRequest');
  });

  test('NDIS answers OID_GEN_LINK_STATE from the general attributes, each time with a structure of its own', () => {
    const { ndis } = createTestNdis();
    const general = new NdisMiniportAdapterGeneralAttributes();
    Object.assign(general, { mediaConnectState: 1, mediaDuplexState: 2, xmitLinkSpeed: 1e9, rcvLinkSpeed: 2e9, maxXmitLinkSpeed: 1e10, maxRcvLinkSpeed: 1e10 });
    const target = createTarget('target', {
      miniportInitializeEx(miniport) {
        setRegistrationAttributes(miniport, target);
        target.miniport = miniport;
        return miniport.setMiniportAttributes(general);
      },
    });
    start(ndis, target);
    const host = createHost(ndis);
    bind(ndis, host);
    const query = (): unknown => {
      const request = Object.assign(new NdisOidRequest(), { requestType: QUERY, oid: OID_GEN_LINK_STATE });
      expect(host.binding.oidRequest(request)).toBe(NDIS_STATUS_SUCCESS);
      return request.informationBuffer;
    };
    const answer = query();
    expect(answer).toEqual(Object.assign(new NdisLinkState(), { mediaConnectState: 1, mediaDuplexState: 2, xmitLinkSpeed: 1e9, rcvLinkSpeed: 2e9 }));
    Object.assign(answer as NdisLinkState, { mediaConnectState: 0 });
    expect(query()).toMatchObject({ mediaConnectState: 1 });
    expect(target.entries()).not.toContain('miniportOidRequest');
  });

  test('without general attributes it is not supported; a set of it is the driver’s to answer', () => {
    const { target, request } = bound();
    expect(request(QUERY, OID_GEN_LINK_STATE).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(target.entries()).not.toContain('miniportOidRequest');
    target.miniportOidRequest = () => NDIS_STATUS_SUCCESS;
    expect(request(SET, OID_GEN_LINK_STATE, {}).status).toBe(NDIS_STATUS_SUCCESS);
  });

  test('an adapter whose driver blocks the chimney reports none', () => {
    const { host, request } = bound(false);
    expect(host.parameters.tcpConnectionOffloadCapabilities).toBeNull();
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
  });

  test('parameters are set by the driver, and read back from NDIS: what was set last, successfully', () => {
    const { target, request } = bound();
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    const parameters = new NdisTcpConnectionOffloadParameters();
    expect(request(SET, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    target.miniportOidRequest = () => NDIS_STATUS_SUCCESS;
    expect(request(SET, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters).status).toBe(NDIS_STATUS_SUCCESS);
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS).request.informationBuffer).toEqual(parameters);
  });

  test('everything else goes to the driver, which may answer at once: then there is no completion', () => {
    const { target, host, request } = bound();
    const stats = {};
    const { request: made, status } = request(QUERY, OID_TCP4_OFFLOAD_STATS, stats);
    expect(status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(target.calls.at(-1)).toEqual(['miniportOidRequest', target, made]);
    expect(made.informationBuffer).toBe(stats);
    expect(host.entries()).not.toContain('protocolOidRequestComplete');
  });

  test('or take its time: PENDING, then one completion with the status', () => {
    const { target, host, request, violations } = bound();
    target.miniportOidRequest = () => NDIS_STATUS_PENDING;
    const parameters = new NdisTcpConnectionOffloadParameters();
    parameters.ticksPerSecond = 50;
    const { request: made, status } = request(SET, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters);
    expect([status, host.entries().includes('protocolOidRequestComplete')]).toEqual([NDIS_STATUS_PENDING, false]);
    target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    expect(host.calls.at(-1)).toEqual(['protocolOidRequestComplete', host, made, NDIS_STATUS_SUCCESS]);
    // What was set is the requester's again; NDIS answers from a copy.
    parameters.ticksPerSecond = 100;
    expect(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS).request.informationBuffer).toMatchObject({ ticksPerSecond: 50 });
    expect(violations).toEqual([]);
  });

  test('a driver may complete before it returns PENDING', () => {
    const { target, host, request, violations } = bound();
    target.miniportOidRequest = (_context, made) => {
      target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
      return NDIS_STATUS_PENDING;
    };
    expect(request(QUERY, OID_TCP4_OFFLOAD_STATS).status).toBe(NDIS_STATUS_PENDING);
    expect(host.entries().filter((entry) => entry === 'protocolOidRequestComplete')).toHaveLength(1);
    expect(host.binding.closeAdapterEx()).toBe(NDIS_STATUS_SUCCESS);
    expect(violations).toEqual([]);
  });

  test('CHIM-PWR-002: a request is not made again while it is outstanding, and may be afterwards', () => {
    const { target, host, request, rules } = bound();
    target.miniportOidRequest = () => NDIS_STATUS_PENDING;
    const { request: made } = request(QUERY, OID_TCP4_OFFLOAD_STATS);
    expect(() => host.binding.oidRequest(made)).toThrow(/still outstanding/);
    target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    expect(host.binding.oidRequest(made)).toBe(NDIS_STATUS_PENDING);
    expect(rules()).toEqual(['CHIM-PWR-002']);
  });

  test('CHIM-PWR-002: a request is completed once, by its adapter, and not with PENDING', () => {
    const { ndis, target, request, violations } = bound();
    const other = createTarget('other');
    start(ndis, other, 'nic 2');
    target.miniportOidRequest = () => NDIS_STATUS_PENDING;
    const { request: made } = request(QUERY, OID_TCP4_OFFLOAD_STATS);
    expect(() => {
      other.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    }).toThrow(/^CHIM-PWR-002: other:/);
    expect(() => {
      target.miniport.oidRequestComplete(made, NDIS_STATUS_PENDING);
    }).toThrow(/^CHIM-PWR-002: target:/);
    target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    expect(() => {
      target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    }).toThrow(/completed twice/);
    expect(() => {
      target.miniport.oidRequestComplete(new NdisOidRequest(), NDIS_STATUS_SUCCESS);
    }).toThrow(/^CHIM-PWR-002: target:/);
    expect(violations.map(({ actor }) => actor)).toEqual(['other', 'target', 'target', 'target']);
  });

  test('CHIM-LIF-005: a handler that throws has not supported the request; a callback that throws is reported', () => {
    const { target, host, request, violations } = bound();
    target.miniportOidRequest = () => {
      throw new Error('boom');
    };
    expect(request(QUERY, OID_TCP4_OFFLOAD_STATS).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    target.miniportOidRequest = () => NDIS_STATUS_PENDING;
    host.protocolOidRequestComplete = () => {
      throw new Error('boom');
    };
    const { request: made } = request(QUERY, OID_TCP4_OFFLOAD_STATS);
    target.miniport.oidRequestComplete(made, NDIS_STATUS_SUCCESS);
    expect(violations.map(({ rule, actor }) => [rule, actor])).toEqual([
      ['CHIM-LIF-005', 'target'],
      ['CHIM-LIF-005', 'host'],
    ]);
    expect(host.binding.closeAdapterEx()).toBe(NDIS_STATUS_SUCCESS);
  });

  test.each([null, undefined, 5, 'oid', {}])('what is no request is a TypeError: %j', (value) => {
    const { host, target } = bound();
    expect(() => host.binding.oidRequest(value as never)).toThrow(TypeError);
    expect(target.entries()).not.toContain('miniportOidRequest');
  });
});

describe('NdisMIndicateStatusEx', () => {
  test('every binding of the adapter hears of it, in order, with the very indication', () => {
    const { ndis, target, host } = bound();
    const second = createHost(ndis, 'second');
    bind(ndis, second);
    for (const code of [NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL]) {
      const indication = indicate(target.miniport, code);
      for (const each of [host, second]) expect(each.calls.at(-1)).toEqual(['protocolStatusEx', each, indication]);
    }
  });

  test('bindings may be closed inside a callback: those hear nothing more', () => {
    const { ndis, target, host } = bound();
    const second = createHost(ndis, 'second');
    bind(ndis, second);
    host.protocolStatusEx = () => {
      host.binding.closeAdapterEx();
      second.binding.closeAdapterEx();
    };
    indicate(target.miniport, NDIS_STATUS_OFFLOAD_PAUSE);
    expect(second.entries()).not.toContain('protocolStatusEx');
  });

  test('RESUME with a structure changes what the adapter can offload as configured, the other one what its hardware can', () => {
    const { target, request } = bound();
    indicate(target.miniport, NDIS_STATUS_OFFLOAD_RESUME, capabilities(7));
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG))).toBe(7);
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES))).toBe(200);
    indicate(target.miniport, NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, capabilities(8));
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG))).toBe(7);
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES))).toBe(8);
  });

  test('RESUME without a structure, or with something else, changes nothing; other codes do neither', () => {
    const { target, request } = bound();
    for (const buffer of [null, 5, {}, 'capabilities']) indicate(target.miniport, NDIS_STATUS_OFFLOAD_RESUME, buffer);
    indicate(target.miniport, NDIS_STATUS_OFFLOAD_PAUSE, capabilities(9));
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG))).toBe(100);
    expect(capacityOf(request(QUERY, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES))).toBe(200);
  });

  test('CHIM-LIF-006: the indication names its adapter, which has not halted', () => {
    const { ndis, target, host, rules } = bound();
    const indication = new NdisStatusIndication();
    expect(() => {
      target.miniport.indicateStatusEx(indication);
    }).toThrow(/SourceHandle of the indication is not adapter nic/);
    ndis.removeAdapter(target.miniport);
    indication.sourceHandle = target.miniport;
    expect(() => {
      target.miniport.indicateStatusEx(indication);
    }).toThrow(/is halted/);
    expect(rules()).toEqual(['CHIM-LIF-006', 'CHIM-LIF-006']);
    expect(host.entries()).not.toContain('protocolStatusEx');
  });

  test('CHIM-LIF-005: a handler that throws is reported, the next binding hears all the same', () => {
    const { ndis, target, host, violations } = bound();
    const second = createHost(ndis, 'second');
    bind(ndis, second);
    host.protocolStatusEx = () => {
      throw new Error('boom');
    };
    indicate(target.miniport, NDIS_STATUS_OFFLOAD_PAUSE);
    expect(second.entries().at(-1)).toBe('protocolStatusEx');
    expect(violations).toMatchObject([{ rule: 'CHIM-LIF-005', actor: 'host' }]);
  });
});
