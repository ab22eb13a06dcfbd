// What the reader wants to see. The parameters are those of the server's stream, snapshot and history, and so is the rule
// (grist_live/filters.py): tests/filter_cases.json is tested on both.
import {departmentCode} from './department.js';
import {departmentsOf, searchedOf, textsOf} from './items.js';
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
/** Longer texts in an address are nobody's filter, nor are more values: the server refuses them. */
const LONGEST = 200;
const MOST = 90;

/** @type {Filters} */
export const NO_FILTERS = {show: 'open', roles: {}, q: '', mine: false};

/** What a row has in a role: each text of a list counts. @param {Item} item @param {FilterRole} role */
const valuesOf = (item, role) => (role === 'department' ? departmentsOf(item) : textsOf(item, role));

/** Make the test of one role. @param {FilterRole} role @param {string[]} values @returns {(item: Item) => boolean} */
function roleTest(role, values) {
  const wanted = new Set(role === 'department' ? values.flatMap(departments) : values);
  return (item) => valuesOf(item, role).some((value) => wanted.has(value));
}

/** As rows have it; 20 is all of Corsica. @param {string} value */
function departments(value) {
  const code = departmentCode(value);
  return code === '20' ? ['20', '2A', '2B'] : [code];
}

/** @param {Board} board @param {FilterRole} role */
export const hasRole = (board, role) => (role === 'department' ? board.department !== null : role in board.role);

/** @type {WeakMap<Filters, {board: Board, fitting: Filters}>} */
const fitted = new WeakMap();

/**
 * Leave out what this board has no column for: it would hide every row. The same filters give the same answer.
 * @param {Filters} filters
 * @param {Board} board
 * @returns {Filters}
 */
export function fitting(filters, board) {
  const before = fitted.get(filters);
  if (before?.board === board) return before.fitting;
  const roles = Object.fromEntries(Object.entries(filters.roles).filter(([role]) => hasRole(board, /** @type {FilterRole} */ (role))));
  const mine = filters.mine && hasRole(board, 'assignee');
  const fits = !board.columns.length || (mine === filters.mine && Object.keys(roles).length === Object.keys(filters.roles).length);
  const fitting = fits ? filters : {...filters, roles, mine};
  fitted.set(filters, {board, fitting});
  return fitting;
}

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
  const tests = FILTER_ROLES.flatMap((role) => (role !== 'status' && roles[role]?.length ? [roleTest(role, roles[role])] : []));
  const words = q ? fold(q).split(/\s+/).filter(Boolean) : [];
  if (!tests.length && !mine && !words.length) return everything;
  const name = fold(me);
  return (item) => tests.every((test) => test(item))
    && (!mine || (name !== '' && textsOf(item, 'assignee').some((text) => fold(text) === name)))
    && (!words.length || words.every((word) => foldedOf(item).includes(word)));
}

/**
 * Make the test of the state.
 * @param {Filters} filters
 * @returns {(item: Item) => boolean}
 */
export function stateTest({show, roles}) {
  const wanted = roles.status?.length ? roleTest('status', roles.status) : null;
  if (!wanted && show === 'all') return everything;
  return (item) => SHOWN[show](item) && (!wanted || wanted(item));
}

/**
 * Make the test of a row in the timeline: a change concerns who would see the row before it or after it. What is open is
 * not asked, because that a row was finished is news.
 * @param {Filters} filters
 * @param {string} me
 * @returns {(item: Item) => boolean}
 */
export function historyTest(filters, me) {
  const [base, state] = [baseTest(filters, me), stateTest({...filters, show: 'all'})];
  return (item) => base(item) && state(item) && (filters.show !== 'urgent' || item.priority.urgent);
}

/** Without accents and case, as the server searches: "eglise" finds "Église". @param {string} text */
export function fold(text) {
  const low = text.toLowerCase();
  if (ASCII.test(low)) return low.trim(); // most names and codes: nothing to take apart
  return low.replace(/[œæ’ßς]/g, (c) => SPELT_OUT[c]).normalize('NFKD').replace(MARKS, '').trim();
}

const ASCII = /^[\0-\x7f]*$/;

/** @type {Record<string, string>} */
const SPELT_OUT = {œ: 'oe', æ: 'ae', '’': "'", ß: 'ss', ς: 'σ'};
/** Accents and vowel points, once they stand by themselves. */
const MARKS = /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+/g;

/** @type {WeakMap<Item, string>} */
const texts = new WeakMap();

/** What can be searched in a row, folded once, and only when somebody searches. @param {Item} item */
function foldedOf(item) {
  let text = texts.get(item);
  if (text === undefined) texts.set(item, text = fold(searchedOf(item)));
  return text;
}

/**
 * Read the filters of an address.
 * @param {URLSearchParams} params
 * @returns {Filters}
 */
export function readFilters(params) {
  /** @type {Filters['roles']} */
  const roles = {};
  let room = MOST;
  for (const role of FILTER_ROLES) {
    const given = params.getAll(role).map((value) => (role === 'department' ? departmentCode(value) : value.trim()));
    const values = [...new Set(given)].filter((value) => value.length <= LONGEST).slice(0, room);
    if (values.length) roles[role] = values;
    room -= values.length;
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
 * The same as the server's history takes it: which rows `historyTest` lets through.
 * @param {Filters} filters
 * @param {Board} board
 * @param {string[]} myNames how the reader's name is written
 * @returns {URLSearchParams | null} null: no row can meet all of this
 */
export function serverQuery({show, roles, q, mine}, board, myNames) {
  const wanted = {...roles};
  const both = (/** @type {FilterRole} */ role, /** @type {string[]} */ values) => {
    wanted[role] = roles[role]?.filter((value) => values.includes(value)) ?? values;
  };
  if (mine) both('assignee', myNames);
  if (show === 'urgent') both('priority', board.priorities.filter(({urgent}) => urgent).map(({value}) => value));
  const params = new URLSearchParams();
  for (const role of FILTER_ROLES) {
    if (wanted[role]?.length === 0) return null;
    for (const value of wanted[role] ?? []) params.append(role, value);
  }
  if (q.trim()) params.set('q', q.trim());
  return params;
}

/**
 * How a name is written in these rows, whatever its case and accents; and as it is.
 * @param {string} name
 * @param {Iterable<Item>} items
 * @returns {string[]}
 */
export function spellings(name, items) {
  if (!name.trim()) return [];
  const [folded, found] = [fold(name), new Set([name.trim()])];
  for (const item of items) for (const text of textsOf(item, 'assignee')) if (text && fold(text) === folded) found.add(text);
  return [...found];
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
    const values = new Set(valuesOf(item, role));
    if (counts.has('20') && role === 'department' && (values.has('2A') || values.has('2B'))) values.add('20'); // all of Corsica
    for (const value of values) if (value.length <= LONGEST) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].map(([value, n]) => ({value, n})).sort((a, b) => b.n - a.n || a.value.localeCompare(b.value));
}
