import { initialSessionState } from '@remote-claude/contract';
import { describe, expect, test } from 'vitest';

import { testTiming } from '../../testing/session-house.js';
import { decide, unreachableReason, type Decision, type Sight } from './decide.js';
import { waitedTooLong } from './filling-words.js';
import { lineWords } from './line.js';

const hourMs = 3_600_000;
const minuteMs = 60_000;
const timing = { ...testTiming, maxDurationMs: 8 * hourMs };
const nowMs = Date.parse('2026-01-01T12:00:00Z');
const place = (
  status: Sight['state']['place']['status'],
  reason: string | null = null,
  next: string | null = null,
) => ({ ...initialSessionState.place, status, reason, next });
const ends = {
  reason: 'This session reaches its longest duration at 12:01 UTC and stops after the running turn.',
  next: 'Its files and its history stay; start it again to go on.',
};
const full = {
  reason: 'It is full.',
  next: 'It goes on; what Claude says and does meanwhile is not kept here.',
};
const closed = { why: 'It is full.', forMs: 1_000 };
const taken = { capacity: 2, places: 2, ahead: 1, refusal: null };
const inLine = lineWords(taken);
const refused = {
  capacity: 9,
  places: 2,
  ahead: 0,
  refusal: { places: 2, said: 'No memory is left.', probeInMs: 700 },
};
const turn = { turnId: 't' as never, messageIds: [], startedAt: '' };

const running: Sight = {
  wanted: 'running',
  state: { place: place('running'), turn: null },
  filling: null,
  placeId: 'p',
  isReplaced: false,
  hasHandle: true,
  startedAtMs: nowMs - minuteMs,
  reached: true,
  retryAtMs: null,
  line: null,
  unprepared: null,
  diskUntilMs: null,
  report: { alive: true, cutOff: false, reason: null },
  link: { up: true, silentMs: 0 },
  unreachableMs: 0,
  notKept: null,
  nowMs,
};
const none: Partial<Sight> = { placeId: null, hasHandle: false, report: null, reached: false, startedAtMs: null };
const silent = (silentMs: number) => ({ link: { up: false, silentMs } });
const aged = (ageMs: number) => ({ startedAtMs: nowMs - ageMs });

const filling = { isUnderWay: false, pauseMs: 0, over: null, waitsFor: null };
const words = { reason: 'It is gone.', next: 'Make another.' };
const longest = { reason: 'This session reached its longest duration.', next: 'Start it again to go on.' };
const waiting = (ageMs: number) => ({ ...filling, waitsFor: { name: 'First', sinceMs: nowMs - ageMs } });
const starting = { place: place('starting'), turn: null };

const pulling = { step: 'Pulling image 43 %', failure: null, againInMs: null };
const notPulled = (isOver: boolean) => ({ step: null, failure: { reason: 'No such image.', isOver }, againInMs: 800 });
const kept = 'Its files and its history are kept, and it is tried again by itself.';
const stumbled = { status: 'starting', step: 'Trying again', reason: 'No such image.', next: kept } as const;

const cases: [string, Partial<Sight>, Decision][] = [
  [
    'its image is being pulled',
    { ...none, unprepared: pulling, state: { place: place('none'), turn: null } },
    { do: 'unprepared', words: { status: 'starting', step: 'Pulling image 43 %' }, retryInMs: null },
  ],
  [
    'its image is being pulled, as is told',
    { ...none, unprepared: pulling, state: { place: { ...place('starting'), step: pulling.step }, turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  [
    'its image could not be pulled, and is tried again',
    { ...none, unprepared: notPulled(false), state: starting },
    { do: 'unprepared', words: stumbled, retryInMs: null },
  ],
  [
    'its image could not be pulled, as is told',
    { ...none, unprepared: notPulled(false), state: { place: { ...place('starting'), ...stumbled }, turn: null } },
    { do: 'nothing', againInMs: 800 },
  ],
  [
    'its image could not be pulled too often',
    { ...none, unprepared: notPulled(true), state: starting },
    {
      do: 'unprepared',
      words: expect.objectContaining({ status: 'failed', reason: 'No such image.' }),
      retryInMs: 800,
    },
  ],
  [
    'its image is pulled once more, in silence',
    {
      ...none,
      retryAtMs: nowMs - 1,
      unprepared: { ...pulling, failure: { reason: 'No such image.', isOver: true } },
      state: { place: place('failed'), turn: null },
    },
    { do: 'nothing', againInMs: null },
  ],
  [
    'paused from outside, it is neither running nor ended',
    { ...silent(1_000_000), report: { alive: true, cutOff: false, reason: 'It is paused.' } },
    { do: 'mark', status: 'unreachable', reason: 'It is paused.' },
  ],
  [
    'paused for long, as is told',
    {
      ...silent(1_000_000),
      unreachableMs: 1_000_000,
      report: { alive: true, cutOff: false, reason: 'It is paused.' },
      state: { place: { ...place('unreachable'), reason: 'It is paused.' }, turn: null },
    },
    { do: 'nothing', againInMs: null },
  ],
  ['a fork without its files', { reached: false, filling, state: starting }, { do: 'fill' }],
  [
    'a fork whose files are on their way',
    { reached: false, filling: { ...filling, isUnderWay: true }, state: starting },
    { do: 'nothing', againInMs: 8 * hourMs - minuteMs },
  ],
  [
    'a fork whose source was away just now',
    { reached: false, filling: { ...filling, pauseMs: 700 }, state: starting },
    { do: 'nothing', againInMs: 700 },
  ],
  [
    'a fork that cannot be filled',
    { reached: false, filling: { ...filling, over: words }, state: starting },
    { do: 'give-back', words },
  ],
  [
    'a fork that failed before it had a place, and a person asked again',
    { reached: false, filling, state: { place: place('failed'), turn: null } },
    { do: 'fill' },
  ],
  [
    'a fork whose source has been away for a while',
    { reached: false, filling: { ...waiting(timing.forkWaitMs - 1), pauseMs: 700 }, state: starting },
    { do: 'nothing', againInMs: 700 },
  ],
  [
    'a fork whose source has been away for too long',
    { reached: false, filling: { ...waiting(timing.forkWaitMs), pauseMs: 700 }, state: starting },
    { do: 'expire', words: waitedTooLong('First', timing.forkWaitMs) },
  ],
  [
    'a fork whose source was away for too long and gives its files now',
    { reached: false, filling: { ...waiting(timing.forkWaitMs), isUnderWay: true }, state: starting },
    { do: 'nothing', againInMs: 8 * hourMs - minuteMs },
  ],
  [
    'a fork whose time is over before its files are there',
    { reached: false, filling: { ...filling, isUnderWay: true }, state: starting, ...aged(8 * hourMs) },
    { do: 'expire', words: longest },
  ],
  [
    'a fork that has no agent any more',
    { reached: false, filling, state: starting, ...silent(1) },
    { do: 'nothing', againInMs: timing.startTimeoutMs - 1 },
  ],
  ['a fork that is to stop', { wanted: 'stopped', filling, state: starting }, { do: 'stop' }],
  ['a place that is as it should be', {}, { do: 'nothing', againInMs: 8 * hourMs - minuteMs - timing.warnBeforeMs }],
  ['no place yet', { ...none, state: { place: place('none'), turn: null } }, { do: 'start', fresh: true }],
  [
    'no place yet, and one is free',
    { ...none, line: { ...taken, places: 0 }, state: { place: place('none'), turn: null } },
    { do: 'start', fresh: true },
  ],
  [
    'no place yet, and none is free',
    { ...none, line: taken, state: { place: place('none'), turn: null } },
    { do: 'queue', ...inLine },
  ],
  [
    'in line, as was said',
    { ...none, line: taken, state: { place: place('queued', inLine.reason, inLine.next), turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  [
    'in line, and further on',
    {
      ...none,
      line: { ...taken, ahead: 0 },
      state: { place: place('queued', inLine.reason, inLine.next), turn: null },
    },
    { do: 'queue', ...lineWords({ ...taken, ahead: 0 }) },
  ],
  [
    'in line, and its turn has come',
    {
      ...none,
      line: { ...taken, places: 1, ahead: 0 },
      state: { place: place('queued', inLine.reason, inLine.next), turn: null },
    },
    { do: 'start', fresh: true },
  ],
  [
    'first in line at an engine that refused',
    {
      ...none,
      line: refused,
      state: { place: place('queued', lineWords(refused).reason, lineWords(refused).next), turn: null },
    },
    { do: 'nothing', againInMs: 700 },
  ],
  [
    'a start that was refused and may heal, and no place is free',
    { ...none, line: taken, retryAtMs: nowMs - 1, state: { place: place('failed'), turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  [
    'stopped in line',
    { ...none, wanted: 'stopped', state: { place: place('stopping'), turn: null } },
    { do: 'settle' },
  ],
  [
    'a place that is up, though it was in line when the server died',
    { reached: false, ...silent(0), state: { place: place('queued', inLine.reason, inLine.next), turn: null } },
    { do: 'mark', status: 'starting' },
  ],
  [
    'a failure whose pause is not over',
    { ...none, retryAtMs: nowMs + 500, state: { place: place('starting'), turn: null } },
    { do: 'nothing', againInMs: 500 },
  ],
  [
    'a failure before the clock was set back by an hour',
    { ...none, retryAtMs: nowMs + hourMs, state: { place: place('failed'), turn: null } },
    { do: 'start', fresh: true },
  ],
  [
    'a start that was refused and may heal',
    { ...none, retryAtMs: nowMs - 1, state: { place: place('failed'), turn: null } },
    { do: 'start', fresh: true },
  ],
  [
    'a start that was given up',
    { ...none, state: { place: place('failed'), turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  ['a place that makes room for another one', { isReplaced: true }, { do: 'stop' }],
  ['a start whose answer was never written down', { hasHandle: false, report: null }, { do: 'start', fresh: false }],
  [
    'a place that is gone',
    { report: { alive: false, cutOff: false, reason: 'It was killed.' } },
    { do: 'bury', reason: 'It was killed.' },
  ],
  [
    'an agent that greets first',
    { reached: false, state: { place: place('starting'), turn: null } },
    { do: 'mark', status: 'running' },
  ],
  [
    'an agent that has some time left to greet',
    { reached: false, ...silent(1_000), state: { place: place('starting'), turn: null }, ...aged(1_000) },
    { do: 'nothing', againInMs: timing.startTimeoutMs - 1_000 },
  ],
  [
    'an agent that nobody could dial until now',
    { reached: false, ...silent(1_000), state: { place: place('starting'), turn: null }, ...aged(hourMs) },
    { do: 'nothing', againInMs: timing.startTimeoutMs - 1_000 },
  ],
  [
    'a failure that is over, and an agent that has not greeted',
    { reached: false, ...silent(0), state: { place: place('failed', 'no descriptors'), turn: null } },
    { do: 'mark', status: 'starting' },
  ],
  [
    'a place that nothing reaches for good',
    { report: { alive: true, cutOff: true, reason: null } },
    { do: 'abandon', reason: 'Nothing reaches this session any more: the folder of its sockets is gone.' },
  ],
  [
    'an agent that never greeted',
    {
      reached: false,
      ...silent(hourMs),
      ...aged(minuteMs + 1),
      state: { place: place('starting'), turn: null },
    },
    { do: 'abandon', reason: 'The session did not answer within 60 s of its start.' },
  ],
  ['an agent that is silent for a moment', silent(24_000), { do: 'nothing', againInMs: 1_001 }],
  ['an agent that is silent too long', silent(25_001), { do: 'mark', status: 'unreachable' }],
  [
    'an agent known to be silent, within its grace',
    { ...silent(hourMs), unreachableMs: 60_000, state: { place: place('unreachable', unreachableReason), turn } },
    { do: 'nothing', againInMs: timing.unreachableGraceMs - 60_000 },
  ],
  [
    'an agent that is silent beyond its grace',
    {
      ...silent(hourMs),
      unreachableMs: timing.unreachableGraceMs,
      state: { place: place('unreachable', unreachableReason), turn },
    },
    { do: 'abandon', reason: 'The session did not answer for 300 s and was ended, so that it can start again.' },
  ],
  [
    'a place that died in silence',
    {
      ...silent(60_000),
      report: { alive: false, cutOff: false, reason: 'It was killed.' },
      state: { place: place('unreachable', unreachableReason), turn },
    },
    { do: 'bury', reason: 'It was killed.' },
  ],
  [
    'an agent that is still silent when the engine is back',
    { ...silent(hourMs), state: { place: place('unreachable', 'The engine is away.'), turn } },
    { do: 'mark', status: 'unreachable' },
  ],
  ['an agent that is back', { state: { place: place('unreachable'), turn } }, { do: 'mark', status: 'running' }],
  ['the longest duration comes near', aged(8 * hourMs - minuteMs), { do: 'tell', ...ends }],
  [
    'warned already',
    { ...aged(8 * hourMs - minuteMs), state: { place: place('running', ends.reason, ends.next), turn: null } },
    { do: 'nothing', againInMs: minuteMs },
  ],
  ['the longest duration is over', aged(8 * hourMs), { do: 'expire', words: longest }],
  [
    'over, and a turn runs',
    {
      startedAtMs: nowMs + minuteMs - 8 * hourMs,
      nowMs: nowMs + 2 * minuteMs,
      state: { place: place('running', ends.reason, ends.next), turn },
    },
    { do: 'nothing', againInMs: timing.turnGraceMs - minuteMs },
  ],
  [
    'over, and the turn had its grace',
    { ...aged(8 * hourMs + timing.turnGraceMs), state: { place: place('running', 'soon'), turn } },
    { do: 'expire', words: longest },
  ],
  ['a log that is closed', { notKept: closed }, { do: 'tell', ...full }],
  [
    'a log that is closed, as was said',
    { notKept: closed, state: { place: place('running', full.reason, full.next), turn } },
    { do: 'nothing', againInMs: 1_000 },
  ],
  [
    'a log that is open again, though it was said to be closed',
    { state: { place: place('running', full.reason, full.next), turn } },
    { do: 'tell', reason: null, next: null },
  ],
  [
    'a log that is closed when the longest duration comes near',
    {
      ...aged(8 * hourMs - minuteMs),
      notKept: closed,
      state: { place: place('running', full.reason, full.next), turn },
    },
    { do: 'tell', reason: `${ends.reason} ${full.reason}`, next: `${ends.next} ${full.next}` },
  ],
  ['stopped, with a place', { wanted: 'stopped' }, { do: 'stop' }],
  [
    'stopped, and the handle was never written down',
    { wanted: 'stopped', hasHandle: false, report: null },
    { do: 'stop' },
  ],
  ['terminated, with a place', { wanted: 'terminated' }, { do: 'stop' }],
  [
    'stopped before it had a place',
    { ...none, wanted: 'stopped', state: { place: place('stopping'), turn: null } },
    { do: 'settle' },
  ],
  [
    'stopped for good',
    { ...none, wanted: 'terminated', state: { place: place('stopped'), turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  [
    'terminated, and its disk has time left',
    { ...none, wanted: 'terminated', diskUntilMs: nowMs + 1, state: { place: place('stopped'), turn: null } },
    { do: 'nothing', againInMs: null },
  ],
  [
    'terminated, and its disk is due',
    { ...none, wanted: 'terminated', diskUntilMs: nowMs, state: { place: place('stopped'), turn: null } },
    { do: 'remove-disk' },
  ],
  ['terminated, its disk is due, and a place is there', { wanted: 'terminated', diskUntilMs: nowMs }, { do: 'stop' }],
];

describe('what to do next', () => {
  test.each(cases)('%s', (_what, seen, expected) => {
    expect(decide({ ...running, ...seen }, timing)).toEqual(expected);
  });
});
