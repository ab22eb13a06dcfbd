import assert from 'node:assert/strict';
import test from 'node:test';
import {boardOf, isMixedContent, snapshotAddress, streamAddress} from './address.js';
import {addressProblem, linkSettings} from './settings.js';

const PAGE = 'https://live.example.org/widgets/dashboard.html?access=x';

test('an address becomes the stream of the board', () => {
  for (const [given, stream] of [
    ['', 'https://live.example.org/boards/b/stream'], ['https://s.org', 'https://s.org/boards/b/stream'],
    ['https://s.org/grist/', 'https://s.org/grist/boards/b/stream'], ['https://s.org/boards/x/stream?department=13', 'https://s.org/boards/x/stream?department=13'],
    ['https://s.org/webhook/sse-stream', 'https://s.org/boards/b/stream'], ['https://s.org/boards/z', 'https://s.org/boards/b/stream'],
    ['javascript:alert(1)', null], ['ftp://s.org', null], ['http://', null],
  ]) assert.equal(streamAddress(given, 'b', PAGE), stream, given);
  assert.equal(snapshotAddress('https://s.org/boards/x/stream?department=13'), 'https://s.org/boards/x/snapshot?department=13');
});

test('a served page finds its server, also one that has a path behind a proxy', () => {
  for (const [page, stream] of [
    ['https://s.org/?view=kanban', 'https://s.org/boards/b/stream'], ['https://s.org/boards/b?token=x#y', 'https://s.org/boards/b/stream'],
    ['https://s.org/live/', 'https://s.org/live/boards/b/stream'], ['https://s.org/live/boards/b?q=a', 'https://s.org/live/boards/b/stream'],
    ['https://s.org/a/live/widgets/dashboard.html?access=full', 'https://s.org/a/live/boards/b/stream'],
  ]) assert.equal(streamAddress('', 'b', page), stream, page);
});

test('which board a stream is of', () => {
  for (const [stream, board] of [
    ['https://s.org/boards/a%20b/stream?q=x', 'a b'], ['https://s.org/boards/%/stream', ''], ['https://s.org/boards/%E0%A4/stream', ''],
    ['https://s.org/sse-stream', ''], [null, ''],
  ]) assert.equal(boardOf(stream), board, stream);
});

test('plain http from an https page is refused by browsers, but for this machine', () => {
  assert.ok(isMixedContent('http://s.org/x/stream', PAGE));
  assert.ok(!isMixedContent('http://127.0.0.1:8484/x/stream', PAGE));
  assert.equal(addressProblem('http://s.org', PAGE), 'link.mixed');
  assert.equal(addressProblem('s.org', PAGE), 'link.bad');
  assert.equal(addressProblem('https://s.org', PAGE), '');
});

const settle = (config, options = {}, stored = {}) => linkSettings({
  config: {server: null, token: '', standalone: false, ...config}, options, board: 'b', page: PAGE,
  storedToken: (stream) => stored[stream] ?? null});

test('who says where the stream is: the document, else the page; a served page asks its own server', () => {
  assert.equal(settle({}).stream, null);
  assert.equal(settle({}, {stream: 'https://s.org'}).stream, 'https://s.org/boards/b/stream');
  assert.equal(settle({server: ''}).stream, 'https://live.example.org/boards/b/stream');
  assert.equal(settle({server: ''}, {stream: 'https://s.org/boards/x/stream'}).stream, 'https://s.org/boards/x/stream');
  assert.equal(settle({server: '', standalone: true}, {stream: 'https://s.org'}).stream, 'https://live.example.org/boards/b/stream');
});

test('a token that a person gave for this stream goes first', () => {
  const stream = 'https://live.example.org/boards/b/stream';
  assert.equal(settle({server: '', token: 'page'}).token, 'page');
  assert.equal(settle({server: '', token: 'page'}, {token: 'document'}).token, 'document');
  assert.equal(settle({server: '', token: 'page'}, {}, {[stream]: 'mine'}).token, 'mine');
  assert.equal(settle({server: '', token: 'page'}, {}, {'https://else/stream': 'mine'}).token, 'page');
  assert.equal(settle({server: '', token: 'new', standalone: true}, {}, {[stream]: 'old'}).token, 'new', 'the address is newer');
  assert.equal(settle({server: '', token: '', standalone: true}, {}, {[stream]: 'mine'}).token, 'mine');
});
