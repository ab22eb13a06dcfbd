// What is asked of the server besides the stream: history, counts over time, who I am, and to take a row.
/** @typedef {import('./types.js').Env} Env */

/** The server said no, or nothing; `status` is 0 when it could not be reached. */
export class ApiError extends Error {
  /** @param {number} status @param {any} [body] */
  constructor(status, body) {
    super(String(body?.error ?? status));
    this.status = status;
    this.body = body ?? {};
  }
}

const TIMEOUT_MS = 15_000;
/** The server waits for its turn, then for Grist, and says what came of it. */
const TAKE_MS = 30_000;
/** What can't stand in a header is no token, and would make `fetch` throw as if the server were away. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** @param {string} token @param {Record<string, string>} headers */
export const authorize = (token, headers) => (SENDABLE.test(token) ? {...headers, Authorization: `Bearer ${token}`} : headers);

/**
 * @param {{stream: string, token: string, env: Env, measured?: (ms: number) => void}} from `measured` gets the time
 *   that each answer took
 */
export function createApi({stream, token, env, measured}) {
  /** @param {string} path @param {URLSearchParams | null} query @param {object} [body] @param {number} [patience] */
  const ask = async (path, query, body, patience = TIMEOUT_MS) => {
    const url = new URL(stream);
    url.pathname = url.pathname.replace(/\/stream$/, `/${path}`);
    const own = new URLSearchParams(url.search);
    for (const [name, value] of query ?? []) own.append(name, value);
    url.search = own.toString();
    const limit = new AbortController();
    const timer = env.setTimeout(() => limit.abort(), patience);
    const start = env.now();
    try {
      const answer = await env.fetch(url.href, {
        method: body ? 'POST' : 'GET', cache: 'no-store', signal: limit.signal,
        headers: authorize(token, {Accept: 'application/json', ...(body ? {'Content-Type': 'application/json'} : {})}),
        ...(body ? {body: JSON.stringify(body)} : {}),
      });
      if (!body) measured?.(env.now() - start);
      const told = await answer.json().catch(() => null);
      if (!answer.ok || told === null) throw new ApiError(answer.ok ? 502 : answer.status, told);
      return told;
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(0);
    } finally {
      env.clearTimeout(timer);
    }
  };
  return {
    /** @param {URLSearchParams} query @returns {Promise<{changes: import('./types.js').LoggedChange[], before: string | null}>} */
    history: (query) => ask('history', query),
    /** @param {number} hours @returns {Promise<{counts: {at: number, counts: Record<string, number>}[]}>} */
    stats: (hours) => ask('stats', new URLSearchParams({hours: String(hours)})),
    /** @returns {Promise<import('./types.js').Viewer>} */
    viewer: () => ask('viewer', null),
    /** @param {number} row @param {string} by @returns {Promise<{fields: import('./types.js').Fields}>} */
    take: (row, by) => ask(`rows/${row}/take`, null, {by}, TAKE_MS),
    /** @param {string} grist an access token of Grist's @returns {Promise<{token: string, expires: number}>} */
    token: (grist) => ask('token', null, {token: grist}),
  };
}
