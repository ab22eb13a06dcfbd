// What the templates get: one view of the state, and what the reader can do. Nothing here exists at run time.
import type {Filters, FilterRole, Show} from '../core/filters.js';
import type {Board, Item, LinkState, LoggedChange} from '../core/types.js';
import type {Counts, Door} from '../core/select.js';
import type {Point} from '../core/trends.js';
import type {ViewName} from '../core/page-address.js';

export type PanelName = '' | 'settings' | 'filters' | 'keys';

export interface Detail {
  row: number;
  /** null: the row is gone. */
  item: Item | null;
  fields: Record<string, unknown>;
  history: History;
}

/** more: the server has older ones; hidden: so many newer ones wait; unshown: so many older ones are here, further down. */
export interface History {entries: LoggedChange[]; more: boolean; loading: boolean; problem: string; hidden: number; unshown: number}

/** What taking charge of a row is at: the name is asked for, it is being written, it was refused. */
export interface Taking {row: number; step: 'ask' | 'busy' | 'refused'; problem: string; by: string}

/** What a live region says; another key: it is said anew. */
export interface Said {key: number; text: string}

export interface View {
  board: Board;
  language: string;
  t: import('../core/i18n.js').Translate;
  clock: ReturnType<typeof import('../core/time.js').createClock>;
  number: Intl.NumberFormat;
  /** The server's clock, epoch milliseconds. */
  now: number;
  /** The browser's. */
  browserNow: number;
  link: LinkState;
  /** ms, the 95th percentile of the last minute. */
  latency: number | null;
  viewers: number | null;
  hostKind: 'grist' | 'standalone';
  loaded: boolean;
  /** A text's key, or ''. */
  problem: string;
  /** What the columns are called that Grist's owner has mapped to nothing. */
  unmapped: string[];
  gristAddress: string;
  view: ViewName;
  density: string;
  narrow: boolean;
  filters: Filters;
  /** How many filters there are beside the state. */
  filterCount: number;
  /** Filters other than the state narrow the rows, and the counts. */
  narrowed: boolean;
  me: string;
  counts: Counts;
  /** All rows of the board. */
  total: number;
  trends: Partial<Record<Door, Point[]>>;
  /** Those the filters keep, in order. */
  items: Item[];
  /** For the filters' choices: only there while their panel is open. */
  facets: Map<FilterRole, {value: string; n: number}[]>;
  /** What was typed to find a choice, by role. */
  facetSearch: Partial<Record<FilterRole, string>>;
  saved: {name: string; query: string}[];
  canSave: boolean;
  /** Rows that wait for their new places. */
  waiting: number;
  /** How many of those are new among the rows: the others have moved, or gone. */
  arrived: number;
  frozen: boolean;
  /** Under which status a row stands while the reader holds the board: row → index. */
  columns: Map<number, number>;
  /** How many cards each column shows, and how many changes the timeline. */
  caps: Map<number | 'timeline', number>;
  unread: number;
  range: import('./list.js').Range;
  /** px */
  rowHeight: number;
  /** The row that has, or would get, the keyboard's focus. */
  current: number | null;
  /** Rows may move in sight of the reader. */
  glide: boolean;
  flashes: Map<number, import('../core/attention.js').Flash>;
  toasts: import('../core/attention.js').Toast[];
  alerts: {shown: Item[]; more: number};
  /** What the live regions say. */
  said: Said;
  cried: Said;
  timeline: History;
  /** Changes since this moment are new to the reader; epoch milliseconds, the server's clock. */
  lastVisit: number | null;
  missed: number;
  /** There are more of them than were counted. */
  missedMore: boolean;
  detail: Detail | null;
  canTake: boolean;
  taking: Taking | null;
  people: string[];
  sound: {on: boolean; waiting: boolean; muted: Set<string>};
  notices: 'on' | 'off' | 'denied' | 'none';
  panel: PanelName;
  /** Single keys are shortcuts. */
  letters: boolean;
  theme: string;
  form: {address: string; addressFixed: boolean; token: string; error: string; stored: boolean};
  /** The row as it is now. */
  rowOf(row: number): import("../core/types.js").Row | undefined;
  /** Read a cell of a row as the board's roles say. */
  read(row: {id: number; fields: Record<string, unknown>}): Item;
}

export interface Actions {
  setView(view: ViewName): void;
  setShow(show: Show): void;
  openDoor(door: Door): void;
  toggleValue(role: FilterRole, value: string): void;
  clearRole(role: FilterRole): void;
  search(text: string): void;
  searchFacet(role: FilterRole, text: string): void;
  toggleMine(): void;
  setMe(name: string): void;
  clearFilters(): void;
  showAll(): void;
  saveFilter(event: SubmitEvent): void;
  useSaved(query: string): void;
  dropSaved(name: string): void;
  openRow(row: number, event?: Event): void;
  closeRow(): void;
  rowKey(event: KeyboardEvent): void;
  focusRow(row: number): void;
  showMore(part: number | 'timeline'): void;
  older(): void;
  olderOfRow(): void;
  release(): void;
  toggleFreeze(): void;
  nextUnread(): void;
  take(row: number): void;
  takeAs(event: SubmitEvent, row: number): void;
  cancelTake(): void;
  dismissAlert(row: number): void;
  forgetMissed(): void;
  toggleSound(): void;
  togglePriority(value: string): void;
  toggleNotices(): void;
  toggleLetters(): void;
  togglePanel(panel: PanelName): void;
  closePanel(): void;
  panelKey(event: KeyboardEvent): void;
  retry(): void;
  connect(event: SubmitEvent): void;
  forget(): void;
  setLanguage(language: string): void;
  setTheme(theme: string): void;
  setDensity(density: string): void;
}
