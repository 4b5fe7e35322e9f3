import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TICKS_PER_SECOND_VALUES,
  TIMEOUT_DELTA_NOT_RUNNING,
  type NdisTcpConnectionOffloadParameters,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import { ticksSince, watchHandOvers } from './handed-over.ts';
import { slackTicks } from './ticks.ts';

const { TcpConnectionClosed, TcpConnectionEstablished, TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionCloseWait } = TCP_OFFLOAD_CONNECTION_STATE;

const WIRE = 'When segments were sent and received: the verifier does not see the wire.';

/** How long a connection stays in FIN_WAIT_2 at least (`fin-wait-2-timer.md`), in milliseconds. */
const FIN_WAIT_2_MS = 120_000;

/** Half a second is nothing in two minutes: clocks of a NIC may be that far off. */
const FIN_WAIT_2_SLACK_MS = 1500;

export const timersRules: readonly Rule[] = [
  {
    id: 'CHIM-TMR-001',
    actors: ['host', 'target'],
    severity: 'warning',
    page: 'overview-of-tcp-timers.md',
    holds: 'TicksPerSecond is 10, 100 or 1000, and all timers run in that unit.',
    why: 'NICs have dividers for these three: with another rate every time that is handed over is wrong by a factor.',
    cause: 'Look where OID_TCP_CONNECTION_OFFLOAD_PARAMETERS is filled in: the unit is the rate, not the length of a tick.',
    example: 'A host sets TicksPerSecond to 64.',
    observed: ['status', 'time'],
    decidedBy: 'verifier',
    missing: `Whether the timers of a target run in that unit. ${WIRE}`,
    watch: ({ broken }) => ({
      oidDown: (edge, request) => {
        const { oid, requestType, informationBuffer } = request;
        if (oid !== OID_TCP_CONNECTION_OFFLOAD_PARAMETERS || requestType !== NDIS_REQUEST_TYPE.NdisRequestSetInformation || edge.upperRole !== 'host') return;
        const rate = (informationBuffer as Partial<NdisTcpConnectionOffloadParameters> | null)?.ticksPerSecond;
        if (rate !== undefined && !TICKS_PER_SECOND_VALUES.some((value) => value === rate)) broken(edge.upper, `sets TicksPerSecond of ${edge.binding.adapterName} to ${rate}`, request);
      },
    }),
  },
  {
    id: 'CHIM-TMR-002',
    actors: ['host'],
    severity: 'warning',
    page: 'delayed-acknowledgement-timer.md',
    holds: 'Before it offers a connection, the host stops its timers for delayed acknowledgements, push and silly windows, and sends what is to be acknowledged.',
    why: 'These timers are not handed over: an acknowledgement that is owed is never sent.',
    cause: 'Look what is done before the state is written into the block.',
    example: 'RcvNxt is handed over, the peer was never told of the last two segments, and nothing else arrives.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: 'Timers inside the host, and the last acknowledgement it sent: neither crosses an edge.',
  },
  {
    id: 'CHIM-TMR-003',
    actors: ['target'],
    severity: 'warning',
    page: 'ns-ndischimney-_ndis_tcp_connection_offload_parameters.md',
    holds: 'An acknowledgement is not held back longer than TcpDelayedAckTicks or TcpAckFrequency segments.',
    why: 'The peer\'s window does not move on: throughput falls to a window per delay.',
    cause: 'Look whether the timer runs in the ticks that were set, and whether the counter starts again with each acknowledgement.',
    example: 'TcpAckFrequency is 2, and every fourth segment is acknowledged.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-004',
    actors: ['target'],
    severity: 'warning',
    page: 'push-timer.md',
    holds: 'The push timer starts with the first byte in a push-mode request, restarts with each further one and stops with its completion; when it expires, only a partly filled push-mode request is completed.',
    why: 'Without it, data waits in a buffer that is not full for ever.',
    cause: 'Look where the timer is restarted, and whether it asks for the mode of the request.',
    example: '400 of 1000 bytes have arrived, TcpPushTicks have passed, and the request is still pending.',
    observed: ['time', 'up', 'wire'],
    decidedBy: 'nobody',
    missing: `When the bytes of a request arrived. ${WIRE}`,
  },
  {
    id: 'CHIM-TMR-005',
    actors: ['target'],
    severity: 'error',
    page: 'retransmit-timer.md',
    holds: 'The timers for retransmission, keepalive, persist and FIN_WAIT_2 go on from the values that were handed over: -1 does not run, 0 fires at once, n after n ticks.',
    why: 'A timer that starts anew with each offload never fires on a connection that moves often.',
    cause: 'Look whether TimeoutDelta is converted from the ticks that were set into those of the hardware.',
    example: 'Retransmit.TimeoutDelta was 300, nothing was acknowledged, and a query 100 ticks later returns 300.',
    observed: ['memory', 'time', 'wire'],
    decidedBy: 'verifier',
    missing: `Timers that were restarted or have fired meanwhile, and keepalive, which every segment restarts. ${WIRE}`,
    watch: (watch) =>
      watchHandOvers(watch, (object, before, now, operation, rate) => {
        const { numbers } = before;
        const elapsed = ticksSince(before, watch.clock.now(), rate);
        const wasRunning = numbers.retransmitDelta !== TIMEOUT_DELTA_NOT_RUNNING && numbers.sndUna !== numbers.sndMax && numbers.sndWnd > 0;
        const isUntouched = now.sndUna === numbers.sndUna && now.sndMax === numbers.sndMax && now.sndWnd > 0 && now.dupAckCount === numbers.dupAckCount && now.state === numbers.state;
        if (elapsed === null || !wasRunning || !isUntouched || numbers.state === TcpConnectionFinWait2) return;
        const from = numbers.retransmitDelta >>> 0;
        const [least, most] = elapsed;
        const slack = slackTicks(most);
        // It may have fired: then it says nothing.
        if (most + slack >= from) return;
        const left = now.retransmitDelta === TIMEOUT_DELTA_NOT_RUNNING ? -1 : now.retransmitDelta >>> 0;
        if (left >= from - most - slack && left <= from - least + slack) return;
        const what = left < 0 ? 'does not run' : `has ${left} ticks left`;
        watch.broken(object.edge.lower, `says by a ${operation} that the retransmit timer of ${object.name} ${what}: it took it over with ${from}, ${Math.round(most)} ticks ago, and nothing was acknowledged since`, object.handle);
      }),
  },
  {
    id: 'CHIM-TMR-006',
    actors: ['target'],
    severity: 'error',
    page: 'ns-ndischimney-_tcp_offload_state_delegated.md',
    holds: 'Queries and terminates return the counts and the remaining ticks of the timers, -1 for one that does not run.',
    why: 'The host starts its own timers from them: with 0 in place of -1 it retransmits what was acknowledged.',
    cause: '0 is what a fresh structure holds, and means now. Look whether TimeoutDelta is written when nothing runs.',
    example: 'Everything was acknowledged, and a terminate returns a Retransmit.TimeoutDelta of 0.',
    observed: ['memory', 'wire'],
    decidedBy: 'verifier',
    missing: `What runs while something is not acknowledged, and keepalive, which a challenge ACK starts as well. ${WIRE}`,
    watch: (watch) =>
      watchHandOvers(watch, (object, _before, now, operation) => {
        const isIdle = now.sndUna === now.sndMax && now.sndWnd > 0 && (now.state === TcpConnectionEstablished || now.state === TcpConnectionCloseWait);
        if (!isIdle || now.retransmitDelta === TIMEOUT_DELTA_NOT_RUNNING) return;
        watch.broken(object.edge.lower, `says by a ${operation} that the retransmit timer of ${object.name} has ${now.retransmitDelta >>> 0} ticks left, though everything is acknowledged`, object.handle);
      }),
  },
  {
    id: 'CHIM-TMR-007',
    actors: ['target'],
    severity: 'error',
    page: 'retransmit-timer.md',
    holds: 'Retransmission ends with TcpMaximumRetransmissions when MaxRT is 0, when TotalRT reaches MaxRT when that is finite, and never when it is 0xFFFFFFFF.',
    why: 'Given up too early, a connection dies with every short outage; too late, its resources are gone for hours.',
    cause: 'Look how the three values of MaxRT are told apart, and in which unit TotalRT counts.',
    example: 'MaxRT is 0xFFFFFFFF, and the upload is asked for after 32 retransmissions.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-008',
    actors: ['target'],
    severity: 'error',
    page: 'fin-wait-2-timer.md',
    holds: 'In FIN_WAIT_2 a timer runs from 120 seconds, or from what was handed over, restarts with each acceptable segment, and on expiry the upload is asked for with TimeoutExpiration; the state is CLOSED then.',
    why: 'A peer that never closes would hold the connection for ever; one that is slow must not lose its data.',
    cause: 'Look which time the timer is loaded with, in which unit, and who sets the state.',
    example: 'A minute after the FIN was acknowledged the upload is asked for with TimeoutExpiration.',
    observed: ['time', 'up', 'memory', 'wire'],
    decidedBy: 'verifier',
    missing: `Restarts, expiries that do not come, and the timer of a connection that was handed over in FIN_WAIT_2. ${WIRE}`,
    watch: ({ broken, clock }) => {
      const closedAt = new WeakMap<ObjectRecord, number>();
      const expired = new WeakSet<ObjectRecord>();
      const keptAlive = new WeakSet<OffloadHandle>();
      const { TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;
      return {
        requestUp: ({ kind, nbl, object, edge, postedAtMs }) => {
          const from = object.handedOver?.connectionState;
          if (kind !== 'disconnect' || edge.lowerRole !== 'target' || nbl.status !== NDIS_STATUS_SUCCESS) return;
          if ((from === TcpConnectionEstablished || from === TcpConnectionFinWait1) && object.disconnected === 'graceful' && !object.isDisconnectIndicated) closedAt.set(object, postedAtMs);
        },
        event: (object, eventType, information) => {
          const { edge, handle } = object;
          const postedAtMs = closedAt.get(object);
          // Keepalive, where it runs, may expire as well.
          if (postedAtMs === undefined || object.isDisconnectIndicated || keptAlive.has(handle)) return;
          if (eventType !== TcpIndicateRetrieve || information !== TCP_UPLOAD_REASON.TimeoutExpiration) return;
          expired.add(object);
          const forMs = clock.now() - postedAtMs;
          if (forMs < FIN_WAIT_2_MS - FIN_WAIT_2_SLACK_MS) broken(edge.lower, `gives ${object.name} up in FIN_WAIT_2 ${forMs} ms after the host had closed it`, handle);
        },
        treeDown: ({ operation, blocks }) => {
          if (operation !== 'initiate' && operation !== 'update') return;
          for (const { handle, layer, state } of blocks) {
            const cached = layer === 'tcp' ? (state as TcpOffloadState | null)?.cached : null;
            if (handle !== null && cached != null && (cached.flags & TCP_FLAG_KEEP_ALIVE_ENABLED) !== 0) keptAlive.add(handle);
          }
        },
        treeUp: ({ operation, edge, blocks }) => {
          if (operation !== 'terminate' || edge.lowerRole !== 'target') return;
          for (const { object, block } of blocks) {
            if (object === null || !expired.delete(object) || block.status !== NDIS_STATUS_SUCCESS) continue;
            const state = (block.state as TcpOffloadState | null)?.delegated?.state;
            if (state === undefined || state === TcpConnectionClosed) continue;
            broken(edge.lower, `returns ${object.name} in state ${state}, though it gave it up in FIN_WAIT_2`, block, object.handle);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-TMR-009',
    actors: ['target'],
    severity: 'error',
    page: 'keepalive-timer.md',
    holds: 'Keepalive probes are sent only with the option set: the first after KaTimeout idle ticks, then every KaInterval, no more than KaProbeCount with those that were sent before the offload.',
    why: 'Probes that nobody asked for wake devices and cost money; missing ones leave dead connections.',
    cause: 'Look whether KeepAlive.ProbeCount is taken over, and whether updates of the flags are heeded.',
    example: 'Three probes were sent before the offload, KaProbeCount is 10, and the target sends ten more.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-010',
    actors: ['target'],
    severity: 'error',
    page: 'requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md',
    holds: 'A challenge ACK arms keepalive to expire within five minutes, with 10 probes a second apart by default; an acceptable segment disarms it if it did not run before.',
    why: 'If the RST was real, nothing else finds out that the peer is gone.',
    cause: 'Look what the challenge ACK does apart from being sent.',
    example: 'A challenge ACK is sent, the peer is silent, and so is the target.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-011',
    actors: ['target'],
    severity: 'error',
    page: 'persist-timer.md',
    holds: 'A closed window is probed in the documented rounds of persist and retransmit intervals, until it opens; when one round exceeds TcpMaximumRetransmissions, the upload is asked for with TimeoutExpiration.',
    why: 'The update that opens the window may be lost: without probes the connection stands still for ever.',
    cause: 'Look how SndWndProbeCount and Count change with each probe and each acknowledgement.',
    example: 'The peer answers every probe, and the interval goes on doubling.',
    observed: ['wire', 'time', 'up'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-012',
    actors: ['target'],
    severity: 'warning',
    page: 'silly-window-syndrome-prevention-timer.md',
    holds: 'Where silly windows are prevented, a small segment is held back only under all three conditions, and until the timer expires at most.',
    why: 'A segment that is held back for too long looks like a stalled connection.',
    cause: 'Look at the conditions: less than a segment, less than half the largest window, not the end of a NET_BUFFER_LIST.',
    example: 'The last 500 bytes of a NET_BUFFER_LIST are held back.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TMR-013',
    actors: ['target'],
    severity: 'warning',
    page: 'ns-ndischimney-_ndis_tcp_connection_offload_parameters.md',
    holds: 'A fast retransmission comes after TcpDuplicateAckThreshold duplicate acknowledgements.',
    why: 'Earlier, reordering is taken for loss; later, a loss costs a retransmission timeout.',
    cause: 'Look whether the threshold is the one that was set, and whether DupAckCount is taken over.',
    example: 'The threshold is 3, and the second duplicate triggers a retransmission.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
];
