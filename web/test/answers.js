// What the package says, in the folder INFONET_WEB_ANSWERS, which tests/web/test_web.py fills for each run.

import fs from "node:fs";
import path from "node:path";

const FOLDER = process.env.INFONET_WEB_ANSWERS;
if (!FOLDER) throw new Error("INFONET_WEB_ANSWERS names no folder: run  make test-web");

export function answerPath(...names) {
  return path.join(FOLDER, ...names);
}

export function answers(...names) {
  return JSON.parse(fs.readFileSync(answerPath(...names), "utf8"));
}
