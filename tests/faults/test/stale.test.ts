// B10, B11, E2, E3: operations that succeed and change nothing.
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, OffloadBlockState, TCP_FLAG_KEEP_ALIVE_ENABLED, TCP_FLAG_NAGLING_ENABLED, TcpOffloadStateCached, type OFFLOAD_STATE_TYPE, type ProtocolOffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, blocksOf, present, referenceBlock } from './ground.ts';

test('B10: an invalidate succeeds, and the driver does not know', () => {
  const ground = new Ground([{ fault: 'B10' }]);
  const connection = ground.connect();
  const block = ground.block(connection);
  block.status = NDIS_STATUS_FAILURE;
  ground.host.binding.invalidateOffload(block);
  expect(connection.invalid).toBe(false);
  ground.settle();
  expect(connection.invalid).toBe(true);
  expect(block.status).toBe(NDIS_STATUS_SUCCESS);
  expect(ground.target.trees).toEqual([]);
});

describe('B11: old cached state', () => {
  test('an update succeeds, and the driver does not know', () => {
    const ground = new Ground([{ fault: 'B11', nth: 1 }]);
    const block = ground.block(ground.connect());
    ground.host.binding.updateOffload(block);
    ground.settle();
    expect(ground.host.calls.of('protocolUpdateOffloadComplete').map(([, root]) => root)).toEqual([block]);
    expect(ground.target.trees).toEqual([]);
    ground.host.binding.updateOffload(block);
    expect(ground.target.trees).toHaveLength(1);
  });

  test('a query is answered with what held at the initiate', () => {
    const ground = new Ground([{ fault: 'B11', parameters: { mode: 'query' }, nth: 2 }]);
    const { root, connection, blocks } = ground.tree();
    const offered = present((present(blocks[2]).state as TcpOffloadState).cached);
    offered.ttlOrHopLimit = 64;
    ground.host.initiate(root);
    ground.target.completeTree('initiate');
    // What the host does with its structure afterwards is its own affair.
    offered.ttlOrHopLimit = 1;
    const answers = [0, 1].map(() => {
      const cached = new TcpOffloadStateCached();
      ground.host.binding.queryOffloadState(ground.block(connection, new OffloadBlockState(null, cached, null)));
      ground.target.completeTree('query', {
        change: (block) => {
          present((block.state as TcpOffloadState).cached).ttlOrHopLimit = 32;
        },
      });
      return cached.ttlOrHopLimit;
    });
    expect(answers).toEqual([32, 64]);
  });
});

test('C4: the driver never sees that keepalive is on, the host keeps its flags', () => {
  const ground = new Ground([{ fault: 'C4' }]);
  const { root, blocks } = ground.tree();
  const cached = present((present(blocks[2]).state as TcpOffloadState).cached);
  cached.flags = TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_NAGLING_ENABLED;
  ground.host.initiate(root);
  expect(cached.flags).toBe(TCP_FLAG_NAGLING_ENABLED);
  ground.target.completeTree('initiate');
  expect(cached.flags).toBe(TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_NAGLING_ENABLED);
  expect(ground.faults.injections).toEqual({ C4: 1 });
});

describe('updates of what is below a connection', () => {
  /** An update of each layer of one offloaded tree: which of them reach the driver. */
  const heard = (ground: Ground): boolean[] => {
    const { root, blocks } = ground.tree();
    ground.host.initiate(root);
    ground.target.completeTree('initiate');
    return blocksOf(root).map(({ header }, at) => {
      const update: ProtocolOffloadBlockList = referenceBlock(header.type as OFFLOAD_STATE_TYPE, present(blocks[at]?.offloadHandle));
      ground.host.binding.updateOffload(update);
      const isHeard = ground.target.trees.length > 0;
      if (isHeard) ground.target.completeTree('update');
      ground.settle();
      expect(update.status).toBe(NDIS_STATUS_SUCCESS);
      return isHeard;
    });
  };

  test('E2: a new path MTU is ignored', () => {
    expect(heard(new Ground([{ fault: 'E2' }]))).toEqual([true, false, true]);
  });

  test('E3: a new MAC address is ignored', () => {
    expect(heard(new Ground([{ fault: 'E3' }]))).toEqual([false, true, true]);
  });
});
