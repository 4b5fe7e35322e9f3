import { blocksOf, createList, membersOf } from '@ndis-chimney/conformance/probes';
import {
  BytesConsumed,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_SUCCESS,
  NdisStatusIndication,
  TCP_OFFLOAD_CONNECTION_STATE,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { eachQueried } from './send-taps.ts';
import { changingBlocks, completing, layer, layerOf, turnedAround, withAdapter } from './tree-taps.ts';

/** Initiates in which every list of siblings is taken from its end. */
const fromTheEnd: Broken['taps'] = () => ({
  miniportInitiateOffload: (next, context, tree) => {
    next(context, turnedAround(tree));
  },
  initiateOffloadComplete: (next, tree) => {
    next(turnedAround(tree));
  },
});

/** Completes initiates with other statuses for blocks that these names of roles fit. */
function instead(role: (block: MiniportOffloadBlockList) => boolean, status: NDIS_STATUS): Broken['taps'] {
  return () =>
    changingBlocks('initiate', (block) => {
      if (role(block)) block.status = status;
    });
}

const isPlaceholder = ({ miniportOffloadContext: cell }: MiniportOffloadBlockList): boolean => cell === null;
const isLinker = ({ state, miniportOffloadContext: cell }: MiniportOffloadBlockList): boolean => state === null && cell !== null;
const isPath = (block: MiniportOffloadBlockList): boolean => layerOf(block) === 'path';
const isRefused = (layerName: string) => (block: MiniportOffloadBlockList): boolean => layerOf(block) === layerName && block.status < 0;

/** Leaves the status of blocks as it was on entry. */
function unwritten(which: (block: MiniportOffloadBlockList) => boolean): Broken['taps'] {
  return () => {
    const before = new Map<MiniportOffloadBlockList, NDIS_STATUS>();
    return {
      miniportInitiateOffload: (next, context, tree) => {
        for (const block of blocksOf(tree)) before.set(block, block.status);
        next(context, tree);
      },
      ...changingBlocks('initiate', (block) => {
        if (which(block)) block.status = before.get(block) ?? 0;
      }),
    };
  };
}

/** The data that came along with the last connection that brought any, where the host has it. */
function watchingBuffered(taps: (firstByte: () => number) => ReturnType<Broken['taps']>): Broken['taps'] {
  return () => {
    let list: NetBufferList | null = null;
    return {
      miniportInitiateOffload: (next, context, tree) => {
        for (const { state } of layer(tree, 'tcp')) list = (state as TcpOffloadState | null)?.delegated?.bufferedData ?? list;
        next(context, tree);
      },
      ...taps(() => list?.firstNetBuffer?.mdlChain?.buffer[0] ?? 0),
    };
  };
}

function fill(list: NetBufferList, byte: number): void {
  for (const nbl of membersOf(list)) nbl.firstNetBuffer?.mdlChain?.buffer.fill(byte);
}

const none: Broken['taps'] = () => ({});

export const brokenInitiate: readonly Broken[] = [
  {
    does: 'gives two connections of a tree one context',
    fails: 'target-initiate-tree',
    says: /share a context/,
    taps: () =>
      completing('initiate', (next, tree) => {
        const [first, second] = layer(tree, 'tcp').map(({ miniportOffloadContext: cell }) => cell);
        if (first != null && second != null) second.miniportOffloadContext = first.miniportOffloadContext;
        next(tree);
      }),
  },
  {
    does: 'refuses the second neighbor of a tree',
    fails: 'target-initiate-tree',
    says: /refusals in a tree that nothing speaks against/,
    taps: () => {
      let beside: MiniportOffloadBlockList | null = null;
      return {
        miniportInitiateOffload: (next, context, tree) => {
          beside = tree.nextBlock;
          tree.nextBlock = null;
          next(context, tree);
        },
        initiateOffloadComplete: (next, tree) => {
          tree.nextBlock = beside;
          if (beside !== null) for (const block of blocksOf(beside)) block.status = NDIS_STATUS_FAILURE;
          next(tree);
        },
      };
    },
  },
  {
    does: 'fails paths without connections',
    fails: 'target-initiate-nothing-above',
    says: /refusals in a tree without connections/,
    taps: () =>
      completing('initiate', (next, tree) => {
        for (const block of layer(tree, 'path')) {
          if (block.dependentBlockList !== null || block.miniportOffloadContext === null) continue;
          block.status = NDIS_STATUS_FAILURE;
          block.miniportOffloadContext.miniportOffloadContext = null;
        }
        for (const block of layer(tree, 'neighbor')) if (block.dependentBlockList !== null) block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
        next(tree);
      }),
  },
  {
    does: 'does not notice that a FIN it was given was acknowledged',
    fails: 'target-initiate-closing',
    says: /came in state 5, after its FIN reached the peer/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1;
      }),
  },
  { does: 'takes every list of siblings from its end', fails: 'target-initiate-order', says: /which of five connections/, taps: fromTheEnd },
  { does: 'takes every list of siblings from its end', fails: 'target-initiate-order-of-paths', says: /which of four paths/, taps: fromTheEnd, subject: sinkSubject },
  {
    does: 'says that a path is offloaded whole though a connection above it was refused',
    fails: 'target-initiate-partial',
    says: /path.*\(new\) ended with NDIS_STATUS_SUCCESS.*but 1 of the 2/,
    taps: instead(isPath, NDIS_STATUS_SUCCESS),
  },
  {
    does: 'refuses a path when all connections above it are refused',
    fails: 'target-initiate-all-refused',
    says: /refused because the connection above it was/,
    taps: () =>
      completing('initiate', (next, tree) => {
        if (layer(tree, 'tcp').every(({ status }) => status < 0)) {
          for (const block of blocksOf(tree)) {
            if (block.state === null) continue;
            if (layerOf(block) === 'neighbor') block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
            else if (block.miniportOffloadContext !== null) {
              block.status = NDIS_STATUS_FAILURE;
              block.miniportOffloadContext.miniportOffloadContext = null;
            }
          }
        }
        next(tree);
      }),
  },
  {
    does: 'says SUCCESS of a linker below which one connection was refused',
    fails: 'target-initiate-linkers',
    says: /\(linker\) ended with NDIS_STATUS_SUCCESS.*but 1 of the 2/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        if (isLinker(block) && block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) block.status = NDIS_STATUS_SUCCESS;
      }),
  },
  {
    does: 'says PARTIAL_SUCCESS of a linker below which everything was refused',
    fails: 'target-initiate-linkers',
    says: /\(linker\) ended with NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS.*but 0 of the 2/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        if (isLinker(block) && block.status === NDIS_STATUS_FAILURE) block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      }),
  },
  {
    does: 'fails a linker below which everything was offloaded',
    fails: 'target-initiate-new-path-below-linker',
    says: /\(linker\) ended with NDIS_STATUS_FAILURE.*but 2 of the 2/,
    taps: instead(isLinker, NDIS_STATUS_FAILURE),
  },
  {
    does: 'changes the context of the object that a linker names',
    fails: 'target-initiate-new-path-below-linker',
    says: /context of neighbor.*was changed/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        if (isLinker(block) && block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = {};
      }),
  },
  { does: 'fails placeholders', fails: 'target-initiate-placeholders', says: /\(placeholder\) ended with NDIS_STATUS_FAILURE/, taps: instead(isPlaceholder, NDIS_STATUS_FAILURE) },
  {
    does: 'does not write the status of placeholders',
    fails: 'target-initiate-placeholders',
    says: /status of a placeholder.*was not written/,
    taps: unwritten(isPlaceholder),
  },
  {
    does: 'leaves the status of connections below a refused path as it was',
    fails: 'target-initiate-refused-path',
    says: /status of connection.*was not written/,
    taps: unwritten((block) => layerOf(block) === 'tcp' && block.status === NDIS_STATUS_FAILURE),
    subject: sinkSubject,
  },
  {
    does: 'refuses a path with a status that is for neighbors',
    fails: 'target-initiate-refused-path',
    says: /no status for a block of layer path/,
    taps: instead(isRefused('path'), NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES),
    subject: sinkSubject,
  },
  {
    does: 'goes on beside a root that was refused',
    fails: 'target-initiate-refused-root',
    says: /offloaded though the root was refused/,
    taps: () => {
      let tree: MiniportOffloadBlockList | null = null;
      return {
        miniportInitiateOffload: (next, context, root) => {
          tree = root.nextBlock === null ? null : root;
          next(context, root.nextBlock ?? root);
        },
        initiateOffloadComplete: (next, root) => {
          if (tree === null) {
            next(root);
            return;
          }
          const beside = tree.nextBlock;
          tree.nextBlock = null;
          for (const block of blocksOf(tree)) block.status = NDIS_STATUS_FAILURE;
          tree.nextBlock = beside;
          next(tree);
        },
      };
    },
    subject: sinkSubject,
  },
  {
    does: 'says SUCCESS of a neighbor right below which everything is offloaded and beside which nothing is',
    fails: 'target-initiate-refused-neighbor',
    says: /ended with NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS.*but 2 of the 2/,
    taps: () =>
      changingBlocks('initiate', (block, root) => {
        if (block === root && root.nextBlock !== null && root.nextBlock.status < 0) block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      }),
    subject: sinkSubject,
  },
  {
    does: 'writes the status of NBLs whose connection it refuses',
    fails: 'target-initiate-refused-chain',
    says: /statuses of NBLs whose connection was refused/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        if (block.status < 0) for (const nbl of membersOf(block.netBufferListChain)) nbl.status = NDIS_STATUS_FAILURE;
      }),
  },
  {
    does: 'takes the chain out of the block of a connection that it refuses',
    fails: 'target-initiate-refused-chain',
    says: /not in its block any more/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        if (block.status < 0) block.netBufferListChain = null;
      }),
  },
  {
    does: 'advances the data of NBLs whose connection it refuses',
    fails: 'target-initiate-refused-chain',
    says: /data of NBLs whose connection was refused/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        const nb = block.status < 0 ? block.netBufferListChain?.firstNetBuffer : null;
        if (nb == null) return;
        nb.dataLength--;
        nb.dataOffset++;
        nb.currentMdlOffset++;
      }),
  },
  {
    does: 'refuses for want of an entry with the status for want of a buffer',
    fails: 'target-initiate-again-after-refusal',
    says: /no entry for was refused with NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER/,
    taps: instead(isRefused('tcp'), NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER),
  },
  {
    does: 'forgets initiates that come while one is under way',
    fails: 'target-initiate-overlapping',
    says: /completion of initiate did not come/,
    taps: () => {
      let isBusy = false;
      return {
        miniportInitiateOffload: (next, context, tree) => {
          if (isBusy) return;
          isBusy = true;
          next(context, tree);
        },
        initiateOffloadComplete: (next, tree) => {
          isBusy = false;
          next(tree);
        },
      };
    },
  },
  {
    does: 'refuses connections in FIN-WAIT-2',
    fails: 'target-initiate-states',
    says: /initiate that nothing speaks against/,
    taps: () =>
      changingBlocks('initiate', (block) => {
        const state = (block.state as TcpOffloadState | null)?.delegated?.state;
        if (layerOf(block) !== 'tcp' || state !== TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2 || block.miniportOffloadContext === null) return;
        block.status = NDIS_STATUS_FAILURE;
        block.miniportOffloadContext.miniportOffloadContext = null;
      }),
  },
  {
    does: 'takes every connection for an established one',
    fails: 'target-initiate-states',
    says: /came in state 5 is in state 4/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
      }),
  },
  {
    does: 'indicates everything with the handle that it indicated with first',
    fails: 'target-initiate-handles',
    says: /what was delivered to connection 0/,
    taps: () => {
      let first: OffloadHandle | null = null;
      return {
        tcpOffloadReceiveHandler: (next, handle, ...args) => {
          first ??= handle;
          return next(first, ...args);
        },
      };
    },
  },
  {
    does: 'indicates received data from the buffers it came along in',
    fails: 'target-initiate-buffered-copied',
    says: /what was delivered of the data that came along/,
    taps: watchingBuffered((firstByte) => ({
      tcpOffloadReceiveHandler: (next, handle, list, ...args) => {
        fill(list, firstByte());
        return next(handle, list, ...args);
      },
    })),
  },
  {
    does: 'fills requests from the buffers that received data came along in',
    fails: 'target-initiate-buffered-to-requests',
    says: /what two requests got/,
    taps: watchingBuffered((firstByte) => ({
      tcpOffloadReceiveComplete: (next, list) => {
        fill(list, firstByte());
        next(list);
      },
    })),
  },
  {
    does: 'takes a request for full with another byte of what came along in it',
    fails: 'target-initiate-buffered-in-pieces',
    says: /what a request got of the data that came along, and what came back/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        fill(list, 0x11);
        next(list);
      },
    }),
  },
  {
    does: 'gives received data back in the buffers it came along in',
    fails: 'target-initiate-buffered-back',
    says: /what came back of the data that came along/,
    taps: watchingBuffered((firstByte) =>
      changingBlocks('terminate', ({ state }) => {
        const buffered = (state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
        if (buffered !== null) fill(buffered, firstByte());
      }),
    ),
  },
  {
    does: 'indicates as soon as a request is posted, inside the completion of the initiate',
    fails: 'target-initiate-indication-after-completion',
    says: /callbacks on the stack when data was indicated/,
    taps: (environment) => {
      const pool = environment.pools.allocateNetBufferListPool('broken');
      let connection: OffloadHandle | null = null;
      return withAdapter((adapter) => ({
        initiateOffloadComplete: (next, tree) => {
          connection = layer(tree, 'tcp')[0]?.ndisOffloadHandle ?? null;
          next(tree);
        },
        miniportTcpOffloadReceive: (next, ...args) => {
          if (connection !== null) adapter().handlers.tcpOffloadReceiveHandler(connection, createList(pool, 'too early'), NDIS_STATUS_SUCCESS, new BytesConsumed());
          connection = null;
          return next(...args);
        },
      }))(environment);
    },
  },
  {
    does: 'indicates a status before it completes an initiate',
    fails: 'target-initiate-quiet',
    says: /indications while an initiate was under way/,
    taps: withAdapter((adapter) =>
      completing('initiate', (next, tree) => {
        const indication = new NdisStatusIndication();
        indication.sourceHandle = adapter().miniport;
        indication.statusCode = NDIS_STATUS_OFFLOAD_PAUSE;
        adapter().miniport.indicateStatusEx(indication);
        next(tree);
      }),
    ),
  },
  {
    does: 'refuses a connection for its window with the status for its data',
    fails: 'target-initiate-limits-connection',
    says: /window of one byte more than there can be was refused with NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER/,
    taps: instead(({ status }) => status === NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW, NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER),
    subject: sinkSubject,
  },
  {
    does: 'refuses connections at the limit',
    fails: 'target-initiate-limits-connection',
    says: /connection at every limit was refused/,
    taps: none,
    subject: { ...sinkSubject, create: (environment, wishes) => sinkSubject.create(environment, { ...wishes, maxInheritedSendBytes: 299 }) },
  },
  {
    does: 'refuses a path for its address with the status for its MTU',
    fails: 'target-initiate-limits-path',
    says: /path from a second address was refused with NDIS_STATUS_OFFLOAD_PATH_MTU/,
    taps: instead(({ status }) => status === NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, NDIS_STATUS_OFFLOAD_PATH_MTU),
    subject: sinkSubject,
  },
  {
    does: 'takes MTUs of any size',
    fails: 'target-initiate-limits-path',
    says: /MTU of one byte more than there can be was offloaded/,
    taps: none,
    subject: { ...sinkSubject, create: (environment, wishes) => sinkSubject.create(environment, { ...wishes, maxPathMtuBytes: 9000 }) },
  },
  {
    does: 'takes source MACs without end',
    fails: 'target-initiate-limits-neighbor',
    says: /neighbor with a second source MAC was offloaded/,
    taps: none,
    subject: { ...sinkSubject, create: (environment, wishes) => sinkSubject.create(environment, { ...wishes, hardwareAddressCapacity: 2 }) },
  },
  {
    does: 'has no room after a tree went back',
    fails: 'target-initiate-room-again',
    says: /the only tree was refused/,
    taps: () => {
      let hasGone = false;
      return {
        terminateOffloadComplete: (next, tree) => {
          hasGone = true;
          next(tree);
        },
        initiateOffloadComplete: (next, tree) => {
          if (hasGone) {
            for (const block of blocksOf(tree)) {
              block.status = NDIS_STATUS_FAILURE;
              if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
            }
          }
          next(tree);
        },
      };
    },
    subject: sinkSubject,
  },
];
