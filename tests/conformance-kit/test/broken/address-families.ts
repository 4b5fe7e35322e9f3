import { netBufferListBytes, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, OFFLOAD_STATE_TYPE, type PathOffloadState } from '@ndis-chimney/types';
import { blocksOf } from '@ndis-chimney/conformance/probes';

import type { Broken } from './broken-target.ts';
import { configuringIPv6 } from './capabilities.ts';
import { changingBlocks, completing } from './tree-taps.ts';

export const brokenAddressFamilies: readonly Broken[] = [
  { does: 'offloads no IPv6', fails: 'target-parity-life', says: /support of IPv4 and of IPv6/, taps: configuringIPv6(0) },
  {
    does: 'does not update IPv6 paths',
    fails: 'target-parity-life',
    says: /state of a path of IPv6 after an update/,
    taps: () => ({
      miniportUpdateOffload: (next, context, tree) => {
        if (tree.header.type === OFFLOAD_STATE_TYPE.Ip6OffloadCachedState) tree.state = null;
        next(context, tree);
      },
    }),
  },
  {
    does: 'keeps four bytes of an IPv6 address',
    fails: 'target-parity-life',
    says: /state of a path of IPv6 after an update/,
    taps: () =>
      changingBlocks('query', ({ state, header }) => {
        const constant = header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState ? (state as PathOffloadState | null)?.const : null;
        if (constant != null) constant.destinationAddress.fill(0, 4);
      }),
  },
  {
    does: 'refuses IPv6 beside IPv4',
    fails: 'target-parity-mixed',
    says: /was refused|blocks of a mixed tree that were not offloaded/,
    taps: () =>
      completing('initiate', (next, tree) => {
        const { nextBlock: beside } = tree;
        if (beside !== null) {
          for (const block of blocksOf(beside)) {
            block.status = NDIS_STATUS_FAILURE;
            if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
          }
        }
        next(tree);
      }),
  },
  {
    does: 'takes the last byte of what it receives over IPv6 for something else',
    fails: 'target-parity-data',
    says: /what the host got of an IPv6 connection/,
    taps: () => {
      let isIPv6 = false;
      return {
        ...changingBlocks('initiate', ({ header, status }) => {
          if (status === NDIS_STATUS_SUCCESS && header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState) isIPv6 = true;
        }),
        tcpOffloadReceiveHandler: (next, handle, list, ...args) => {
          const mdl = list.firstNetBuffer?.mdlChain;
          if (isIPv6 && mdl != null && netBufferListBytes(list).length > 0) mdl.buffer[mdl.byteOffset + (list.firstNetBuffer?.dataOffset ?? 0)] = 255;
          return next(handle, list, ...args);
        },
      };
    },
  },
];
