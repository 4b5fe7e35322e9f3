import type { Rule, RuleHooks } from './rule.ts';

/** The hooks of all rules, by name: what has no hooks is skipped without looking for them. */
export type HookLists = { readonly [Name in keyof RuleHooks]-?: readonly NonNullable<RuleHooks[Name]>[] };

/** Names of all hooks. */
const HOOK_NAMES = Object.keys({
  callDown: 0,
  requestDown: 0,
  callDownReturned: 0,
  completionUp: 0,
  requestUp: 0,
  strayUp: 0,
  completionUpReturned: 0,
  treeDown: 0,
  treeDownReturned: 0,
  treeUp: 0,
  treeUpReturned: 0,
  indicate: 0,
  indicated: 0,
  returned: 0,
  event: 0,
  eventReturned: 0,
  question: 0,
  answer: 0,
  status: 0,
  oidDown: 0,
  oidDownReturned: 0,
  oidUp: 0,
  ordinary: 0,
  nonOffload: 0,
  dataStart: 0,
  entryAllocated: 0,
  entryFreed: 0,
  objectEnds: 0,
  tick: 0,
  end: 0,
} satisfies Record<keyof RuleHooks, 0>) as (keyof RuleHooks)[];

/** Starts every rule and sorts their hooks. @param start makes the hooks of one rule. */
export function collectHooks(rules: readonly Rule[], start: (rule: Rule) => RuleHooks | null): HookLists {
  const lists: Partial<Record<keyof RuleHooks, unknown[]>> = {};
  for (const name of HOOK_NAMES) lists[name] = [];
  for (const rule of rules) {
    const hooks = start(rule);
    if (hooks === null) continue;
    for (const name of HOOK_NAMES) {
      const hook = hooks[name];
      if (hook !== undefined) lists[name]?.push(hook);
    }
  }
  return lists as unknown as HookLists;
}
