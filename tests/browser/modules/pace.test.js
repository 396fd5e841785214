import { Pace } from "/static/autolabel/pace.js";
import { assert, test } from "tests/harness";

const START = Date.parse("2026-01-01T00:00:00Z");
const job = (processed_items, fields = {}) => ({ uid: "a", started_at: new Date(START).toISOString(), paused_at: null, processed_items, ...fields });

/** After the job was seen at these seconds from its start, with so many images done. @param {[number, number, object?][]} sights */
function seen(sights) {
  const pace = new Pace();
  for (const [seconds, done, fields] of sights) pace.note(job(done, fields), START + 1000 * seconds);
  return pace.perSecond(job(0));
}

test("at first a job is as fast as it was since its start", () => {
  assert.equal(seen([[10, 20]]), 2);
});

test("then it is as fast as the page sees it go, whatever was before", () => {
  assert.equal(seen([[1000, 20], [1005, 45], [1010, 70]]), 5);
});

test("what lies more than a minute back is forgotten, as long as enough images are left to judge by", () => {
  const sights = Array.from({ length: 121 }, (_, n) => [n, n < 60 ? n : 60 + 3 * (n - 60)]);
  assert.close(seen(sights), 3, 0.1);
  assert.close(seen([[0, 0], [100, 1], [200, 2], [300, 3]]), 0.01);
});

test("a pause does not count", () => {
  const paused_at = new Date(START).toISOString();
  assert.equal(seen([[0, 0], [10, 10], [11, 10, { paused_at }], [5000, 10, { paused_at }], [5001, 10], [5011, 40]]), 3);
});

test("a job that has not begun, or another one, has no speed of its own yet", () => {
  assert.equal(seen([[5, 0, { started_at: null }]]), 0);
  assert.equal(seen([[10, 500], [20, 1000], [30, 30, { uid: "b" }]]), 1);
});
