import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

export const sendScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-SND-001',
    catches: 'a target that answers a send with SUCCESS',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      target.calls.once('miniportTcpOffloadSend', () => NDIS_STATUS_SUCCESS);
      host.send(connection, 'a');
      target.completeSends();
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-011',
    catches: 'a target that completes the second send first',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.send(connection, 'a');
      host.send(connection, 'b');
      target.sends.reverse();
      target.completeSends(1);
      target.completeSends();
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      host.send(connection, 'b', 'c');
      target.completeSends(2);
      target.completeSends();
    },
  },
];
