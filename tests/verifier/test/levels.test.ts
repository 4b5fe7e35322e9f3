import { createProbeStack, present, type ProbeStack } from '@ndis-chimney/kit';
import { attachVerifier, type Verifier, type VerifyLevel } from '@ndis-chimney/verifier';
import { describe, expect, test } from 'vitest';

function watched(level: VerifyLevel, intermediates: number): { readonly stack: ProbeStack; readonly verifier: Verifier } {
  const verifiers: Verifier[] = [];
  const stack = createProbeStack({
    intermediates,
    isEnabled: true,
    onNdis: (ndis) => {
      verifiers.push(attachVerifier(ndis, { level }));
    },
    onDown: () => {
      verifiers[0]?.finish();
    },
  });
  return { stack, verifier: present(verifiers[0]) };
}

describe.each<VerifyLevel>(['lastOwner', 'history', 'stacks'])('at the level %s the verifier', (level) => {
  test('knows who has a send, and since when, to a second', () => {
    const { stack, verifier } = watched(level, 1);
    const { host, target, connection, runtime } = stack;
    host.binding.offloadTcpSend(connection, host.list('one'));
    runtime.clock.advance(5000);
    const [send, ...others] = verifier.outstanding;
    expect(others).toEqual([]);
    expect(send).toMatchObject({ holder: target.name, ageMs: 5000 });
    target.completeSends();
    expect(verifier.outstanding).toEqual([]);
    stack.close();
    expect(verifier.findings).toEqual([]);
  });

  test('reckons a send that follows a long silence from when it was sent', () => {
    // One edge: the next one would see it with the time that the first one noted.
    const { stack, verifier } = watched(level, 0);
    const { host, target, connection, runtime } = stack;
    host.binding.offloadTcpSend(connection, host.list('one'));
    target.completeSends();
    runtime.clock.advance(3_600_000);
    host.binding.offloadTcpSend(connection, host.list('two'));
    expect(verifier.outstanding.map(({ ageMs }) => ageMs)).toEqual([0]);
    target.completeSends();
    stack.close();
  });

  test('takes its marks off when it is detached', () => {
    const { stack, verifier } = watched(level, 1);
    const { host, target, connection } = stack;
    const list = host.list('one');
    host.binding.offloadTcpSend(connection, list);
    expect(list.ndisReserved1).not.toBeNull();
    verifier.detach();
    expect(list.ndisReserved1).toBeNull();
    target.completeSends();
    stack.close();
  });
});
