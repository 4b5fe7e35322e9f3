import type { Broken } from './broken-target.ts';

export const brokenLongLife: readonly Broken[] = [
  {
    does: 'loses a byte of an indication now and then',
    fails: 'target-long-life',
    says: /what (the host got|was received).*: byte \d+ is \d+, not \d+/,
    taps: () => {
      let indications = 0;
      return {
        tcpOffloadReceiveHandler: (next, handle, list, status, bytesConsumed) => {
          const nb = list.firstNetBuffer;
          indications++;
          if (indications === 20 && nb !== null && nb.currentMdl !== null) nb.currentMdl.buffer.fill(0, nb.currentMdl.byteOffset);
          return next(handle, list, status, bytesConsumed);
        },
      };
    },
  },
  {
    does: 'completes a send of several as if it had taken more',
    fails: 'target-long-life',
    says: /bytes of send \d+ of \d+ that ended with/,
    taps: () => {
      let completions = 0;
      return {
        tcpOffloadSendComplete: (next, list) => {
          if (++completions % 7 === 0) list.tcpOffloadBytesTransferred++;
          next(list);
        },
      };
    },
  },
];
