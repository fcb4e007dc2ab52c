/** Times and amounts in words. It does not know the time zone of the server: everything is ISO 8601 in UTC. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** '0.4 s', '12 s', '3 min 5 s', '2 h 10 min'. */
export const duration = (ms: number): string => {
  if (ms < 10 * second) return `${(Math.max(0, ms) / second).toFixed(1)} s`;
  if (ms < minute) return `${Math.round(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min ${Math.floor((ms % minute) / second)} s`;
  return `${Math.floor(ms / hour)} h ${Math.floor((ms % hour) / minute)} min`;
};

/** As `duration`, in whole seconds, for clocks that run. */
export const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / second));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

/** 'just now', '5 min ago', '3 h ago', '2 d ago', then the date. */
export const ago = (iso: string, now: number): string => {
  const passed = now - Date.parse(iso);
  if (passed < minute) return 'just now';
  if (passed < hour) return `${Math.floor(passed / minute)} min ago`;
  if (passed < day) return `${Math.floor(passed / hour)} h ago`;
  if (passed < 7 * day) return `${Math.floor(passed / day)} d ago`;
  return dateOf(iso);
};

/** '14:05' for today, with the date before it otherwise. */
export const timeOfDay = (iso: string, now: number): string => {
  const date = new Date(iso);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  const today = new Date(now).toDateString() === date.toDateString();
  return today ? time : `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${time}`;
};

/** '3 Jan 2027'. */
export const dateOf = (iso: string): string =>
  new Date(iso).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** The whole of it, for a title. */
export const exactTime = (iso: string): string => new Date(iso).toLocaleString();

/** '$0.00', '$0.012', '$1.24'. */
export const money = (usd: number): string => (usd > 0 && usd < 0.1 ? `$${usd.toFixed(3)}` : `$${usd.toFixed(2)}`);

/** '812', '12.4k', '1.2M'. */
export const count = (value: number): string => {
  if (value < 1_000) return String(Math.round(value));
  if (value < 999_950) return `${(value / 1_000).toFixed(value < 99_950 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
};

/** '3 files', '1 file'. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${value} ${value === 1 ? one : many}`;
