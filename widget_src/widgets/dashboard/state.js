// What the dashboard knows. Made here, held by main.js.
import {createAttention} from '../../core/attention.js';
import {createFeed} from '../../core/feed.js';
import {translator} from '../../core/i18n.js';
import {createLatency} from '../../core/latency.js';
import {createOrder} from '../../core/order.js';
import {readPlace} from '../../core/page-address.js';
import {countItems} from '../../core/select.js';
import {linkSettings} from '../../core/settings.js';
import {createClock} from '../../core/time.js';
import {createTimeline} from '../../core/timeline.js';
import {recall, recallList} from '../../host/storage.js';
/**
 * @typedef {import('../../core/types.js').Item} Item
 * @typedef {ReturnType<typeof createState>} State
 */

/**
 * @param {ReturnType<typeof import('./config.js').readConfig>} config
 * @param {'grist' | 'standalone'} hostKind
 */
export function createState(config, hostKind) {
  const described = config.board ?? {name: config.name, columns: []};
  return {
    feed: createFeed(described, {authority: hostKind === 'grist' ? 'grist' : 'stream', now: Date.now}),
    attention: createAttention(),
    order: createOrder(),
    latency: createLatency(),
    /** @type {import('../../core/types.js').LinkState} */
    link: {kind: 'none'},
    /** @type {import('../../core/types.js').Options} */
    options: {},
    /** What Grist lets us do: none, read table, full. */
    access: 'none',
    connection: linkSettings({config, options: {}, board: '', page: location.href, storedToken: () => null}),
    /** A token got for a Grist token. @type {{token: string, expires: number} | null} */
    granted: null,
    language: 'en',
    speech: {t: translator('en'), clock: createClock('en'), number: new Intl.NumberFormat('en')},
    place: readPlace(location.search),
    density: recall('density') === 'compact' ? 'compact' : 'comfortable',
    /** Rows or filters have changed since `sorted` and what follows were made. */
    stale: true,
    /** All rows; those that all filters but the state keep; those that all keep. */
    sorted: /** @type {Item[]} */ ([]),
    base: /** @type {Item[]} */ ([]),
    fresh: /** @type {Item[]} */ ([]),
    /** The only rows that the last selection may tell differently; null: any. @type {Set<number> | null} */
    touched: null,
    /** Those that are urgent, and that nobody has. */
    urgent: /** @type {Item[]} */ ([]),
    /** As they stand on the screen. */
    items: /** @type {Item[]} */ ([]),
    waiting: 0,
    /** How many of those are new among the rows. */
    arrived: 0,
    counts: countItems([]),
    frozen: false,
    /** The next draw lets in what waits. */
    release: false,
    /** The row to give the focus to after the next draw. @type {number | null} */
    focusNext: null,
    /** @type {number | null} */
    current: null,
    /** @type {Map<number | 'timeline', number>} */
    caps: new Map(),
    trends: /** @type {import('../../ui/types.js').View['trends']} */ ({}),
    /** @type {import('../../core/types.js').Viewer | null} */
    viewer: null,
    me: recall('me') ?? '',
    /** @type {import('../../ui/types.js').Taking | null} */
    taking: null,
    timeline: createTimeline(''),
    /** While the reader holds the timeline, its newest entry. */
    timelineTop: '',
    rowHistory: createTimeline(''),
    /** @type {number | null} */
    lastVisit: null,
    missed: 0,
    /** There are more of them than were counted. */
    missedMore: false,
    problem: '',
    /** Columns that are mapped to nothing in Grist. @type {string[]} */
    unmapped: [],
    /** The key is the newest toast's. @type {import('../../ui/types.js').Said} */
    said: {key: 0, text: ''},
    /** @type {import('../../ui/types.js').Said} */
    cried: {key: 0, text: ''},
    /** Alerts that were told, or of which nothing was to be told. @type {Set<number>} */
    criedRows: new Set(),
    sound: recall('sound') === 'on',
    muted: new Set(recallList('muted')),
    notices: recall('notices') === 'on',
    letters: recall('letters') !== 'off',
    theme: recall('theme') ?? 'auto',
    /** @type {import('../../ui/types.js').PanelName} */
    panel: '',
    facetSearch: /** @type {import('../../ui/types.js').View['facetSearch']} */ ({}),
    formError: '',
  };
}
