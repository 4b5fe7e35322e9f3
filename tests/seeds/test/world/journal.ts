import { isNetBufferList, type NetBufferList } from '@ndis-chimney/types';
import { membersOf } from '@ndis-chimney/kit';

/** One call across an edge, by its DDI name: `NdisOffloadTcpSend` to NDIS, `MiniportTcpOffloadSend` from NDIS. */
export interface Call {
  /** The driver that made the call, or that was called. */
  readonly driver: string;
  readonly name: string;
  /** What it was made on, a binding or a miniport handle; null for a call from NDIS, where the first argument says it. */
  readonly on: object | null;
  readonly args: readonly unknown[];
  /** Members of the NET_BUFFER_LIST among the arguments, as they were linked when the call was made. */
  readonly members: readonly NetBufferList[];
  /** The call during which this one was made. */
  readonly within: Call | null;
  /** What it returned; undefined before. */
  result: unknown;
}

type Listener = (call: Call) => void;

interface Watch {
  readonly name: string;
  readonly listener: Listener;
}

/**
 * Every call of the chimney that crossed an edge, in order, as the drivers made and received it. A call from NDIS that
 * is `within` a call to NDIS happened in response to it.
 */
export class Journal {
  private made: Call[] = [];
  private received: Call[] = [];
  private innermost: Call | null = null;
  private readonly entering: Watch[] = [];
  private readonly leaving: Watch[] = [];

  /** Calls of this name that a driver made to NDIS. */
  madeBy(driver: string, name: string): Call[] {
    return this.made.filter((call) => call.driver === driver && call.name === name);
  }

  /** Calls of this name that NDIS made to a driver. */
  receivedBy(driver: string, name: string): Call[] {
    return this.received.filter((call) => call.driver === driver && call.name === name);
  }

  /** Has `listener` look at every call of this name when it is made: objects change afterwards. */
  onEnter(name: string, listener: Listener): void {
    this.entering.push({ name, listener });
  }

  /** Has `listener` look at every call of this name when it returns. */
  onLeave(name: string, listener: Listener): void {
    this.leaving.push({ name, listener });
  }

  /** Forgets the calls, not the listeners. */
  clear(): void {
    this.made = [];
    this.received = [];
  }

  /** Writes down a call that a driver makes to NDIS. */
  toNdis(driver: string, name: string, on: object, args: readonly unknown[], proceed: () => unknown): unknown {
    return this.write(this.made, driver, name, on, args, proceed);
  }

  /** Writes down a call that NDIS makes to a driver. */
  fromNdis(driver: string, name: string, args: readonly unknown[], proceed: () => unknown): unknown {
    return this.write(this.received, driver, name, null, args, proceed);
  }

  private write(into: Call[], driver: string, name: string, on: object | null, args: readonly unknown[], proceed: () => unknown): unknown {
    const within = this.innermost;
    const members = membersOf(args.find(isNetBufferList) ?? null);
    const call: Call = { driver, name, on, args, members, within, result: undefined };
    into.push(call);
    this.innermost = call;
    try {
      tell(this.entering, call);
      call.result = proceed();
    } finally {
      this.innermost = within;
      tell(this.leaving, call);
    }
    return call.result;
  }
}

function tell(watches: readonly Watch[], call: Call): void {
  for (const { name, listener } of watches) if (name === call.name) listener(call);
}
