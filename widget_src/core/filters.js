// What the reader wants to see. The parameters are those of the server's stream, snapshot and history.
import {departmentCodeOf} from './items.js';
/**
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Item} Item
 * @typedef {'open' | 'all' | 'urgent'} Show
 * @typedef {'status' | 'priority' | 'kind' | 'assignee' | 'department' | 'place'} FilterRole
 * @typedef {{show: Show, roles: Partial<Record<FilterRole, string[]>>, q: string, mine: boolean}} Filters
 */

/** @type {FilterRole[]} */
export const FILTER_ROLES = ['status', 'priority', 'kind', 'assignee', 'department', 'place'];
const SHOWS = new Set(['open', 'all', 'urgent']);
/** Longer texts in an address are nobody's filter. */
const LONGEST = 200;

/** @type {Filters} */
export const NO_FILTERS = {show: 'open', roles: {}, q: '', mine: false};

/** @param {Item} item @param {FilterRole} role */
export const valueOf = (item, role) => (role === 'status' || role === 'priority' ? item[role].value
  : role === 'department' ? departmentCodeOf(item) : item[role]);

/** @type {Record<Show, (item: Item) => boolean>} */
const SHOWN = {open: (item) => !item.done, all: () => true, urgent: (item) => item.urgent};

/**
 * Keep what a filter keeps; the list itself where it keeps all.
 * @param {Item[]} items
 * @param {(item: Item) => boolean} test
 */
export const keep = (items, test) => (test === everything ? items : items.filter(test));

/** The test that keeps all. @param {Item} _item */
export const everything = (_item) => true;

/**
 * Make the test of everything but the state (open, urgent, status): what the counts at the top follow.
 * @param {Filters} filters
 * @param {string} me the reader's name, as the board's assignees are written
 * @returns {(item: Item) => boolean}
 */
export function baseTest({roles, q, mine}, me) {
  const sets = FILTER_ROLES.filter((role) => role !== 'status' && roles[role]?.length)
    .map((role) => /** @type {const} */ ([role, new Set(roles[role])]));
  const words = q ? fold(q).split(/\s+/).filter(Boolean) : [];
  if (!sets.length && !mine && !words.length) return everything;
  return (item) => sets.every(([role, wanted]) => wanted.has(valueOf(item, role)))
    && (!mine || (me !== '' && fold(item.assignee) === fold(me)))
    && (!words.length || words.every((word) => textOf(item).includes(word)));
}

/**
 * Make the test of the state.
 * @param {Filters} filters
 * @returns {(item: Item) => boolean}
 */
export function stateTest({show, roles}) {
  const wanted = roles.status?.length ? new Set(roles.status) : null;
  if (!wanted && show === 'all') return everything;
  return (item) => SHOWN[show](item) && (!wanted || wanted.has(item.status.value));
}

/** Without accents and case, as the server searches: "eglise" finds "Église". @param {string} text */
export const fold = (text) => text.toLowerCase().replace(/[œæ’ß]/g, (c) => SPELT_OUT[c]).normalize('NFKD').replace(/\p{M}/gu, '').trim();

/** @type {Record<string, string>} */
const SPELT_OUT = {œ: 'oe', æ: 'ae', '’': "'", ß: 'ss'};

/** @type {WeakMap<Item, string>} */
const texts = new WeakMap();

/** All that can be searched in a row, folded once. @param {Item} item */
function textOf(item) {
  let text = texts.get(item);
  if (text === undefined) {
    const {title, place, assignee, kind, comment, department, status, priority} = item;
    text = fold([title, place, assignee, kind, comment, department, ...wordsOf(status), ...wordsOf(priority)].join(' \n'));
    texts.set(item, text);
  }
  return text;
}

/** @param {{value: string, label: import('./types.js').Texts}} choice */
const wordsOf = ({value, label}) => [value, ...Object.values(label)];

/**
 * Read the filters of an address.
 * @param {URLSearchParams} params
 * @returns {Filters}
 */
export function readFilters(params) {
  /** @type {Filters['roles']} */
  const roles = {};
  for (const role of FILTER_ROLES) {
    const values = [...new Set(params.getAll(role))].filter((value) => value.length <= LONGEST);
    if (values.length) roles[role] = values;
  }
  const given = params.get('show') ?? '';
  const show = SHOWS.has(given) ? /** @type {Show} */ (given) : roles.status ? 'all' : 'open';
  return {show, roles, q: (params.get('q') ?? '').slice(0, LONGEST), mine: params.get('mine') === '1'};
}

/**
 * Put the filters into an address's parameters; what is the default stays out.
 * @param {Filters} filters
 * @param {URLSearchParams} params
 */
export function writeFilters({show, roles, q, mine}, params) {
  for (const name of [...FILTER_ROLES, 'show', 'q', 'mine']) params.delete(name);
  if (show !== (roles.status ? 'all' : 'open')) params.set('show', show);
  for (const role of FILTER_ROLES) for (const value of roles[role] ?? []) params.append(role, value);
  if (q) params.set('q', q);
  if (mine) params.set('mine', '1');
}

/**
 * The same as the server's history takes it; the state is left out, because a change tells of two.
 * @param {Filters} filters
 * @param {string} me
 * @param {Board} board
 */
export function serverQuery({show, roles, q, mine}, me, board) {
  const params = new URLSearchParams();
  for (const role of FILTER_ROLES) for (const value of roles[role] ?? []) params.append(role, value);
  if (q.trim()) params.set('q', q.trim());
  if (mine && me && !roles.assignee) params.set('assignee', me);
  if (show === 'urgent' && !roles.priority) {
    for (const priority of board.priorities) if (priority.urgent) params.append('priority', priority.value);
  }
  return params;
}

/** @param {Filters} filters @param {FilterRole} role @param {string[]} values @returns {Filters} */
export function withRole(filters, role, values) {
  const {[role]: _, ...others} = filters.roles;
  const roles = values.length ? {...others, [role]: values} : others;
  if (role !== 'status') return {...filters, roles};
  return {...filters, roles, show: filters.show === 'urgent' ? 'urgent' : values.length ? 'all' : 'open'};
}

/** @param {Filters} filters @param {FilterRole} role @param {string} value @returns {Filters} */
export function toggled(filters, role, value) {
  const now = filters.roles[role] ?? [];
  return withRole(filters, role, now.includes(value) ? now.filter((one) => one !== value) : [...now, value]);
}

/** Choose a state: it takes the place of the statuses. @param {Filters} filters @param {Show} show @returns {Filters} */
export function withShow(filters, show) {
  const {status: _, ...roles} = filters.roles;
  return {...filters, roles, show};
}

/** How many narrow the rows beside the state, which has its own buttons. @param {Filters} filters */
export const countFilters = ({roles, q, mine}) =>
  Object.values(roles).reduce((n, values) => n + values.length, 0) + Number(q.trim() !== '') + Number(mine);

/** @param {Filters} filters */
export const hasBase = ({roles, q, mine}) => q.trim() !== '' || mine || Object.keys(roles).some((role) => role !== 'status');

/**
 * The values that a role has among the rows which the other filters keep, most frequent first.
 * @param {Item[]} items
 * @param {Filters} filters
 * @param {string} me
 * @param {FilterRole} role
 * @returns {{value: string, n: number}[]}
 */
export function facet(items, filters, me, role) {
  const others = withRole(filters, role, []);
  const base = baseTest(others, me);
  const state = stateTest(role === 'status' ? {...others, show: filters.show === 'urgent' ? 'urgent' : 'all'} : others);
  /** @type {Map<string, number>} */
  const counts = new Map((filters.roles[role] ?? []).map((value) => [value, 0]));
  for (const item of items) {
    if (!base(item) || !state(item)) continue;
    const value = valueOf(item, role);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].map(([value, n]) => ({value, n})).sort((a, b) => b.n - a.n || a.value.localeCompare(b.value));
}
