// The subjects the kit is tried on: targets, as any plugin author would hand in theirs.
import type { OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import { createMemoryTarget } from '@ndis-chimney/target-memory';

import { createSinkTarget } from './sink-target.ts';

/** The memory target with peers in the hands of the kit. */
export const memorySubject: OffloadTargetConformanceOptions = {
  abilities: ['peer', 'forward', 'virtual-time', 'control', 'connection-capacity', 'strict-invalidate', 'neighbor-query', 'round-trip', 'statistics'],
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

/** A target that has what the memory target has not: limits of every kind, and hardware that breaks when the kit says so. */
export const sinkSubject: OffloadTargetConformanceOptions = {
  abilities: [
    'virtual-time',
    'control',
    'connection-capacity',
    'path-capacity',
    'neighbor-capacity',
    'vlan-capacity',
    'interface-vlans',
    'strict-invalidate',
    'hardware-failure',
  ],
  bufferBytes: 16_384,
  create: (environment, wishes) => {
    const { target, lose } = createSinkTarget(environment, { bufferBytes: 16_384, ...wishes });
    return {
      target,
      pauseOffload: () => {
        target.pauseOffload();
      },
      uploadAll: () => {
        target.uploadAll();
      },
      resumeOffload: () => {
        target.resumeOffload();
      },
      failHardware: lose,
    };
  },
};

/** Each of them, by its name. */
export const subjects: readonly (readonly [name: string, subject: OffloadTargetConformanceOptions])[] = [
  ['target-memory', memorySubject],
  ['target-sink', sinkSubject],
];
