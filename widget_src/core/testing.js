// Stand-ins for tests: a small board, and a clock that moves when told.

export const BOARD = {
  name: 'interventions', title: {fr: 'Interventions', en: 'Interventions'},
  columns: [
    {id: 'ID2', role: 'title', type: 'Text'}, {id: 'Agent', role: 'assignee', type: 'Text'},
    {id: 'Statut', role: 'status', type: 'Choice'}, {id: 'Priorite', role: 'priority', type: 'Choice'},
    {id: 'Derniere_MAJ', role: 'updated_at', type: 'DateTime:Europe/Paris'},
  ],
  statuses: [
    {value: 'En attente', meaning: 'waiting', color: '#5F6B7A'}, {value: 'En cours', meaning: 'active'},
    {value: 'Terminé', meaning: 'done'}, {value: 'Bloqué', meaning: 'blocked', color: 'red;}*{display:none'},
  ],
  priorities: [
    {value: 'Basse', rank: 0}, {value: 'Normale', rank: 1}, {value: 'Haute', rank: 2}, {value: 'Urgente', rank: 3, urgent: true},
  ],
};

export const row = (id, fields = {}) => ({id, fields: {ID2: `INT-${id}`, Agent: 'Inès', Statut: 'En attente', Priorite: 'Normale', ...fields}});

/** A clock and timers under the test's control; `run(ms)` moves on, and lets promises settle on the way. */
export function fakeTime(start = 1_700_000_000_000) {
  let now = start;
  let timers = [];
  const settle = async () => { for (let i = 0; i < 25; i += 1) await null; await new Promise((done) => setImmediate(done)); };
  return {
    now: () => now,
    setTimeout(run, ms) { const timer = {run, at: now + ms}; timers.push(timer); return timer; },
    clearTimeout(timer) { timers = timers.filter((t) => t !== timer); },
    pending: () => timers.map((t) => t.at - now).sort((a, b) => a - b),
    /** The clock goes on while timers stand still: a machine that sleeps. */
    skip(ms) { now += ms; },
    async run(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        now = Math.max(now, next.at);
        timers = timers.filter((t) => t !== next);
        next.run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}
