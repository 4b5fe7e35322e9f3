import { TCP_OFFLOAD_CONNECTION_STATE } from './chimney-enums.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/**
 * True for the six states in which a connection may be offloaded (CHIM-INI-001).
 *
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`.
 */
export function isOffloadableState(state: number): boolean {
  return state >= STATE.TcpConnectionEstablished && state <= STATE.TcpConnectionLastAck;
}

/** True where a FIN of ours is out and not acknowledged: it takes a sequence number behind the data (RFC 9293 section 3.4). */
export function hasUnacknowledgedFin(state: number): boolean {
  return state === STATE.TcpConnectionFinWait1 || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck;
}
