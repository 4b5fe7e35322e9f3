import { present } from '@ndis-chimney/kit';

import { FAILED, beginTerminate, delegatedIn, fill, indicateFailure, query, takeBackAborted } from './operations.ts';
import type { Scenario } from './scenario.ts';

export const queryScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-QRY-001',
    catches: 'a target that returns the SndUna of before the data that it has completed',
    actor: 'probe target',
    broken: (stack) => {
      stack.host.send(stack.connection, 'sent');
      stack.target.completeSends();
      query(stack, {
        change: (block) => {
          delegatedIn(block).sndUna = (delegatedIn(block).sndUna - 4) | 0;
        },
      });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 4);
      target.completeReceives();
      host.send(connection, 'abc');
      target.completeSends();
      query(stack);
    },
  },
  {
    rule: 'CHIM-QRY-002',
    catches: 'a target that completes one of two queries of a connection',
    actor: 'probe target',
    isEventual: true,
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.binding.queryOffloadState(host.connections(connection));
      query(stack);
      target.trees.length = 0;
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.binding.queryOffloadState(host.connections(connection));
      query(stack);
      target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-QRY-003',
    catches: 'a target that returns no backlog while it has data that the host refused',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.indicate(stack.connection, 'refused');
      query(stack);
    },
    clean: (stack) => {
      stack.target.indicate(stack.connection, 'refused');
      query(stack, {
        change: (block) => {
          delegatedIn(block).receiveBacklogSize = 7;
        },
      });
      fill(stack.host.receive(stack.connection, 7), 'refused');
      stack.target.completeReceives();
    },
  },
  {
    rule: 'CHIM-QRY-003',
    catches: 'a target that returns a pointer where a size is',
    actor: 'probe target',
    broken: (stack) => {
      query(stack, {
        change: (block) => {
          delegatedIn(block).sendDataHead = present(stack.target.list('x'));
        },
      });
    },
    clean: (stack) => {
      query(stack, {
        change: (block) => {
          delegatedIn(block).sendBacklogSize = -1;
        },
      });
    },
  },
  {
    rule: 'CHIM-QRY-004',
    catches: 'a target that fails a query and gives the connection back without a word',
    actor: 'probe target',
    broken: (stack) => {
      query(stack, FAILED);
      beginTerminate(stack);
      stack.target.completeTree('terminate');
    },
    clean: (stack) => {
      stack.host.send(stack.connection, 'unsent');
      query(stack, FAILED);
      indicateFailure(stack);
      takeBackAborted(stack);
    },
  },
  {
    rule: 'CHIM-QRY-005',
    catches: 'a host that keeps a connection whose query failed',
    actor: 'probe host',
    isEventual: true,
    broken: (stack) => {
      query(stack, FAILED);
      indicateFailure(stack);
    },
    clean: (stack) => {
      query(stack, FAILED);
      indicateFailure(stack);
      takeBackAborted(stack);
    },
  },
];
