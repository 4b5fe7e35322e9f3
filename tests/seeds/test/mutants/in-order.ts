import type { Mutant } from '../mutant.ts';
import type { Faults, Place } from '../world/faults.ts';
import { wrapMethod } from '../world/interpose.ts';

/** Lets answers go only in the order in which their requests came; what is ahead of its turn waits. */
class Turns {
  private readonly requests: unknown[] = [];
  private readonly answers = new Map<unknown, () => void>();

  take(subject: unknown): void {
    this.requests.push(subject);
  }

  answer(subject: unknown, deliver: () => void): void {
    this.answers.set(subject, deliver);
    for (let [first] = this.requests; this.answers.has(first); [first] = this.requests) {
      const turn = this.answers.get(first);
      this.answers.delete(first);
      this.requests.shift();
      turn?.();
    }
  }
}

/** The turns of each driver that makes requests. */
class TurnsByDriver {
  private readonly turns = new Map<string, Turns>();

  of({ driver }: Place): Turns {
    const turns = this.turns.get(driver) ?? new Turns();
    this.turns.set(driver, turns);
    return turns;
  }
}

export const inOrder: readonly Mutant[] = [
  {
    group: 'TRM-COMPLETE',
    party: 'NDIS',
    does: 'answers terminates in the order of the requests',
    createFaults(): Faults {
      const turns = new TurnsByDriver();
      return {
        binding(binding, place) {
          wrapMethod(binding, 'terminateOffload', (args, proceed) => {
            turns.of(place).take(args[0]);
            return proceed(...args);
          });
        },
        clientGeneric: (next, place) => ({
          protocolTerminateOffloadComplete(context, tree) {
            turns.of(place).answer(tree, () => {
              next.protocolTerminateOffloadComplete(context, tree);
            });
          },
        }),
      };
    },
  },
  {
    group: 'DSC-COMPLETE',
    party: 'NDIS',
    does: 'answers disconnects in the order of the requests',
    createFaults(): Faults {
      const turns = new TurnsByDriver();
      return {
        binding(binding, place) {
          wrapMethod(binding, 'offloadTcpDisconnect', (args, proceed) => {
            turns.of(place).take(args[1]);
            return proceed(...args);
          });
        },
        clientTcp: (next, place) => ({
          protocolTcpOffloadDisconnectComplete(context, nbl) {
            turns.of(place).answer(nbl, () => {
              next.protocolTcpOffloadDisconnectComplete(context, nbl);
            });
          },
        }),
      };
    },
  },
];
