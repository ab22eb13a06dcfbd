// Colours from outside: Grist's theme and the board's own, by constructed style sheets, which a strict CSP allows.

const gristSheet = new CSSStyleSheet();
const boardSheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, gristSheet, boardSheet];

/** Grist's own style element is refused by the CSP, so its colours are taken from its message. */
/** @param {{appearance: string, colors: Record<string, string>}} theme */
export function applyGristTheme({appearance, colors}) {
  const dark = appearance === 'dark';
  gristSheet.replaceSync(`:root{color-scheme:${dark ? 'dark' : 'light'}}`);
  const {style} = /** @type {CSSStyleRule} */ (gristSheet.cssRules[0]);
  for (const [name, value] of Object.entries(colors ?? {})) style.setProperty(`--grist-theme-${name}`, value);
}

/** @param {string} theme auto, light or dark */
export function applyTheme(theme) {
  document.documentElement.style.colorScheme = theme === 'auto' ? '' : theme;
}

/**
 * Give each status its colour as `--c`; the style sheet makes it readable in both themes.
 * @param {import('../core/types.js').Board} board whose colours are known to be plain hexadecimal
 */
export function applyBoardColors(board) {
  boardSheet.replaceSync(board.statuses.filter((s) => s.color)
    .map((s) => `[data-status="${s.index}"]{--c:${s.color}}`).join('\n'));
}
