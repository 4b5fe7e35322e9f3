import { NDIS_DEVICE_POWER_STATE, NDIS_STATUS_FAILURE, NDIS_STATUS_NOT_ACCEPTED, NDIS_STATUS_NOT_SUPPORTED, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, OID_PNP_SET_POWER } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { withAdapter } from './tree-taps.ts';

const { NdisDeviceStateD0 } = NDIS_DEVICE_POWER_STATE;

/** Answers requests to sleep at once, without a look at what is under way. */
const atOnce: Broken['taps'] = () => ({
  miniportOidRequest: (next, context, request) => (request.oid === OID_PNP_SET_POWER ? NDIS_STATUS_SUCCESS : next(context, request)),
});

export const brokenPower: readonly Broken[] = [
  { does: 'sleeps while a terminate is under way', fails: 'target-power-waits-for-terminate', says: /set-power request succeeded while terminates were under way/, taps: atOnce },
  {
    does: 'completes a request to sleep before the terminate that it waits for',
    fails: 'target-power-waits-for-terminate',
    says: /set-power request was completed while terminates were under way/,
    taps: (environment) =>
      withAdapter((adapter) => ({
        miniportOidRequest: (next, context, request) => {
          if (request.oid !== OID_PNP_SET_POWER || request.informationBuffer === NdisDeviceStateD0) return next(context, request);
          environment.clock.createTimer({
            timerExpired: () => {
              adapter().miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
            },
          }).start(1);
          return NDIS_STATUS_PENDING;
        },
        terminateOffloadComplete: (next, tree) => {
          environment.clock.createTimer({
            timerExpired: () => {
              next(tree);
            },
          }).start(5);
        },
      }))(environment),
  },
  {
    does: 'completes a request to sleep with a failure',
    fails: 'target-power-waits-for-terminate',
    says: /how a set-power request was completed that had to wait/,
    taps: () => ({
      oidRequestComplete: (next, request) => {
        next(request, NDIS_STATUS_NOT_ACCEPTED);
      },
    }),
  },
  {
    does: 'never completes a request to sleep that waits',
    fails: 'target-power-waits-for-terminate',
    says: /completion of a set-power request did not come/,
    taps: () => ({
      oidRequestComplete: () => undefined,
    }),
  },
  {
    does: 'completes a request to sleep twice',
    fails: 'target-power-waits-for-terminate',
    says: /CHIM-PWR-002/,
    taps: () => ({
      oidRequestComplete: (next, request, status) => {
        next(request, status);
        try {
          next(request, status);
        } catch {
          // NDIS has stopped the second.
        }
      },
    }),
  },
  {
    does: 'completes a request to sleep after the first of several terminates',
    fails: 'target-power-waits-for-all',
    says: /set-power request was completed while terminates were under way/,
    taps: (environment) =>
      withAdapter((adapter) => {
        let waiting: Parameters<ReturnType<typeof adapter>['miniport']['oidRequestComplete']>[0] | null = null;
        let delayMs = 0;
        return {
          miniportOidRequest: (next, context, request) => {
            if (request.oid !== OID_PNP_SET_POWER || request.informationBuffer === NdisDeviceStateD0) return next(context, request);
            waiting = request;
            return NDIS_STATUS_PENDING;
          },
          terminateOffloadComplete: (next, tree) => {
            delayMs += 5;
            environment.clock.createTimer({
              timerExpired: () => {
                next(tree);
                if (waiting !== null) adapter().miniport.oidRequestComplete(waiting, NDIS_STATUS_SUCCESS);
                waiting = null;
              },
            }).start(delayMs);
          },
        };
      })(environment),
  },
  {
    does: 'cannot sleep',
    fails: 'target-power-idle',
    says: /set-power request while nothing is offloaded/,
    taps: () => ({
      miniportOidRequest: (next, context, request) => (request.oid === OID_PNP_SET_POWER ? NDIS_STATUS_NOT_SUPPORTED : next(context, request)),
    }),
  },
  {
    does: 'offloads nothing after it slept',
    fails: 'target-power-idle',
    says: /initiate that nothing speaks against/,
    taps: () => {
      let hasSlept = false;
      return {
        miniportOidRequest: (next, context, request) => {
          hasSlept ||= request.oid === OID_PNP_SET_POWER;
          return next(context, request);
        },
        initiateOffloadComplete: (next, tree) => {
          if (hasSlept && tree.miniportOffloadContext !== null) {
            for (let block: typeof tree | null = tree; block !== null; block = block.dependentBlockList) {
              block.status = NDIS_STATUS_FAILURE;
              if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
            }
          }
          next(tree);
        },
      };
    },
  },
];
