// Bundle a widget: `node widget_src/bundle.js ENTRY.js STYLE.css` prints {"script": "…", "style": "…"}.
import {build} from 'esbuild';

const [script, style] = process.argv.slice(2);
const common = {bundle: true, minify: true, write: false, legalComments: 'none', logLevel: 'error', charset: 'utf8'};
const [js, css] = await Promise.all([
  build({...common, entryPoints: [script], format: 'iife', target: 'es2022', conditions: ['production']}),
  build({...common, entryPoints: [style]}),
]);
process.stdout.write(JSON.stringify({script: js.outputFiles[0].text, style: css.outputFiles[0].text}));
