/**
 * Tests of our ES modules. A `*.test.js` file beside this one imports `test` and `assert` from "tests/harness";
 * test_modules.py runs it in a real Chromium, with the product's own import map.
 *
 * Every test begins with an empty body (but for the page's `#toasts`) and an empty localStorage.
 */

import { isDeepEqual, show } from "tests/values";

const SECONDS_A_TEST = 10;
const LOST_ON_PURPOSE = Symbol("lost on purpose");

/** @type {Map<string, () => unknown>} */
const tests = new Map();

/**
 * @param {string} name a sentence that says what is true
 * @param {() => unknown} body may be async
 */
export function test(name, body) {
  if (tests.has(name)) throw new Error(`Two tests are called "${name}".`);
  tests.set(name, body);
}

/** What a failed assertion throws: with the two values, as text, where it has compared two. */
class AssertionError extends Error {
  name = "AssertionError";

  constructor(message, values = {}) {
    super(message);
    Object.assign(this, values);
  }
}

export const assert = {
  /** The very same value, as Object.is has it: 0 is not -0, and NaN is NaN. */
  equal(actual, expected, message = "The values are not the same.") {
    if (!Object.is(actual, expected)) throw different(actual, expected, message);
  },

  /** The same structure: arrays, sets, maps and own properties, all the way down. Elements must be the very same. */
  deepEqual(actual, expected, message = "The values are not equal.") {
    if (!isDeepEqual(actual, expected)) throw different(actual, expected, message);
  },

  ok(value, message = `${show(value)} is not truthy.`) {
    if (!value) throw new AssertionError(message);
  },

  /** Two numbers, or two nested arrays of numbers, that differ nowhere by more than `tolerance`. */
  close(actual, expected, tolerance = 1e-9, message = `The values differ by more than ${tolerance}.`) {
    if (!isClose(actual, expected, tolerance)) throw different(actual, expected, message);
  },

  /** @returns {unknown} what `action` threw; its text must match `pattern` where one is given */
  throws(action, pattern = /(?:)/) {
    let result;
    try {
      result = action();
    } catch (error) {
      return matching(error, pattern);
    }
    throw new AssertionError(`Nothing was thrown; it returned ${show(result)}.`);
  },

  /** @returns {Promise<unknown>} what the promise was rejected with; its text must match `pattern` where one is given */
  async rejects(promise, pattern = /(?:)/) {
    let result;
    try {
      result = await promise;
    } catch (error) {
      return matching(error, pattern);
    }
    throw new AssertionError(`The promise was not rejected; it gave ${show(result)}.`);
  },
};

/**
 * Load a test file and run its tests, one after the other.
 * @param {string} address
 * @returns {Promise<{failure: object | null, tests: {name: string, failure: object | null}[]}>}
 */
export async function run(address) {
  try {
    await load(address);
  } catch (error) {
    return { failure: describe(error), tests: [] };
  }
  const blank = document.body.cloneNode(true);
  const results = [];
  for (const [name, body] of tests) {
    document.body.replaceChildren(...blank.cloneNode(true).childNodes);
    localStorage.clear();
    results.push({ name, failure: await failureOf(body) });
  }
  return { failure: null, tests: results };
}

/** As a script element: unlike import(), it says where in which file a syntax error or a missing export is. */
function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const thrown = ({ message, filename, lineno, error }) =>
      reject(typeof error?.stack === "string" && error.stack.includes("://") ? error : new Error(`${message} (${filename}:${lineno})`));
    addEventListener("error", thrown);
    const settled = (settle) => () => {
      removeEventListener("error", thrown);
      script.remove();
      settle();
    };
    script.addEventListener("load", settled(resolve));
    script.addEventListener("error", settled(() => reject(new Error("The file, or one that it imports, could not be loaded."))));
    Object.assign(script, { type: "module", src: address });
    document.head.append(script);
  });
}

/** Runs one test; what escapes into the page while it runs (a listener's error, a lost promise) is its failure, too. */
async function failureOf(body) {
  let timer;
  let escaped;
  const failed = new Promise((_, reject) => {
    escaped = (event) => {
      if (event.reason !== LOST_ON_PURPOSE) reject(event.reason ?? event.error ?? new Error(event.message));
    };
    timer = setTimeout(() => reject(new Error(`Not done within ${SECONDS_A_TEST} s.`)), SECONDS_A_TEST * 1000);
  });
  addEventListener("error", escaped);
  addEventListener("unhandledrejection", escaped);
  try {
    await Promise.race([runToTheEnd(body), failed]);
    return null;
  } catch (error) {
    return describe(error);
  } finally {
    clearTimeout(timer);
    removeEventListener("error", escaped);
    removeEventListener("unhandledrejection", escaped);
  }
}

async function runToTheEnd(body) {
  await body();
  await lostPromisesAreReported();
}

/** They are reported later, but in order: when one that we lose on purpose is reported, those of the test have been. */
function lostPromisesAreReported() {
  return new Promise((resolve) => {
    const reported = (event) => {
      if (event.reason !== LOST_ON_PURPOSE) return;
      event.preventDefault();
      removeEventListener("unhandledrejection", reported);
      resolve();
    };
    addEventListener("unhandledrejection", reported);
    Promise.reject(LOST_ON_PURPOSE);
  });
}

function different(actual, expected, message) {
  return new AssertionError(message, { actual: show(actual), expected: show(expected) });
}

function matching(error, pattern) {
  const text = String(error);
  if (!pattern.test(text)) throw new AssertionError(`What was thrown is another thing than ${pattern}: ${text}`);
  return error;
}

function isClose(actual, expected, tolerance) {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((value, index) => isClose(actual[index], value, tolerance))
    );
  }
  return typeof actual === "number" && typeof expected === "number" && Math.abs(actual - expected) <= tolerance;
}

function describe(error) {
  const { actual = null, expected = null, stack = "" } = error ?? {};
  return { message: error instanceof Error ? `${error.name}: ${error.message}` : `Thrown: ${show(error)}`, actual, expected, stack };
}
