import { link, membersOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE, netBufferListDataLength, type MiniportOffloadBlockList, type NetBufferList } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { completedAfterTerminate, eachDelegated, eachDisconnectComplete, eachSendComplete, eachTerminated } from './send-taps.ts';

const PLACES = /sends that were completed, and then those in the chain of a terminate/;

export const brokenTerminateSends: readonly Broken[] = [
  {
    does: 'gives an old SndUna back',
    fails: 'target-terminate-sends',
    says: /bytes acknowledged, as the SndUna of a terminate says/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndUna = (delegated.sndUna - 200) | 0;
      }),
  },
  {
    does: 'gives its chain back from the last NBL to the first',
    fails: 'target-terminate-sends',
    says: PLACES,
    taps: () =>
      eachTerminated((_delegated, block) => {
        if (block.netBufferListChain !== null) block.netBufferListChain = link(membersOf(block.netBufferListChain).reverse());
      }),
  },
  {
    does: 'does not give the last send back',
    fails: 'target-terminate-sends',
    says: PLACES,
    taps: () =>
      eachTerminated((_delegated, block) => {
        if (block.netBufferListChain !== null) block.netBufferListChain.next = null;
      }),
  },
  {
    does: 'gives the first send of a chain back whole',
    fails: 'target-terminate-sends',
    says: /the chain of a terminate, whose first byte has the number SndUna: byte 0 is/,
    taps: () =>
      eachTerminated((_delegated, block) => {
        block.netBufferListChain?.firstNetBuffer?.retreatDataStart(200);
      }),
  },
  {
    does: 'names the first NBL of a chain as its last',
    fails: 'target-terminate-sends',
    says: /SendDataTail is not the last NBL of the chain/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sendDataTail = delegated.sendDataHead;
      }),
  },
  {
    does: 'says that it has sent more than there is',
    fails: 'target-terminate-sends',
    says: /SndMax is 1801 bytes after SndUna, the chain of the terminate has 1800/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndMax = (delegated.sndUna + 1801) | 0;
      }),
  },
  {
    does: 'says that the next number to send is above the highest that was sent',
    fails: 'target-terminate-sends',
    says: /they are not in this order/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndNxt = (delegated.sndMax + 1) | 0;
      }),
  },
  {
    does: 'begins a chain with the first byte of an MDL',
    fails: 'target-terminate-sends-in-pieces',
    says: /the chain of a terminate, whose first byte has the number SndUna: byte 0 is/,
    taps: () =>
      eachTerminated((_delegated, block) => {
        const nb = block.netBufferListChain?.firstNetBuffer ?? null;
        nb?.retreatDataStart(nb.currentMdlOffset);
      }),
  },
  {
    does: 'gives sends of several NET_BUFFERs back in a chain',
    fails: 'target-terminate-sends-several-net-buffers',
    says: /NET_BUFFERs of each NBL in the chain of a terminate/,
    taps: () => {
      const held: NetBufferList[] = [];
      return {
        tcpOffloadSendComplete: (next, list) => {
          if (list.status !== NDIS_STATUS_UPLOAD_IN_PROGRESS) next(list);
          else held.push(...membersOf(list));
        },
        ...eachTerminated((_delegated, block) => {
          if (held.length > 0) block.netBufferListChain = link(held.splice(0));
        }),
      };
    },
  },
  {
    does: 'keeps sends that are on their way',
    fails: 'target-terminate-sends-at-once',
    says: PLACES,
    taps: () =>
      eachTerminated((_delegated, block) => {
        block.netBufferListChain = null;
      }),
  },
  {
    does: 'does not name the first NBL of a chain',
    fails: 'target-terminate-chain-again',
    says: /SendDataHead is not the first NBL of the chain/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sendDataHead = null;
      }),
  },
  {
    does: 'forgets what the host had sent before the initiate',
    fails: 'target-terminate-chain-untouched',
    says: /SndMax went back/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndNxt = delegated.sndUna;
        delegated.sndMax = delegated.sndUna;
      }),
  },
  {
    does: 'ends a disconnect with REQUEST_ABORTED when the connection is taken back',
    fails: 'target-terminate-disconnect',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.status = NDIS_STATUS_REQUEST_ABORTED;
      }),
  },
  {
    does: 'completes a disconnect when the terminate has completed',
    fails: 'target-terminate-disconnect',
    says: /a disconnect was completed after a terminate/,
    taps: () => completedAfterTerminate('tcpOffloadDisconnectComplete'),
  },
  {
    does: 'gives the NBL of a disconnect back in the chain',
    fails: 'target-terminate-sends-and-disconnect',
    says: PLACES,
    taps: () => {
      let held: NetBufferList | null = null;
      const chained = (_delegated: unknown, block: MiniportOffloadBlockList): void => {
        if (held !== null) block.netBufferListChain = link([...membersOf(block.netBufferListChain), held]);
        held = null;
      };
      return {
        tcpOffloadDisconnectComplete: (_next, nbl) => {
          held = nbl;
        },
        terminateOffloadComplete: (next, tree) => {
          eachDelegated(tree, chained);
          next(tree);
        },
      };
    },
  },
  {
    does: 'counts the data of a disconnect as next to be acknowledged when it has gone back',
    fails: 'target-terminate-disconnect-at-once',
    says: /SndNxt is \d+ bytes after SndUna, the chain of the terminate has/,
    taps: () =>
      eachTerminated((delegated, block) => {
        if (block.netBufferListChain !== null) delegated.sndNxt = delegated.sndMax;
      }),
  },
  {
    does: 'says FIN_WAIT_2 when the host has closed, acknowledged or not',
    fails: 'target-terminate-disconnect-at-once',
    says: /whether a connection came back in FIN_WAIT_2/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2;
      }),
  },
  {
    does: 'ends sends with REQUEST_ABORTED when it has asked for the upload',
    fails: 'target-terminate-after-retrieve',
    says: /how the sends ended that were completed/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.status = NDIS_STATUS_REQUEST_ABORTED;
      }),
  },
  {
    does: 'numbers on from what it had sent when that has gone back by completion',
    fails: 'target-terminate-after-retrieve',
    says: /SndNxt is \d+ bytes after SndUna, the chain of the terminate has 0/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndMax = (delegated.sndUna + 20) | 0;
        delegated.sndNxt = delegated.sndMax;
      }),
  },
  {
    does: 'completes a disconnect that is pending with SUCCESS when it has asked for the upload',
    fails: 'target-terminate-after-retrieve-closing',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.status = NDIS_STATUS_SUCCESS;
      }),
  },
  {
    does: 'forgets that its FIN was acknowledged when it has asked for the upload',
    fails: 'target-terminate-after-retrieve-closing',
    says: /State, and numbers acknowledged and next to send, of a connection whose FIN was acknowledged before/,
    taps: () =>
      eachTerminated((delegated) => {
        if (delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2) delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
      }),
  },
  {
    does: 'says of every send that it was sent whole when the connection is taken back',
    fails: 'target-terminate-sends-several-net-buffers',
    says: /how the sends ended that were completed/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.tcpOffloadBytesTransferred += netBufferListDataLength(nbl);
      }),
  },
];
