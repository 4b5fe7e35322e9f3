import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createProbeStack, membersOf, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_REQUESTED, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const shortOfContexts = (seed: number): ProbeStack => createProbeStack({ intermediates: 1, seed, createIntermediate: (ndis, options) => new PassThroughDriver(ndis, { ...options, netBufferListContexts: 2 }) });

const statusesOf = (list: NetBufferList): NDIS_STATUS[] => membersOf(list).map(({ status }) => status);

describe('once an intermediate driver has asked for the upload of a connection', () => {
  test('nothing of it goes down any more: later data would take the place of that which was not sent', () => {
    const stack = shortOfContexts(0);
    const { host, target, connection } = stack;
    const tooMany = host.send(connection, 'a', 'b', 'c');
    const later = [host.send(connection, 'd'), host.receive(connection, 8), host.forward(connection, 'segment'), host.disconnect(connection)];
    stack.settle();
    expect(statusesOf(tooMany)).toEqual([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    for (const list of later) expect(statusesOf(list)).toEqual([NDIS_STATUS_UPLOAD_REQUESTED]);
    for (const call of ['Send', 'Receive', 'Forward', 'Disconnect']) expect(target.calls.count(`miniportTcpOffload${call}`)).toBe(0);
    expect(host.calls.calls.map(({ args }) => args[1])).toEqual([tooMany, ...later]);
    stack.close();
  });

  test.each(Array.from({ length: 10 }, (_, seed) => seed))('its requests end before its terminate, in whatever order DPCs run (seed %i, CHIM-TRM-007)', (seed) => {
    const stack = shortOfContexts(seed);
    const { host, target, connection } = stack;
    const ended: string[] = [];
    host.calls.on('protocolTcpOffloadSendComplete', () => ended.push('send'));
    host.calls.on('protocolTerminateOffloadComplete', () => ended.push('terminate'));
    host.send(connection, 'a', 'b', 'c');
    host.binding.terminateOffload(host.connections(connection));
    target.completeTree('terminate', { status: NDIS_STATUS_SUCCESS });
    stack.settle();
    expect(ended).toEqual(['send', 'terminate']);
    host.calls.off('protocolTcpOffloadSendComplete');
    host.calls.off('protocolTerminateOffloadComplete');
    stack.close();
  });
});
