import { csrfToken, reasonOf } from "platform/http";
import { assert, test } from "tests/harness";

function setCookie(name, value) {
  document.cookie = `${name}=${value}; path=/`;
}

test("the CSRF token is read from among other cookies", () => {
  setCookie("notcsrftoken", "wrong");
  setCookie("csrftoken", "right");
  setCookie("zzz", "1");

  assert.equal(csrfToken(), "right");
});

test("without a cookie the CSRF token is empty", () => {
  document.cookie = "csrftoken=; path=/; max-age=0";

  assert.equal(csrfToken(), "");
});

test("the reason is the answer's detail", () => {
  assert.equal(reasonOf({ detail: "Somebody has changed it." }, 409), "Somebody has changed it.");
});

test("the errors of fields, also of those in a list, are joined", () => {
  const body = { bbox_xyxy: ["Too small."], shapes: [{}, { label: ["There is no such label."] }] };

  assert.equal(reasonOf(body, 400), "Too small. There is no such label.");
});

test("an answer that says nothing gives a reason by its status", () => {
  assert.equal(reasonOf(null, 413), "The file is too large.");
  assert.equal(reasonOf({}, 502), "The server failed (502).");
  assert.equal(reasonOf("<html>", 404), "The server refused this (404).");
});
