import { present, tcpBlock, under, neighborBlock, pathBlock, type ProbeStack } from '@ndis-chimney/kit';
import { OffloadHandle, TCP_FLAG_TIMESTAMP_ENABLED, type TcpOffloadState, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';
import { delegatedOf, offloadWith } from './timers.ts';

/** Offloads a connection that uses timestamps, at this time of its own clock. */
function offloadAt(stack: ProbeStack, tsTime: number): OffloadHandle {
  return offloadWith(stack, ({ const: constant, delegated }) => {
    if (constant !== null) {
      constant.flags |= TCP_FLAG_TIMESTAMP_ENABLED;
      constant.localPort = 50_000;
    }
    if (delegated !== null) delegated.tsTime = tsTime;
  });
}

/** Terminates a connection; the target hands this back. */
function terminate({ host, target }: ProbeStack, connection: OffloadHandle, say: (delegated: TcpOffloadStateDelegated) => void): void {
  const root = tcpBlock(connection);
  const { const: constant } = root.state as TcpOffloadState;
  if (constant !== null) {
    constant.flags |= TCP_FLAG_TIMESTAMP_ENABLED;
    constant.localPort = 50_000;
  }
  host.binding.terminateOffload(root);
  target.completeTree('terminate', {
    change: (block) => {
      const delegated = delegatedOf(block);
      if (delegated !== null) say(delegated);
    },
  });
}

/** Offloads a connection at 100, takes it back at 150, and offloads it again 250 ticks later at `tsTime`. */
function moveTwice(stack: ProbeStack, tsTime: number): void {
  stack.enable({ ticksPerSecond: 1000 });
  const connection = offloadAt(stack, 100);
  stack.runtime.advance(50);
  terminate(stack, connection, (delegated) => {
    delegated.tsTime = 150;
  });
  stack.runtime.advance(250);
  offloadAt(stack, tsTime);
}

/** Offloads a connection with a round trip of 100 ticks, and queries it; the target says so. */
function queryRoundTrip({ host, target }: ProbeStack, sRtt: number): void {
  const handle = new OffloadHandle(host.binding, 'connection 1');
  const block = tcpBlock(handle);
  present(delegatedOf(block)).sRtt = 800;
  const path = new OffloadHandle(host.binding, 'path 1');
  const neighbor = new OffloadHandle(host.binding, 'neighbor 1');
  host.initiate(under(neighborBlock(neighbor), under(pathBlock(path), block)));
  target.completeTree('initiate');
  host.binding.queryOffloadState(host.connections(handle));
  target.completeTree('query', {
    change: (queried) => {
      const delegated = delegatedOf(queried);
      if (delegated !== null) delegated.sRtt = sRtt;
    },
  });
}

export const timestampsScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-TS-004',
    catches: 'a target that returns the TsTime it took over',
    actor: 'probe target',
    broken: (stack) => {
      stack.enable({ ticksPerSecond: 1000 });
      const connection = offloadAt(stack, 100);
      stack.runtime.advance(10_000);
      terminate(stack, connection, (delegated) => {
        delegated.tsTime = 100;
      });
    },
    clean: (stack) => {
      stack.enable({ ticksPerSecond: 1000 });
      const connection = offloadAt(stack, 100);
      stack.runtime.advance(10_000);
      terminate(stack, connection, (delegated) => {
        delegated.tsTime = 10_100;
      });
    },
  },
  {
    rule: 'CHIM-TS-005',
    catches: 'a host that offloads again with its bare clock',
    actor: 'probe host',
    broken: (stack) => {
      moveTwice(stack, 300);
    },
    clean: (stack) => {
      moveTwice(stack, 400);
    },
  },
  {
    rule: 'CHIM-TS-006',
    catches: 'a target that returns SRtt without its factor',
    actor: 'probe target',
    broken: (stack) => {
      queryRoundTrip(stack, 100);
    },
    clean: (stack) => {
      queryRoundTrip(stack, 800);
    },
  },
];
