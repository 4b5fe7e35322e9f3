// `state.bulk`: what it costs to hand a whole tree of connections over and to take it back. The trees are made while the
// clock stands; what counts is the two operations, from the host's call to its completion.
import {
  BlockWalk,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  OffloadHandle,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  type NdisBinding,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { Case } from './harness.ts';
import { createSendStack } from './send-stack.ts';

/**
 * A neighbor, a path, and so many connections, as a host makes them to hand them over: blocks, handles, and the state of
 * each connection.
 */
function createTree(binding: NdisBinding, connections: number): ProtocolOffloadBlockList {
  const root = createBlock(binding, OFFLOAD_STATE_TYPE.NeighborOffloadState);
  const path = createBlock(binding, OFFLOAD_STATE_TYPE.Ip4OffloadState);
  root.dependentBlockList = path;
  let last = createConnection(binding);
  path.dependentBlockList = last;
  for (let i = 1; i < connections; i++) {
    const tcp = createConnection(binding);
    last.nextBlock = tcp;
    last = tcp;
  }
  return root;
}

function createBlock(binding: NdisBinding, type: OFFLOAD_STATE_TYPE): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, new OffloadHandle(binding, null));
}

function createConnection(binding: NdisBinding): ProtocolOffloadBlockList {
  const state = new OffloadBlockState(new TcpOffloadStateConst(), new TcpOffloadStateCached(), new TcpOffloadStateDelegated());
  return createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, new OffloadHandle(binding, null), state);
}

const now = (): number => Number(process.hrtime.bigint());

/** What is done before each tree, while the clock stands: nothing, or a collection, so that none falls into the measurement. */
type Before = () => void;

/** The reference: a tree of the same size is made, and walked once. */
export function treeCase(connections: number, before: Before = () => undefined): Case {
  const { host } = createSendStack(0);
  const walk = new BlockWalk<ProtocolOffloadBlockList>();
  return {
    isBulk: true,
    itemsPerBurst: connections,
    run(bursts) {
      let counted = 0;
      for (let i = 0; i < bursts; i++) {
        before();
        const start = now();
        let blocks = 0;
        const root = createTree(host.binding, connections);
        for (let block: ProtocolOffloadBlockList | null = walk.start(root); block !== null; block = walk.next(block)) {
          if (block.offloadHandle !== null) blocks++;
        }
        counted += now() - start;
        if (blocks !== connections + 2) throw new Error(`the walk met ${blocks} blocks`);
      }
      return counted;
    },
  };
}

/** Initiate and terminate through `edges` edges of core: a host, one pass-through driver less than edges, a target. */
export function bulkCase(edges: number, connections: number, before: Before = () => undefined): Case {
  const { host } = createSendStack(edges - 1);
  return {
    isBulk: true,
    itemsPerBurst: connections,
    run(bursts) {
      let counted = 0;
      for (let i = 0; i < bursts; i++) {
        before();
        const root = createTree(host.binding, connections);
        const start = now();
        host.binding.initiateOffload(root);
        requireState(root, 'offloaded');
        host.binding.terminateOffload(root);
        counted += now() - start;
        requireState(root, 'dead');
      }
      return counted;
    },
  };
}

/** Both completions come before the call returns; the first connection stands for all. */
function requireState(root: ProtocolOffloadBlockList, state: string): void {
  const found = root.dependentBlockList?.dependentBlockList?.offloadHandle?.state;
  if (found !== state) throw new Error(`a connection is ${found}, not ${state}`);
}
