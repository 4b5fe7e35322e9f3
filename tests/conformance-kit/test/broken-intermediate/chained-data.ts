import { blocksOf, link, membersOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_RESOURCES, type TcpOffloadState } from '@ndis-chimney/types';

import { tapped, type BrokenIntermediate } from './broken-intermediate.ts';

export const brokenChainedData: readonly BrokenIntermediate[] = [
  {
    does: 'offers a connection without its send data',
    fails: 'chain-down',
    says: /NET_BUFFER_LISTs of the chain at the target: expected 3, found 0/u,
    subject: tapped({
      lower: {
        initiateOffload: (next, tree) => {
          for (const block of blocksOf(tree)) block.netBufferListChain = null;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'keeps the send data of a connection that was refused',
    fails: 'chain-of-a-refused-connection',
    says: /its send data: expected 3, found 0/u,
    subject: tapped({
      upper: {
        initiateOffloadComplete: (next, tree) => {
          for (const block of blocksOf(tree)) if (block.status === NDIS_STATUS_RESOURCES) block.netBufferListChain = null;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'brings unsent data back from the last to the first',
    fails: 'chain-up',
    says: /send data that the terminate brought: number 0 is another one/u,
    subject: tapped({
      upper: {
        terminateOffloadComplete: (next, tree) => {
          for (const block of blocksOf(tree)) if (block.netBufferListChain !== null) block.netBufferListChain = link(membersOf(block.netBufferListChain).reverse());
          next(tree);
        },
      },
    }),
  },
  {
    does: 'returns received data that a terminate brought itself',
    fails: 'buffered-data',
    says: /BufferedData of the terminate: expected 3, found 0/u,
    subject: tapped({
      upper: {
        terminateOffloadComplete: (next, tree) => {
          for (const { state } of blocksOf(tree)) {
            const { delegated } = state as TcpOffloadState;
            if (delegated?.bufferedData != null) delegated.bufferedData = null;
          }
          next(tree);
        },
      },
    }),
  },
];
