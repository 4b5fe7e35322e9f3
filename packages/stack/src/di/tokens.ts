import type { Dispatcher } from '@ndis-chimney/core';
import type { ChimneyHost, ChimneyHostOptions } from '@ndis-chimney/host';
import type { Clock, DpcQueue, MiniportDriver, OffloadTargetPlugin, Random } from '@ndis-chimney/types';
import type { VerifyLevel } from '@ndis-chimney/verifier';
import type { InjectionToken } from 'tsyringe';

import type { IntermediateFactory } from '../create-stack.ts';
import type { Stack } from '../stack.ts';

// Tokens are well-known symbols, so that two copies of this package in one process mean the same by them.
const token = (name: string): symbol => Symbol.for(`@ndis-chimney/stack/${name}`);

/** Time. */
export const CLOCK: InjectionToken<Clock> = token('Clock');
/** Chance. */
export const RANDOM: InjectionToken<Random> = token('Random');
/** Deferred work. */
export const DPC_QUEUE: InjectionToken<DpcQueue> = token('DpcQueue');
/** NDIS, with its streams. */
export const NDIS: InjectionToken<Dispatcher> = token('Dispatcher');
/** Whether and how closely the stack is verified. */
export const VERIFY: InjectionToken<'off' | VerifyLevel> = token('Verify');
/** The offload-target plugin. */
export const TARGET_PLUGIN: InjectionToken<OffloadTargetPlugin> = token('OffloadTargetPlugin');
/** The plugin's options. */
export const TARGET_OPTIONS: InjectionToken<Record<string, unknown>> = token('TargetOptions');
/** The offload target made from the two above. */
export const TARGET: InjectionToken<MiniportDriver<never>> = token('OffloadTarget');
/** Intermediate drivers, from the host down. */
export const INTERMEDIATES: InjectionToken<readonly IntermediateFactory[]> = token('Intermediates');
/** Options of the host. */
export const HOST_OPTIONS: InjectionToken<ChimneyHostOptions> = token('HostOptions');
/** The host. */
export const HOST: InjectionToken<ChimneyHost> = token('ChimneyHost');
/** The running stack; a promise, for drivers take their time to come up. */
export const STACK: InjectionToken<Promise<Stack>> = token('Stack');
