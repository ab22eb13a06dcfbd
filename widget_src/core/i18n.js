// The interface's texts.
import en from './texts-en.js';
import fr from './texts-fr.js';
/**
 * @typedef {keyof typeof en} TextKey
 * @typedef {(key: TextKey, values?: Record<string, string | number>) => string} Translate
 */

/** @type {Record<string, Record<TextKey, string>>} */
export const TEXTS = {en, fr};

/**
 * Choose the language: the first wish that we speak; English when none is.
 * @param {(string | null | undefined)[]} wishes such as "fr-FR"
 */
export function chooseLanguage(wishes) {
  for (const wish of wishes) {
    const language = wish?.slice(0, 2).toLowerCase();
    if (language && language in TEXTS) return language;
  }
  return 'en';
}

/**
 * Make the function that gives a text: `{name}` is replaced by a value, and `one | many` chosen by `{n}`.
 * @param {string} language
 * @returns {Translate}
 */
export function translator(language) {
  const texts = TEXTS[language] || en;
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return (key, values = {}) => {
    let text = texts[key];
    if (text.includes(' | ')) text = text.split(' | ')[plural.select(Number(values.n)) === 'one' ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name];
      return typeof value === 'number' ? number.format(value) : value ?? '';
    });
  };
}
