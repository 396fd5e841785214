/**
 * Joins many calls of one turn into a single one at its end: one action of a person sends several events, and a view
 * needs to be drawn once, when all that belongs to it has happened.
 * @param {() => void} work
 * @returns {() => void}
 */
export function batched(work) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    queueMicrotask(() => {
      isWaiting = false;
      work();
    });
  };
}

/**
 * @param {EventTarget} target
 * @param {string[]} types
 * @param {() => void} listener
 */
export function listen(target, types, listener) {
  for (const type of types) target.addEventListener(type, listener);
}
