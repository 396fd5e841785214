/** Stand-ins for what the browser gives to every page: for the tests of what calls it. */

/**
 * Runs `body` while the stand-ins have the places of the globals of the same names, which get them back after it.
 * @param {Record<string, unknown>} standIns such as {fetch} @param {() => unknown} body may be async
 */
export async function withGlobals(standIns, body) {
  const originals = Object.fromEntries(Object.keys(standIns).map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, standIns);
  try {
    await body();
  } finally {
    Object.assign(globalThis, originals);
  }
}
