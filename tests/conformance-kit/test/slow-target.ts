// The memory target with its engine far away: whatever the target asks is answered later, acknowledgments come in pieces,
// and the world goes on meanwhile.
import type { TargetUnderTest } from '@ndis-chimney/conformance';
import { MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import type { OffloadTargetEnvironment } from '@ndis-chimney/types';

import { slowEngine, type Distance, type SlowEngine } from './slow-engine.ts';

class SlowTarget extends MemoryTarget {
  private readonly engines: SlowEngine[] = [];

  constructor(environment: OffloadTargetEnvironment, options: MemoryTargetOptions, distance: Distance) {
    super(environment, options);
    const { createEngine, engines } = this;
    this.createEngine = (engineEnvironment) => {
      const slow = slowEngine(engineEnvironment, createEngine, distance);
      engines.push(slow);
      return slow.engine;
    };
  }

  /** Its engines have heard of everything. */
  catchUp(): void {
    for (const engine of this.engines) engine.catchUp();
  }
}

/** Makes one, with far ends in the hands of the kit. */
export function createSlowTarget(environment: OffloadTargetEnvironment, options: MemoryTargetOptions, distance: Distance): TargetUnderTest {
  const target = new SlowTarget(environment, options, distance);
  return {
    target,
    peer: (hostPort, peerPort) => {
      target.catchUp();
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
}
