import { element, icon, plural, svg, toast } from "platform/dom";
import { assert, test } from "tests/harness";

const toasts = () => [...document.getElementById("toasts").children].map((notice) => notice.textContent);

test("an element has its attributes and children; null and false leave an attribute out, true makes it empty", () => {
  const made = element("p", { class: "muted", hidden: true, title: null, lang: false }, "Two ", element("b", {}, "bolts"));

  assert.equal(made.outerHTML, '<p class="muted" hidden="">Two <b>bolts</b></p>');
});

test("text never becomes markup", () => {
  const made = element("p", { title: '"><img>' }, "<img src=x>");

  assert.equal(made.children.length, 0);
  assert.equal(made.textContent, "<img src=x>");
  assert.equal(made.title, '"><img>');
});

test("an SVG element is one, with numbers for attributes", () => {
  const made = svg("rect", { x: 0, width: 12.5 });

  assert.ok(made instanceof SVGRectElement);
  assert.equal(made.outerHTML, '<rect x="0" width="12.5"></rect>');
});

test("an icon refers to the page's symbol and is hidden from screen readers", () => {
  const made = icon("flag");

  assert.equal(made.getAttribute("aria-hidden"), "true");
  assert.equal(made.querySelector("use").getAttribute("href"), "#i-flag");
});

test("a toast that is said again takes the place of its older self", () => {
  toast("Saved.");
  toast("Not saved.", "error");
  toast("Saved.");

  assert.deepEqual(toasts(), ["Not saved.", "Saved."]);
});

test("a noun is in the plural unless there is exactly one", () => {
  assert.deepEqual([0, 1, 2].map((count) => plural(count, "draft")), ["0 drafts", "1 draft", "2 drafts"]);
});
