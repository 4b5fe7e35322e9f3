import type { Rule } from '../rule.ts';

const ENTRY = 'nc-ndischimney-w_tcp_offload_receive_return_handler.md';

export const receiveReturnRules: readonly Rule[] = [
  {
    id: 'CHIM-RET-001',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: ENTRY,
    holds: 'MiniportTcpOffloadReceiveReturn takes the NET_BUFFER_LISTs back at once and returns NDIS_STATUS_SUCCESS.',
    why: 'Nothing completes a return: what is not taken back at once is nobody\'s.',
    cause: 'Look for a return that is treated like a request, and answered with NDIS_STATUS_PENDING.',
    example: 'The entry returns NDIS_STATUS_PENDING because it frees the buffers from a DPC.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-RET-002',
    actors: ['host'],
    severity: 'error',
    page: 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md',
    holds: 'What was accepted with NDIS_STATUS_SUCCESS, or handed up in BufferedData by a terminate, is returned: exactly once, and at some time. Nothing else is.',
    why: 'The target gets its receive buffers back by nothing else; without them it receives nothing.',
    cause: 'Returns of what is not out NDIS refuses: look for a second owner. For those that never come look at reads that are cancelled, and at connections that end with data unread.',
    example: 'The host accepts an indication, the application never reads it, and the connection is closed.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => ({
      end: () => {
        for (const edge of edges) {
          if (edge.upperRole !== 'host') continue;
          let byteCount = 0;
          for (const record of edge.kept) byteCount += record.byteCount;
          if (edge.kept.size > 0) broken(edge.upper, `has not returned ${edge.kept.size} NET_BUFFER_LISTs with ${byteCount} bytes`, ...[...edge.kept].map(({ nbl }) => nbl));
        }
      },
    }),
  },
  {
    id: 'CHIM-RET-003',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'nf-ndischimney-ndisoffloadtcpreceivereturn.md',
    holds: 'NET_BUFFER_LISTs are returned over the binding on which they were indicated; one list may mix indications and connections.',
    why: 'Another adapter puts them into its own pool.',
    cause: 'Look where the binding of a return is kept: with the NET_BUFFER_LIST, or with the connection, which may have moved.',
    example: 'A driver with two bindings returns over the second what came over the first.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-RET-004',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'The adapter is not closed, and the driver not unloaded, while indicated NET_BUFFER_LISTs are out.',
    why: 'The host still reads memory that the driver has freed.',
    cause: 'Look what a halt waits for.',
    example: 'A driver frees its receive buffers in MiniportHaltEx while the host has some of them.',
    observed: ['resources'],
    decidedBy: 'nobody',
    missing: 'Halting and unloading cross no edge. NDIS itself closes a binding only when everything indicated on it is back, and halts an adapter only when its bindings are closed.',
  },
];
