// How long a change takes from the server's commit to this page. Two clocks are compared, so their difference must go:
// the quickest event of the last minutes is taken for half a round trip, and the others are measured against it.

const KEEP_MS = 60_000;
/** A number that flickers with each event is not read. */
const TOLD_MS = 5000;
const BASE_MS = 600_000;
/** Older than this when it comes: it was replayed, not slow. */
const REPLAYED_MS = 30_000;

export function createLatency() {
  /** @type {{at: number, offset: number}[]} */
  let samples = [];
  /** The least offset of each minute. @type {{at: number, offset: number}[]} */
  let bases = [];
  let roundTrip = Infinity;
  /** What was told last, and when. @type {{at: number, ms: number | null}} */
  let told = {at: -Infinity, ms: null};

  return {
    /** A question was answered within this many ms. @param {number} ms */
    answered(ms) { roundTrip = Math.min(roundTrip, Math.max(0, ms)); },
    /**
     * An event came. @param {number} sent the server's clock, epoch ms @param {number} now ours
     */
    heard(sent, now) {
      const offset = now - sent;
      const base = leastOf(bases);
      if (base !== null && offset - base > REPLAYED_MS) return;
      samples.push({at: now, offset});
      const last = bases.at(-1);
      if (last && now - last.at < KEEP_MS) last.offset = Math.min(last.offset, offset);
      else bases.push({at: now, offset});
      if (samples.length > 2000) samples = samples.slice(-1000);
    },
    /** The 95th percentile of the last minute in ms, or null. @param {number} now */
    p95(now) {
      if (told.ms !== null && now - told.at < TOLD_MS && now >= told.at) return told.ms;
      told = {at: now, ms: measure(now)};
      return told.ms;
    },
    /** Another link: another server's clock. */
    forget() { samples = []; bases = []; roundTrip = Infinity; told = {at: -Infinity, ms: null}; },
  };

  /** @param {number} now */
  function measure(now) {
    samples = samples.filter((sample) => now - sample.at <= KEEP_MS);
    bases = bases.filter((base) => now - base.at <= BASE_MS);
    const base = leastOf(bases);
    if (!samples.length || base === null) return null;
    const sorted = samples.map((sample) => sample.offset - base).sort((a, b) => a - b);
    const floor = Number.isFinite(roundTrip) ? roundTrip / 2 : 0;
    return Math.max(1, Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.95) - 1)] + floor));
  }
}

/** @param {{offset: number}[]} bases */
const leastOf = (bases) => (bases.length ? Math.min(...bases.map((base) => base.offset)) : null);
