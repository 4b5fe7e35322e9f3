import {
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  formatNdisStatus,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { checkEvents } from './events.ts';
import type { TargetCase } from './target-case.ts';

const { FIN, URG } = SEGMENT_FLAG;
const { TcpIndicateDisconnect, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;
const { HardwareFailure, InvalidState, ReceivedUrgentData, TimeoutExpiration } = TCP_UPLOAD_REASON;
const STATE = TCP_OFFLOAD_CONNECTION_STATE;
const HOUR_MS = 3_600_000;

/** Whether a forwarded segment is the host's to process: it came back as such, or comes up the ordinary way. */
function isLeftToHost(connection: WorldConnection, segment: NetBufferList, bytes: Uint8Array): boolean {
  const status = connection.forwardCompletions.find(({ nbl }) => nbl === segment)?.status;
  if (status === NDIS_STATUS_UPLOAD_IN_PROGRESS) return true;
  return connection.world.host.entries('ordinaryReceive').some(({ packets }) => packets.some((packet) => endsWith(packet, bytes)));
}

function endsWith(packet: Uint8Array, bytes: Uint8Array): boolean {
  const from = packet.length - bytes.length;
  return from >= 0 && bytes.every((byte, at) => packet[from + at] === byte);
}

/** What makes a target ask for a connection's upload, and what it does then. */
export const eventsUploadCases: readonly TargetCase[] = [
  {
    id: 'target-events-urgent',
    title: 'Urgent data is left to the host: one request for the upload, and nothing of it or after it is acknowledged or delivered',
    rules: ['CHIM-EVT-011', 'CHIM-EVT-007', 'CHIM-EVT-009', 'CHIM-ST-007'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const segments = [
        { at: 0, length: 100 },
        { at: 100, length: 30, flags: URG, urgentPointer: 10 },
        { at: 130, length: 40 },
        { at: 170, length: 50 },
      ];
      const forwarded = connection.forward(...segments.slice(0, 3));
      await world.advance(1000);
      forwarded.push(...connection.forward(...segments.slice(3)));
      await world.advance(1000);
      checkEqual(connection.events.map(({ eventType, information }) => [eventType, information]), [[TcpIndicateRetrieve, ReceivedUrgentData]], 'events after urgent data');
      const { delegated, buffered } = await connection.terminate();
      await world.advance(1000);
      checkBytes(connection.received, pattern(0, 100), 'what was received');
      checkEqual(buffered.length, 0, 'bytes of BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 100, 'bytes that RcvNxt counts');
      checkEqual(delegated.state, STATE.TcpConnectionEstablished, 'TCP state that was given back');
      segments.slice(1).forEach((segment, at) => {
        check(isLeftToHost(connection, present(forwarded[at + 1]), connection.segment(segment)), `the segment ${at} after the urgent data came back neither unprocessed nor the ordinary way`);
      });
    },
  },
  {
    id: 'target-events-urgent-invalid',
    title: 'Urgent data that is not in the window, or that acknowledges what was never sent, is dropped, and nothing more',
    rules: ['CHIM-EVT-011'],
    requirement: 'C-TCP-SEC',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const { rcvWnd } = present((await connection.query()).delegated);
      connection.forward(
        { at: rcvWnd, length: 10, flags: URG, urgentPointer: 1 },
        { at: -20, length: 10, flags: URG, urgentPointer: 1 },
        { at: 0, length: 10, flags: URG, urgentPointer: 1, acked: 1 },
      );
      await world.advance(2000);
      checkEvents(connection, []);
      checkEqual(connection.received.length, 0, 'bytes delivered of segments that are not valid');
      connection.forward({ at: 0, length: 10 });
      await world.settle();
      checkBytes(connection.received, pattern(0, 10), 'what was received after that');
    },
  },
  {
    id: 'target-events-stopped',
    title: 'Once the upload was asked for with a reason to be heeded, the connection moves no data and ends requests with UPLOAD_IN_PROGRESS',
    rules: ['CHIM-EVT-009', 'CHIM-EVT-007', 'CHIM-TRM-016', 'CHIM-RCV-011', 'CHIM-DSC-009'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.forward({ at: 0, length: 1, flags: URG, urgentPointer: 1 });
      await world.settle();
      checkEqual(connection.events.map(({ information }) => information), [ReceivedUrgentData], 'reasons the upload was asked for');
      const failed = peer.write(pattern(0, 1000)).then(() => 'acknowledged', () => 'reset');
      const sent = connection.send(pattern(0, 100));
      connection.post([100]);
      connection.disconnect();
      await world.advance(5000);
      checkEqual(connection.received.length, 0, 'bytes delivered after the upload was asked for');
      const { chain } = await connection.terminate();
      // A send may come back in the chain instead.
      checkEqual([...connection.sendCompletions.map(({ nbl }) => nbl), ...chain].map((nbl) => sent.indexOf(nbl)), [0], 'sends that were completed or came back');
      const ended = [...connection.sendCompletions, ...connection.receiveCompletions, ...connection.disconnectCompletions];
      checkEqual(ended.map(({ status }) => formatNdisStatus(status)), Array(3 - chain.length).fill(formatNdisStatus(NDIS_STATUS_UPLOAD_IN_PROGRESS)), 'status of a send, a receive and a disconnect after the upload was asked for');
      checkEqual(connection.events.length, 1, 'events');
      checkEqual(await Promise.race([failed, Promise.resolve('open')]), 'open', 'what the peer sent was');
    },
  },
  {
    id: 'target-events-half-closed',
    title: 'No upload is asked for that could wait while one half of a connection is closed',
    rules: ['CHIM-EVT-010', 'CHIM-EVT-007'],
    requirement: 'C-NDIS-EVT',
    requires: ['virtual-time'],
    run: async (world) => {
      const mandatory: readonly number[] = [HardwareFailure, InvalidState, ReceivedUrgentData, TimeoutExpiration];
      for (const state of [STATE.TcpConnectionFinWait2, STATE.TcpConnectionCloseWait]) {
        const connection = await world.connect({
          change: ({ cached, delegated }) => {
            present(delegated).state = state;
            present(cached).flags &= ~TCP_FLAG_KEEP_ALIVE_ENABLED;
          },
        });
        await world.advance(HOUR_MS);
        for (const { eventType, information } of connection.events) {
          checkEqual(eventType, TcpIndicateRetrieve, `an event of an idle connection in state ${state}`);
          check(mandatory.includes(information), `the upload of a connection in state ${state} was asked for with reason ${information}, which could wait`);
        }
      }
    },
  },
  {
    id: 'target-events-time-wait',
    title: 'When a connection enters TIME_WAIT, the host is told of the FIN and then asked to take it back',
    rules: ['CHIM-EVT-013', 'CHIM-EVT-001', 'CHIM-EVT-007'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect({
        change: ({ delegated }) => {
          present(delegated).state = STATE.TcpConnectionFinWait2;
        },
      });
      connection.forward({ at: 0, length: 10, flags: FIN });
      await world.advance(HOUR_MS);
      checkEvents(connection, [TcpIndicateDisconnect, TcpIndicateRetrieve]);
      const reason = present(connection.events[1]).information;
      check(Object.values(TCP_UPLOAD_REASON).includes(reason as never) && reason !== TCP_UPLOAD_REASON.MaxUploadReason, `the upload was asked for with reason ${reason}, and there is none such`);
      const { delegated } = await connection.terminate();
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 11, 'bytes, and a FIN, that RcvNxt counts');
      const states: readonly number[] = [STATE.TcpConnectionTimeWait, STATE.TcpConnectionClosed];
      check(states.includes(delegated.state), `TCP state ${delegated.state} was given back after TIME_WAIT`);
    },
  },
  {
    id: 'target-events-backlog',
    title: 'Changes of the send backlog are told now and then, not with every send, and do not count what is posted',
    rules: ['CHIM-EVT-014'],
    requirement: 'C-NDIS-EVT',
    // How often is too often, no page says.
    weight: 'advice',
    run: async (world) => {
      const connection = await world.connect();
      const sizes = Array.from({ length: 20 }, (_, at) => 10 + 7 * at);
      for (const size of sizes) {
        const before = connection.sendCompletions.length;
        connection.send(pattern(0, size));
        await world.until(() => connection.sendCompletions.length > before, 'the completion of a send');
      }
      const told = connection.backlogs;
      check(told.length <= 5, `${told.length} changes of the send backlog were told during 20 sends`);
      check(told.every((information) => information >= 0 && Number.isInteger(information)), `a send backlog of ${told.join(', ')} bytes was told`);
      check(told.length < 2 || !told.every((information) => sizes.includes(information)), 'the send backlog that was told is what was posted');
    },
  },
];
