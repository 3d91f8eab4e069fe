// `vite build` writes the page into build/web: files that any web server serves, and that need no other.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { defineConfig } from "vite";

const root = import.meta.dirname;
const out = path.resolve(root, "../build/web");
const main = fs.readFileSync(path.resolve(root, "../runtime/infonet/__init__.py"), "utf8");
const version = /^__version__ = "(.+?)"/m.exec(main)[1];

/** Write offline.js, the service worker, with a list of all files: after the first visit the page needs no network. */
function offline() {
  return {
    name: "offline",
    closeBundle() {
      const files = fs
        .readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== "offline.js")
        .map((entry) => path.relative(out, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
        .sort();
      const source = fs.readFileSync(path.join(root, "src/offline.js"), "utf8");
      const hash = createHash("sha256");
      for (const file of files) hash.update(file).update(fs.readFileSync(path.join(out, file)));
      const name = `infonet-${version}-${hash.digest("hex").slice(0, 12)}`;
      const listed = source
        .replace("__FILES__", JSON.stringify(["./", ...files]))
        .replace("__NAME__", JSON.stringify(name));
      fs.writeFileSync(path.join(out, "offline.js"), listed);
    },
  };
}

export default defineConfig({
  root,
  base: "./",
  assetsInclude: ["**/*.onnx", "**/*.csv"],
  build: { outDir: out, emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false } },
  worker: { format: "es" },
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [offline()],
});
