// The subjects the intermediate cases are tried on: our own drivers, as any author would hand in theirs.
import type { IntermediateConformanceOptions, IntermediateUnderTest } from '@ndis-chimney/conformance';
import { MuxDriver, PassThroughDriver, conformanceAbilities, type MuxOptions, type PassThroughOptions } from '@ndis-chimney/intermediate';
import type { NdisLibrary } from '@ndis-chimney/types';

interface Limits {
  readonly netBufferLists?: number;
  readonly operations?: number;
  readonly objects?: number;
}

const limitsOf = ({ netBufferLists = Infinity, operations = Infinity, objects = Infinity }: Limits): PassThroughOptions => ({
  netBufferListContexts: netBufferLists,
  callEntries: operations,
  offloadEntries: objects,
});

/** Pass-through drivers of a class; the plain one by default. */
export function passThroughSubject(Driver: new (ndis: NdisLibrary, options: PassThroughOptions) => PassThroughDriver = PassThroughDriver): IntermediateConformanceOptions {
  return {
    ...conformanceAbilities,
    create: (ndis, { name, ...limits }) => new Driver(ndis, { name, ...limitsOf(limits) }),
  };
}

/** A mux that gives what goes out a priority, where it has none. */
export const taggingMuxSubject = (options: MuxOptions = {}): IntermediateConformanceOptions => muxSubject(options, MuxDriver, 5);

/** Muxes. Above one adapter they pass everything on as it is, except for status indications, of which they make their own. */
export function muxSubject(options: MuxOptions = {}, Driver: new (ndis: NdisLibrary, options: MuxOptions) => MuxDriver = MuxDriver, priority = 0): IntermediateConformanceOptions {
  return {
    abilities: ['several-upper-edges', 'nbl-shortage', 'state-shortage', 'reports-memory', 'stopped-calls', 'virtual-time'],
    create: (ndis, { name, upperEdges = 1, ...limits }): IntermediateUnderTest => {
      const uppers = Array.from({ length: upperEdges }, (_, at) => ({ name: `${name}:${at}`, priority }));
      const mux = new Driver(ndis, { ...options, name, uppers, ...limitsOf(limits) });
      return Object.assign(mux, { upperNames: () => uppers.map((upper) => upper.name) });
    },
  };
}
