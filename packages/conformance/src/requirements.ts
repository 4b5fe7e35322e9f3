/**
 * The certification requirements for TCP chimney targets (`Device.Network.LAN.TCPChimney.*` of the Windows hardware
 * compatibility requirements) and the test jobs around them, clause by clause, in our words. Cases name the clause they
 * decide; reports are grouped by it.
 */
export interface Requirement {
  /** The requirement or test job the clause is part of. */
  readonly source: string;
  readonly clause: string;
  /** Why no case can decide it at a driver's edges; absent when cases do. */
  readonly undecidable?: string;
}

/** Ids of the clauses: ours, the groups of the rules first. */
export type RequirementId =
  | 'C-NDIS-INI'
  | 'C-NDIS-QRY'
  | 'C-NDIS-UPD'
  | 'C-NDIS-INV'
  | 'C-NDIS-TRM'
  | 'C-NDIS-SND'
  | 'C-NDIS-RCV'
  | 'C-NDIS-RXI'
  | 'C-NDIS-RET'
  | 'C-NDIS-FWD'
  | 'C-NDIS-DSC'
  | 'C-NDIS-EVT'
  | 'C-NDIS-NBL'
  | 'C-NDIS-BLK'
  | 'C-NDIS-TMR'
  | 'C-NDIS-TS'
  | 'C-NDIS-ST'
  | 'C-NDIS-VLAN'
  | 'C-NDIS-CAP'
  | 'C-NDIS-PWR'
  | 'C-NDIS-IM'
  | 'C-TCP-SWS'
  | 'C-TCP-ZWP'
  | 'C-TCP-HOLES'
  | 'C-TCP-SACK'
  | 'C-TCP-SS'
  | 'C-TCP-SSTHRESH'
  | 'C-TCP-ABC'
  | 'C-TCP-RTO'
  | 'C-TCP-BLACKHOLE'
  | 'C-TCP-SEC'
  | 'C-TCP-OOOFIN-1'
  | 'C-TCP-OOOFIN-2'
  | 'C-TIMER-10MS'
  | 'C-NEIGH-TS'
  | 'C-CAP-1024'
  | 'C-CAP-HONEST'
  | 'C-ADDR-64'
  | 'C-PERSIST'
  | 'C-PARITY';

const NDIS = 'ComplyWithNDIS';
const TCP = 'ComplyWithTCPIPProtocol';
const WIRE = 'needs a wire: the segments a target sends are not visible at its edges';

/** Every clause by its id. */
export const REQUIREMENTS: Readonly<Record<RequirementId, Requirement>> = {
  'C-NDIS-INI': { source: NDIS, clause: 'Initiate: state is taken over in order, every block is answered' },
  'C-NDIS-QRY': { source: NDIS, clause: 'Query: state is reported and left alone' },
  'C-NDIS-UPD': { source: NDIS, clause: 'Update: cached state and links change, and nothing else' },
  'C-NDIS-INV': { source: NDIS, clause: 'Invalidate: traffic stops, resources stay' },
  'C-NDIS-TRM': { source: NDIS, clause: 'Terminate, upload-all, pause, resume: everything comes back, once' },
  'C-NDIS-SND': { source: NDIS, clause: 'Send: accepted, in order, acknowledged before success' },
  'C-NDIS-RCV': { source: NDIS, clause: 'Receive requests: filled and completed in order' },
  'C-NDIS-RXI': { source: NDIS, clause: 'Receive indications: only what no request can take, and nothing lost' },
  'C-NDIS-RET': { source: NDIS, clause: 'Receive return: taken back at once' },
  'C-NDIS-FWD': { source: NDIS, clause: 'Forward: as if the segment had come from the wire' },
  'C-NDIS-DSC': { source: NDIS, clause: 'Disconnect: after the sends, alone in its completion' },
  'C-NDIS-EVT': { source: NDIS, clause: 'Events: when, in which order, at which IRQL' },
  'C-NDIS-NBL': { source: NDIS, clause: 'NET_BUFFER_LISTs: completed once, not touched before or after' },
  'C-NDIS-BLK': { source: NDIS, clause: 'Block lists: the same root, the same links, a status in every block' },
  'C-NDIS-TMR': { source: NDIS, clause: 'Timers go over and come back' },
  'C-NDIS-TS': { source: NDIS, clause: 'Timestamps go on across owners' },
  'C-NDIS-ST': { source: NDIS, clause: 'Life cycle of objects, and the stream of bytes as a whole' },
  'C-NDIS-VLAN': { source: NDIS, clause: '802.1Q and 802.1p' },
  'C-NDIS-CAP': { source: NDIS, clause: 'Registration, capabilities, statistics' },
  'C-NDIS-PWR': { source: NDIS, clause: 'Power' },
  'C-NDIS-IM': { source: NDIS, clause: 'Intermediate drivers relay every operation, and change nothing' },
  'C-TCP-SWS': { source: TCP, clause: 'Send decision with the deviation for the rest of a request', undecidable: WIRE },
  'C-TCP-ZWP': { source: TCP, clause: 'Zero-window probes: from the RTT, exponential, one new byte', undecidable: WIRE },
  'C-TCP-HOLES': { source: TCP, clause: 'Two reassembly holes can be filled' },
  'C-TCP-SACK': { source: TCP, clause: 'SACK with RFC 3517, or ignored without harm', undecidable: WIRE },
  'C-TCP-SS': { source: TCP, clause: 'Slow start ends when cwnd reaches ssthresh', undecidable: WIRE },
  'C-TCP-SSTHRESH': { source: TCP, clause: 'ssthresh on loss', undecidable: WIRE },
  'C-TCP-ABC': { source: TCP, clause: 'Appropriate byte counting with L = 4', undecidable: WIRE },
  'C-TCP-RTO': { source: TCP, clause: 'RTO within 300 ms and 60 s', undecidable: WIRE },
  'C-TCP-BLACKHOLE': { source: TCP, clause: 'A path-MTU black hole is left to the host', undecidable: WIRE },
  'C-TCP-SEC': { source: TCP, clause: 'Blind in-window attacks' },
  'C-TCP-OOOFIN-1': { source: 'HandlesOutOfOrderData', clause: 'An in-order FIN flushes what was queued beyond it' },
  'C-TCP-OOOFIN-2': { source: 'HandlesOutOfOrderData', clause: 'Nothing is stored beyond an out-of-order FIN' },
  'C-TIMER-10MS': { source: 'ImplementSufficientlyGranularTimers', clause: 'Timers are exact to 10 ms' },
  'C-NEIGH-TS': { source: 'NeighborStateObjTimestampsComplyWithWDK', clause: 'Neighbor timestamps lead to reachability queries' },
  'C-CAP-1024': { source: 'Support1024Connections', clause: '1024 offloaded connections' },
  'C-CAP-HONEST': { source: 'Support1024Connections', clause: 'No more is advertised than can be offloaded' },
  'C-ADDR-64': { source: 'Support64bitAddresses', clause: '64-bit addresses', undecidable: 'addresses are object references here: nothing can be cut to 32 bits' },
  'C-PERSIST': { source: 'NDISTest 6.5 OffloadMisc', clause: 'Offload works again after halt and initialize' },
  'C-PARITY': { source: 'NDISTest 6.5 OffloadParity', clause: 'IPv4 and IPv6 alike' },
};
