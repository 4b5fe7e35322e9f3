import { blocksOf } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import {
  NDIS_STATUS_SUCCESS,
  NeighborOffloadStateCached,
  OFFLOAD_STATE_TYPE,
  TCP_FLAG_UPDATE_RCV_WND,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TcpOffloadStateCached,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type NeighborOffloadStateConst,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { eachQueried } from './send-taps.ts';
import { changingBlocks, completing, layerOf, withAdapter } from './tree-taps.ts';

/** Takes updates with something changed about each block. */
function updating(change: (block: MiniportOffloadBlockList, root: MiniportOffloadBlockList) => void): MiniportTaps {
  return {
    miniportUpdateOffload: (next, context, tree) => {
      for (const block of blocksOf(tree)) change(block, tree);
      next(context, tree);
    },
  };
}

/** Answers updates with SUCCESS and does nothing. */
const ignored: Broken['taps'] = (environment) =>
  withAdapter((adapter) => ({
    miniportUpdateOffload: (_next, _context, tree) => {
      for (const block of blocksOf(tree)) block.status = NDIS_STATUS_SUCCESS;
      environment.clock.createTimer({
        timerExpired: () => {
          adapter().miniport.updateOffloadComplete(tree);
        },
      }).start(1);
    },
  }))(environment);

/** Does what an update of a path says, but links it to nothing else. */
const unlinked: Broken['taps'] = () => {
  let dependents: MiniportOffloadBlockList | null = null;
  return {
    miniportUpdateOffload: (next, context, tree) => {
      dependents = tree.dependentBlockList;
      tree.dependentBlockList = null;
      next(context, tree);
    },
    ...completing('update', (next, tree) => {
      tree.dependentBlockList = dependents;
      for (const block of blocksOf(tree)) block.status = NDIS_STATUS_SUCCESS;
      next(tree);
    }),
  };
};

export const brokenUpdate: readonly Broken[] = [
  { does: 'answers updates and does nothing', fails: 'target-update-connection', says: /cached state after an update/, taps: ignored },
  {
    does: 'takes the keepalive interval for the keepalive time',
    fails: 'target-update-connection',
    says: /cached state after an update/,
    taps: () => updating(({ state }) => {
      const cached = (state as TcpOffloadState | null)?.cached;
      if (cached instanceof TcpOffloadStateCached) cached.kaTimeout = cached.kaInterval;
    }),
  },
  {
    does: 'starts slowly again after an update',
    fails: 'target-update-connection',
    says: /constant and delegated state after an update/,
    taps: () => {
      let isUpdated = false;
      return {
        ...updating(() => {
          isUpdated = true;
        }),
        ...eachQueried((delegated) => {
          if (isUpdated) delegated.cWnd = 2920;
        }),
      };
    },
  },
  {
    does: 'reports the latest cached state for every connection',
    fails: 'target-update-connection',
    says: /cached state of a connection that was not updated/,
    taps: () => {
      const latest = new TcpOffloadStateCached();
      let isUpdated = false;
      return {
        ...updating(({ state }) => {
          const cached = (state as TcpOffloadState | null)?.cached;
          if (!(cached instanceof TcpOffloadStateCached)) return;
          latest.copyFrom(cached);
          isUpdated = true;
        }),
        ...changingBlocks('query', ({ state }) => {
          const cached = (state as TcpOffloadState | null)?.cached;
          if (isUpdated && cached instanceof TcpOffloadStateCached) cached.copyFrom(latest);
        }),
      };
    },
  },
  {
    does: 'leaves neighbors alone below which paths are updated',
    fails: 'target-update-path-and-neighbor',
    says: /MAC address of a neighbor after an update/,
    taps: () => updating((block) => {
      if (layerOf(block) === 'neighbor' && block.dependentBlockList !== null) block.state = null;
    }),
  },
  {
    does: 'updates the first of several paths',
    fails: 'target-update-path-and-neighbor',
    says: /MTUs of two paths after an update/,
    taps: () => updating((block, root) => {
      if (layerOf(block) === 'path' && block !== root.dependentBlockList) block.state = null;
    }),
  },
  {
    does: 'cuts path MTUs to what IPv6 has at least',
    fails: 'target-update-alone',
    says: /a path after an update of its own/,
    taps: () => updating((block) => {
      const cached = layerOf(block) === 'path' ? (block.state as PathOffloadState | null)?.cached : null;
      if (cached != null) cached.pathMtu = Math.min(cached.pathMtu, 1280);
    }),
  },
  {
    does: 'ignores an update of a neighbor alone',
    fails: 'target-update-alone',
    says: /a neighbor after an update of its own/,
    taps: () => updating((block) => {
      if (layerOf(block) === 'neighbor') block.state = null;
    }),
  },
  {
    does: 'takes constant state of a connection from an update',
    fails: 'target-update-foreign-state',
    says: /constant and delegated state after an update that brought other/,
    taps: () => {
      let remoteMss = 0;
      return {
        ...updating(({ state }) => {
          remoteMss = (state as TcpOffloadState | null)?.const?.remoteMss ?? remoteMss;
        }),
        ...changingBlocks('query', ({ state }) => {
          const constant = (state as TcpOffloadState | null)?.const;
          if (constant != null && remoteMss !== 0) constant.remoteMss = remoteMss;
        }),
      };
    },
  },
  {
    does: 'takes the VLAN of a neighbor from an update',
    fails: 'target-update-foreign-state',
    says: /a path and a neighbor after an update that brought constant state/,
    taps: () => {
      let vlanId = 0;
      const constOf = (block: MiniportOffloadBlockList): NeighborOffloadStateConst | null => (layerOf(block) === 'neighbor' ? ((block.state as NeighborOffloadState | null)?.const ?? null) : null);
      return {
        ...updating((block) => {
          vlanId = constOf(block)?.vlanId ?? vlanId;
        }),
        ...changingBlocks('query', (block) => {
          const constant = constOf(block);
          if (constant !== null && vlanId !== 0) constant.vlanId = vlanId;
        }),
      };
    },
  },
  {
    does: 'treats an update that failed as failed hardware',
    fails: 'target-update-foreign-state',
    says: /events of a connection after updates that may have failed/,
    taps: withAdapter((adapter) =>
      changingBlocks('update', (block) => {
        const { TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;
        if (block.status < 0 && layerOf(block) === 'tcp' && block.ndisOffloadHandle !== null) adapter().handlers.tcpOffloadEventHandler(block.ndisOffloadHandle, TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
      }),
    ),
  },
  { does: 'links no path to another neighbor', fails: 'target-update-relink', says: /send on a path that was linked away/, taps: unlinked },
  {
    does: 'takes over the address of the old neighbor with its paths',
    fails: 'target-update-relink',
    says: /a neighbor and a path after they were linked/,
    taps: () => {
      let isLinked = false;
      return {
        ...updating(() => {
          isLinked = true;
        }),
        ...changingBlocks('query', ({ state }) => {
          const cached = (state as NeighborOffloadState | null)?.cached;
          if (isLinked && cached instanceof NeighborOffloadStateCached) cached.dlDestinationAddress.fill(1);
        }),
      };
    },
  },
  { does: 'links no path to another neighbor', fails: 'target-update-relink-depends', says: /upload of a connection whose new neighbor is invalid/, taps: unlinked },
  {
    does: 'ignores paths below a placeholder',
    fails: 'target-update-placeholder',
    says: /MTU of a path that was updated below a placeholder/,
    taps: unlinked,
  },
  {
    does: 'reports the time spent on retransmissions as it was handed over',
    fails: 'target-update-restart',
    says: /after an update with restart/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.totalRT = 4321;
      }),
  },
  {
    does: 'starts over with every update',
    fails: 'target-update-restart',
    says: /TotalRT after an update without restart/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.totalRT = 0;
      }),
  },
  {
    does: 'keeps count of keepalive probes over a restart',
    fails: 'target-update-restart',
    says: /after an update with restart/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.keepAlive.probeCount = 3;
      }),
  },
  {
    does: 'keeps the receive window that a connection came with',
    fails: 'target-update-window',
    says: /1000 bytes were received after the window was made 2460 bytes large/,
    taps: () => updating(({ state }) => {
      const cached = (state as TcpOffloadState | null)?.cached;
      if (!(cached instanceof TcpOffloadStateCached) || (cached.flags & TCP_FLAG_UPDATE_RCV_WND) === 0) return;
      cached.initialRcvWnd = 1000;
      cached.flags &= ~TCP_FLAG_UPDATE_RCV_WND;
    }),
  },
  {
    does: 'makes a receive window larger by less than it was asked to',
    fails: 'target-update-window',
    says: /1[0-9]{3} bytes were received after the window was made 2460 bytes large/,
    taps: () => updating(({ state }) => {
      const cached = (state as TcpOffloadState | null)?.cached;
      if (cached instanceof TcpOffloadStateCached && cached.initialRcvWnd === 2460) cached.initialRcvWnd = 1100;
    }),
  },
  {
    does: 'keeps the receive window that a connection came with',
    fails: 'target-update-window-unused',
    says: /acknowledgment of 12000 bytes after the window was made so large/,
    taps: () => updating(({ state }) => {
      const cached = (state as TcpOffloadState | null)?.cached;
      if (cached instanceof TcpOffloadStateCached) cached.initialRcvWnd = 1000;
    }),
  },
  {
    does: 'keeps sends back on a path that was linked away from an invalid neighbor, without a word',
    fails: 'target-update-relink-from-invalid',
    says: /end of a send on a path that was linked to a valid neighbor/,
    taps: (environment) => ({
      ...unlinked(environment),
      tcpOffloadEventHandler: () => undefined,
      tcpOffloadSendComplete: () => undefined,
    }),
  },
  {
    does: 'gives sends back on a path that was linked away from an invalid neighbor, and asks for no upload',
    fails: 'target-update-relink-from-invalid',
    says: /send on a path that was linked to a valid neighbor ended with NDIS_STATUS_UPLOAD_IN_PROGRESS/,
    taps: (environment) => ({
      ...unlinked(environment),
      tcpOffloadEventHandler: () => undefined,
    }),
  },
  {
    does: 'goes on with the MTU that a path came with',
    fails: 'target-update-mtu-obeyed',
    says: /octets left in \d+ datagrams over a path with an MTU of 576/,
    taps: () => updating(({ header, state }) => {
      const cached = header.type === OFFLOAD_STATE_TYPE.Ip4OffloadCachedState ? (state as PathOffloadState | null)?.cached : null;
      if (cached != null) cached.pathMtu = 1500;
    }),
  },
];
