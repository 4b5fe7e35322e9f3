import { NDIS_STATUS_FAILURE, NDIS_STATUS_INVALID_STATE, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { segment } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

export const forwardScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-FWD-001',
    catches: 'a target that answers a forward with SUCCESS',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      target.calls.once('miniportTcpOffloadForward', () => NDIS_STATUS_SUCCESS);
      host.forward(connection, segment());
      target.completeForwards();
    },
    clean: ({ host, target, connection }) => {
      host.forward(connection, segment());
      target.completeForwards();
    },
  },
  {
    rule: 'CHIM-FWD-002',
    catches: 'a host that leaves the IP header in front',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      const header = new Uint8Array(20);
      header[0] = 0x45;
      header[12] = 192;
      host.forward(connection, Uint8Array.of(...header, ...segment('abc')));
      target.completeForwards();
    },
    clean: ({ host, target, connection }) => {
      host.forward(connection, segment('abc'), segment());
      target.completeForwards();
    },
  },
  {
    rule: 'CHIM-FWD-002',
    catches: 'a host that forwards the segment of another connection',
    actor: 'probe host',
    broken: ({ host, target, connection }) => {
      host.forward(connection, segment('abc', { source: 81 }));
      target.completeForwards();
    },
    clean: ({ host, target, connection }) => {
      host.forward(connection, segment('abc'));
      target.completeForwards();
    },
  },
  {
    rule: 'CHIM-FWD-002',
    catches: 'a host that forwards half a header',
    actor: 'probe host',
    broken: ({ host, target, connection }) => {
      host.forward(connection, segment().subarray(0, 12));
      target.completeForwards();
    },
    clean: ({ host, target, connection }) => {
      host.forward(connection, segment());
      target.completeForwards();
    },
  },
  {
    rule: 'CHIM-FWD-004',
    catches: 'a target that ends a forward with a status of its own',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.forward(connection, segment());
      target.completeForwards(1, NDIS_STATUS_INVALID_STATE);
    },
    clean: ({ host, target, connection }) => {
      host.forward(connection, segment(), segment());
      target.completeForwards(1, NDIS_STATUS_FAILURE);
      target.completeForwards();
    },
  },
];
