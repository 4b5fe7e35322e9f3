import type { OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';

import { FAR_WINDOW_BYTES } from './far-end.ts';
import { RAW_BUFFER_BYTES, RawTarget } from './raw-target.ts';

/** A target that knows nothing of `@ndis-chimney/offload-target`. */
export const rawSubject: OffloadTargetConformanceOptions = {
  abilities: ['peer', 'forward', 'virtual-time', 'control', 'connection-capacity', 'strict-invalidate'],
  peerWindowBytes: FAR_WINDOW_BYTES,
  bufferBytes: RAW_BUFFER_BYTES,
  create: (environment, { connectionCapacity }) => {
    const target = new RawTarget(environment, connectionCapacity);
    return {
      target,
      peer: (hostPort, peerPort) => target.farEnds.at(hostPort, peerPort),
      pauseOffload: () => {
        for (const adapter of target.adapters) adapter.pauseOffload();
      },
      uploadAll: () => {
        for (const adapter of target.adapters) adapter.uploadAll();
      },
      resumeOffload: () => {
        for (const adapter of target.adapters) adapter.resumeOffload(target.capabilities());
      },
    };
  },
};
