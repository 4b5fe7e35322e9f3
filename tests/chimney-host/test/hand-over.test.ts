import { describeConnection, locateSequence, remainingTicks, type TransferResult, type UploadResult, type UploadedState } from '@ndis-chimney/host';
import { blocksOf, link, membersOf, textsOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TIMEOUT_DELTA_NOT_RUNNING,
  type MiniportOffloadBlockList,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ENDS, bytes, createHostStack, from, refuse, text, type HostStack } from './host-stack.ts';

const tcpOf = (root: MiniportOffloadBlockList): MiniportOffloadBlockList => blocksOf(root).at(-1) ?? root;
const delegatedOf = (root: MiniportOffloadBlockList): TcpOffloadStateDelegated => tcpOf(root).state?.delegated as TcpOffloadStateDelegated;
const sendTexts = ({ sendData }: UploadedState): string[] => sendData.map(text);

/** A connection with these messages on their way, a terminate begun. */
const terminating = async (stack: HostStack, ...messages: string[]): Promise<{ terminated: Promise<UploadResult>; sends: Promise<TransferResult>[] }> => {
  const connection = await stack.connect();
  const sends = messages.map((message) => connection.send(bytes(message)));
  // A promise in an object is not waited for.
  return { sends, terminated: connection.terminate() };
};

describe.each([0, 1, 3])('over %i intermediate drivers', (intermediates) => {
  test('send data goes down as a chain from SndUna on, and its sends end like any others (CHIM-INI-005)', async () => {
    const stack = createHostStack({ intermediates });
    const sendData = [bytes('sent once '), bytes(''), bytes('never sent')];
    const offloading = stack.host.offload(describeConnection({ ...ENDS, sndUna: -7, sndNxt: -2, sndMax: 1, sendData }));
    await stack.rest();
    const tcp = tcpOf(stack.pending('initiate'));
    const chain = membersOf(tcp.netBufferListChain);
    expect(textsOf(tcp.netBufferListChain)).toEqual(['sent once ', 'never sent']);
    expect(chain.map(({ firstNetBuffer }) => [firstNetBuffer?.next, firstNetBuffer?.currentMdl?.buffer === sendData[0] || firstNetBuffer?.currentMdl?.buffer === sendData[2]])).toEqual([[null, true], [null, true]]);
    const delegated = delegatedOf(stack.pending('initiate'));
    expect([delegated.sndUna, delegated.sndNxt, delegated.sndMax]).toEqual([-7, -2, 1]);
    expect([delegated.sendDataHead === chain[0], delegated.sendDataTail === chain[1]]).toEqual([true, true]);
    stack.accept();
    const { connection } = await offloading;
    stack.target.sends.push(...chain);
    stack.target.completeSends();
    expect(await Promise.all(connection?.inheritedSends ?? [])).toEqual([{ status: NDIS_STATUS_SUCCESS, bytesTransferred: 10 }, { status: NDIS_STATUS_SUCCESS, bytesTransferred: 10 }]);
    await stack.close();
  });

  test('GV-INI-7: of a connection that is refused the chain stays the host’s, and may be offered again', async () => {
    const stack = createHostStack({ intermediates });
    const state = describeConnection({ ...ENDS, sendData: [bytes('one'), bytes('two'), bytes('three')], bufferedData: bytes('unread') });
    const offloading = stack.host.offload(state);
    await stack.rest();
    const [path] = stack.host.offloadedObjects;
    await stack.complete('initiate', { change: (block) => { refuse(block, NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER); } });
    expect(await offloading).toEqual({ status: NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER, connection: null });
    expect([path?.offloadState, stack.host.offloadedObjects.length]).toEqual(['InHost', 0]);
    const again = stack.host.offload(state);
    await stack.rest();
    expect(textsOf(tcpOf(stack.pending('initiate')).netBufferListChain)).toEqual(['one', 'two', 'three']);
    const chain = membersOf(tcpOf(stack.pending('initiate')).netBufferListChain);
    stack.accept();
    expect((await again).status).toBe(NDIS_STATUS_SUCCESS);
    stack.target.sends.push(...chain);
    stack.target.completeSends();
    await stack.close();
  });

  test('undelivered data goes down as BufferedData, is the host’s again after the initiate, and is asked for by a receive', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection({ ...ENDS, bufferedData: bytes('unread') }));
    await stack.rest();
    const buffered = delegatedOf(stack.pending('initiate')).bufferedData;
    expect(textsOf(buffered)).toEqual(['unread']);
    stack.accept();
    const { connection } = await offloading;
    expect(stack.target.receives).toEqual([]);
    // The target waits for a receive: subscribing posts one.
    connection?.received$.subscribe();
    expect(stack.target.receives).toHaveLength(1);
    await stack.close();
  });

  test('timers go down as ticks left, and have gone on while the host had the state (GV-TRM-2)', async () => {
    const stack = createHostStack({ intermediates });
    const state = describeConnection(ENDS);
    Object.assign(state.tcp.delegated?.retransmit ?? {}, { count: 2, timeoutDelta: 700 });
    Object.assign(state.tcp.delegated?.keepAlive ?? {}, { probeCount: 1, timeoutDelta: TIMEOUT_DELTA_NOT_RUNNING });
    stack.runtime.advance(1000);
    const offloading = stack.host.offload({ ...state, uploadedAtMs: 800 });
    await stack.rest();
    const { retransmit, keepAlive, tsRecentAge } = delegatedOf(stack.pending('initiate'));
    expect([retransmit.count, retransmit.timeoutDelta, keepAlive.probeCount, keepAlive.timeoutDelta, tsRecentAge]).toEqual([2, 500, 1, TIMEOUT_DELTA_NOT_RUNNING, 200]);
    // The state offered is the caller's and is not touched.
    expect(state.tcp.delegated?.retransmit.timeoutDelta).toBe(700);
    stack.accept();
    await offloading;
    await stack.close();
  });

  test('GV-TRM-1: sends come back in the chain, completed ones before them; never both', async () => {
    const stack = createHostStack({ intermediates });
    const { terminated, sends } = await terminating(stack, 'A'.repeat(1000), 'B'.repeat(1000), 'C'.repeat(1000));
    stack.target.completeSends(1);
    const chain = stack.target.sends.splice(0);
    chain[0]?.firstNetBuffer?.advanceDataStart(200);
    const root = stack.pending('terminate');
    tcpOf(root).netBufferListChain = link(chain);
    Object.assign(delegatedOf(root), { sndUna: 1198, sndNxt: 2998, sndMax: 2998 });
    await stack.complete('terminate');
    const { state } = await terminated;
    expect(await Promise.all(sends)).toEqual([
      { status: NDIS_STATUS_SUCCESS, bytesTransferred: 1000 },
      { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 200 },
      { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 0 },
    ]);
    expect(sendTexts(state)).toEqual(['B'.repeat(800), 'C'.repeat(1000)]);
    expect([state.delegated.sendDataHead, state.delegated.sendDataTail]).toEqual([null, null]);
    await stack.close();
  });

  test('GV-TRM-1: or they are completed with UPLOAD_IN_PROGRESS; what comes back is the same (CHIM-SND-016)', async () => {
    const stack = createHostStack({ intermediates });
    const { terminated, sends } = await terminating(stack, 'A'.repeat(1000), 'B'.repeat(1000), 'C'.repeat(1000));
    stack.target.completeSends(1);
    const [b, c] = stack.target.sends.splice(0);
    if (b === undefined || c === undefined) throw new Error('two sends are with the target');
    b.next = c;
    for (const [nbl, count] of [[b, 200], [c, 0]] as const) {
      nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
      nbl.tcpOffloadBytesTransferred = count;
      nbl.firstNetBuffer?.advanceDataStart(count);
    }
    stack.target.handlers.tcpOffloadSendComplete(b);
    await stack.complete('terminate');
    const { state } = await terminated;
    expect((await Promise.all(sends)).map(({ bytesTransferred }) => bytesTransferred)).toEqual([1000, 200, 0]);
    expect(sendTexts(state)).toEqual(['B'.repeat(800), 'C'.repeat(1000)]);
    await stack.close();
  });

  test('what came back is the caller’s alone: the lent bytes may be used again', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const buffer = bytes('lent bytes');
    const sent = connection.send([buffer.subarray(0, 5), buffer.subarray(5)]);
    const terminated = connection.terminate();
    stack.target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await sent;
    buffer.fill(0);
    await stack.complete('terminate');
    expect(sendTexts((await terminated).state)).toEqual(['lent bytes']);
    await stack.close();
  });

  test('sends made once the terminate was asked for come back too, behind the others; nothing reaches the target (CHIM-TRM-003)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const first = connection.send(bytes('first'));
    const queried = connection.query();
    const terminated = connection.terminate();
    const second = connection.send(bytes('second'));
    expect(connection.offloadState).toBe('Offloaded');
    await stack.complete('query');
    await queried;
    const third = connection.disconnect({ data: bytes('third') });
    expect([stack.target.sends.length, stack.target.disconnects.length]).toEqual([1, 0]);
    stack.target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.complete('terminate', { change: (block) => { Object.assign(block.state?.delegated ?? {}, { state: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished }); } });
    const { state } = await terminated;
    expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_IN_PROGRESS]);
    expect([sendTexts(state), state.isFinPending]).toEqual([['first', 'second', 'third'], true]);
    await stack.close();
  });

  test('a disconnect that comes back with its FIN sent has no FIN pending: the state says so', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const disconnected = connection.disconnect({ data: bytes('bye') });
    const terminated = connection.terminate();
    stack.target.completeDisconnect(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.complete('terminate', { change: (block) => { Object.assign(block.state?.delegated ?? {}, { state: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1 }); } });
    const { state } = await terminated;
    expect([(await disconnected).status, sendTexts(state), state.isFinPending]).toEqual([NDIS_STATUS_UPLOAD_IN_PROGRESS, ['bye'], false]);
    await stack.close();
  });

  test('what an intermediate driver had no memory for comes back in its place, and the connection with it', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const sends = [connection.send(bytes('with the target')), connection.send(bytes('not passed on'))];
    const [first, failed] = stack.target.sends.splice(0);
    if (first === undefined || failed === undefined) throw new Error('two sends are with the target');
    failed.status = NDIS_STATUS_REQUEST_UPLOAD;
    failed.tcpOffloadBytesTransferred = 0;
    stack.target.handlers.tcpOffloadSendComplete(failed);
    await stack.rest();
    // Nothing more is sent behind the gap, and the host takes the connection back.
    expect(connection.offloadState).toBe('Uploading');
    tcpOf(stack.pending('terminate')).netBufferListChain = first;
    await stack.complete('terminate');
    const { state, reason } = await connection.uploaded;
    expect([sendTexts(state), reason]).toEqual([['with the target', 'not passed on'], 'requestUpload']);
    expect((await Promise.all(sends)).map(({ status }) => status)).toEqual([NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_UPLOAD]);
    await stack.close();
  });

  test('what came back is offered again as it is, and goes on', async () => {
    const stack = createHostStack({ intermediates });
    const { terminated } = await terminating(stack, 'unacknowledged');
    const root = stack.pending('terminate');
    tcpOf(root).netBufferListChain = link(stack.target.sends.splice(0));
    const delegated = delegatedOf(root);
    delegated.bufferedData = stack.target.list('undelivered');
    Object.assign(delegated, { state: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished, sndUna: -2, sndNxt: 12, sndMax: 12, rcvNxt: 9 });
    await stack.complete('terminate');
    const { state } = await terminated;
    const again = stack.host.offload(state);
    await stack.rest();
    const offered = delegatedOf(stack.pending('initiate'));
    expect([offered.sndUna, offered.sndMax, offered.rcvNxt, textsOf(tcpOf(stack.pending('initiate')).netBufferListChain), textsOf(offered.bufferedData)]).toEqual([-2, 12, 9, ['unacknowledged'], ['undelivered']]);
    const chain = membersOf(tcpOf(stack.pending('initiate')).netBufferListChain);
    stack.accept();
    const { connection } = await again;
    expect([connection?.offloadState, connection?.bytesInFlight]).toEqual(['Offloaded', 14]);
    stack.target.sends.push(...chain);
    stack.target.completeSends();
    await stack.close();
  });

  test('of a connection the target lost, requests end with the second terminate (AMB-29)', async () => {
    const stack = createHostStack({ intermediates });
    const { terminated, sends } = await terminating(stack, 'lost?');
    await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
    expect(stack.violations).toEqual([]);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
    await stack.rest();
    stack.target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
    await stack.complete('terminate');
    const { status, state } = await terminated;
    // REQUEST_ABORTED is not sent again.
    expect([status, sendTexts(state), (await sends[0])?.status]).toEqual([NDIS_STATUS_FAILURE, [], NDIS_STATUS_REQUEST_ABORTED]);
    await stack.close();
  });
});

test('whoever took it back, what came back appears on uploads$', async () => {
  const stack = createHostStack();
  const reasons: string[] = [];
  stack.host.uploads$.subscribe(({ reason }) => reasons.push(reason));
  const connection = await stack.connect();
  stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.TimeoutExpiration);
  await stack.rest();
  await stack.complete('terminate');
  expect(reasons).toEqual(['retrieve']);
  expect((await connection.uploaded).connection).toBe(connection);
  await stack.close();
});

test('a connection that came back closed is not offered: NDIS_STATUS_INVALID_STATE (CHIM-INI-001)', async () => {
  const stack = createHostStack();
  const connection = await stack.connect();
  const terminated = connection.terminate();
  await stack.complete('terminate');
  const { state } = await terminated;
  expect(state.delegated.state).toBe(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
  expect(await stack.host.offload(state)).toEqual({ status: NDIS_STATUS_INVALID_STATE, connection: null });
  await stack.close();
});

describe('sequence numbers in the data (GV-SND-1)', () => {
  const pieces = [200, 400, 400, 400, 400, 200].map((length) => new Uint8Array(length));
  test.each([
    [0, { buffer: 0, offset: 0 }],
    [1000, { buffer: 3, offset: 0 }],
    [1600, { buffer: 4, offset: 200 }],
    [1800, { buffer: 5, offset: 0 }],
    [2000, null],
  ])('%i bytes behind SndUna is in %o, also across the wrap', (offset, expected) => {
    expect(locateSequence(pieces, 5000, 5000 + offset)).toEqual(expected);
    expect(locateSequence(pieces, -2, (-2 + offset) | 0)).toEqual(expected);
  });

  test('one that is not in the data is refused', () => {
    expect(() => locateSequence(pieces, 0, 2001)).toThrow(new TypeError('locateSequence: 2001 is 1 bytes behind the end of the data'));
  });

  test.each([
    [{ sndUna: 0, sndNxt: -1, sndMax: 0 }, 'sndNxt is before sndUna'],
    [{ sndUna: 0, sndNxt: 2, sndMax: 1, sendData: [new Uint8Array(9)] }, 'sndNxt is behind sndMax'],
    [{ sndUna: 0, sndNxt: 5, sndMax: 9, sendData: [new Uint8Array(8)] }, '9 sequence numbers are unacknowledged, and sendData has 8 bytes'],
  ])('numbers that contradict each other are refused (CHIM-INI-005, %#)', async (numbers, message) => {
    const stack = createHostStack();
    await expect(stack.host.offload(from(1, numbers))).rejects.toThrow(message);
    await stack.close();
  });

  test('a FIN that was sent takes one number more than there is data', async () => {
    const stack = createHostStack();
    const offloading = stack.host.offload(from(1, { sndUna: 0, sndNxt: 4, sndMax: 4, sendData: [new Uint8Array(3)], tcpState: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1 }));
    await stack.rest();
    const chain = membersOf(tcpOf(stack.pending('initiate')).netBufferListChain);
    stack.accept();
    expect((await offloading).status).toBe(NDIS_STATUS_SUCCESS);
    stack.target.sends.push(...chain);
    stack.target.completeSends();
    await stack.close();
  });
});

test('GV-TRM-2: of a timer that was stopped nothing is left, of one that ran out nothing more, of others the rest', () => {
  expect([remainingTicks(TIMEOUT_DELTA_NOT_RUNNING, 50), remainingTicks(0, 50), remainingTicks(30, 50), remainingTicks(70, 50)]).toEqual([TIMEOUT_DELTA_NOT_RUNNING, 0, 0, 20]);
});
