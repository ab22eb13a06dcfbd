// The code of a French department, out of a postcode in a text: the server's rule (grist_live/department.py).

/** A postcode, and whether a town follows it. */
const TOGETHER = /(?:(?<=(?<![\p{L}\p{N}_])F-)|(?<![\p{L}\p{N}_-]))(\d{2})(\d{3})(?![\p{L}\p{N}_-])(\s+\p{L})?/gu;
/** Written "13 002": only before a town's name or a bracket, or "RN 10 200 m" were one. */
const APART = /(?<![\p{L}\p{N}_-])(\d{2}) (\d{3})(?=\s*\)|\s+[A-ZÀ-ÖØ-Þ])()/gu;
/** Whole communes whose postcode begins with another department's. @type {Record<string, string>} */
const EXCEPTIONS = {97133: '977', 97150: '978', 94390: '91'};
const OVERSEAS = new Set(['971', '972', '973', '974', '975', '976', '977', '978', '984', '986', '987', '988', '989']);

/**
 * Derive the department: 13, 2A, 974; '' without a postcode. Of several numbers the one before a town's name counts.
 * @param {string} place
 */
export function departmentOf(place) {
  if (!/\d{3}/.test(place)) return '';
  const found = [...place.matchAll(TOGETHER), ...place.matchAll(APART)].sort((a, b) => Number(!a[3]) - Number(!b[3]));
  for (const [, first, rest] of found) {
    const code = ofPostcode(first, rest);
    if (code) return code;
  }
  return '';
}

/** @param {string} first @param {string} rest */
function ofPostcode(first, rest) {
  if (first + rest in EXCEPTIONS) return EXCEPTIONS[first + rest];
  if (first === '20') return '01'.includes(rest[0]) ? '2A' : '2B';
  if (first === '97' || first === '98') return OVERSEAS.has(first + rest[0]) ? first + rest[0] : '';
  return first >= '01' && first <= '95' ? first : '';
}

/** Write a department's code as one writes it: 1 is 01, 2a is 2A. @param {string} text */
export function departmentCode(text) {
  const code = text.trim().toUpperCase();
  return /^\d+$/.test(code) ? code.padStart(2, '0') : code;
}
