// The ids of all rules of the contract, and whom they bind.

/** How many rules each group has: they are numbered from 1 on. */
const GROUPS: Readonly<Record<string, number>> = { INI: 17, QRY: 5, UPD: 9, INV: 6, TRM: 22, SND: 16, RCV: 13, RXI: 10, RET: 4, FWD: 5, DSC: 16, EVT: 20, IM: 17, NBL: 7, BLK: 10, TMR: 13, TS: 6, ST: 8, VLAN: 6, CAP: 7, PWR: 3 };

/** Those that bind the host and NDIS alone. */
const OF_HOST_AND_NDIS: Readonly<Record<string, readonly number[]>> = {
  INI: [1, 2, 5],
  QRY: [5],
  UPD: [1, 2, 9],
  INV: [6],
  TRM: [1, 2, 3, 17, 18, 20, 21],
  SND: [5, 12, 16],
  RCV: [2],
  RXI: [5],
  RET: [2],
  FWD: [2, 3],
  DSC: [13, 14],
  EVT: [8],
  NBL: [2, 3],
  TMR: [2],
  TS: [5],
  ST: [2],
  CAP: [4],
  PWR: [1, 3],
};

const idOf = (group: string, number: number): string => `CHIM-${group}-${String(number).padStart(3, '0')}`;

/** All of them. */
export const ruleIds: readonly string[] = Object.entries(GROUPS).flatMap(([group, count]) => Array.from({ length: count }, (_none, index) => idOf(group, index + 1)));

const elsewhere = new Set(Object.entries(OF_HOST_AND_NDIS).flatMap(([group, numbers]) => numbers.map((number) => idOf(group, number))));

/** Those that bind a target or an intermediate driver, alone or with others. */
export const driverRuleIds: readonly string[] = ruleIds.filter((id) => !elsewhere.has(id));
