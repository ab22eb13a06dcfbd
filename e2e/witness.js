// Runs in every frame before its own scripts, and keeps what would be gone before a test looks.
(() => {
  const seen = {flashes: [], toasts: [], links: [], tones: 0};
  window.__seen = seen;
  const last = new WeakMap(); // a row that moves is put in anew: the same flash is told once
  const flash = (row) => {
    const name = /\bflash-\d/.exec(row.className)?.[0];
    if (name && name !== last.get(row)) seen.flashes.push(Number(row.dataset.row));
    last.set(row, name);
  };
  const added = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const one of [node, ...node.querySelectorAll('[data-row], .toast')]) {
      if (one.matches('[data-row]')) flash(one);
      if (one.matches('.toast')) {
        seen.toasts.push({kind: one.dataset.toast, row: Number(one.dataset.toastRow) || null,
          text: one.querySelector('.toast-text').textContent.trim()});
      }
    }
  };
  const changed = ({type, target, attributeName, addedNodes}) => {
    if (type === 'childList') return addedNodes.forEach(added);
    if (attributeName === 'data-link') {
      if (target === document.body && target.dataset.link !== seen.links.at(-1)) seen.links.push(target.dataset.link);
    } else if (target.matches('[data-row]')) {
      flash(target);
    }
  };
  new MutationObserver((records) => records.forEach(changed)).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'data-link'],
  });
  const {start} = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function count(...when) {
    seen.tones += 1;
    return start.apply(this, when);
  };
})();
