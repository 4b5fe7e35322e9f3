import memoryTarget, { MemoryTarget, createMemoryTarget, memoryTargetPlugin } from '@ndis-chimney/target-memory';
import {
  DDI_CROSSING,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_INVALID_DATA,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_SUCCESS,
  NdisOidRequest,
  NdisTcpConnectionOffloadParameters,
  OFFLOAD_TARGET_API_VERSION,
  OID_GEN_LINK_STATE,
  OID_GEN_STATISTICS,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OFFLOAD_STATE_TYPE,
  TcpOffloadStats,
  type IpOffloadStats,
  type NDIS_OID,
  type NDIS_STATUS,
  type NdisTcpConnectionOffload,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { createNbl, free, type HostConnection, must, pattern, reference } from './host-connection.ts';
import { Arrivals } from './segments.ts';
import { World, link } from './world.ts';

function request<T>(world: World, oid: NDIS_OID, type: 'query' | 'set' = 'query', buffer: T | null = null): { status: NDIS_STATUS; answer: T } {
  const oidRequest = new NdisOidRequest<T>();
  oidRequest.oid = oid;
  oidRequest.requestType = type === 'set' ? NDIS_REQUEST_TYPE.NdisRequestSetInformation : NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
  oidRequest.informationBuffer = buffer;
  const status = world.host.binding.oidRequest(oidRequest);
  return { status, answer: oidRequest.informationBuffer as T };
}

/** Terminates all that belongs to a connection. */
function uploadTree(world: World, { handle, pathHandle, neighborHandle }: HostConnection): void {
  const tcp = reference(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, handle);
  const path = link(reference(OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState, pathHandle), [tcp]);
  world.host.binding.terminateOffload(link(reference(OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState, neighborHandle), [path]));
  world.settle();
}

describe('the plugin', () => {
  it('is the default export, for the present contract, and makes a driver', () => {
    const world = new World();
    expect(memoryTarget).toBe(memoryTargetPlugin);
    expect(memoryTarget).toMatchObject({ name: 'target-memory', apiVersion: OFFLOAD_TARGET_API_VERSION });
    const { clock, dpcQueue, random } = world.runtime;
    expect(memoryTarget.create({ clock, dpcQueue, random, pools: world.ndis }, {}).name).toBe('target-memory');
  });

  it('describes its options completely', () => {
    const { optionsSchema } = memoryTarget;
    const properties = optionsSchema['properties'] as Record<string, { description: string; default: unknown; type: string; minimum?: number }>;
    expect(optionsSchema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', additionalProperties: false });
    expect(Object.keys(properties)).toEqual(['name', 'peer', 'latencyMs', 'jitterMs', 'maxSegmentBytes', 'peerWindowBytes', 'sourceBytes', 'connectionCapacity', 'bufferBytes']);
    for (const [name, property] of Object.entries(properties)) {
      expect(property.description, name).toMatch(/\.$/);
      expect(property, name).toHaveProperty('default');
      if (property.type !== 'string') expect(property.minimum, name).toBeTypeOf('number');
    }
  });

  it.each([
    [{ latency: 1 }, 'there is no option latency (there are name, peer,'],
    [{ peer: 'mirror' }, "option peer is one of manual, echo, sink, source, not 'mirror'"],
    [{ latencyMs: -1 }, 'option latencyMs is a number from 0 to 3600000, not -1'],
    [{ latencyMs: Number.NaN }, 'option latencyMs is a number from 0 to 3600000, not NaN'],
    [{ maxSegmentBytes: 1.5 }, 'option maxSegmentBytes is a whole number from 1 to 65535, not 1.5'],
    [{ peerWindowBytes: 0 }, 'option peerWindowBytes is a whole number from 1 to 1073741824, not 0'],
    [{ bufferBytes: '9' }, "option bufferBytes is a whole number from 1 to 1073741824, not '9'"],
    [{ connectionCapacity: null }, 'option connectionCapacity is a whole number from 0 to 2147483647, not null'],
    [{ name: '' }, "option name is a text that is not empty, not ''"],
    [null, 'options is null, not an object'],
  ])('refuses options %j', (options, message) => {
    const { runtime, ndis } = new World();
    const { clock, dpcQueue, random } = runtime;
    expect(() => createMemoryTarget({ clock, dpcQueue, random, pools: ndis }, options as never)).toThrow(TypeError);
    expect(() => createMemoryTarget({ clock, dpcQueue, random, pools: ndis }, options as never)).toThrow(message);
  });

  it('takes options that are left undefined for the defaults', () => {
    const { runtime, ndis } = new World();
    const { clock, dpcQueue, random } = runtime;
    expect(new MemoryTarget({ clock, dpcQueue, random, pools: ndis }, { name: undefined } as never).name).toBe('target-memory');
  });
});

describe('an adapter', () => {
  it('says what it is: Ethernet, both IP versions, SACK, a locally administered address made from its name', () => {
    const world = new World({ connectionCapacity: 7 });
    const { currentMacAddress: macAddress, mtuSize, tcpConnectionOffloadCapabilities } = world.host.bindParameters;
    expect(mtuSize).toBe(1500);
    expect([macAddress.length, must(macAddress[0]) & 3]).toEqual([6, 2]);
    expect(new World().host.bindParameters.currentMacAddress).toEqual(macAddress);
    expect(tcpConnectionOffloadCapabilities).toMatchObject({
      encapsulation: NDIS_ENCAPSULATION_IEEE_802_3,
      supportIPv4: 1,
      supportIPv6: 1,
      supportSack: 1,
      tcpConnectionOffloadCapacity: 7,
    });
    expect(request<NdisTcpConnectionOffload>(world, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG).answer).toStrictEqual(tcpConnectionOffloadCapabilities);
  });

  it('CHIM-CAP-003: does not come up with a table of handlers that it does not know', () => {
    const world = new World();
    const add = (revision: number): NDIS_STATUS => {
      // A target of its own, between NDIS and which the header is changed.
      const { clock, dpcQueue, random } = world.runtime;
      const target = createMemoryTarget({ clock, dpcQueue, random, pools: world.ndis });
      const initialize = target.miniportInitializeEx.bind(target);
      target.miniportInitializeEx = (miniport, parameters) => {
        const { offloadHandlers } = miniport.getOffloadHandlers(1);
        must(offloadHandlers).header.revision = revision;
        return initialize(miniport, parameters);
      };
      return world.ndis.addAdapter(must(world.ndis.registerMiniportDriver(target).ndisDriverHandle), `other${revision}`).status;
    };
    expect(add(0)).not.toBe(NDIS_STATUS_SUCCESS);
    expect(add(1)).toBe(NDIS_STATUS_SUCCESS);
    expect(add(2)).toBe(NDIS_STATUS_SUCCESS);
  });

  it('one target serves several adapters', async () => {
    const world = new World();
    const second = world.ndis.addAdapter(world.driver, 'mem1');
    expect(second.status).toBe(NDIS_STATUS_SUCCESS);
    const { peer } = await world.connect();
    expect(world.target.offloadedPeers()).toEqual([peer]);
    world.ndis.removeAdapter(must(second.ndisMiniportHandle));
    world.expectClean();
  });

  it('CHIM-CAP-005: counts offloaded traffic per IP version, and resets on a set', async () => {
    const world = new World({ peer: 'echo' });
    const [four, six] = [world.offload({ localPort: 4 }), world.offload({ localPort: 6, isIPv6: true })];
    four.send(createNbl(world, pattern(2000)));
    six.send(createNbl(world, pattern(1)));
    await world.drain();
    const tcp4 = request<TcpOffloadStats>(world, OID_TCP4_OFFLOAD_STATS).answer;
    const ip4 = request<IpOffloadStats>(world, OID_IP4_OFFLOAD_STATS).answer;
    // Two segments of data and an acknowledgment each way.
    expect(tcp4).toMatchObject({ outSegments: 3, inSegments: 3, currentlyEstablished: 1, retransmittedSegments: 0, inErrors: 0, outResets: 0 });
    expect(ip4).toMatchObject({ outRequests: 3, outOctets: 2000 + 3 * 40, inReceives: 3, inDelivers: 3, inOctets: 2000 + 3 * 40, inHeaderErrors: 0 });
    expect(request<IpOffloadStats>(world, OID_IP6_OFFLOAD_STATS).answer.outOctets).toBe(1 + 2 * 60);
    const own = new TcpOffloadStats();
    expect(request(world, OID_TCP6_OFFLOAD_STATS, 'query', own).answer).toBe(own);
    expect(own.outSegments).toBe(2);
    for (const oid of [OID_TCP4_OFFLOAD_STATS, OID_IP4_OFFLOAD_STATS]) expect(request(world, oid, 'set').status).toBe(NDIS_STATUS_SUCCESS);
    expect(request<TcpOffloadStats>(world, OID_TCP4_OFFLOAD_STATS).answer).toMatchObject({ outSegments: 0, currentlyEstablished: 1 });
    expect(request<IpOffloadStats>(world, OID_IP4_OFFLOAD_STATS).answer.outOctets).toBe(0);
    expect(request<IpOffloadStats>(world, OID_IP6_OFFLOAD_STATS).answer.outOctets).toBe(1 + 2 * 60);
    uploadTree(world, four);
    expect(request<TcpOffloadStats>(world, OID_TCP4_OFFLOAD_STATS).answer.currentlyEstablished).toBe(0);
  });

  it('answers the OIDs it has to, and no other', () => {
    const world = new World();
    expect(request<object>(world, OID_GEN_LINK_STATE).answer).toMatchObject({ mediaConnectState: 1, mediaDuplexState: 2 });
    expect(request(world, OID_GEN_STATISTICS).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(request(world, OID_GEN_LINK_STATE, 'set').status).toBe(NDIS_STATUS_NOT_SUPPORTED);
    const parameters = new NdisTcpConnectionOffloadParameters();
    expect(request(world, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 'set', parameters).status).toBe(NDIS_STATUS_SUCCESS);
    parameters.ticksPerSecond = 60;
    expect(request(world, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 'set', parameters).status).toBe(NDIS_STATUS_INVALID_DATA);
    parameters.header.size = 4;
    expect(request(world, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 'set', parameters).status).toBe(NDIS_STATUS_INVALID_DATA);
    expect(request(world, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 'set').status).toBe(NDIS_STATUS_INVALID_DATA);
  });

  it('ordinary sends succeed, are counted, and go nowhere', () => {
    const world = new World();
    const nbls = [createNbl(world, pattern(60)), createNbl(world, pattern(60))];
    for (const nbl of nbls) world.host.binding.sendNetBufferLists(nbl, 0, 0);
    expect(world.host.of('ordinarySend')).toEqual([]);
    world.settle();
    expect(world.host.of('ordinarySend').flatMap((call) => call.nbls.map(({ status }) => status))).toEqual([0, 0]);
    expect(world.host.of('ordinarySend')).toHaveLength(1);
    expect(world.target.ordinarySends).toBe(2);
    free(world, nbls);
    world.expectClean();
  });

  it('a pause waits for sends and for indicated data; received data waits for the restart', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.keepsIndicated = true;
    await world.until(peer.write(pattern(10)));
    let isPaused = false;
    world.ndis.pauseAdapter(world.miniport, () => (isPaused = true));
    void peer.write(pattern(10, 10));
    await world.drain();
    expect(isPaused).toBe(false);
    world.host.binding.offloadTcpReceiveReturn(must(world.host.kept[0]));
    expect(isPaused).toBe(true);
    expect(world.host.of('indicate')).toHaveLength(1);
    world.host.keepsIndicated = false;
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    expect(connection.received.length).toBe(20);
    world.expectClean();
  });

  it('while paused nothing comes up, and what a request was posted for waits with it', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.post([50]);
    world.settle();
    world.ndis.pauseAdapter(world.miniport);
    void peer.write(pattern(60));
    void peer.end();
    await world.drain();
    expect(world.host.calls.filter(({ call }) => call !== 'initiate')).toEqual([]);
    expect(connection.delegated.receiveBacklogSize).toBe(60);
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    expect(connection.received.length).toBe(60);
    expect(world.host.calls.map(({ call }) => call).slice(-3)).toEqual(['receive', 'indicate', 'event']);
  });

  it('data that waited for a restart and is refused then is not indicated again', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    world.ndis.pauseAdapter(world.miniport);
    void peer.write(pattern(60));
    await world.drain();
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    connection.send(createNbl(world, pattern(1)));
    await world.drain();
    expect(world.host.of('indicate')).toHaveLength(1);
  });

  it('data that was refused before a pause is not indicated after it, and a FIN waits for the restart', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    void peer.write(pattern(60));
    await world.drain();
    world.ndis.pauseAdapter(world.miniport);
    void peer.write(pattern(40, 60));
    await world.drain();
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    expect(world.host.of('indicate')).toHaveLength(1);
    connection.post([100]);
    await world.drain();
    world.ndis.pauseAdapter(world.miniport);
    void peer.end();
    await world.drain();
    expect(world.host.of('event')).toEqual([]);
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    expect(world.host.of('event')).toHaveLength(1);
  });

  it('a push timer that expires during a pause belongs to its request, not to the next', async () => {
    const world = new World();
    const { connection } = await world.connect();
    const wire = new Arrivals(connection);
    connection.post([100, 100]);
    wire.arrive(50);
    world.ndis.pauseAdapter(world.miniport);
    await world.pass(600);
    // What fills the first request and begins the second comes before the expiry is dealt with.
    void must(world.target.peerOf(40_000)).write(pattern(60));
    await world.drain();
    expect(world.host.of('receive')).toEqual([]);
    world.ndis.restartAdapter(world.miniport);
    await world.drain();
    expect(world.host.completed('receive').map((nbl) => nbl.tcpOffloadBytesTransferred)).toEqual([100, 10]);
  });

  it('a pause waits for a send whose peer does not read', async () => {
    const world = new World({ peerWindowBytes: 1 });
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(3)));
    let isPaused = false;
    world.ndis.pauseAdapter(world.miniport, () => (isPaused = true));
    await world.drain();
    expect(isPaused).toBe(false);
    void (async () => {
      for await (const chunk of peer) expect(chunk.length).toBe(1);
    })();
    await world.drain();
    expect(isPaused).toBe(true);
    free(world, world.host.completed('send'));
    world.expectClean();
  });

  it('can be removed and added again', async () => {
    const world = new World({ peer: 'echo' });
    const connection = world.offload();
    connection.send(createNbl(world, pattern(100)));
    await world.drain();
    uploadTree(world, connection);
    free(world, world.host.completed('send'));
    let isHalted = false;
    world.ndis.removeAdapter(world.miniport, () => (isHalted = true));
    expect(isHalted).toBe(true);
    expect(world.ndis.addAdapter(world.driver, 'mem0').status).toBe(NDIS_STATUS_SUCCESS);
    world.expectClean();
  });

  it('all that comes up comes up from a DPC (CHIM-EVT-020)', async () => {
    const world = new World({ peer: 'echo' });
    const levels = new Set<number>();
    world.ndis.attachObserver({
      enter: (crossing) => {
        if (crossing.direction === 'up') levels.add(world.ndis.currentIrql);
      },
    });
    expect(DDI_CROSSING.tcpOffloadSendComplete.direction).toBe('up');
    const connection = world.offload();
    connection.send(createNbl(world, pattern(100)));
    connection.close();
    await world.drain();
    connection.terminate();
    expect([...levels]).toEqual([2]);
  });

  it('tells observers of the push timer', () => {
    const world = new World();
    const connection = world.offload();
    const wire = new Arrivals(connection);
    const seen: string[] = [];
    world.ndis.attachObserver({ timer: (action, name, delayMs) => seen.push(`${action} ${name} ${delayMs}`) });
    connection.post([100, 100]);
    wire.arrive(10);
    wire.arrive(90);
    wire.arrive(1);
    world.runtime.advance(500);
    expect(seen.map((line) => line.replace('push 10.0.0.2:80-10.0.0.1:40000', 'push'))).toEqual(['start push 500', 'cancel push 0', 'start push 500', 'expire push 0']);
  });
});
