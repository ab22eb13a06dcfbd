import assert from 'node:assert/strict';
import test from 'node:test';
import {TEXTS, chooseLanguage, translator} from './i18n.js';
import {createClock} from './time.js';

const holes = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();

test('French and English have the same texts, with the same holes', () => {
  assert.deepEqual(Object.keys(TEXTS.fr).sort(), Object.keys(TEXTS.en).sort());
  for (const [key, text] of Object.entries(TEXTS.en)) {
    assert.equal(holes(TEXTS.fr[key]), holes(text), key);
    assert.ok(TEXTS.fr[key].trim() && text.trim(), key);
  }
});

test('every plural knows both forms in each language', () => {
  for (const [language, none, one, many] of [['fr', '0 lecteur', '1 lecteur', '1 200 lecteurs'], ['en', '0 viewers', '1 viewer', '1,200 viewers']]) {
    const t = translator(language);
    assert.deepEqual([0, 1, 1200].map((n) => t('viewers', {n}).replace(/\s/g, ' ')), [none, one, many]);
  }
});

test('a value is put in as it is, braces and all', () => {
  assert.equal(translator('en')('toast.test', {what: '{n} $& <b>'}), 'Test event received: {n} $& <b>');
});

test('the language is the first wish that we speak', () => {
  assert.equal(chooseLanguage([null, undefined, 'de-DE', 'fr-CA', 'en']), 'fr');
  assert.equal(chooseLanguage(['de']), 'en');
  assert.equal(chooseLanguage(['constructor']), 'en');
});

test('times are relative, then a date', () => {
  const now = Date.UTC(2026, 10, 22, 12);
  const [fr, en] = [createClock('fr', 'Europe/Paris'), createClock('en', 'Europe/Paris')];
  const plain = (text) => text.replace(/\s/g, ' ');
  for (const [age, french, english] of [
    [10, 'à l’instant', 'just now'], [-20, 'à l’instant', 'just now'], [240, 'il y a 4 min', '4 min ago'], [7200, 'il y a 2 h', '2 h ago'],
    [3 * 86400, 'il y a 3 j', '3 d ago'], [30 * 86400, '23 oct.', '23 Oct'], [800 * 86400, '13 sept. 2024', '13 Sept 2024'],
  ]) {
    assert.equal(plain(fr.relative(now - age * 1000, now)), french);
    assert.equal(plain(en.relative(now - age * 1000, now)), english);
  }
  assert.match(fr.exact(now), /dimanche 22 novembre 2026.*13:00:00/);
});
