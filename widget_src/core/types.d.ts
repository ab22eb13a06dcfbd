// The shapes that travel through the widget. Nothing here exists at run time.

/** A text in each language of the interface. */
export type Texts = Record<string, string>;
export type Meaning = 'waiting' | 'active' | 'done' | 'blocked';

/** What the server (or the page) says about a board. */
export interface BoardDescription {
  name: string;
  title?: Texts;
  /** Who may look: everybody, who has a viewer token, who may read the whole document in Grist. */
  access?: 'public' | 'token' | 'grist';
  columns: {id: string; role?: string | null; type?: string; label?: Texts}[];
  statuses?: {value: string; label?: Texts; meaning?: string; color?: string}[];
  priorities?: {
    value: string; label?: Texts; rank?: number; urgent?: boolean; color?: string;
    /** Minutes after which a row turns amber, then red. */
    delay?: {amber: number; red: number} | null;
  }[];
  /** Where a row's department comes from: its column, a postcode in its place, or nowhere. */
  department?: 'role' | 'derived' | null;
  /** Address of a row in Grist, with `{row}` in the place of its id. */
  link?: string | null;
  /** false: the server can't read the whole table, so it knows neither older rows nor deletions. */
  complete?: boolean;
  /** Epoch seconds from which an incomplete board knows its rows. */
  since?: number | null;
}

export interface Status {value: string; label: Texts; meaning: Meaning | 'unknown'; color: string; index: number}
export interface Priority {
  value: string; label: Texts; rank: number; urgent: boolean; color: string; index: number;
  /** How the rank compares to the others, for the icon: 0 low, 1 normal, 2 high, 3 urgent, -1 unknown. */
  level: number;
}
export interface Column {id: string; role: string | null; type: string; label: Texts}

export interface Board {
  name: string;
  title: Texts;
  columns: Column[];
  /** role → column id */
  role: Record<string, string>;
  statuses: Status[];
  priorities: Priority[];
  complete: boolean;
  since: number | null;
  timeZone: string | null;
  statusOf(value: string): Status;
  priorityOf(value: string): Priority;
}

/** A cell as Grist's REST and webhooks give it. */
export type Cell = unknown;
export type Fields = Record<string, Cell>;
/** Rows are never changed in place: a new value is a new object. */
export interface Row {id: number; fields: Fields}

export interface Change {
  action: 'add' | 'update' | 'remove';
  row: number;
  fields?: Fields;
  was?: Fields;
  /** Epoch seconds. */
  at?: number;
  /** An add that is only new to the server: the row was there before. */
  first_seen?: boolean;
  source?: string;
}

/** Something worth a flash: what happened to one row, once, whoever told it first. */
export interface News {
  row: number; action: 'add' | 'update' | 'remove'; columns: string[]; fields: Fields; at?: number;
  /** The row as it was when the news was told. */
  item?: Item;
}

/** A row as the interface sees it: by role. */
export interface Item {
  id: number; title: string; place: string; assignee: string; kind: string; comment: string; department: string;
  status: Status; priority: Priority; updated: number | null;
  /** Urgent and not done. */
  urgent: boolean;
  done: boolean;
}

export type LinkKind = 'none' | 'connecting' | 'live' | 'degraded' | 'offline' | 'refused';
export interface LinkState {
  kind: LinkKind;
  /** Epoch milliseconds at which the link was lost (offline) or degraded. */
  since?: number;
  /** HTTP status of a final refusal. */
  status?: number;
}

/** The world, as the core needs it; tests hand over their own. */
export interface Env {
  fetch: typeof fetch;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Epoch milliseconds. */
  now(): number;
  random(): number;
}

export interface Config {
  server: string | null;
  /** null: the server tells it only to whoever has a token. */
  board: BoardDescription | null;
  /** The board's name, where there is no description. */
  name: string;
  token: string;
  grist: string | null;
  language: string | null;
  standalone: boolean;
  version: string;
}

/** What bootstrap writes into Grist's widget options, and the settings panel into the browser's storage. */
/** What bootstrap wrote for the widget; `board` serves until the stream describes it. */
export interface Options {stream?: string; token?: string; language?: string; board?: BoardDescription}

export interface HostHandlers {
  /** Rows of the section, complete; `linked` when another section selects them. */
  rows(rows: Row[]): void;
  options(options: Options, info: {linked: boolean; access: string}): void;
  theme(theme: {appearance: string; colors: Record<string, string>}): void;
  /** A sentence's key: why there will be no rows. */
  problem(key: string): void;
}

export interface Host {
  kind: 'grist' | 'standalone';
  start(handlers: HostHandlers): void;
  save(options: Options): void;
}
