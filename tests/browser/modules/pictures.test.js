import { test, assert } from "tests/harness";
import { Pictures } from "review/pictures";
import { withGlobals } from "./globals.js";

const item = (uid) => ({ uid, width: 1, height: 1, hasPreview: false, previewUrl: uid });

/** Runs `body` with images that need no network; it is given the addresses of those whose memory was given back. */
function withImages(body) {
  const closed = [];
  const fetch = async (url) => ({ ok: true, blob: async () => url });
  const createImageBitmap = async (url) => ({ close: () => closed.push(url) });
  return withGlobals({ fetch, createImageBitmap }, () => body(closed));
}

const decoded = (pictures) => Promise.all(pictures.map(({ preview }) => preview));

test("the image on the screen stays, however many others are fetched; the oldest of those are given back", () =>
  withImages(async (closed) => {
    const pictures = new Pictures();
    const shown = pictures.of(item("shown"));
    pictures.keepOriginalOf(shown);
    const others = Array.from({ length: 10 }, (_, index) => pictures.of(item(`other-${index}`)));
    await decoded([shown, ...others]);
    assert.deepEqual(closed, ["other-0"]);
    assert.equal(pictures.of(item("shown")), shown);
  }));
