import { STACK_SHAPES, createMuxStack, membersOf, present } from '@ndis-chimney/kit';
import { describe, expect, test } from 'vitest';

describe('a mux', () => {
  test('comes up, works, goes down', () => {
    void STACK_SHAPES;
    const stack = createMuxStack();
    const tree = stack.offload();
    expect(present(tree.connections[0]).state).toBe('offloaded');
    stack.proveItWorks(stack.host(0), present(tree.connections[0]));
    const other = stack.offload(stack.host(1));
    stack.proveItWorks(stack.host(1), present(other.connections[0]));
    void membersOf;
    stack.close();
  });
  test.each(['round-robin', 'least-objects'] as const)('splits %s', (placement) => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement } });
    const tree = stack.offload(stack.host(0), { connectionsPerPath: 4 });
    expect(tree.connections.map(({ state }) => state)).toEqual(['offloaded', 'offloaded', 'offloaded', 'offloaded']);
    expect(tree.connections.map((c) => stack.targetOf(c).name)).toEqual(['target 0', 'target 1', 'target 0', 'target 1']);
    for (const c of tree.connections) stack.proveItWorks(stack.host(0), c);
    stack.close();
  });
});
