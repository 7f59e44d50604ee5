import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

import { defineConfig, type Plugin } from 'vite';

/** Writes `name.br` beside each script and style sheet, which the server sends to browsers that take it. */
function brotli(): Plugin {
  return {
    name: 'caregraph-brotli',
    apply: 'build',
    async writeBundle({ dir }) {
      const assets = join(dir ?? 'dist', 'assets');
      for (const name of await readdir(assets)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const content = await readFile(join(assets, name));
        // 9 of 11: nearly as small, in a tenth of the time.
        const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
        await writeFile(join(assets, `${name}.br`), brotliCompressSync(content, options));
      }
    },
  };
}

const api = process.env.CAREGRAPH_API_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [brotli()],
  build: {
    target: 'es2022',
    // One style sheet, and nothing inline: the page's Content-Security-Policy allows scripts from files only.
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The editor is one large part of every page view; splitting it would only add round trips.
    chunkSizeWarningLimit: 8_000,
    rolldownOptions: {
      // Libraries mark client components for server rendering, which this page has none of.
      onLog(level, log, handle) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  worker: { format: 'es' },
  // `npm run dev` against a running API.
  server: {
    proxy: {
      '/v1/graphql': { target: api, ws: true },
      '/dev': api,
    },
  },
});
