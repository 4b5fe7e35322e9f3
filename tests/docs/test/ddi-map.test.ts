import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as core from '@ndis-chimney/core';
import * as host from '@ndis-chimney/host';
import * as intermediate from '@ndis-chimney/intermediate';
import * as types from '@ndis-chimney/types';
import { beforeAll, describe, expect, it } from 'vitest';

import { repositoryRoot } from '../../../tools/workspace.mjs';
import {
  aliasProblems,
  nameProblems,
  pairingProblems,
  parseMap,
  rowProblems,
  symbolProblems,
  undocumented,
  type DdiMap,
  type FunctionComment,
  type SymbolCheck,
} from './ddi-map.ts';
import { aliases, ddiNames, sdkConstants } from './ddi-names.ts';
import { liveObjects, missingAtRunTime } from './live-objects.ts';
import { SdkSymbols, partsOf } from './sdk-symbols.ts';

const text = readFileSync(join(repositoryRoot, 'docs/reference/ddi-map.md'), 'utf8');
const modules: Readonly<Record<string, object>> = { core, host, intermediate, types };

let compiled: SdkSymbols;
let checkAgainst: (objects: ReadonlyMap<string, object>) => SymbolCheck;
let check: SymbolCheck;

const functionComment: FunctionComment = (packageName, symbol) => compiled.functionComment(packageName, symbol);

// The compiler reads four packages and the ECMAScript library.
beforeAll(() => {
  compiled = new SdkSymbols(Object.keys(modules));
  checkAgainst = (objects) => (packageName, symbol) => {
    const problem = compiled.problemOf(packageName, symbol);
    const parts = partsOf(symbol);
    if (problem !== null || parts === null) return problem;
    const { head, path } = parts;
    if (compiled.isValue(packageName, head) && !(head in (modules[packageName] ?? {}))) return `${packageName} lacks ${head} at run time`;
    const [member] = path;
    if (member !== undefined && compiled.isOptional(packageName, head, member)) return null;
    return missingAtRunTime(modules, objects, packageName, head, path);
  };
  check = checkAgainst(liveObjects());
}, 60_000);

/** The constants of `types`, and the members of those that are enumerations. */
function constantsOfTypes(): string[] {
  return Object.entries(types)
    .filter(([name]) => /^[A-Z][A-Z0-9_]+$/.test(name) && !sdkConstants.includes(name))
    .flatMap(([name, value]) => (typeof value === 'object' && !Array.isArray(value) ? [name, ...Object.keys(value)] : [name]));
}

const map = parseMap(text);

describe('the DDI map', () => {
  it('has every name of the DDI in one row, under its heading, and no other name', () => {
    expect(nameProblems(map, ddiNames)).toEqual([]);
  });

  it('names only symbols that exist, to the compiler and at run time', () => {
    expect(symbolProblems(map, check)).toEqual([]);
  });

  it('pairs a name with the symbol whose doc comment or own name says so', () => {
    expect(pairingProblems(map, functionComment)).toEqual([]);
  });

  it('gives every row a page, and a symbol or the reason why there is none', () => {
    expect(rowProblems(map)).toEqual([]);
  });

  it('leads every alias to a name that is none', () => {
    expect(aliasProblems(map, aliases)).toEqual([]);
  });

  it('documents every constant and every enumeration member that types exports', () => {
    expect(undocumented(map, constantsOfTypes())).toEqual([]);
    expect(sdkConstants.filter((name) => !(name in types))).toEqual([]);
  });
});

/** A copy of the map that differs in one place. */
function edited(from: string, to: string): DdiMap {
  if (text.split(from).length !== 2) throw new Error(`the map has ${text.split(from).length - 1} times ${from}`);
  return parseMap(text.replace(from, () => to));
}

type Find = (map: DdiMap) => readonly string[];

/** What a check finds in a changed map and not in the map itself: a real fault then fails one test and not all. */
const found = (find: Find, changed: DdiMap): string[] => without(find(changed), find(map));

const without = (problems: readonly string[], before: readonly string[]): string[] =>
  problems.filter((problem) => !before.includes(problem));

const inNames: Find = (changed) => nameProblems(changed, ddiNames);
const inSymbols: Find = (changed) => symbolProblems(changed, check);
const inPairs: Find = (changed) => pairingProblems(changed, functionComment);
const inAliases: Find = (changed) => aliasProblems(changed, aliases);
const inConstants: Find = (changed) => undocumented(changed, constantsOfTypes());

/** The row of a name, as it is in the map. */
function rowOf(name: string): string {
  const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
  if (row === undefined) throw new Error(`the map has no row of ${name}`);
  return `${row}\n`;
}

describe('the check of names', () => {
  it('notices a dropped row', () => {
    expect(found(inNames, edited(rowOf('NdisOffloadTcpSend'), ''))).toEqual(['NdisOffloadTcpSend: no row under Functions']);
  });

  it('notices a dropped member of a structure', () => {
    expect(found(inNames, edited(rowOf('.SndUna'), ''))).toEqual(['TCP_OFFLOAD_STATE_DELEGATED.SndUna: no row under Structures']);
  });

  it('notices a second row', () => {
    const row = rowOf('NdisOffloadTcpSend');
    expect(found(inNames, edited(row, row + row))).toEqual(['NdisOffloadTcpSend: a second row, under Functions']);
  });

  it('notices a name that is not in the list', () => {
    expect(found(inNames, edited('| `NdisOffloadTcpSend` |', '| `NdisOffloadTcpSends` |'))).toEqual([
      'NdisOffloadTcpSend: no row under Functions',
      'NdisOffloadTcpSends: under Functions, but not in the list',
    ]);
  });

  it('notices a row under another heading', () => {
    expect(found(inNames, edited('## Terms\n', '## Words\n'))).toContain('IM call entry: under Words, belongs under Terms');
  });

  it('notices a name that was added to the list, or is in it twice', () => {
    const names = new Map(ddiNames).set('Terms', [...(ddiNames.get('Terms') ?? []), 'MiniportMoreOffload', 'NdisOffloadTcpSend']);
    expect(without(nameProblems(map, names), inNames(map))).toEqual([
      'NdisOffloadTcpSend: twice in the list',
      'NdisOffloadTcpSend: under Functions, belongs under Terms',
      'MiniportMoreOffload: no row under Terms',
    ]);
  });
});

describe('the check of symbols', () => {
  it.each([
    [
      'a method',
      '`binding.offloadTcpForward` | types | `nf-',
      '`binding.offloadTcpForwards` | types | `nf-',
      'NdisOffloadTcpForward: NdisBinding of types has no offloadTcpForwards (NdisBinding.offloadTcpForwards)',
    ],
    [
      'a member',
      '`TcpOffloadStateDelegated.sndUna`',
      '`TcpOffloadStateDelegated.sndUnacked`',
      'TCP_OFFLOAD_STATE_DELEGATED.SndUna: TcpOffloadStateDelegated of types has no sndUnacked (TcpOffloadStateDelegated.sndUnacked)',
    ],
    [
      'a nested member',
      '`TcpOffloadStateDelegated.retransmit.count`',
      '`TcpOffloadStateDelegated.retransmit.counter`',
      'TCP_OFFLOAD_STATE_DELEGATED.Retransmit.Count: TcpOffloadStateDelegated of types has no counter (TcpOffloadStateDelegated.retransmit.counter)',
    ],
    [
      'a member that continues the symbol before',
      '`MiniportOffloadBlockList.imReserved0`, `.imReserved1`',
      '`MiniportOffloadBlockList.imReserved0`, `.imReserved2`',
      'NDIS_MINIPORT_OFFLOAD_BLOCK_LIST.ImReserved: MiniportOffloadBlockList of types has no imReserved2 (MiniportOffloadBlockList.imReserved2)',
    ],
    [
      'a private member',
      '`NetBufferList.scratch`',
      '`NetBufferList.infoSlot0`',
      'NET_BUFFER_LIST.Scratch: NetBufferList of types has no infoSlot0 (NetBufferList.infoSlot0)',
    ],
    [
      'a parameter',
      '`miniport.offloadEventIndicate(indicationCode)`',
      '`miniport.offloadEventIndicate(code)`',
      'IndicationCode: no parameter code (NdisMiniport.offloadEventIndicate(code))',
    ],
    [
      'a constant',
      '`NDIS_STATUS_OFFLOAD_POLICY` | types',
      '`NDIS_STATUS_OFFLOADPOLICY` | types',
      'NDIS_STATUS_OFFLOAD_POLICY: types does not export NDIS_STATUS_OFFLOADPOLICY',
    ],
    [
      'a member of an enumeration',
      '`TCP_UPLOAD_REASON.SmallIO`',
      '`TCP_UPLOAD_REASON.SmallIo`',
      'SmallIO: TCP_UPLOAD_REASON of types has no SmallIo (TCP_UPLOAD_REASON.SmallIo)',
    ],
    [
      'a type',
      '`NdisDriverOptionalHandlers`',
      '`NdisOptionalHandlers`',
      'NDIS_DRIVER_OPTIONAL_HANDLERS: types does not export NdisOptionalHandlers',
    ],
    [
      'a package',
      '`OffloadEntry` | intermediate',
      '`OffloadEntry` | core',
      'IM offload entry: core does not export OffloadEntry',
    ],
    [
      'a package that does not exist',
      '`OffloadEntry` | intermediate',
      '`OffloadEntry` | middle',
      'IM offload entry: middle does not export OffloadEntry',
    ],
    [
      'the package of a receiver',
      '`bindContext.completeBindAdapterEx` | types',
      '`bindContext.completeBindAdapterEx` | core',
      'NdisCompleteBindAdapterEx: bindContext is of types, not core',
    ],
    [
      'the spelling',
      '`pool.freeNetBufferListPool`',
      '`pool.freeNetBufferListPool[0]`',
      'NdisFreeNetBufferListPool: NetBufferListPool.freeNetBufferListPool[0] is not the spelling of a symbol',
    ],
  ])('notices when %s is not that of the packages', (_what, from, to, problem) => {
    expect(found(inSymbols, edited(from, to))).toEqual([problem]);
  });

  it('notices a receiver whose type is gone', () => {
    const problems = found(inSymbols, edited('| `contexts` | `NetBufferListContextPool` |', '| `contexts` | `ContextPool` |'));
    expect(problems).toContain('contexts: types does not export ContextPool');
    expect(problems).toContain('NdisFreeNetBufferListContext: types does not export ContextPool');
  });

  it('notices what is declared and missing at run time', () => {
    const objects = new Map(liveObjects()).set('NdisBinding', {}).set('NetBuffer', { next: null });
    const problems = symbolProblems(map, checkAgainst(objects));
    expect(problems).toContain('NdisOffloadTcpSend: NdisBinding of types lacks offloadTcpSend at run time');
    expect(problems).toContain('NET_BUFFER.CurrentMdl: NetBuffer of types lacks currentMdl at run time');
    expect(problems).not.toContain('NET_BUFFER.Next: NetBuffer of types lacks next at run time');
  });

  it('has a live object for every receiver and for every class whose members the map names', () => {
    const objects = liveObjects();
    expect(map.receivers.map(({ type }) => type).filter((type) => !objects.has(type))).toEqual([]);
    const withMember = map.rows.flatMap(({ symbols }) => symbols.filter((symbol) => symbol.includes('.')));
    const owners = new Set(withMember.map((symbol) => symbol.split('.', 1)[0] ?? ''));
    const isClass = (name: string): boolean => typeof (types as Readonly<Record<string, unknown>>)[name] === 'function';
    expect([...owners].filter((name) => isClass(name) && !objects.has(name))).toEqual([]);
  });
});

describe('the check of pairs', () => {
  it.each([
    [
      'a function with another',
      '`NdisUpdateOffload` | `binding.updateOffload`',
      '`NdisUpdateOffload` | `binding.initiateOffload`',
      'NdisUpdateOffload: the doc comment of binding.initiateOffload does not name it',
    ],
    [
      'a callback with another',
      '`ProtocolStatusEx` | `ProtocolDriver.protocolStatusEx`',
      '`ProtocolStatusEx` | `ProtocolDriver.protocolNetPnPEvent`',
      'ProtocolStatusEx: the doc comment of ProtocolDriver.protocolNetPnPEvent does not name it',
    ],
    [
      'a member with another',
      '`TcpOffloadStateDelegated.sndUna`',
      '`TcpOffloadStateDelegated.sndNxt`',
      'TCP_OFFLOAD_STATE_DELEGATED.SndUna: TcpOffloadStateDelegated.sndNxt has another name, and no remark says why',
    ],
    [
      'a constant with another',
      '| `OID_PNP_SET_POWER` | `OID_PNP_SET_POWER`',
      '| `OID_PNP_SET_POWER` | `OID_PNP_QUERY_POWER`',
      'OID_PNP_SET_POWER: OID_PNP_QUERY_POWER has another name, and no remark says why',
    ],
  ])('notices when the map pairs %s', (_what, from, to, problem) => {
    expect(found(inPairs, edited(from, to))).toEqual([problem]);
    expect(found(inSymbols, edited(from, to))).toEqual([]);
  });
});

describe('the check of rows', () => {
  it('notices a row without a symbol', () => {
    expect(found(rowProblems, edited('`ndis.imAssociateMiniport`', ''))).toEqual(['NdisIMAssociateMiniport: no symbol']);
  });

  it('notices a table that begins without a page', () => {
    const changed = edited('types | `nf-ndis-ndissetoptionalhandlers.md` | one method', 'types | | one method');
    expect(found(rowProblems, changed)).toEqual(['NdisSetOptionalHandlers: no page']);
  });

  it('notices a name that is left out for no reason', () => {
    const changed = edited('| `ndis.h` | each kind of handle has a type of its own |', '| `ndis.h` | |');
    expect(found(rowProblems, changed)).toEqual(['NDIS_HANDLE: no reason']);
  });

  it('refuses tables that are none of the map', () => {
    const head = (reason: string): string => `| DDI name | Page | ${reason} |\n| --- | --- | --- |\n| \`NDIS_HANDLE\``;
    expect(() => edited(head('Reason'), head('Why'))).toThrow('a column Why');
    expect(() => edited(rowOf('NdisSetOptionalHandlers'), '| `NdisSetOptionalHandlers` | types |\n')).toThrow('a row of 2 cells');
  });
});

describe('the check of aliases', () => {
  it('notices an alias of nothing', () => {
    const changed = edited('| `NdisQueryOffload` | `NdisQueryOffloadState` |', '| `NdisQueryOffload` | |');
    expect(found(rowProblems, changed)).toEqual(['NdisQueryOffload: stands for nothing']);
  });

  it('notices an alias of a name that is not there, is an alias, or is the wrong one', () => {
    const standingFor = (target: string): DdiMap =>
      edited('| `NdisQueryOffload` | `NdisQueryOffloadState` |', `| \`NdisQueryOffload\` | \`${target}\` |`);
    const wrong = (target: string): string => `NdisQueryOffload: stands for NdisQueryOffloadState, not ${target}`;
    expect(found(inAliases, standingFor('NdisQueryState'))).toEqual([
      'NdisQueryOffload: NdisQueryState is not a name of the map',
      wrong('NdisQueryState'),
    ]);
    expect(found(inAliases, standingFor('NdisMQueryOffloadComplete'))).toEqual([
      'NdisQueryOffload: NdisMQueryOffloadComplete is not a name of the map',
      wrong('NdisMQueryOffloadComplete'),
    ]);
    expect(found(inAliases, standingFor('NdisUpdateOffload'))).toEqual([wrong('NdisUpdateOffload')]);
  });
});

describe('the check of constants', () => {
  it('notices a constant that was added, and one whose row is gone', () => {
    expect(undocumented(map, ['NDIS_STATUS_SUCCESS', 'NDIS_STATUS_NEW'])).toEqual(['NDIS_STATUS_NEW']);
    expect(found(inConstants, edited(rowOf('TCP_FLAG_SACK_ENABLED'), ''))).toEqual(['TCP_FLAG_SACK_ENABLED']);
    expect(found(inConstants, edited(rowOf('TcpIndicateAbort'), ''))).toEqual(['TcpIndicateAbort']);
  });
});
