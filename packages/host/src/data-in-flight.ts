import { TCP_OFFLOAD_CONNECTION_STATE, hasUnacknowledgedFin, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { ConnectionState } from './connection-description.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** True where our FIN has been sent. */
export function hasSentFin(state: TCP_OFFLOAD_CONNECTION_STATE): boolean {
  return hasUnacknowledgedFin(state) || state === STATE.TcpConnectionFinWait2 || state === STATE.TcpConnectionTimeWait || state === STATE.TcpConnectionClosed;
}

/** Bytes in a list of buffers. */
function byteLengthOf(buffers: readonly Uint8Array<ArrayBufferLike>[]): number {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.byteLength;
  return bytes;
}

/**
 * What is wrong with the send data that a connection is to be offered with: `SndUna` is its first byte, and everything
 * that was sent and not acknowledged is in it (CHIM-INI-005). @returns an empty text when it is right.
 *
 * Source: `mapping-snduna--sndnxt--and-sndmax-to-the-mdls.md`.
 */
function sendDataProblem(delegated: TcpOffloadStateDelegated, sendData: readonly Uint8Array<ArrayBufferLike>[]): string {
  const next = (delegated.sndNxt - delegated.sndUna) | 0;
  const max = (delegated.sndMax - delegated.sndUna) | 0;
  const bytes = byteLengthOf(sendData);
  if (next < 0) return 'sndNxt is before sndUna';
  if (next > max) return 'sndNxt is behind sndMax';
  if (max > bytes + (hasUnacknowledgedFin(delegated.state) ? 1 : 0)) return `${max} sequence numbers are unacknowledged, and sendData has ${bytes} bytes`;
  return '';
}

/**
 * Where a sequence number is in the data that begins at `SndUna`: which buffer, and which of its bytes. One past the
 * last byte is in no buffer: null.
 * @throws TypeError for a number that is not in the data.
 */
export function locateSequence(sendData: readonly Uint8Array<ArrayBufferLike>[], sndUna: number, sequence: number): { readonly buffer: number; readonly offset: number } | null {
  let left = (sequence - sndUna) >>> 0;
  for (let buffer = 0; buffer < sendData.length; buffer++) {
    const { byteLength } = sendData[buffer]!;
    if (left < byteLength) return { buffer, offset: left };
    left -= byteLength;
  }
  if (left === 0) return null;
  throw new TypeError(`locateSequence: ${sequence} is ${left} bytes behind the end of the data`);
}

/** Checks what a caller offers. @throws TypeError that says what is wrong. */
export function requireConnectionState(state: ConnectionState, who: string): void {
  const { tcp, path, neighbor } = (state as ConnectionState | null | undefined) ?? {};
  if (tcp?.const == null || tcp.cached === null || tcp.delegated === null) throw new TypeError(`${who}: state.tcp is not complete: const, cached and delegated are needed`);
  if (path?.const == null || path.cached === null) throw new TypeError(`${who}: state.path is not complete: const and cached are needed`);
  if (neighbor?.const == null || neighbor.cached === null) throw new TypeError(`${who}: state.neighbor is not complete: const and cached are needed`);
  const { sourceAddress, destinationAddress } = path.const;
  if (sourceAddress.length !== destinationAddress.length || (sourceAddress.length !== 4 && sourceAddress.length !== 16)) {
    throw new TypeError(`${who}: the path's addresses have ${sourceAddress.length} and ${destinationAddress.length} bytes, not 4 or 16 each`);
  }
  const problem = sendDataProblem(tcp.delegated, state.sendData ?? []);
  if (problem !== '') throw new TypeError(`${who}: ${problem} (CHIM-INI-005)`);
}
