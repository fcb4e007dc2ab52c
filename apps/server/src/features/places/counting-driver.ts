// A driver whose starts are counted. It knows no session.

import { ComputeError, type Driver } from '@remote-claude/compute';

import type { PlaceMetrics } from '../../platform/metrics/index.js';

export const createCountingDriver = (driver: Driver, metrics: PlaceMetrics | undefined): Driver => ({
  ...driver,
  async start(...given) {
    try {
      const started = await driver.start(...given);
      metrics?.started();
      return started;
    } catch (error) {
      metrics?.startFailed(error instanceof ComputeError ? error.code : 'other');
      throw error;
    }
  },
});
