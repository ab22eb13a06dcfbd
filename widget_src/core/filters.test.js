import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';
import {compileBoard} from './board.js';
import {departmentCode, departmentOf} from './department.js';
import {NO_FILTERS, baseTest, countFilters, facet, fitting, fold, hasBase, historyTest, readFilters, serverQuery, spellings, stateTest, toggled, withRole, withShow, writeFilters} from './filters.js';
import {itemReader, lateness} from './items.js';
import {readPlace, writePlace} from './page-address.js';
import {BOARD, row} from './testing.js';
import {concerns} from './timeline.js';

const DESCRIBED = {...BOARD, department: 'derived', columns: [...BOARD.columns, {id: 'Lieu', role: 'place'}, {id: 'Type', role: 'kind'}]};
const board = compileBoard(DESCRIBED);
const read = itemReader(board);
const items = [
  row(1, {Lieu: 'Église, 13001 Marseille', Type: 'Voirie', Agent: 'Zoé'}), row(2, {Lieu: '2 rue, 20200 Bastia', Type: 'Voirie', Agent: 'Ana', Statut: 'En cours'}),
  row(3, {Lieu: 'Gap', Type: 'Autre', Agent: 'Zoé', Statut: 'Terminé'}), row(4, {Lieu: '13002 Marseille', Type: 'Autre', Agent: '', Priorite: 'Urgente'}),
].map(read);
const found = (filters, me = '') => items.filter(baseTest(filters, me)).filter(stateTest(filters)).map((item) => item.id);
const given = (query) => readFilters(new URLSearchParams(query));

test('values of one role are alternatives, different ones all hold', () => {
  assert.deepEqual(found(given('show=all')), [1, 2, 3, 4]);
  assert.deepEqual(found(given('show=all&kind=Voirie')), [1, 2]);
  assert.deepEqual(found(given('show=all&department=13&department=2B')), [1, 2, 4]);
  assert.deepEqual(found(given('show=all&department=13&kind=Autre')), [4]);
  assert.deepEqual(found(given('assignee=')), [4], 'nobody has it');
  assert.deepEqual(found(given('priority=Urgente')), [4]);
});

test('a department is a postcode in the place, never "contains 13"', () => {
  for (const [place, code] of [
    ['13001 Marseille', '13'], ['8 rue du 13 mai, Gap', ''], ['113 avenue', ''], ['RN 10 200 m', ''], ['20000 Ajaccio', '2A'], ['20167 Alata', '2A'],
    ['20200 Bastia', '2B'], ['97411 Saint-Paul', '974'], ['97133 Saint-Barthélemy', '977'], ['06000 Nice', '06'], ['F-67000 Strasbourg', '67'],
    ['lot 12345-6', ''], ['bât. 99999', ''], ['lot 12345, 33000 Bordeaux', '33'], ['13 002 Marseille', '13'],
  ]) assert.equal(departmentOf(place), code, place);
  assert.deepEqual([' 2a', '1', '974'].map(departmentCode), ['2A', '01', '974']);
});

test('a search finds all words anywhere, without case and accents', () => {
  assert.deepEqual(found(given('q=eglise+MARSEILLE')), [1]);
  assert.deepEqual(found(given('q=marseille+gap')), []);
  assert.equal(fold('L’Œuvre ÉTEINTE'), "l'oeuvre eteinte");
});

test('mine are those whose assignee has my name', () => {
  assert.deepEqual(found(given('show=all&mine=1'), 'zoe'), [1, 3]);
  assert.deepEqual(found(given('mine=1'), ''), [], 'nobody is nobody');
});

test('the address holds the filters, and only what is no default', () => {
  for (const query of ['', 'show=all', 'status=En+cours', 'show=urgent&status=En+cours', 'kind=Voirie&kind=Autre&q=a+b&mine=1', 'assignee=']) {
    const params = new URLSearchParams();
    writeFilters(given(query), params);
    assert.deepEqual([...params].sort(), [...new URLSearchParams(query)].sort(), query);
    assert.deepEqual(readFilters(params), given(query));
  }
  assert.equal(given('show=<script>').show, 'open');
  assert.deepEqual(given(`kind=${'x'.repeat(300)}`).roles, {}, 'nobody chose that');
  assert.deepEqual(given('department=2a&department=1&kind=+a+').roles, {department: ['2A', '01'], kind: ['a']}, 'as it is meant');
  assert.equal(given(Array.from({length: 150}, (_, n) => `place=${n}`).join('&')).roles.place.length, 90, 'no more than the server takes');
});

test('view and row stand in the address, beside what else is there', () => {
  const place = readPlace('?token=a%2Bb&view=kanban&row=12&kind=Voirie');
  assert.deepEqual([place.view, place.row, place.filters.roles], ['kanban', 12, {kind: ['Voirie']}]);
  assert.equal(writePlace('?token=a%2Bb', place), '?token=a%2Bb&view=kanban&row=12&kind=Voirie');
  assert.equal(writePlace('?view=timeline&row=3', readPlace('')), '');
  assert.deepEqual([readPlace('?view=x&row=-1').view, readPlace('?row=1e99').row, readPlace('?row=a').row], ['list', null, null]);
});

test('a status takes the place of open or all, and goes with urgent', () => {
  const chosen = toggled(NO_FILTERS, 'status', 'Terminé');
  assert.deepEqual([chosen.show, chosen.roles.status], ['all', ['Terminé']]);
  assert.deepEqual(toggled(chosen, 'status', 'Terminé'), NO_FILTERS);
  assert.equal(withRole(withShow(NO_FILTERS, 'urgent'), 'status', ['En cours']).show, 'urgent');
  assert.deepEqual(withShow(chosen, 'open'), NO_FILTERS);
  assert.deepEqual(found(given('show=urgent&status=En+attente')), [4], 'both hold');
  assert.deepEqual([countFilters(given('kind=a&kind=b&q=x&mine=1')), hasBase(given('status=x')), hasBase(given('q=x'))], [4, false, true]);
});

for (const [name, {described, rows, cases}] of Object.entries(JSON.parse(readFileSync(new URL('../../tests/filter_cases.json', import.meta.url), 'utf8')))) {
  test(`the page filters as the server does: ${name}`, () => {
    const own = compileBoard(described);
    const all = rows.map(itemReader(own));
    for (const [query, ids] of cases) {
      const filters = given(`show=all&${query}`);
      assert.deepEqual(all.filter(baseTest(filters, '')).filter(stateTest(filters)).map((item) => item.id), ids, query);
      const asked = given(serverQuery(filters, own, []));
      assert.deepEqual(all.filter(baseTest(asked, '')).filter(stateTest({...asked, show: 'all'})).map((item) => item.id), ids, `${query}, as the server is asked`);
    }
  });
}

test('the server is asked in its own words', () => {
  assert.equal(serverQuery(given('kind=Voirie&q= a &mine=1&status=En+cours'), board, ['Zoé']).toString(), 'status=En+cours&kind=Voirie&assignee=Zo%C3%A9&q=a');
  assert.equal(serverQuery(given('show=urgent'), board, []).toString(), 'priority=Urgente');
  assert.deepEqual(spellings(' zoe', items), ['zoe', 'Zoé'], 'a name as the rows have it');
  assert.equal(serverQuery(given('mine=1&assignee=Ana&assignee=Zoé'), board, spellings('ZOE', items)).toString(), 'assignee=Zo%C3%A9');
  for (const query of ['mine=1&assignee=Ana', 'show=urgent&priority=Haute']) assert.equal(serverQuery(given(query), board, ['Zoé']), null, query);
  assert.equal(serverQuery(given('mine=1'), board, spellings('', items)), null, 'nobody is nobody');
});

test('a filter that the board has no column for hides nothing', () => {
  const filters = given('show=all&department=13&kind=Voirie&assignee=Ana&mine=1');
  const bare = compileBoard({name: 'x', columns: [{id: 'A', role: 'title'}, {id: 'Type', role: 'kind'}]});
  assert.deepEqual(fitting(filters, bare), {show: 'all', roles: {kind: ['Voirie']}, q: '', mine: false});
  assert.equal(fitting(filters, bare), fitting(filters, bare), 'what is the same is told to be the same');
  assert.equal(fitting(filters, board), filters);
  assert.equal(fitting(filters, compileBoard({name: 'x', columns: []})), filters, 'nothing is known of it yet');
});

test('a change is in the timeline of who saw the row before it, or sees it after it', () => {
  const fields = {Statut: 'En cours', Priorite: 'Haute', Type: 'Voirie'};
  const of = (query, action, was, now = {}) => concerns({action, row: 1, was, fields: now}, {fields: {...fields, ...now}, read, test: historyTest(given(query), '')});
  assert.deepEqual(['En attente', 'En cours', 'Terminé'].map((status) => of(`status=${status}`, 'update', {Statut: 'En attente'}, {Statut: 'En cours'})), [true, true, false]);
  assert.ok(of('show=urgent', 'update', {Priorite: 'Urgente'}, {Priorite: 'Haute'}) && !of('show=urgent', 'update', {Statut: 'x'}, {Statut: 'y'}));
  assert.ok(of('', 'update', {Statut: 'En cours'}, {Statut: 'Terminé'}), 'that it is done is news to who sees what is open');
  assert.ok(of('kind=Autre', 'remove', {...fields, Type: 'Autre'}) && !of('kind=Autre', 'add', {}, fields));
});

test('texts that are cut in the list are searched as a whole, and are no choices', () => {
  const far = [read(row(1, {Lieu: `${'x'.repeat(1000)} 33000 Bordeaux`, Type: 'y'.repeat(300)}))];
  assert.deepEqual(far.filter(baseTest(given('q=bordeaux&department=33'), '')), far);
  assert.deepEqual(facet(far, given(''), '', 'kind'), []);
});

test('a choice tells how many it would show', () => {
  assert.deepEqual(facet(items, given('show=all&kind=Voirie'), '', 'kind'), [{value: 'Autre', n: 2}, {value: 'Voirie', n: 2}]);
  assert.deepEqual(facet(items, given('kind=Voirie'), '', 'assignee'), [{value: 'Ana', n: 1}, {value: 'Zoé', n: 1}]);
  assert.deepEqual(facet(items, given('show=urgent'), '', 'status'), [{value: 'En attente', n: 1}], 'of the urgent ones');
  assert.deepEqual(facet(items, given('department=20'), '', 'department').find(({value}) => value === '20'), {value: '20', n: 1}, 'all of Corsica');
  const listed = [row(1, {Type: ['L', 'Eau', 'Gaz']}), row(2, {Type: ['L', 'Gaz']}), row(3, {Type: null})].map(read);
  assert.deepEqual(facet(listed, given(''), '', 'kind'), [{value: 'Gaz', n: 2}, {value: '', n: 1}, {value: 'Eau', n: 1}], 'each of a list');
  assert.deepEqual(facet(items, given('department=75'), '', 'department').at(-1), {value: '75', n: 0}, 'what is chosen stays to be seen');
});

test('a row is late by its priority, until it is done', () => {
  const late = itemReader(compileBoard({...DESCRIBED, priorities: [{value: 'Haute', delay: {amber: 60, red: 240}}, {value: 'Basse', delay: null}]}));
  const of = (minutes, fields) => lateness(late(row(1, {Priorite: 'Haute', Derniere_MAJ: 1_700_000_000, ...fields})), 1_700_000_000_000 + minutes * 60_000);
  assert.deepEqual([59, 60, 239, 240].map((minutes) => of(minutes)), ['', 'amber', 'amber', 'red']);
  assert.deepEqual([of(999, {Statut: 'Terminé'}), of(999, {Priorite: 'Basse'}), of(999, {Derniere_MAJ: null})], ['', '', '']);
});
