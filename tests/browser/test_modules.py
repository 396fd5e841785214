"""Unit tests of our ES modules, in a real Chromium: `modules/*.test.js`, over `modules/harness.js`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Route

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parent / "modules"
FILES = sorted(FOLDER.glob("*.test.js"))
assert FILES, f"There is no test in {FOLDER}"
SECONDS_A_FILE = 120
# No address of the product begins with it.
BASE = "/module-tests/"
RUN = """(address) => {
  import("tests/harness").then(({ run }) => run(address)).then(
    (outcome) => { globalThis.moduleTests = outcome; },
    (error) => { globalThis.moduleTests = { failure: { message: String(error), stack: error.stack }, tests: [] }; },
  );
}"""

Outcome = dict[str, Any]
RunFile = Callable[[Path], Outcome]


@pytest.fixture
def run_file(chromium: Browser, shared_address: str) -> Iterator[RunFile]:
    """`run_file(path)` runs the tests of one file in a page of their own; what came of them."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()

    def run(file: Path) -> Outcome:
        missing: list[str] = []
        page.on("response", lambda answer: missing.append(answer.url) if answer.status == 404 else None)
        page.route(f"{shared_address}{BASE}**", lambda route: _answer(route, file))
        page.route(f"{shared_address}{BASE}", lambda route: _answer_with_page(route, f"{shared_address}/sign-in/"))
        page.goto(f"{shared_address}{BASE}")
        page.evaluate(RUN, f"{shared_address}{BASE}{file.name}")
        outcome = _outcome(page)
        if outcome["failure"] and missing:
            outcome["failure"]["message"] += f" Not found: {', '.join(missing)}"
        return outcome

    yield run
    context.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.js"))
def test_module(file: Path, run_file: RunFile, shared_address: str, subtests: pytest.Subtests) -> None:
    outcome = run_file(file)
    if outcome["failure"]:
        pytest.fail(f"{file.name}: {_text(outcome['failure'], shared_address)}", pytrace=False)
    assert outcome["tests"], f"{file.name} has no test."
    for test in outcome["tests"]:
        with subtests.test(msg=test["name"]):
            if test["failure"]:
                pytest.fail(f"{test['name']}\n{_text(test['failure'], shared_address)}", pytrace=False)


def _answer(route: Route, file: Path) -> None:
    """The file under test from wherever it lies, all others from beside the harness."""
    name = route.request.url.rpartition(BASE)[2]
    source = file if name == file.name else FOLDER / name
    if source.is_file():
        route.fulfill(body=source.read_text(), content_type="text/javascript; charset=utf-8")
    else:
        route.fulfill(status=404)


def _answer_with_page(route: Route, product_page: str) -> None:
    """A page with the product's own head (import map, styles), and nothing in its body but the place for notices."""
    head = re.search(r"<head>.*</head>", route.fetch(url=product_page).text(), re.DOTALL)
    assert head, f"{product_page} has no head"
    document, maps = re.subn(r'(<script type="importmap"[^>]*>)(.*?)(</script>)', _with_ours, head[0], flags=re.DOTALL)
    assert maps == 1, f"{product_page} has no import map"
    body = '<body><div id="toasts"></div></body>'
    route.fulfill(
        body=f'<!doctype html><html lang="en">{document}{body}</html>', content_type="text/html; charset=utf-8"
    )


def _with_ours(script: re.Match[str]) -> str:
    """The import map, and in it the modules of the tests themselves."""
    import_map = json.loads(script[2])
    import_map["imports"] |= {f"tests/{name}": f"{BASE}{name}.js" for name in ("harness", "values")}
    return script[1] + json.dumps(import_map) + script[3]


def _outcome(page: Page) -> Outcome:
    """Waited for from outside, so that a test which never gives the browser back ends, too."""
    try:
        done = page.wait_for_function("() => globalThis.moduleTests", timeout=SECONDS_A_FILE * 1000)
    except Error as error:
        return {"failure": {"message": f"The file came to no end: {error.message}"}, "tests": []}
    return dict(done.json_value())


def _text(failure: dict[str, Any], origin: str) -> str:
    lines = [failure["message"]]
    if failure.get("expected") is not None:
        lines += ["", "- expected, + actual:", *_difference(failure["expected"], failure["actual"])]
    # Only the lines that say where; the message is above, and the harness is of no interest.
    places = [line for line in (failure.get("stack") or "").splitlines() if line.lstrip().startswith("at ")]
    lines += ["", *(line.replace(origin, "") for line in places if f"{BASE}harness.js" not in line)]
    return "\n".join(lines).rstrip()


def _difference(expected: str, actual: str) -> list[str]:
    return [line for line in difflib.ndiff(expected.splitlines(), actual.splitlines()) if not line.startswith("?")]


FAILING = {
    "an assertion": ("test('x', () => assert.equal(1, 2))", "- 2\n+ 1"),
    "an assertion after a wait": ("test('x', async () => { await 0; assert.ok(0); })", "0 is not truthy"),
    "a deep difference": ("test('x', () => assert.deepEqual({a: [1, {b: 0}]}, {a: [1, {b: -0}]}))", "b: -0"),
    "a number that is not close": ("test('x', () => assert.close([1, NaN], [1, 1], 1))", "differ by more than 1"),
    "nothing thrown": ("test('x', () => assert.throws(() => 7))", "it returned 7"),
    "another error": ("test('x', () => assert.throws(() => { throw new Error('one') }, /two/))", "Error: one"),
    "nothing rejected": ("test('x', () => assert.rejects(Promise.resolve(7)))", "it gave 7"),
    "an error in a listener": (
        "test('x', () => { onclick = () => { throw new Error('lost'); }; document.body.click(); })",
        "Error: lost",
    ),
    "a promise that nobody awaits": ("test('x', () => { Promise.reject(new Error('lost')); })", "Error: lost"),
}
BROKEN = {
    "a file that throws": ("test('x', () => {}); throw new Error('early')", "Error: early"),
    "a syntax error": ("test('x', () => {}); const = 1", "SyntaxError"),
    "a module that is not in the import map": ("import 'review/nonsense'", "review/nonsense"),
    "a module that is not there": ("import './nonsense.js'", "Not found: "),
    "an export that is not there": ("import { nonsense } from 'platform/dom'", "nonsense"),
    "two tests of one name": ("test('x', () => {}); test('x', () => {})", "Two tests"),
}


@pytest.mark.parametrize("case", FAILING)
def test_the_harness_reports(case: str, run_file: RunFile, tmp_path: Path, shared_address: str) -> None:
    source, text = FAILING[case]
    outcome = run_file(_written(tmp_path, f"{source}; test('another', () => assert.ok(true))"))

    assert outcome["failure"] is None
    failed, another = outcome["tests"]
    assert text in _text(failed["failure"], shared_address)
    assert another == {"name": "another", "failure": None}


@pytest.mark.parametrize("case", BROKEN)
def test_the_harness_runs_nothing_of(case: str, run_file: RunFile, tmp_path: Path, shared_address: str) -> None:
    source, text = BROKEN[case]
    outcome = run_file(_written(tmp_path, source))

    assert text in _text(outcome["failure"], shared_address)
    assert outcome["tests"] == []


def test_a_failure_says_where_it_was(run_file: RunFile, tmp_path: Path, shared_address: str) -> None:
    outcome = run_file(_written(tmp_path, "test('x', () => {\n  assert.equal([1], [1], 'Not one array.');\n})"))

    text = _text(outcome["tests"][0]["failure"], shared_address)
    assert "Not one array." in text
    assert f"{BASE}written.test.js:3" in text


def _written(folder: Path, source: str) -> Path:
    file = folder / "written.test.js"
    file.write_text(f'import {{ assert, test }} from "tests/harness";\n{source}\n')
    return file
