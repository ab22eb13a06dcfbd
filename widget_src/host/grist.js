// Inside Grist: the only file that says `grist.`. Its plugin API comes from the configured Grist server, from nowhere else.
import {toRows} from './grist-rows.js';
import {recall, remember} from './storage.js';
/**
 * @typedef {import('../core/types.js').HostHandlers} HostHandlers
 * @typedef {{ready(o: object): void, on(e: 'message', f: (m: any) => void): void,
 *   onOptions(f: (options: any, settings: any) => void): void,
 *   setOption(key: string, value: unknown): Promise<void>,
 *   fetchSelectedTable(o: object): Promise<Record<string, unknown[]>>}} GristApi
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
  return {
    kind: 'grist',
    start(handlers) {
      load(source).then((api) => listen(grist = api, handlers), () => handlers.problem('problem.api'));
    },
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

/**
 * @param {GristApi} grist
 * @param {HostHandlers} handlers
 */
function listen(grist, handlers) {
  const pull = createPull(grist, handlers);
  grist.on('message', (message) => {
    if (message.theme) handlers.theme(message.theme);
    if (message.dataChange) pull();
  });
  grist.onOptions((options, settings) => {
    const {stream, token, language, board} = options || {};
    const access = settings?.accessLevel || 'none';
    handlers.options({stream: stream || recall('stream') || undefined, token, language, board},
      {linked: Boolean(settings?.linking?.asTarget), access});
    if (access === 'none') handlers.problem('problem.access');
  });
  grist.ready({requiredAccess: 'read table', allowSelectBy: true});
}

/**
 * Make the function that gets the whole table, never twice at a time, and rarely where it is big.
 * @param {GristApi} grist
 * @param {HostHandlers} handlers
 */
function createPull(grist, handlers) {
  let waiting = false;
  let running = false;
  let gap = 0;
  let last = 0;
  const pull = async () => {
    waiting = false;
    running = true;
    last = Date.now();
    try {
      const rows = toRows(await grist.fetchSelectedTable({keepEncoded: true, format: 'columns'}));
      gap = rows.length > MANY_ROWS ? rows.length * MS_PER_ROW : 0;
      handlers.rows(rows);
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
