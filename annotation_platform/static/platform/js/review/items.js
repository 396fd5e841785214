/**
 * What an item is to the editor, and how it compares with what the server has.
 *
 * @typedef {{
 *   uid: string, name: string, width: number, height: number,
 *   state: "open" | "done" | "flagged",   open is what the server calls unlabeled or drafted
 *   flagComment: string, flaggedBy: string | null, finishedBy: string | null, finishedAt: string | null,
 *   isAutoLabeled: boolean,               a model went over it
 *   imageUrl: string, previewUrl: string, hasPreview: boolean,
 *   isGone: boolean,                      deleted by somebody
 *   position: {number: number, total: number, previous: string | null, next: string | null},
 * }} Item
 */

/** @param {object} item as the API shows it @returns {Omit<Item, "position">} */
export function fromServer(item) {
  return {
    uid: item.uid,
    name: item.name,
    width: item.width,
    height: item.height,
    state: item.state === "done" || item.state === "flagged" ? item.state : "open",
    flagComment: item.flag_comment,
    flaggedBy: item.flagged_by,
    finishedBy: item.finished_by,
    finishedAt: item.finished_at,
    isAutoLabeled: item.auto_labeled_at !== null,
    imageUrl: item.image_url,
    previewUrl: item.preview_url,
    hasPreview: item.has_preview,
    isGone: false,
  };
}

/**
 * The request that makes the server's word on the item equal to ours.
 * @param {Item} item @param {Item} saved as the server has it
 * @returns {{action: "finish" | "flag" | "reopen", body?: object} | null}
 */
export function itemRequest(item, saved) {
  if (item.state === "flagged") {
    const isSame = saved.state === "flagged" && saved.flagComment === item.flagComment;
    return isSame ? null : { action: "flag", body: { comment: item.flagComment } };
  }
  if (item.state === saved.state) return null;
  return { action: item.state === "done" ? "finish" : "reopen" };
}
