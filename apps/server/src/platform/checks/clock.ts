// This machine's clock beside that of somebody who answered over HTTP, which says whole seconds. It asks nobody.

import { ok, warning, type Finding } from './finding.js';

const topic = 'clock';
/** What an answer takes, and what it is rounded by. */
const toleranceMs = 15_000;

export const clockBeside = (date: string | undefined): Finding | null => {
  const atMs = Date.parse(date ?? '');
  if (Number.isNaN(atMs)) return null;
  const apartMs = Date.now() - atMs;
  const seconds = Math.round(Math.abs(apartMs) / 1_000);
  return Math.abs(apartMs) <= toleranceMs
    ? ok(topic, 'This machine and the model have the same time')
    : warning(
        topic,
        `This machine's clock is ${seconds} s ${apartMs < 0 ? 'behind' : 'ahead of'} the model's: certificates seem to be over, or not to have begun, and lines of logs do not fit together.`,
        'Set the clock of this machine by NTP (timedatectl set-ntp true).',
      );
};
