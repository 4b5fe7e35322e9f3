const SENT = 'needs a wire: the segments and frames a target sends are not visible at its edges';
const ARRIVED = 'needs a wire: all that comes in is what the host forwards, TCP segments without an IP or link-layer header';
const PASSED_ON = 'needs a wire: what a target passes on unprocessed has to have come from there, and what the host forwards has not';
const ECHO = 'needs a wire: a far end can only echo timestamps that it has seen in segments';
const RETRANSMITTED = 'needs a wire: retransmissions are not visible at the edges of a target, and every far end of the kit acknowledges what it is sent';

/**
 * Rules for targets and intermediate drivers that no case decides, and why. Every other rule for them is decided by a case
 * at least.
 */
export const UNDECIDED_RULES: Readonly<Record<string, string>> = {
  'CHIM-SND-014': SENT,
  'CHIM-SND-015': SENT,
  'CHIM-EVT-006': PASSED_ON,
  'CHIM-EVT-012': ARRIVED,
  'CHIM-TMR-003': SENT,
  'CHIM-TMR-007': RETRANSMITTED,
  'CHIM-TMR-009': SENT,
  'CHIM-TMR-010': 'needs a wire: whether a target has sent the challenge acknowledgment that arms its keepalive is not visible at its edges',
  'CHIM-TMR-011': 'needs a wire: window probes and the intervals between them are not visible at the edges of a target',
  'CHIM-TMR-012': 'needs a wire: a segment that is held back cannot be told from one that is sent at the edges of a target',
  'CHIM-TMR-013': RETRANSMITTED,
  'CHIM-TS-002': SENT,
  'CHIM-TS-003': ECHO,
  'CHIM-ST-006': SENT,
  'CHIM-VLAN-004': SENT,
  'CHIM-VLAN-005': ARRIVED,
  'CHIM-CAP-006': ARRIVED,
  'CHIM-CAP-007': 'depends on what a target says nowhere: whether it supports SACK, without which alone it is bound to ignore the option',
};
