// `state.memory`: what a connection costs while it is offloaded and idle. Trees and descriptions are let go before the
// heap is measured: what is counted is what has to be there. Each case has one layer more than the one before, and the
// differences are the layers' own.
import { Ndis } from '@ndis-chimney/core';
import { describeConnection, type ChimneyConnection, type ConnectionState } from '@ndis-chimney/host';
import { createStack } from '@ndis-chimney/stack';
import { createMemoryTarget } from '@ndis-chimney/target-memory';
import { OFFLOAD_STATE_TYPE, OffloadHandle, createProtocolOffloadBlockList, type NdisBinding, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { BenchTarget } from './bench-drivers.ts';
import type { Gauge } from './harness.ts';
import { createBenchStack } from './send-stack.ts';

/** What is below the host. */
export type Below = 'nothing' | 'target' | 'intermediate and target';

const PORTS = 60_000;

function describe(index: number): ConnectionState {
  return describeConnection({
    local: { address: '192.0.2.1', port: 1 + (index % PORTS) },
    remote: { address: '192.0.2.2', port: 1 + Math.floor(index / PORTS) },
  });
}

/** A neighbor and a path that all connections share, as a host offloads many connections to one peer. */
function treeOf(binding: NdisBinding, handles: readonly OffloadHandle[]): ProtocolOffloadBlockList {
  const { neighbor, path, pathType } = describe(0);
  const root = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, new OffloadHandle(binding, null), neighbor);
  root.dependentBlockList = createProtocolOffloadBlockList(pathType, new OffloadHandle(binding, null), path);
  let last: ProtocolOffloadBlockList | null = null;
  handles.forEach((handle, index) => {
    const tcp = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, handle, describe(index).tcp);
    if (last !== null) last.nextBlock = tcp;
    else if (root.dependentBlockList !== null) root.dependentBlockList.dependentBlockList = tcp;
    last = tcp;
  });
  return root;
}

/** Connections of a host that keeps nothing but their handles, with as much below it as is asked for. */
export function handlesCase(below: Below, connections: number): Gauge {
  return {
    async read() {
      const ndis = new Ndis({});
      const target =
        below === 'nothing'
          ? new BenchTarget()
          : createMemoryTarget({ clock: ndis.clock, random: ndis.random, dpcQueue: ndis.dpcQueue, pools: ndis }, { connectionCapacity: 2 * connections });
      const { host } = createBenchStack(below === 'intermediate and target' ? 1 : 0, ndis, target);
      const make = async (): Promise<OffloadHandle[]> => {
        const handles = Array.from({ length: connections }, () => new OffloadHandle(host.binding, null));
        host.binding.initiateOffload(treeOf(host.binding, handles));
        await settle();
        const stranger = handles.find(({ state }) => state !== 'offloaded');
        if (stranger !== undefined) throw new Error(`a connection is ${stranger.state}, not offloaded`);
        return handles;
      };
      return measureHeap(make, connections);
    },
  };
}

/** Connections of `ChimneyHost`, through one pass-through driver to the memory target, on one neighbor and path. */
export function chimneyHostCase(connections: number): Gauge {
  return {
    async read() {
      const stack = await createStack({ intermediates: 1, targetOptions: { connectionCapacity: 2 * connections } });
      const make = async (): Promise<ChimneyConnection[]> => {
        const made: ChimneyConnection[] = [];
        for (let i = 0; i < connections; i++) {
          const { connection } = await stack.offload(describe(i));
          if (connection === null) throw new Error('a connection was refused');
          made.push(connection);
        }
        return made;
      };
      return measureHeap(make, connections);
    },
  };
}

/**
 * The heap that stays when `make` has made so many, per one of them: as the difference to a heap in which there are as
 * many already, so that code, tables and pools that have grown are no part of it.
 */
async function measureHeap(make: () => Promise<readonly object[]>, count: number): Promise<{ bytes: number }> {
  const first = await make();
  const before = await heapUsed();
  const second = await make();
  const after = await heapUsed();
  if (first.length !== second.length) throw new Error('the two halves differ');
  return { bytes: (after - before) / count };
}

async function heapUsed(): Promise<number> {
  await settle();
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  // What one collection finds dead, or compiled code that was thrown away, the next one frees.
  for (let i = 0; i < 4; i++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Until DPCs have run, and whatever they left to later turns. */
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
