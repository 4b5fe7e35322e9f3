// Which sources are broken, and which suite has to notice.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../workspace.mjs';

/**
 * What no case of the kit can judge, with the reason: files, and declarations as `file#place`. What is not here is broken,
 * a new file too.
 * @type {Record<string, string>}
 */
export const LEFT_OUT = {
  'packages/offload-target/src/engine-guard.ts': 'is for engines that throw, and those of the kit\'s subjects do not',
  'packages/offload-target/src/engine-rules.ts': 'is the text of the rules for engines',
  'packages/offload-target/src/engine-event-sink.ts#isInside': 'is for engines that break their rules',
  'packages/offload-target/src/engine-event-sink.ts#whatIsWrong': 'is for engines that break their rules',
  'packages/offload-target/src/send-queue.ts#SendQueue.lendNetBuffer.flags': 'is PSH behind what is sent, which no host sees and no peer has to heed',
  'packages/offload-target/src/tcp-state.ts#writeHeaders': 'is for engines that write headers; those of the subjects do not',
  'packages/offload-target/src/engine-event-sink.ts#EngineEventSink.isPlausible': 'is for engines that break their rules',
  'packages/offload-target/src/tcp-object.ts#TcpObject.isPlausible': 'is for engines that break their rules',
  'packages/offload-target/src/tcp-object.ts#isState': 'is for engines that break their rules',
  'packages/offload-target/src/engine-faults.ts#EngineFaults.report': 'is for engines that break their rules',
  'packages/offload-target/src/engine-faults.ts#EngineFaults.accuse': 'is for engines that break their rules',
  'packages/offload-target/src/adapter-bring-up.ts#macAddressOf': 'makes up a MAC address, in which a target is free',
  'packages/offload-target/src/engine-faults.ts#EngineFaults.commandThrew': 'is for engines that throw',
  'packages/offload-target/src/engine-faults.ts#EngineFaults.threw': 'is for engines that throw',
  'packages/offload-target/src/operations.ts#Operations.timerExpired': 'is for engines that do not answer',
  'packages/offload-target/src/operations.ts#Operations.endOverdue': 'is for engines that do not answer',
  'packages/offload-target/src/operations.ts#Operations.endUnanswered': 'is for engines that do not answer',
  'packages/offload-target/src/ordinary-path.ts': 'is for traffic besides the chimney; the engines of the subjects have none',
  'packages/offload-target/src/option-schema.ts': 'reads the options of a plugin, before there is a target',
  'packages/offload-target/src/target-plugin.ts': 'checks what a module exports, before there is a target',
  'packages/offload-target/src/target-limits.ts': 'checks options, before there is a target',
  'packages/offload-target/src/address-text.ts': 'writes addresses for messages',
  'packages/offload-target/src/packet-identification.ts': 'is for targets that send packets of their own; none of the subjects does',
  'packages/offload-target/src/rss-sequencer.ts': 'is for targets with several queues; none of the subjects has them',
  'packages/offload-target/src/vlan.ts#vlanTag': 'is for targets that write frames; none of the subjects does',
  'packages/offload-target/src/vlan.ts#acceptsVlanTag': 'is for targets that read frames; none of the subjects does',
  'packages/offload-target/src/update.ts#updated': 'is for engines that refuse settings; those of the subjects do not',
  'packages/offload-target/src/indications.ts#Indications.givePage': 'uses memory again',
  'packages/target-memory/src/options.ts': 'reads the options, before there is a target',
  'packages/target-memory/src/conformance-abilities.ts': 'hands the memory target to the kit',
  'packages/target-memory/src/memory-connection.ts#MemoryConnection.acknowledge.worthwhile': 'is how much wider a window has to be to be worth a segment, in which a receiver is free',
  'packages/target-memory/src/lent-bytes.ts#RegionPool': 'uses memory again',
  'packages/target-memory/src/memory-peer.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/memory-target.ts#MemoryTarget.peers': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/memory-target.ts#MemoryTarget.sourcePattern': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-endpoint.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-output.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-registry.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/wire.ts': 'is the way to the far end',
  'packages/intermediate/src/mux-own-operations.ts#OwnOperations.terminate': 'moves connections off an adapter, which this mux offers besides the contract',
  'packages/intermediate/src/mux-own-operations.ts#OwnOperations.next': 'moves connections off an adapter, which this mux offers besides the contract',
  'packages/intermediate/src/mux-trees.ts#MuxTrees.answerNowhere': 'answers for objects whose adapter went, which this mux survives besides the contract',
  'packages/intermediate/src/mux-split.ts#combineState': 'makes one answer of those of several adapters, in which a mux is free',
  'packages/intermediate/src/mux-departures.ts': 'moves connections off an adapter, which this mux offers besides the contract',
  'packages/intermediate/src/mux-oids.ts': 'makes one answer of those of several adapters, in which a mux is free',
  'packages/intermediate/src/mux-ordinary-tags.ts': 'gives those above VLANs, which this mux offers besides the contract',
  'packages/intermediate/src/mux-placement.ts': 'chooses among adapters, in which a mux is free',
  'packages/intermediate/src/mux-tags.ts': 'gives those above VLANs, which this mux offers besides the contract',
  'packages/intermediate/src/mux-upper.ts': 'reads options',
};

/** Whole folders of sources, or those of their files with such names, by the suite that decides over them. */
const SOURCES = [
  { suite: 'target', folder: 'packages/target-memory/src', names: /^/ },
  { suite: 'target', folder: 'packages/offload-target/src', names: /^/ },
  { suite: 'intermediate', folder: 'packages/intermediate/src', names: /^(?!mux-)/ },
  { suite: 'mux', folder: 'packages/intermediate/src', names: /^mux-/ },
];

/** Entries and declarations, in which there is nothing to break. */
const WITHOUT_CODE = new Set(['index.ts', 'plugin.ts', 'ambient.d.ts']);

/**
 * Can the kit judge this mutant?
 * @param {{ file: string, place: string }} mutant
 */
export const isJudged = ({ file, place }) =>
  place.split('.').every((_, at, names) => LEFT_OUT[`${file}#${names.slice(0, at + 1).join('.')}`] === undefined);

/**
 * Every source that is broken.
 * @param {string} [root]
 * @returns {{ file: string, suite: string }[]}
 */
export const brokenFiles = (root = repositoryRoot) =>
  SOURCES.flatMap(({ suite, folder, names }) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.ts') && !WITHOUT_CODE.has(name) && names.test(name))
      .sort()
      .map((name) => ({ file: `${folder}/${name}`, suite }))
      .filter(({ file }) => LEFT_OUT[file] === undefined),
  );

/**
 * Does a path match a pattern in which `*` is anything within a folder and `**` anything?
 * @param {string} path
 * @param {string} pattern
 */
export function matches(path, pattern) {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replaceAll(/\*\*\/?|\*/g, (stars) => (stars === '*' ? '[^/]*' : '.*'));
  return new RegExp(`^${source}$`).test(path);
}
