import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import { PassThroughDriver } from '@ndis-chimney/intermediate';

import { BenchHost, BenchTarget } from './bench-drivers.ts';

/** A running stack with one connection offloaded. */
export interface SendStack {
  readonly ndis: Ndis;
  readonly host: BenchHost;
}

/** Bench host, so many pass-through drivers, bench target. */
export function createSendStack(intermediates: number, ndis: Ndis = new Ndis({} satisfies NdisOptions)): SendStack {
  const target = ndis.registerMiniportDriver(new BenchTarget());
  if (target.ndisDriverHandle === null) throw new Error('the bench target was not registered');
  ndis.addAdapter(target.ndisDriverHandle, 'nic');
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
  host.offload();
  if (host.connection.state !== 'offloaded') throw new Error(`the connection is ${host.connection.state}`);
  return { ndis, host };
}

function bindTo(ndis: Ndis, protocol: Parameters<Ndis['bindAdapter']>[0], adapterName: string): void {
  const adapter = ndis.findAdapter(adapterName);
  if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
  ndis.bindAdapter(protocol, adapter);
}
