// What every runtime in JavaScript does with the portable file, in Node and in a page; called by portable.mjs.

/** mi of every set, and the milliseconds of each repetition of the sets to time: {runtime, answers, times}.
 * `ort` is the package called `name`, `model` the file's bytes, `read` gives the Float32Array of a set. */
export async function answer(name, ort, model, { sets, timed, repeats }, read) {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(model, options);
  const run = async (samples) => Number((await session.run({ samples }, ["mi"])).mi.data[0]);
  const tensor = async (set) => new ort.Tensor("float32", await read(set), [1, set.n, 2]);
  const answers = [];
  for (const set of sets) answers.push(await run(await tensor(set)));
  const times = {};
  for (const set of timed) {
    const samples = await tensor(set);
    await run(samples);
    times[set.n] = [];
    for (let i = 0; i < repeats; i++) {
      const start = performance.now();
      await run(samples);
      times[set.n].push(performance.now() - start);
    }
  }
  return { runtime: `${name} ${ort.env.versions.common}`, answers, times };
}
