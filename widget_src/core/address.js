// From what a person or a document gives to the addresses that are asked.

/**
 * Find the stream's address: the one given in full, else the board's on its server.
 * @param {string} given a server's address or a full stream address; '' is the server that the page came from
 * @param {string} board
 * @param {string} page the page's own address, against which a relative one is read
 * @returns {string | null} null when it is no http(s) address
 */
export function streamAddress(given, board, page) {
  let url;
  try {
    url = given.trim() ? new URL(given.trim(), page) : home(page);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  url.hash = '';
  if (/\/stream$/.test(url.pathname)) return url.href;
  // The compatible addresses carry another format: the same server's native one is meant.
  const base = url.pathname.replace(/\/(?:webhook\/)?sse-stream$|\/boards\/[^/]+\/?$|\/+$/, '');
  url.pathname = `${base}/boards/${encodeURIComponent(board)}/stream`;
  return url.href;
}

/** The server's own address, which may have a path (behind a proxy), by that of one of its pages. @param {string} page */
function home(page) {
  const url = new URL(page);
  url.search = '';
  url.pathname = url.pathname.replace(/\/(?:widgets|boards)\/[^/]*$/, '');
  return url;
}

/** Which board a stream is of; '' when its address doesn't say. @param {string | null} stream */
export function boardOf(stream) {
  try {
    return decodeURIComponent(/\/boards\/([^/]+)\/stream$/.exec(stream?.split('?')[0] ?? '')?.[1] ?? '');
  } catch {
    return ''; // a % that encodes nothing
  }
}

/**
 * The snapshot that goes with a stream: the same address and filters, another last word.
 * @param {string} stream
 */
export function snapshotAddress(stream) {
  const url = new URL(stream);
  url.pathname = url.pathname.replace(/\/stream$/, '/snapshot');
  return url.href;
}

/**
 * A browser refuses plain http from an https page, and says so only in its console.
 * @param {string} stream
 * @param {string} page
 */
export function isMixedContent(stream, page) {
  const {protocol, hostname} = new URL(stream);
  return page.startsWith('https:') && protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
