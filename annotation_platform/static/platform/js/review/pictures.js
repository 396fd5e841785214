/** The decoded images of the open item, of those that come next, and of the last few. */

/** Decoded pixels take memory: a preview of 2048 by 1536 has 12 MB. */
const KEPT = 10;

/** An item's image: a copy of screen size that is shown at once, and the original for who zooms in. */
export class Picture {
  #item;
  #original = null;

  /** @param {import("review/items").Item} item */
  constructor(item) {
    this.#item = item;
    this.size = { width: item.width, height: item.height };
    /** Whether the preview has fewer pixels than the original. */
    this.isReduced = item.hasPreview;
    /** @type {Promise<ImageBitmap>} */
    this.preview = decoded(item.previewUrl);
    // Whoever shows it says that it failed; one that was fetched ahead in vain is nobody's concern.
    this.preview.catch(() => {});
  }

  /** @returns {Promise<ImageBitmap>} the same one each time */
  original() {
    if (!this.isReduced) return this.preview;
    this.#original ??= decoded(this.#item.imageUrl);
    // One that failed is asked for again when the person zooms in again.
    this.#original.catch(() => (this.#original = null));
    return this.#original;
  }

  /** Gives the memory of the original back: 200 MB for 50 megapixels. */
  closeOriginal() {
    release(this.#original);
    this.#original = null;
  }

  /** Gives all memory back. */
  close() {
    this.closeOriginal();
    release(this.preview);
  }
}

export class Pictures {
  /** @type {Map<string, Picture>} by the item's uid, the one used last at the end */
  #pictures = new Map();
  /** @type {Picture | null} the one on the screen */
  #shown = null;

  /** @param {import("review/items").Item} item @returns {Picture} on its way or there already */
  of(item) {
    const picture = this.#pictures.get(item.uid) ?? this.#fetched(item);
    this.#pictures.delete(item.uid);
    this.#pictures.set(item.uid, picture);
    return picture;
  }

  /** @param {Picture} shown the one that is on the screen now: no other needs its original */
  keepOriginalOf(shown) {
    this.#shown = shown;
    for (const picture of this.#pictures.values()) if (picture !== shown) picture.closeOriginal();
  }

  #fetched(item) {
    for (const [uid, oldest] of this.#pictures) {
      if (this.#pictures.size < KEPT) break;
      if (oldest === this.#shown) continue;
      oldest.close();
      this.#pictures.delete(uid);
    }
    const picture = new Picture(item);
    // One that failed is asked for again the next time.
    picture.preview.catch(() => this.#pictures.get(item.uid) === picture && this.#pictures.delete(item.uid));
    return picture;
  }
}

async function decoded(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return createImageBitmap(await response.blob());
}

function release(bitmap) {
  bitmap?.then((one) => one.close(), () => {});
}
