// Stand-ins for the tests of the link: a server in a few lines, and a link to it under a clock of the test's.
import {openLink} from './link.js';
import {fakeTime} from './testing.js';

const encode = (text) => new TextEncoder().encode(text);

/** A server in a few lines: each request takes the next answer, or waits for one. */
function server(...answers) {
  const requests = [];
  const streams = [];
  const fetch = async (url, {headers, signal}) => {
    requests.push({url, headers});
    const answer = answers.shift() ?? {};
    if (answer.fails) throw new TypeError('network');
    if (answer.hangs) return new Promise((_, fail) => { signal.addEventListener('abort', () => fail(new Error('aborted'))); });
    if (answer.status) return {ok: false, status: answer.status, headers: new Headers(answer.headers)};
    if (answer.json) return {ok: true, status: 200, headers: new Headers(answer.headers), json: async () => (await answer.takes, answer.json)};
    let control;
    const body = new ReadableStream({start(c) { control = c; }});
    signal.addEventListener('abort', () => { try { control.error(new Error('aborted')); } catch { /* closed */ } });
    streams.push({send: (text) => control.enqueue(encode(text)), close: () => control.close(), break: () => control.error(new Error('cut'))});
    if (answer.text) control.enqueue(encode(answer.text));
    return {ok: true, status: 200, headers: new Headers({'content-type': answer.type ?? 'text/event-stream; charset=utf-8'}), body};
  };
  return {fetch, requests, streams};
}

export const HELLO = 'event: hello\ndata: {"id":"e-5","replayed":0}\n\n';
export const SNAPSHOT = {json: {id: 'e-5', rows: []}};

export function start(answers, {snapshot = false, token = '', random = () => 0.5, env = {}} = {}) {
  const time = fakeTime();
  const host = server(...answers);
  const log = {states: [], events: [], snapshots: 0};
  const link = openLink({
    streamUrl: 'http://s/boards/b/stream', snapshotUrl: snapshot ? 'http://s/boards/b/snapshot' : null, token,
    env: {...time, fetch: host.fetch, random, ...env},
    onSnapshot: (_, at) => { log.snapshots += 1; log.at = at; },
    onEvent: (event, body, id) => log.events.push([event, body, id]),
    onState: ({kind}) => log.states.push(kind),
  });
  return {time, link, log, ...host};
}
