// Times as people say them, and exactly.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * @param {string} language
 * @param {string | null} [timeZone] the board's; the reader's own when it has none
 */
export function createClock(language, timeZone = null) {
  const locale = language === 'fr' ? 'fr-FR' : 'en-GB';
  const zone = timeZone ? {timeZone} : {};
  const exact = new Intl.DateTimeFormat(locale, {dateStyle: 'full', timeStyle: 'medium', ...zone});
  const ours = new Intl.DateTimeFormat(locale, {dateStyle: 'full', timeStyle: 'medium'});
  const elsewhere = timeZone !== null && ours.resolvedOptions().timeZone !== exact.resolvedOptions().timeZone;
  const zoned = new Intl.DateTimeFormat(locale, {timeZoneName: 'longGeneric', ...zone});
  const date = new Intl.DateTimeFormat(locale, {day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC'});
  const day = new Intl.DateTimeFormat(locale, {day: 'numeric', month: 'short', ...zone});
  const weekday = new Intl.DateTimeFormat(locale, {weekday: 'long', day: 'numeric', month: 'long', ...zone});
  const year = new Intl.DateTimeFormat(locale, {day: 'numeric', month: 'short', year: 'numeric', ...zone});
  const hour = new Intl.DateTimeFormat(locale, {hour: '2-digit', minute: '2-digit'});
  const units = language === 'fr'
    ? {now: 'à l’instant', ago: (/** @type {string} */ s) => `il y a ${s}`, m: 'min', h: 'h', d: 'j'}
    : {now: 'just now', ago: (/** @type {string} */ s) => `${s} ago`, m: 'min', h: 'h', d: 'd'};
  /** @param {number} n @param {string} unit */
  const since = (n, unit) => units.ago(`${Math.floor(n)}\u00a0${unit}`);

  return {
    /** "4 min ago"; the date after a week. @param {number} time @param {number} now both epoch milliseconds */
    relative(time, now) {
      const age = now - time;
      if (age < MINUTE && age > -HOUR) return units.now; // clocks differ a little
      if (age < 0 || age >= 7 * DAY) return (Math.abs(age) < 300 * DAY ? day : year).format(time);
      if (age < HOUR) return since(age / MINUTE, units.m);
      return age < DAY ? since(age / HOUR, units.h) : since(age / DAY, units.d);
    },
    /** The board's clock; its zone is named where the reader's own clock shows another time. @param {number} time */
    exact(time) {
      const text = exact.format(time);
      if (!elsewhere || ours.format(time) === text) return text;
      return `${text} (${zoned.formatToParts(time).find((part) => part.type === 'timeZoneName')?.value ?? timeZone})`;
    },
    /** A day without an hour, as Grist keeps it: midnight UTC. @param {number} time */
    date: (time) => date.format(time),
    /** @param {number} time */
    day: (time) => weekday.format(time),
    /** The reader's own wall clock: when did *we* lose the link. @param {number} time */
    hour: (time) => hour.format(time),
    /** @param {number} time */
    iso: (time) => new Date(time).toISOString(),
  };
}
