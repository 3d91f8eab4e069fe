// The workers: one reads the table, all estimate pairs, a few at a time, until they are done or stopped.

const MOST_WORKERS = 4; // each holds the network and the table
const PAIRS_EACH = 64; // at least, for a worker more to be of use
const AT_ONCE = 4; // pairs a worker is given: progress is seen, and messages cost little

/** What a stopped task is rejected with. */
export class Stopped extends Error {}

/** A worker whose answers are promises. */
class Helper {
  #waiting = new Map();
  #next = 0;

  constructor() {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) reject(new Error(data.error));
      else resolve(data.found);
    };
    this.worker.onerror = (event) =>
      this.#rejectAll(new Error(event.message || "a worker cannot be started: load the page again"));
  }

  ask(task, data = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(this.#next, { resolve, reject });
      this.worker.postMessage({ id: this.#next++, task, ...data });
    });
  }

  stop() {
    this.worker.terminate();
    this.#rejectAll(new Stopped("stopped"));
  }

  #rejectAll(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export class Pool {
  #helpers = [];
  #table = null; // for workers that are started later

  /** Read a file: {rows, columns, notes}; see `readTable`. */
  async read(file) {
    this.stop();
    const [helper] = (this.#helpers = [new Helper()]);
    this.#table = await helper.ask("read", { file });
    return this.#table;
  }

  /** Estimate pairs [i, j]; `onFound` is called with a few answers at a time. Rejects with `Stopped` after `stop`. */
  async estimate(pairs, onFound) {
    const waiting = pairs.slice();
    const count = Math.min(navigator.hardwareConcurrency || 2, MOST_WORKERS, Math.ceil(pairs.length / PAIRS_EACH));
    const open = this.#helpers.length; // the others are to be given the table
    while (this.#helpers.length < count) this.#helpers.push(new Helper());
    const work = async (helper, isNew) => {
      if (isNew) await helper.ask("open", { columns: this.#table.columns });
      while (waiting.length) onFound(await helper.ask("estimate", { pairs: waiting.splice(0, AT_ONCE) }));
    };
    await Promise.all(this.#helpers.map((helper, k) => work(helper, k >= open)));
    for (const helper of this.#helpers.splice(1)) helper.stop(); // one is kept for pictures
  }

  /** See `Engine.picture`. */
  async picture(i, j, mi) {
    if (!this.#helpers.length) {
      this.#helpers.push(new Helper());
      await this.#helpers[0].ask("open", { columns: this.#table.columns });
    }
    return this.#helpers[0].ask("picture", { i, j, mi });
  }

  /** Stop all work at once. What was found is the caller's. */
  stop() {
    for (const helper of this.#helpers.splice(0)) helper.stop();
  }
}
