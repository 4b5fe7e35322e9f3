// The subjects the kit is tried on: our own target, as any plugin author would hand in theirs.
import type { OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import { createMemoryTarget } from '@ndis-chimney/target-memory';

/** The memory target with peers in the hands of the kit. */
export const memorySubject: OffloadTargetConformanceOptions = {
  abilities: ['peer', 'forward', 'virtual-time', 'control', 'connection-capacity', 'neighbor-query', 'round-trip', 'statistics'],
  peerWindowBytes: 4096,
  bufferBytes: 65_536,
  create: (environment, { connectionCapacity = 4096, roundTripMs = 10 }) => {
    const target = createMemoryTarget(environment, { connectionCapacity, peerWindowBytes: 4096, bufferBytes: 65_536, latencyMs: roundTripMs / 2 });
    return {
      target,
      peer: (hostPort, peerPort) => {
        const peer = target.peerOf(hostPort, peerPort);
        if (peer === null) throw new Error(`no connection between ports ${hostPort} and ${peerPort} is offloaded`);
        return peer;
      },
      pauseOffload: () => {
        target.pauseOffload();
      },
      uploadAll: () => {
        target.uploadAll();
      },
      resumeOffload: () => {
        target.resumeOffload();
      },
    };
  },
};
