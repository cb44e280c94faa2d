import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const server = process.env["KLATSCH_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    // The first with light-dark(), which the colours are written in.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // Everything is a file of its own: a strict Content-Security-Policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Swagger UI is large, and only the page of docs loads it.
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      input: {
        index: resolve(import.meta.dirname, "index.html"),
        docs: resolve(import.meta.dirname, "docs.html"),
      },
    },
  },
  server: {
    // `npm run dev` shows the page with a Klatsch that runs beside it.
    proxy: { "/api": { target: server, ws: true } },
  },
  test: { include: ["tests/client/**/*.test.ts"] },
});
