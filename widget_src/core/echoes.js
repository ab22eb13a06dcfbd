// Two sources tell the same change (Grist's onRecords and the stream), in no fixed order, up to seconds apart.
// This remembers what each has told, so that the second telling is known as an echo.
/**
 * @typedef {'grist' | 'stream'} Source
 * @typedef {{grist: number, stream: number, at: number}} Told
 */

const KEEP_MS = 60_000;

/**
 * A telling is news when its source has told it more often than the other: v1 → v2 → v1 is three pieces of
 * news, each once, although every value comes twice and the tellings interleave.
 * @param {() => number} now epoch milliseconds
 */
export function createEchoes(now) {
  /** @type {Map<string, Told>} oldest first, because a key moves to the end when it is told again */
  const told = new Map();

  const forget = () => {
    const limit = now() - KEEP_MS;
    for (const [key, entry] of told) {
      if (entry.at > limit) return;
      told.delete(key);
    }
  };

  return {
    /**
     * Note that a source tells these values of a row; true when at least one of them is news.
     * @param {Source} source
     * @param {number} row
     * @param {[column: string, value: unknown][]} values
     */
    tell(source, row, values) {
      forget();
      let news = false;
      for (const [column, value] of values) {
        const key = `${row} ${column} ${JSON.stringify(value) ?? ''}`;
        const entry = told.get(key) || {grist: 0, stream: 0, at: 0};
        entry[source] += 1;
        entry.at = now();
        told.delete(key);
        told.set(key, entry);
        if (entry[source] > entry[source === 'grist' ? 'stream' : 'grist']) news = true;
      }
      return news;
    },
    size: () => told.size,
  };
}
