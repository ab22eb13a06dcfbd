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
  /** Who may look: with "grist", whoever may read the whole document. */
  access?: string;
  /** Epoch seconds from which an incomplete board knows its rows. */
  since?: number | null;
}

export interface Status {value: string; label: Texts; meaning: Meaning | 'unknown'; color: string; index: number}
export interface Priority {
  value: string; label: Texts; rank: number; urgent: boolean; color: string; index: number;
  /** How the rank compares to the others, for the icon: 0 low, 1 normal, 2 high, 3 urgent, -1 unknown. */
  level: number;
  /** Minutes after which a row turns amber, then red. */
  delay: {amber: number; red: number} | null;
}
export interface Column {id: string; role: string | null; type: string; label: Texts}

export interface Board {
  name: string;
  title: Texts;
  columns: Column[];
  /** role → column id */
  role: Record<string, string>;
  /** The column that names a row: the title's, else the first text that has no role. */
  titleColumn: string | null;
  /** Columns without a role: the board's own, shown where no role says what to show. */
  others: Column[];
  statuses: Status[];
  /** Of a status column that declares no values: those that were met. */
  found: Status[];
  /** What its statuses mean: counts and filters of a meaning that none has are left out. */
  meanings: Set<Meaning | 'unknown'>;
  canBeUrgent: boolean;
  priorities: Priority[];
  department: 'role' | 'derived' | null;
  /** Address of a row in Grist, with `{row}` in the place of its id. */
  link: string | null;
  /** Who may look: public, token, grist; '' when it isn't told. */
  access: string;
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
  /** Who did it, where the board tells. */
  by?: string;
}

/** A change as the log has it. */
export interface LoggedChange extends Change {id: string}

/** What this viewer's token allows. */
export interface Viewer {name: string | null; can: string[]; expires: number | null}

/** Something worth a flash: what happened to one row, once, whoever told it first. */
export interface News {
  row: number; action: 'add' | 'update' | 'remove'; columns: string[]; fields: Fields; at?: number;
  by?: string; was?: Fields;
  /** The row as it was when the news was told. */
  item?: Item;
  /** Somebody took charge of an urgent row. */
  taken?: boolean;
  /** It was missed, and has been told as a number: it flashes, nothing more. */
  replayed?: boolean;
  /** The reader's filters keep the row out: nothing of it is told. */
  out?: boolean;
}

/** A row as the interface sees it: by role. */
export interface Item {
  id: number; title: string; place: string; assignee: string; kind: string; comment: string; department: string;
  /** The department is a postcode's, in the place. */
  derived: boolean;
  status: Status; priority: Priority; updated: number | null;
  /** Urgent and not done. */
  urgent: boolean;
  done: boolean;
  /** It has gone, and stands here only until the reader looks elsewhere. */
  gone?: boolean;
}

export type LinkKind = 'none' | 'connecting' | 'catching' | 'live' | 'degraded' | 'offline' | 'refused';
export interface LinkState {
  kind: LinkKind;
  /** Epoch milliseconds at which the link was lost (offline; connecting again because somebody asked for it) or degraded. */
  since?: number;
  /** HTTP status of a final refusal. */
  status?: number;
  /** How many missed changes are being caught up. */
  n?: number;
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

/** What bootstrap wrote for the widget; `board` serves until the stream describes it. */
export interface Options {stream?: string; token?: string; language?: string; board?: BoardDescription; access?: string}

export interface HostHandlers {
  /** Rows of the section, complete; `linked` when another section selects them. */
  rows(rows: Row[]): void;
  options(options: Options, info: {linked: boolean; access: string}): void;
  theme(theme: {appearance: string; colors: Record<string, string>}): void;
  /** The board's columns that the document's owner has mapped to nothing, though others are mapped: they are empty. */
  unmapped(columns: string[]): void;
  /** A sentence's key: why there will be no rows. */
  problem(key: string): void;
  /** The cursor of a linked section, or ours, is on this row. */
  selected(row: number): void;
}

export interface Host {
  kind: 'grist' | 'standalone';
  start(handlers: HostHandlers): void;
  save(options: Options): void;
  /** Tell the host which columns the board has, so that its owner can map them. */
  describe?(board: Board): void;
  /** Put the host's cursor on a row. */
  select?(row: number): void;
  /** The row's cells as the host has them now; rejects when it can't tell. */
  read?(row: number): Promise<Fields>;
  /** Write cells of a row; rejects when the host doesn't let us. */
  write?(row: number, fields: Fields): Promise<void>;
  /** A token with which our server can ask what this user may see. */
  accessToken?(): Promise<string>;
}
