import { describeConnection } from '@ndis-chimney/host';
import { blocksOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_INVALID_PARAMETER,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_CONNECTION_STATE,
  type MiniportOffloadBlockList,
  type NdisOidRequest,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ENDS, createHostStack } from './host-stack.ts';

describe.each([0, 1, 3])('an offload through %i intermediate drivers', (intermediates) => {
  test('hands neighbor, path and TCP state to the target as one tree, and resolves when all three are offloaded', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection({ ...ENDS, pathMtu: 1400, rcvWnd: 1 << 20 }));
    stack.settle();
    const [[, root] = []] = stack.target.calls.of('miniportInitiateOffload');
    const blocks = blocksOf(root as MiniportOffloadBlockList);
    expect(blocks.map(({ header }) => header.type)).toEqual([
      OFFLOAD_STATE_TYPE.NeighborOffloadState,
      OFFLOAD_STATE_TYPE.Ip4OffloadState,
      OFFLOAD_STATE_TYPE.TcpOffloadState,
    ]);
    const [, path, tcp] = blocks.map(({ state }) => state);
    expect(path).toMatchObject({ const: { sourceAddress: Uint8Array.of(192, 0, 2, 1), destinationAddress: Uint8Array.of(192, 0, 2, 2) }, cached: { pathMtu: 1400 } });
    expect(tcp).toMatchObject({
      const: { localPort: 49_152, remotePort: 80 },
      cached: { initialRcvWnd: 1 << 20 },
      delegated: { state: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished, sndNxt: -2, sndUna: -2, rcvNxt: -2 },
    });
    stack.accept();
    const { status, connection } = await offloading;
    expect(status).toBe(NDIS_STATUS_SUCCESS);
    expect(connection?.offloadState).toBe('Offloaded');
    await stack.close();
  });

  test('that the target refuses leaves nothing with it, says why, and is no error', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection(ENDS));
    stack.settle();
    await stack.complete('initiate', { status: NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES });
    expect(await offloading).toEqual({ status: NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, connection: null });
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(0);
    await stack.close();
  });

  test('of which the TCP layer is refused takes the layers below back before it resolves (CHIM-TRM-002)', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection(ENDS));
    let result: unknown = null;
    void offloading.then((value) => {
      result = value;
    });
    stack.settle();
    await stack.complete('initiate', {
      change: (block) => {
        const isTcp = block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState;
        block.status = isTcp ? NDIS_STATUS_OFFLOAD_TCP_ENTRIES : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
        if (isTcp && block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
      },
    });
    expect(result).toBeNull();
    const [[, root] = []] = stack.target.calls.of('miniportTerminateOffload');
    expect(blocksOf(root as MiniportOffloadBlockList).map(({ miniportOffloadContext }) => miniportOffloadContext === null)).toEqual([false, false]);
    await stack.complete('terminate');
    expect(result).toEqual({ status: NDIS_STATUS_OFFLOAD_TCP_ENTRIES, connection: null });
    await stack.close();
  });

  test('of which the path is refused says so, not what the layer above it was answered', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection(ENDS));
    stack.settle();
    await stack.complete('initiate', {
      change: (block) => {
        if (block.header.type === OFFLOAD_STATE_TYPE.NeighborOffloadState) {
          block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
          return;
        }
        block.status = NDIS_STATUS_OFFLOAD_PATH_ENTRIES;
        if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
      },
    });
    await stack.complete('terminate');
    expect((await offloading).status).toBe(NDIS_STATUS_OFFLOAD_PATH_ENTRIES);
    await stack.close();
  });
});

describe('an offload that cannot begin', () => {
  test('over an adapter without a chimney ends with NDIS_STATUS_NOT_SUPPORTED, and nothing is asked of it', async () => {
    const stack = createHostStack({ target: { hasChimney: false } });
    expect(await stack.host.offload(describeConnection(ENDS))).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, connection: null });
    expect(stack.host.capabilitiesOf('nic')).toBeNull();
    await stack.close();
  });

  test('over an adapter that refuses to enable the chimney ends likewise (CHIM-INI-002)', async () => {
    const stack = createHostStack({ enableStatus: NDIS_STATUS_INVALID_PARAMETER });
    expect(await stack.host.offload(describeConnection(ENDS))).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, connection: null });
    expect(stack.target.calls.count('miniportInitiateOffload')).toBe(0);
    await stack.close();
  });

  test('waits for nothing: an adapter that takes its time to enable the chimney holds the bind, and only the bind', async () => {
    const stack = createHostStack({ enableStatus: NDIS_STATUS_PENDING });
    const [[, request] = []] = stack.target.calls.of('miniportOidRequest');
    expect(request).toMatchObject({ oid: OID_TCP_CONNECTION_OFFLOAD_PARAMETERS });
    expect((await stack.host.offload(describeConnection(ENDS))).status).toBe(NDIS_STATUS_PAUSED);
    stack.target.miniport.oidRequestComplete(request as NdisOidRequest, NDIS_STATUS_SUCCESS);
    await stack.rest();
    await stack.connect();
    await stack.close();
  });

  test('on an adapter the host is not bound to is refused with its name', async () => {
    const stack = createHostStack();
    await expect(stack.host.offload(describeConnection(ENDS), { adapterName: 'nic7' })).rejects.toThrow(new TypeError('ChimneyHost.offload: not bound to nic7'));
    await stack.close();
    await expect(stack.host.offload(describeConnection(ENDS))).rejects.toThrow('not bound to any adapter');
  });
});

test('the host reports the adapters it is bound to and what they can offload', async () => {
  const stack = createHostStack({ intermediates: 1 });
  expect(stack.host.adapterNames).toEqual(['im1:nic']);
  expect(stack.host.capabilitiesOf('im1:nic')).toMatchObject({ tcpConnectionOffloadCapacity: 1000 });
  expect(stack.host.capabilitiesOf('nic')).toBeNull();
  await stack.close();
  expect(stack.host.adapterNames).toEqual([]);
});

describe('a description', () => {
  test.each([
    [{ ...ENDS, local: { address: '192.0.2.256', port: 1 } }, 'local.address is "192.0.2.256"'],
    [{ ...ENDS, local: { address: '', port: 1 } }, 'local.address is ""'],
    [{ ...ENDS, local: { address: '1.2.3.', port: 1 } }, 'local.address is "1.2.3."'],
    [{ ...ENDS, local: { address: '1.2.3', port: 1 } }, 'local.address is "1.2.3"'],
    [{ ...ENDS, local: { address: '2001:db8::1::2', port: 1 } }, 'local.address is "2001:db8::1::2", not an IP address'],
    [{ ...ENDS, local: { address: 'fe80::1%eth0', port: 1 } }, 'local.address is "fe80::1%eth0", not an IP address'],
    [{ ...ENDS, remote: { address: new Uint8Array(5), port: 1 } }, 'remote.address has 5 bytes, not 4 or 16'],
    [{ ...ENDS, remote: { address: new Uint8Array(16), port: 1 } }, 'one end is IPv4 and the other IPv6'],
    [{ ...ENDS, remote: { address: '192.0.2.2', port: 65_536 } }, 'remote.port is 65536, not a port'],
    [{ ...ENDS, remote: { address: '192.0.2.2', port: 1.5 } }, 'remote.port is 1.5, not a port'],
    [{ ...ENDS, nextHopMac: new Uint8Array(8) }, 'nextHopMac has 8 bytes, not 6'],
  ])('that is not one is refused with what and which (%#)', (description, message) => {
    expect(() => describeConnection(description)).toThrow(TypeError);
    expect(() => describeConnection(description)).toThrow(message);
  });

  test('with IPv6 ends gets a path of that kind', () => {
    const bytes = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    const state = describeConnection({ ...ENDS, local: { address: '2001:db8::1', port: 1 }, remote: { address: bytes, port: 2 } });
    expect(state.pathType).toBe(OFFLOAD_STATE_TYPE.Ip6OffloadState);
    expect(state.path.const).toMatchObject({ sourceAddress: bytes, destinationAddress: bytes });
  });
});
