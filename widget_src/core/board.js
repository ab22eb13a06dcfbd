// A board's description, ready for use: roles instead of column ids, and something to show for every value.
/**
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').BoardDescription} BoardDescription
 * @typedef {import('./types.js').Status} Status
 * @typedef {import('./types.js').Priority} Priority
 * @typedef {import('./types.js').Texts} Texts
 */

const MEANINGS = new Set(['waiting', 'active', 'done', 'blocked']);
/** Types of columns that can name a row. */
const NAMES = new Set(['Text', 'Choice', 'Any']);
/** A status column that declares no values gets a column of the kanban for each of so many that are met. */
const MOST_FOUND = 12;
/** The colour ends up in a style sheet, so only a plain hexadecimal one gets there. */
const COLOR = /^#(?:[\da-f]{3}|[\da-f]{6})$/i;

/**
 * Compile a description once; values it doesn't know are shown as they are, neutrally.
 * @param {BoardDescription} description
 * @returns {Board}
 */
export function compileBoard(description) {
  const columns = description.columns.map((c) => ({
    id: c.id, role: c.role || null, type: c.type || 'Any', label: c.label || {en: c.id},
  }));
  const role = Object.fromEntries(columns.filter((c) => c.role).map((c) => [c.role, c.id]));
  const statuses = (description.statuses || []).map(toStatus);
  const priorities = (description.priorities || []).map(toPriority);
  const titleColumn = role.title ?? columns.find((c) => !c.role && NAMES.has(c.type))?.id ?? null;
  /** @type {Status[]} */
  const found = [];
  return {
    name: description.name,
    title: description.title || {en: description.name},
    columns, role, statuses, priorities, titleColumn, found,
    others: columns.filter((c) => !c.role && c.id !== titleColumn),
    meanings: new Set(role.status ? statuses.map((status) => status.meaning) : []),
    canBeUrgent: Boolean(role.priority) && priorities.some((priority) => priority.urgent),
    department: description.department ?? (role.department ? 'role' : null),
    link: safeLink(description.link),
    access: description.access ?? '',
    complete: description.complete !== false,
    since: description.since ?? null,
    timeZone: timeZoneOf(columns.find((c) => c.role === 'updated_at')?.type),
    statusOf: finder(statuses, (value) => (role.status && !statuses.length ? find(found, value) : {...UNKNOWN, value})),
    priorityOf: finder(priorities, (value) => (
      {value, label: {}, rank: -1, urgent: false, color: '', index: -1, level: -1, delay: null})),
  };
}

/** A status that the board doesn't know. @type {import('./types.js').Status} */
export const UNKNOWN = {value: '', label: {}, meaning: 'unknown', color: '', index: -1};

/** A value of a status column that declares none: each has its place, in the order in which they are met. @param {Status[]} found @param {string} value */
function find(found, value) {
  const known = found.find((status) => status.value === value);
  if (known || found.length >= MOST_FOUND) return known ?? {...UNKNOWN, value};
  found.push({...UNKNOWN, value, index: found.length});
  return found[found.length - 1];
}

/**
 * Choose the text of a language: the asked one, else French, English, or any.
 * @param {Texts | undefined} texts
 * @param {string} language
 * @param {string} [otherwise]
 */
export function pick(texts, language, otherwise = '') {
  if (!texts) return otherwise;
  return texts[language] || texts.en || texts.fr || Object.values(texts)[0] || otherwise;
}

/**
 * @param {NonNullable<BoardDescription['statuses']>[number]} status
 * @param {number} index
 * @returns {Status}
 */
function toStatus(status, index) {
  const meaning = MEANINGS.has(status.meaning || '') ? /** @type {Status['meaning']} */ (status.meaning) : 'unknown';
  return {value: status.value, label: status.label || {}, meaning, color: safeColor(status.color), index};
}

/**
 * @param {NonNullable<BoardDescription['priorities']>[number]} priority
 * @param {number} index
 * @param {NonNullable<BoardDescription['priorities']>} all
 * @returns {Priority}
 */
function toPriority(priority, index, all) {
  const rank = priority.rank ?? index;
  const urgent = Boolean(priority.urgent);
  const calm = all.filter((p) => !p.urgent).map((p, i) => p.rank ?? i).sort((a, b) => a - b);
  const place = calm.length > 1 ? calm.indexOf(rank) / (calm.length - 1) : 0.5;
  const level = urgent ? 3 : place > 0.6 ? 2 : place < 0.4 ? 0 : 1;
  return {value: priority.value, label: priority.label || {}, rank, urgent, color: safeColor(priority.color), index, level,
    delay: delayOf(priority.delay)};
}

/** @param {{amber: number, red: number} | null | undefined} delay */
const delayOf = (delay) => (Number(delay?.amber) > 0 && Number(delay?.red) > 0 ? /** @type {{amber: number, red: number}} */ (delay) : null);

/** Only a web address becomes a link. @param {string | null | undefined} link */
const safeLink = (link) => (typeof link === 'string' && /^https?:\/\//i.test(link) && link.includes('{row}') ? link : null);

/** @param {string | undefined} color */
const safeColor = (color) => (color && COLOR.test(color) ? color : '');

/**
 * @template {{value: string}} T
 * @param {T[]} known
 * @param {(value: string) => T} unknown
 * @returns {(value: string) => T}
 */
function finder(known, unknown) {
  const byValue = new Map(known.map((entry) => [entry.value, entry]));
  return (value) => byValue.get(value) || unknown(value);
}

/** @param {string | undefined} type a Grist type such as "DateTime:Europe/Paris" */
function timeZoneOf(type) {
  const zone = type?.startsWith('DateTime:') ? type.slice('DateTime:'.length) : '';
  try {
    return zone && new Intl.DateTimeFormat('en', {timeZone: zone}) ? zone : null;
  } catch {
    return null; // a zone that this browser doesn't know: its own is used
  }
}
