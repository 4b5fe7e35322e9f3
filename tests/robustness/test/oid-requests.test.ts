import { createMuxStack, createProbeStack, ProbeHost, ProbeTarget, present, STACK_SHAPES } from '@ndis-chimney/kit';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterOffloadAttributes,
  NdisTcpConnectionOffload,
  OID_GEN_LINK_STATE,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisOidRequest,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { stopNext } from './stopping.ts';

import { createBare } from './bare.ts';
import { expectGoesOn } from './refusal.ts';

const QUERY = NDIS_REQUEST_TYPE.NdisRequestQueryInformation;

function capabilities(tcpConnectionOffloadCapacity: number): NdisTcpConnectionOffload {
  return Object.assign(new NdisTcpConnectionOffload(), { tcpConnectionOffloadCapacity });
}

/** How many connections the adapter below a host says it can offload. */
function capacityFor(host: ProbeHost): number {
  const { request, status } = host.request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
  expect(status).toBe(NDIS_STATUS_SUCCESS);
  return (request.informationBuffer as NdisTcpConnectionOffload).tcpConnectionOffloadCapacity;
}

describe.each(STACK_SHAPES)('OID requests, %s', (_name, shape) => {
  test.each([NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE])('CHIM-PWR-002: a request that the target completes and answers (%i) as well is over once, as it was completed', (answer) => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
      target.miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
      return answer;
    });
    const { request, status } = host.request(QUERY, 0x77);
    expect([stack.expectViolation('CHIM-PWR-002').actor, status]).toEqual(['probe target', NDIS_STATUS_PENDING]);
    expect(host.calls.of('protocolOidRequestComplete')).toEqual([[host.context, request, NDIS_STATUS_SUCCESS]]);
    expect(request.ndisReserved).toBeNull();
    // Nothing is outstanding: the binding closes.
    expectGoesOn(stack);
  });

  test('a request that is made again by the completion is not taken for the one that was completed', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const held: NdisOidRequest[] = [];
    target.calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
      held.push(request);
      return NDIS_STATUS_PENDING;
    });
    host.calls.once('protocolOidRequestComplete', (_context: unknown, request: NdisOidRequest) => {
      host.binding.oidRequest(request);
    });
    host.request(QUERY, 0x77);
    target.miniport.oidRequestComplete(present(held[0]), NDIS_STATUS_SUCCESS);
    target.miniport.oidRequestComplete(present(held[1]), NDIS_STATUS_FAILURE);
    expect(host.calls.of('protocolOidRequestComplete').map(([, , status]) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE]);
    expectGoesOn(stack);
  });

  test('the structure of a status indication stays the target’s: later queries get what it was then', () => {
    const stack = createProbeStack(shape);
    const offload = capabilities(7);
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, offload);
    offload.tcpConnectionOffloadCapacity = 9;
    expect(capacityFor(stack.host)).toBe(7);
    expectGoesOn(stack);
  });

  test('what the host does to an answer does not reach the next one', () => {
    const stack = createProbeStack(shape);
    const { request } = stack.host.request(QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
    (request.informationBuffer as NdisTcpConnectionOffload).tcpConnectionOffloadCapacity = 3;
    expect(capacityFor(stack.host)).toBe(1000);
    expectGoesOn(stack);
  });

  test('OID_GEN_LINK_STATE is answered by NDIS; the target never sees it', () => {
    const stack = createProbeStack(shape);
    const { request, status } = stack.host.request(QUERY, OID_GEN_LINK_STATE);
    expect([status, request.informationBuffer]).toMatchObject([NDIS_STATUS_SUCCESS, { mediaConnectState: 0, xmitLinkSpeed: 0 }]);
    expect(stack.target.calls.entries).not.toContain('miniportOidRequest');
    expectGoesOn(stack);
  });
});

test.each([1, 3])('a completion that is stopped above the highest of %i intermediate drivers reaches the host all the same, later', (intermediates) => {
  const stack = createProbeStack({ intermediates });
  const { host, target } = stack;
  let pending: NdisOidRequest | null = null;
  target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
    pending = request;
    return NDIS_STATUS_PENDING;
  });
  host.request(0, 0x77);
  const { error, detach } = stopNext(stack.ndis, 'oidRequestComplete', host.binding);
  target.miniport.oidRequestComplete(present<NdisOidRequest>(pending), NDIS_STATUS_SUCCESS);
  detach();
  expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
  stack.settle();
  expect(host.calls.count('protocolOidRequestComplete')).toBe(1);
  stack.close();
});

test.each([false, true])('above a mux (above another: %s) too, and the adapter that was asked can go', (isStacked) => {
  const stack = createMuxStack({ isStacked });
  const [host, target] = [stack.host(0), stack.target(0)];
  let pending: NdisOidRequest | null = null;
  target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
    pending = request;
    return NDIS_STATUS_PENDING;
  });
  const { request } = host.request(0, 0x77);
  let isUnbound = false;
  stack.unbindMux(present(stack.mux.lowers[0]).adapterName, () => {
    isUnbound = true;
  });
  stack.settle();
  expect(isUnbound).toBe(false);
  const { error, detach } = stopNext(stack.ndis, 'oidRequestComplete', host.binding);
  target.miniport.oidRequestComplete(present<NdisOidRequest>(pending), NDIS_STATUS_SUCCESS);
  detach();
  expect(stack.expectOne('CHIM-LIF-005').cause).toBe(error);
  stack.settle();
  expect(host.calls.of('protocolOidRequestComplete').map(([, completed]) => completed === request)).toEqual([true]);
  expect(isUnbound).toBe(true);
  stack.close();
});

test('attributes that two adapters of one driver share are copied: new capabilities of one are not the other’s', () => {
  const { ndis, violations } = createBare();
  const attributes = new NdisMiniportAdapterOffloadAttributes();
  attributes.defaultTcpConnectionOffloadConfiguration = capabilities(1);
  const [first, second] = ['first', 'second'].map((name) => {
    const target = new ProbeTarget(ndis, { name });
    target.calls.on('miniportInitializeEx', (miniport: NdisMiniport) => {
      miniport.setMiniportAttributes(attributes);
    });
    target.start(name);
    const host = new ProbeHost(ndis, { name: `host of ${name}` }).register();
    host.bindTo(name);
    return { target, host };
  });
  first?.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities(5));
  expect([capacityFor(present(first).host), capacityFor(present(second).host)]).toEqual([5, 1]);
  expect([attributes.defaultTcpConnectionOffloadConfiguration.tcpConnectionOffloadCapacity, violations]).toEqual([1, []]);
});
