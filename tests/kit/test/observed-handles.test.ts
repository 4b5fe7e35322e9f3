import { createProbeStack } from '@ndis-chimney/kit';
import { DDI_CROSSING, TCP_OFFLOAD_EVENT_TYPE, type DdiCrossing, type NdisBinding, type OffloadHandle } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

describe('an observer', () => {
  test.each([0, 1])('is told which connection a data call or an indication is about, through %i intermediate drivers', (intermediates) => {
    const stack = createProbeStack({ intermediates });
    const { connection, host, target } = stack;
    const seen: [DdiCrossing, string, OffloadHandle | null][] = [];
    const note = (crossing: DdiCrossing, edge: NdisBinding, _subject: object, _third: number, _fourth: number, handle: OffloadHandle | null): void => {
      seen.push([crossing, `${edge.upperName} on ${edge.lowerName}`, handle]);
    };
    const detach = stack.ndis.attachObserver({ enter: note, leave: note });
    const lowest = stack.lowest(connection);
    host.send(connection, 'a');
    host.receive(connection, 4);
    target.indicate(lowest, 'b');
    target.event(lowest, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
    stack.finishAll();
    detach();
    const about = (crossing: DdiCrossing): (OffloadHandle | null)[] => [...new Set(seen.filter(([found]) => found === crossing).map(([, , handle]) => handle))];
    const handles = intermediates === 0 ? [connection] : [connection, lowest];
    expect(about(DDI_CROSSING.offloadTcpSend)).toEqual(handles);
    expect(about(DDI_CROSSING.offloadTcpReceive)).toEqual(handles);
    expect(about(DDI_CROSSING.tcpOffloadReceiveHandler)).toEqual([...handles].reverse());
    expect(about(DDI_CROSSING.tcpOffloadEventHandler)).toEqual([...handles].reverse());
    expect(about(DDI_CROSSING.tcpOffloadSendComplete)).toEqual([null]);
    expect(new Set(seen.map(([, edge]) => edge))).toEqual(new Set(intermediates === 0 ? ['probe host on probe target'] : ['probe host on im1', 'im1 on probe target']));
    stack.close();
  });

  test('is told who is above and below an edge, and which of them is an intermediate driver', () => {
    const { connection, lowest } = ((stack) => ({ connection: stack.connection, lowest: stack.lowest(stack.connection) }))(createProbeStack({ intermediates: 1 }));
    const kinds = ({ binding }: OffloadHandle): boolean[] => [binding.isUpperIntermediate, binding.isLowerIntermediate];
    expect([kinds(connection), kinds(lowest)]).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});
