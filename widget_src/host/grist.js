// Inside Grist: the only file that says `grist.`. Its plugin API comes from the configured Grist server, from nowhere else.
import {completed, renamed, toRows, unmapped} from './grist-rows.js';
import {fromEncoded} from '../core/cells.js';
import {pick} from '../core/board.js';
import {recall, remember} from './storage.js';
/**
 * @typedef {import('../core/types.js').HostHandlers} HostHandlers
 * @typedef {{ready(o: object): void, on(e: 'message', f: (m: any) => void): void,
 *   onOptions(f: (options: any, settings: any) => void): void,
 *   setOption(key: string, value: unknown): Promise<void>, setCursorPos(position: {rowId: number}): Promise<void>,
 *   fetchSelectedTable(o: object): Promise<Record<string, unknown[]>>, fetchSelectedRecord(row: number, o: object): Promise<Record<string, unknown>>, getSelectedTableId(): Promise<string>,
 *   sectionApi: {configure(o: object): Promise<void>, mappings(): Promise<Record<string, string | null> | null>},
 *   docApi: {fetchTable(id: string): Promise<Record<string, unknown[]>>, applyUserActions(actions: unknown[][]): Promise<unknown>, getAccessToken(o: object): Promise<{token: string}>}}} GristApi
 * @typedef {{mapping: Record<string, string | null> | null, columns: {name: string}[], access: string}} Mapped
 */

/** The pull of a big table freezes this page and, on the same site, Grist's: the more rows, the rarer. */
const MANY_ROWS = 500;
const MS_PER_ROW = 0.4; // 5,000 rows: every 2 s

/**
 * @param {string} address of the Grist server
 * @returns {import('../core/types.js').Host}
 */
export function gristHost(address) {
  const source = `${address.replace(/\/+$/, '')}/grist-plugin-api.js`;
  /** @type {GristApi | null} */
  let grist = null;
  /** @type {Mapped} */
  const mapped = {mapping: null, columns: [], access: 'none'};
  return {
    kind: 'grist',
    start(handlers) {
      load(source).then((api) => listen(grist = api, handlers, mapped), () => handlers.problem('problem.api'));
    },
    describe(board) {
      const columns = board.columns.map(({id, label}) => ({
        name: id, title: pick(label, document.documentElement.lang, id), optional: true, type: 'Any'}));
      if (JSON.stringify(columns) === JSON.stringify(mapped.columns)) return;
      mapped.columns = columns;
      grist?.sectionApi.configure(request(mapped)).catch(() => {});
    },
    select(row) { grist?.setCursorPos({rowId: row}).catch(() => {}); },
    async read(row) {
      if (!grist) throw new Error('no grist');
      const cells = renamed(await grist.fetchSelectedRecord(row, {keepEncoded: true}), mapped.mapping);
      return Object.fromEntries(Object.entries(cells).map(([id, cell]) => [id, fromEncoded(cell)]));
    },
    async write(row, fields) {
      if (!grist) throw new Error('no grist');
      const cells = Object.fromEntries(Object.entries(fields).map(([id, cell]) => [mapped.mapping?.[id] || id, cell]));
      await grist.docApi.applyUserActions([['UpdateRecord', await grist.getSelectedTableId(), row, cells]]);
    },
    async accessToken() { return grist ? (await grist.docApi.getAccessToken({readOnly: true})).token : ''; },
    save({stream}) {
      remember('stream', stream || null);
      // Other readers get it once the document's owner presses Save on the widget.
      grist?.setOption('stream', stream ?? null).catch(() => {});
    },
  };
}

/**
 * @param {string} source
 * @returns {Promise<GristApi>}
 */
function load(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = () => {
      const api = /** @type {any} */ (window).grist;
      if (api) resolve(api);
      else reject(new Error('no grist'));
    };
    script.onerror = () => reject(new Error(`cannot load ${source}`));
    document.head.append(script);
  });
}

/** What the widget asks of Grist: only "read table" is required; where the owner grants more, it can do more. */
const request = (/** @type {Mapped} */ {columns}) => ({requiredAccess: 'read table', allowSelectBy: true, columns});

/**
 * @param {GristApi} grist
 * @param {HostHandlers} handlers
 * @param {Mapped} mapped
 */
function listen(grist, handlers, mapped) {
  const pull = createPull(grist, handlers, mapped);
  /** @type {number | null} */
  let selected = null;
  const readMapping = () => grist.sectionApi.mappings().then((mapping) => { mapped.mapping = mapping; pull(); }, () => {});
  grist.on('message', (message) => {
    if (message.theme) handlers.theme(message.theme);
    if (message.mappingsChange) readMapping();
    if (message.dataChange) pull();
    // What onRecord tells; it comes with every change of the data, too.
    if (Number.isInteger(message.rowId) && message.rowId !== selected) handlers.selected(selected = message.rowId);
  });
  grist.onOptions((options, settings) => {
    const {stream, token, language, board, access: door} = options || {};
    const access = settings?.accessLevel || 'none';
    if (mapped.access !== access) {
      mapped.access = access;
      pull();
    }
    handlers.options({stream: stream || recall('stream') || undefined, token, language, board, access: door},
      {linked: Boolean(settings?.linking?.asTarget), access});
    if (access === 'none') handlers.problem('problem.access');
  });
  grist.ready(request(mapped));
  readMapping();
}

/**
 * Make the function that gets the whole table, never twice at a time, and rarely where it is big.
 * @param {GristApi} grist
 * @param {HostHandlers} handlers
 * @param {Mapped} mapped
 */
function createPull(grist, handlers, mapped) {
  let waiting = false;
  let running = false;
  let gap = 0;
  let last = 0;
  const pull = async () => {
    waiting = false;
    running = true;
    last = Date.now();
    try {
      const {mapping, columns: board, access} = mapped;
      let columns = renamed(await grist.fetchSelectedTable({keepEncoded: true, format: 'columns'}), mapping);
      let missing = unmapped(board.map(({name}) => name), mapping);
      if (missing.length && access === 'full') {
        columns = completed(columns, await grist.docApi.fetchTable(await grist.getSelectedTableId()), missing);
        missing = missing.filter((name) => !(name in columns));
      }
      const rows = toRows(columns);
      gap = rows.length > MANY_ROWS ? rows.length * MS_PER_ROW : 0;
      handlers.rows(rows);
      handlers.unmapped(missing);
    } catch {
      handlers.problem('problem.access');
    }
    running = false;
    if (waiting) schedule();
  };
  const schedule = () => setTimeout(pull, Math.max(0, last + gap - Date.now()));
  return () => {
    if (!waiting && !running) schedule();
    waiting = true;
  };
}
