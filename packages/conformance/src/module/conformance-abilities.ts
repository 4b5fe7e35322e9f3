import { checkTargetOptions, createTarget } from '@ndis-chimney/offload-target';
import type { MiniportDriver, OffloadTargetPlugin } from '@ndis-chimney/types';

import { ABILITY, type Ability } from '../case.ts';
import type { ConformancePeer, ConformanceRuntime, IntermediateConformanceOptions, OffloadTargetAbilities, OffloadTargetConformanceOptions, TargetUnderTest, TargetWishes } from '../subject.ts';

/** Options of a plugin, as they come from a command line or a module. */
export type PluginOptions = Readonly<Record<string, unknown>>;

/**
 * What the module of a target plugin may say about its targets, as its named export `conformanceAbilities`: plain members,
 * so that the package needs no dependency on the kit. It may also be a function of the options that the target is to have,
 * which returns this, where they decide what the target can do.
 */
export interface ConformanceAbilities<Target extends MiniportDriver<never> = MiniportDriver<never>> extends OffloadTargetAbilities {
  /** Options the cases need, below those of the command line. Default none. */
  readonly options?: object;
  /** The options that grant a wish, above all others. With an ability that stands for a wish. */
  optionsFor?(wishes: TargetWishes): object;
  /** With the ability `peer`: the far end of the connection between these ports, once it is offloaded. */
  peer?(target: Target, hostPort: number, peerPort: number): ConformancePeer | Promise<ConformancePeer>;
  /** With the ability `control`: what makes a target do the three things. */
  readonly control?: {
    pauseOffload(target: Target): void;
    uploadAll(target: Target): void;
    resumeOffload(target: Target): void;
  };
  /** With the ability `hardware-failure`: the record of the connection between these ports is lost. */
  failHardware?(target: Target, hostPort: number, peerPort: number): void;
  /** With the ability `hardware-alarm`: the same, and the target finds it out at once. */
  alarmHardware?(target: Target, hostPort: number, peerPort: number): void;
  /** With the ability `send-backlog`: for full speed so many bytes should be posted on the connection between these ports. */
  changeBacklog?(target: Target, hostPort: number, peerPort: number, byteCount: number): void;
  /** When a case is over, however it ended. */
  dispose?(target: Target): void | Promise<void>;
  /** Default: a manual clock, a seeded DPC queue, everything in this thread. */
  readonly createRuntime?: () => ConformanceRuntime | Promise<ConformanceRuntime>;
}

/** What a module exports as `conformanceAbilities`: the abilities, or a function of the options the target is to have. */
export type ConformanceAbilitiesExport<Target extends MiniportDriver<never> = MiniportDriver<never>, Options extends object = PluginOptions> =
  | ConformanceAbilities<Target>
  | ((options: Options) => ConformanceAbilities<Target>);

/** The members each ability stands on. */
const MEMBER_OF: Readonly<Partial<Record<Ability, keyof ConformanceAbilities>>> = {
  peer: 'peer',
  control: 'control',
  'hardware-failure': 'failHardware',
  'hardware-alarm': 'alarmHardware',
  'send-backlog': 'changeBacklog',
  'connection-capacity': 'optionsFor',
  'path-capacity': 'optionsFor',
  'neighbor-capacity': 'optionsFor',
  'vlan-capacity': 'optionsFor',
  'admission-limits': 'optionsFor',
  'interface-vlans': 'optionsFor',
  'round-trip': 'optionsFor',
};
const FUNCTIONS = ['optionsFor', 'peer', 'failHardware', 'alarmHardware', 'changeBacklog', 'dispose', 'createRuntime'] as const;
const CONTROLS = ['pauseOffload', 'uploadAll', 'resumeOffload'] as const;

/**
 * What `offloadTargetConformance` is to be told about a plugin: `offloadTargetConformance(pluginSubject(plugin, abilities))`.
 * @param abilities the export `conformanceAbilities` of the plugin's module. Default none.
 * @param options of the target, above those of the module.
 * @throws TypeError that says which ability or option does not fit.
 */
export function pluginSubject<Options extends object, Target extends MiniportDriver<never>>(
  plugin: OffloadTargetPlugin<Options, Target>,
  abilities: ConformanceAbilitiesExport<Target, Options> = {},
  options: Options = {} as Options,
): OffloadTargetConformanceOptions {
  // Before anything is asked of the options.
  checkTargetOptions(plugin, options);
  const said: ConformanceAbilities<Target> = requireAbilities(abilities, plugin.name, options);
  const base: object = { ...said.options, ...options };
  checkTargetOptions(plugin, base);
  const { peerWindowBytes, bufferBytes, createRuntime } = said;
  return {
    abilities: said.abilities ?? [],
    ...(peerWindowBytes !== undefined && { peerWindowBytes }),
    ...(bufferBytes !== undefined && { bufferBytes }),
    ...(createRuntime !== undefined && { createRuntime }),
    create: (environment, wishes) => underTest(createTarget(plugin, environment, { ...base, ...said.optionsFor?.(wishes) } as Options), said),
  };
}

function underTest<Target extends MiniportDriver<never>>(target: Target, said: ConformanceAbilities<Target>): TargetUnderTest {
  const { control } = said;
  return {
    target,
    ...(said.peer !== undefined && { peer: (hostPort: number, peerPort: number) => said.peer!(target, hostPort, peerPort) }),
    ...(control !== undefined && {
      pauseOffload: () => { control.pauseOffload(target); },
      uploadAll: () => { control.uploadAll(target); },
      resumeOffload: () => { control.resumeOffload(target); },
    }),
    ...(said.failHardware !== undefined && {
      failHardware: (hostPort: number, peerPort: number) => { said.failHardware!(target, hostPort, peerPort); },
    }),
    ...(said.alarmHardware !== undefined && {
      alarmHardware: (hostPort: number, peerPort: number) => { said.alarmHardware!(target, hostPort, peerPort); },
    }),
    ...(said.changeBacklog !== undefined && {
      changeBacklog: (hostPort: number, peerPort: number, byteCount: number) => { said.changeBacklog!(target, hostPort, peerPort, byteCount); },
    }),
    ...(said.dispose !== undefined && { dispose: () => said.dispose!(target) }),
  };
}

/** Makes sure that something is what `conformanceAbilities` has to be. @throws TypeError that says what does not fit. */
function requireAbilities(exported: unknown, origin: string, options: object): ConformanceAbilities {
  const who = `${origin}: conformanceAbilities`;
  const value: unknown = typeof exported === 'function' ? (exported as (options: object) => unknown)(options) : exported;
  if (typeof value !== 'object' || value === null) throw new TypeError(`${who} is ${value === null ? 'null' : `a ${typeof value}`}, not an object`);
  const said = value as ConformanceAbilities;
  const { control } = said;
  const abilities = requireNames(said.abilities, who);
  for (const ability of abilities) {
    const member = MEMBER_OF[ability];
    if (member !== undefined && said[member] === undefined) throw new TypeError(`${who} names the ability ${ability} and lacks ${member}, which it stands on`);
  }
  for (const name of FUNCTIONS) if (said[name] !== undefined && typeof said[name] !== 'function') throw new TypeError(`${who}.${name} is no function`);
  for (const name of CONTROLS) if (control !== undefined && typeof control[name] !== 'function') throw new TypeError(`${who}.control.${name} is no function`);
  // A member that no ability lets the cases use is a slip: everything that needs it would be skipped in silence.
  for (const [ability, member] of [['peer', 'peer'], ['control', 'control'], ['hardware-failure', 'failHardware'], ['hardware-alarm', 'alarmHardware'], ['send-backlog', 'changeBacklog']] as const) {
    if (said[member] !== undefined && !abilities.includes(ability)) throw new TypeError(`${who} has ${member} and does not name the ability ${ability}`);
  }
  return said;
}

/** What a module with an intermediate driver may say about it as `conformanceAbilities`: options of `intermediateConformance`. */
export type IntermediateAbilities = Omit<IntermediateConformanceOptions, 'create' | 'seed'>;

/** The same for a module with an intermediate driver. @throws TypeError that says what does not fit. */
export function requireIntermediateAbilities(exported: unknown, origin: string): IntermediateAbilities {
  const who = `${origin}: conformanceAbilities`;
  if (exported === undefined) return {};
  if (typeof exported !== 'object' || exported === null) throw new TypeError(`${who} is ${exported === null ? 'null' : `a ${typeof exported}`}, not an object`);
  const said = exported as IntermediateAbilities;
  requireNames(said.abilities, who);
  return said;
}

/** Makes sure that these are abilities that exist. */
function requireNames(abilities: unknown, who: string): readonly Ability[] {
  if (abilities === undefined) return [];
  if (!Array.isArray(abilities)) throw new TypeError(`${who}.abilities is no list`);
  for (const ability of abilities as readonly Ability[]) {
    if (!Object.hasOwn(ABILITY, ability)) throw new TypeError(`${who}: there is no ability ${JSON.stringify(ability)} (there are ${Object.keys(ABILITY).join(', ')})`);
  }
  return abilities as readonly Ability[];
}
