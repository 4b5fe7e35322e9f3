import { createDispatcher, pairRequests, type Dispatcher, type PairedRequest } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import {
  Mdl,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisOidRequest,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createProtocolOffloadBlockList,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, start, type TestHost, type TestTarget } from './drivers.ts';

interface Watched {
  readonly ndis: Dispatcher;
  readonly target: TestTarget;
  readonly host: TestHost;
  readonly connection: OffloadHandle;
  /** The pairs so far. */
  readonly pairs: PairedRequest[];
  /** Operations of the requests paired so far, with the calls that ended them. */
  readonly ended: () => [operation: string, by: string][];
  readonly list: (count: number) => NetBufferList;
}

/** A host with an offloaded connection, watched from then on. */
function watched(): Watched {
  const { clock, random, dpcQueue } = new DeterministicRuntime();
  const ndis = createDispatcher({ clock, random, dpcQueue });
  const target = createTarget();
  start(ndis, target);
  const host = createHost(ndis);
  bind(ndis, host);
  const connection = new OffloadHandle(host.binding, 'connection');
  host.binding.initiateOffload(blockOf(connection));
  const tree = lastTree(target);
  if (tree.miniportOffloadContext === null) throw new Error('the block has no cell');
  tree.miniportOffloadContext.miniportOffloadContext = {};
  tree.status = NDIS_STATUS_SUCCESS;
  target.miniport.initiateOffloadComplete(tree);
  const pairs: PairedRequest[] = [];
  ndis.ddi$.pipe(pairRequests()).subscribe((pair) => {
    pairs.push(pair);
  });
  const pool = ndis.allocateNetBufferListPool('host');
  return {
    ndis,
    target,
    host,
    connection,
    pairs,
    ended: () => pairs.map(({ request, completion }) => [request.crossing.operation, completion.crossing.call]),
    list: (count) => {
      let head: NetBufferList | null = null;
      for (let i = 0; i < count; i++) {
        const nbl = pool.allocateNetBufferAndNetBufferList(new Mdl(new Uint8Array(1)), 0, 1);
        if (nbl === null) throw new Error('no NBL');
        nbl.next = head;
        head = nbl;
      }
      if (head === null) throw new TypeError('a list has members');
      return head;
    },
  };
}

function blockOf(handle: OffloadHandle): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, handle, null);
}

/** The tree that the target was given last. */
function lastTree(target: TestTarget): MiniportOffloadBlockList {
  return target.calls.at(-1)?.[2] as MiniportOffloadBlockList;
}

describe('pairRequests', () => {
  test('a list is paired when the last of it is back, with how many completions that took', () => {
    const { host, target, connection, pairs, list } = watched();
    const whole = list(3);
    const [first, rest] = [whole, whole.next];
    host.binding.offloadTcpSend(connection, whole);
    first.next = null;
    target.handlers.tcpOffloadSendComplete(first);
    expect(pairs).toEqual([]);
    if (rest === null) throw new Error('the list has one member');
    target.handlers.tcpOffloadSendComplete(rest);
    expect(pairs.map(({ request, completion, completions }) => [request.count, completion.crossing.call, completions])).toEqual([[3, 'NdisTcpOffloadSendComplete', 2]]);
  });

  test('an OID request is paired when it is answered: at once, by NDIS or the driver, or later', () => {
    const { host, target, ended } = watched();
    const request = (): NdisOidRequest => Object.assign(new NdisOidRequest(), { requestType: 0, oid: 0x77 });
    host.binding.oidRequest(request());
    expect(ended()).toEqual([['OidRequest', 'NdisOidRequest']]);
    target.miniportOidRequest = () => NDIS_STATUS_PENDING;
    const late = request();
    host.binding.oidRequest(late);
    expect(ended()).toHaveLength(1);
    target.miniport.oidRequestComplete(late, NDIS_STATUS_SUCCESS);
    expect(ended().slice(1)).toEqual([['OidRequest', 'NdisMOidRequestComplete']]);
  });

  test('sends that come back in the tree of a terminate are paired with its completion, as the terminate is', () => {
    const { host, target, connection, ended, list } = watched();
    const whole = list(2);
    host.binding.offloadTcpSend(connection, whole);
    host.binding.terminateOffload(blockOf(connection));
    const tree = lastTree(target);
    tree.netBufferListChain = whole;
    tree.status = NDIS_STATUS_SUCCESS;
    target.miniport.terminateOffloadComplete(tree);
    expect(ended()).toEqual([
      ['TerminateOffload', 'NdisMTerminateOffloadComplete'],
      ['TcpOffloadSend', 'NdisMTerminateOffloadComplete'],
    ]);
  });

  test('a list that was completed in part before the terminate is paired once, when the rest comes with the tree', () => {
    const { host, target, connection, pairs, list } = watched();
    const whole = list(2);
    const rest = whole.next;
    host.binding.offloadTcpSend(connection, whole);
    whole.next = null;
    target.handlers.tcpOffloadSendComplete(whole);
    host.binding.terminateOffload(blockOf(connection));
    const tree = lastTree(target);
    tree.netBufferListChain = rest;
    tree.status = NDIS_STATUS_SUCCESS;
    target.miniport.terminateOffloadComplete(tree);
    const sends = pairs.filter(({ request }) => request.crossing.operation === 'TcpOffloadSend');
    expect(sends.map(({ completions, completion }) => [completions, completion.crossing.call])).toEqual([[2, 'NdisMTerminateOffloadComplete']]);
  });

  test('an NBL that is sent again after it came back is a new request', () => {
    const { host, target, pairs, list } = watched();
    const nbl = list(1);
    for (let times = 1; times <= 3; times++) {
      host.binding.sendNetBufferLists(nbl, 0, 0);
      target.miniport.sendNetBufferListsComplete(nbl, 0);
      expect(pairs).toHaveLength(times);
    }
  });
});
