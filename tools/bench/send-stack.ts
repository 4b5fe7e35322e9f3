import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import type { MiniportDriver } from '@ndis-chimney/types';

import { BenchHost, BenchTarget } from './bench-drivers.ts';

/** A running stack. */
export interface SendStack {
  readonly ndis: Ndis;
  readonly host: BenchHost;
}

/** Bench host, so many pass-through drivers, bench target; and one connection is offloaded. */
export function createSendStack(intermediates: number, ndis: Ndis = new Ndis({} satisfies NdisOptions)): SendStack {
  const stack = createBenchStack(intermediates, ndis, new BenchTarget());
  const { host } = stack;
  host.offload();
  if (host.connection.state !== 'offloaded') throw new Error(`the connection is ${host.connection.state}`);
  return stack;
}

/** Bench host, so many pass-through drivers, and the target. Nothing is offloaded. */
export function createBenchStack(intermediates: number, ndis: Ndis, target: MiniportDriver<never>): SendStack {
  const { ndisDriverHandle } = ndis.registerMiniportDriver(target);
  if (ndisDriverHandle === null) throw new Error(`${target.name} was not registered`);
  ndis.addAdapter(ndisDriverHandle, 'nic');
  let lower = 'nic';
  for (let i = 0; i < intermediates; i++) {
    const driver = new PassThroughDriver(ndis, { name: `im${i}` }).register();
    bindTo(ndis, driver.ndisProtocolHandle, lower);
    lower = driver.virtualNameOf(lower);
  }
  const host = new BenchHost(ndis);
  const protocol = ndis.registerProtocolDriver(host);
  if (protocol.ndisProtocolHandle === null) throw new Error('the bench host was not registered');
  bindTo(ndis, protocol.ndisProtocolHandle, lower);
  return { ndis, host };
}

function bindTo(ndis: Ndis, protocol: Parameters<Ndis['bindAdapter']>[0], adapterName: string): void {
  const adapter = ndis.findAdapter(adapterName);
  if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
  ndis.bindAdapter(protocol, adapter);
}
