// Groups G and H: adapters, and what they are asked for.
import {
  NDIS_DEVICE_POWER_STATE,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_SUCCESS,
  OID_PNP_SET_POWER,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
} from '@ndis-chimney/types';
import { expect, test } from 'vitest';

import { Ground } from './ground.ts';

const { NdisRequestQueryInformation, NdisRequestSetInformation } = NDIS_REQUEST_TYPE;

test('G1: the hardware is lost: every connection is to be taken back, nothing is offloaded again', () => {
  const ground = new Ground([{ fault: 'G1', where: { operation: 'Timer' }, window: { fromMs: 100 }, parameters: { periodMs: 50 } }]);
  const connections = [ground.connect(), ground.connect()];
  ground.advance(99);
  expect(ground.events).toEqual([]);
  ground.advance(500);
  expect(ground.events).toEqual(connections.map((handle) => [handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure]));
  const { root, connection } = ground.tree();
  ground.host.initiate(root);
  ground.settle();
  expect(connection.state).toBe('dead');
  for (const handle of connections) {
    ground.terminate(handle);
    expect(handle.state).toBe('dead');
  }
});

test('G3: the link flaps', () => {
  const ground = new Ground([{ fault: 'G3', nth: 1, parameters: { downMs: 20 } }]);
  ground.host.send(ground.connect(), 'a');
  ground.settle();
  expect(ground.statuses).toEqual([NDIS_STATUS_MEDIA_DISCONNECT]);
  ground.advance(20);
  expect(ground.statuses).toEqual([NDIS_STATUS_MEDIA_DISCONNECT, NDIS_STATUS_MEDIA_CONNECT]);
});

test('G4: a power change succeeds with connections offloaded, and the driver does not know', () => {
  const ground = new Ground([{ fault: 'G4' }]);
  const connection = ground.connect();
  const set = ground.host.request(NdisRequestSetInformation, OID_PNP_SET_POWER, NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3);
  expect(set.status).toBe(NDIS_STATUS_SUCCESS);
  expect(connection.state).toBe('offloaded');
  expect(ground.target.calls.count('miniportOidRequest')).toBe(0);
  ground.host.request(NdisRequestQueryInformation, OID_TCP4_OFFLOAD_STATS);
  expect(ground.target.calls.count('miniportOidRequest')).toBe(1);
});

test('H3: one OID fails, others do not', () => {
  const ground = new Ground([{ fault: 'H3', where: { oid: OID_TCP4_OFFLOAD_STATS >>> 0 }, parameters: { status: 'NDIS_STATUS_NOT_SUPPORTED' } }]);
  ground.target.calls.on('miniportOidRequest', () => NDIS_STATUS_SUCCESS);
  const statuses = [OID_TCP4_OFFLOAD_STATS, OID_TCP6_OFFLOAD_STATS].map((oid) => ground.host.request(NdisRequestQueryInformation, oid).status);
  expect(statuses).toEqual([NDIS_STATUS_NOT_SUPPORTED, NDIS_STATUS_SUCCESS]);
  expect(ground.faults.log.events[0]?.effect).toBe('OID_TCP4_OFFLOAD_STATS (0xFC010207): NDIS_STATUS_NOT_SUPPORTED');
});

test('H4: the host learns of a capacity that the target does not have; the target knows its own', () => {
  const ground = new Ground([{ fault: 'H4', parameters: { capacity: 77, sack: 'supported' } }]);
  const claimed = ground.host.context.parameters.tcpConnectionOffloadCapabilities;
  expect(claimed?.tcpConnectionOffloadCapacity).toBe(77);
  expect(claimed?.supportSack).not.toBe(0);
  expect(ground.target.capabilities.tcpConnectionOffloadCapacity).toBe(1000);
});
